"""Groups of the units of a collection (`/v2/data-collections/{id}/groups/`): declared ones, and those that units need.

The interface shows names only, no hierarchy: a path of groups is represented by its last one, and what is made by
itself is a group at the top. A group cannot be renamed.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from threading import Lock

from reconciler.errors import BackendError, Conflict, Invalid, NotFound, Transient
from reconciler.model.json import JSON
from reconciler.model.kinds import PRESENT
from reconciler.providers.datamaker.envelope import V1_PAGE, V2_PAGE, Row, all_rows, id_of, object_in
from reconciler.providers.datamaker.parts import Rows, text_in
from reconciler.providers.http import HttpClient, Params

_UNITS = "/data_units/"


def _path(collection_id: str) -> str:
    return f"/v2/data-collections/{collection_id}/groups/"


@dataclass(slots=True)
class Groups:
    """Groups of one collection by name, made when missing."""

    client: HttpClient
    collection_id: str
    _known: dict[str, JSON] | None = None
    _lock: Lock = field(default_factory=Lock)

    def leaf(self, path: Sequence[str]) -> JSON:
        """The id of the last group of a path; None for an empty path."""
        if not path:
            return None
        with self._lock:
            known = self._load() if self._known is None else self._known
            if path[-1] not in known:
                known[path[-1]] = self._create(path[-1])
            return known[path[-1]]

    def _load(self) -> dict[str, JSON]:
        rows = all_rows(self.client, _path(self.collection_id), {"per_page": V2_PAGE})
        self._known = {str(row.get("name")): row.get("id") for row in rows}
        return self._known

    def _create(self, name: str) -> JSON:
        """A group that is there after all was made by a request whose answer was lost, or by somebody else."""
        path = _path(self.collection_id)
        try:
            row = object_in(self.client.call("POST", path, body={"name": name}), f"POST {path}")
            return row.get("id")
        except (Transient, Invalid, Conflict):
            if name not in self._load():
                raise
            return self._load()[name]


@dataclass(frozen=True, slots=True)
class UnitGroups:
    """The field `datamaker.groups` of a collection: name → `PRESENT`."""

    field: tuple[str, ...] = ("datamaker", "groups")

    def read(self, client: HttpClient, remote_id: str) -> Rows:
        """`GET .../groups/`."""
        path = _path(remote_id)
        rows = all_rows(client, path, {"per_page": V2_PAGE})
        return dict.fromkeys(sorted(text_in(row, "name", f"GET {path}") for row in rows), PRESENT)

    def write(self, client: HttpClient, remote_id: str, before: Rows, after: Rows) -> None:
        """POST what is new and DELETE what goes. Raises Conflict for a group that units are in."""
        groups = Groups(client, remote_id)
        for name in after:
            if name not in before:
                groups.leaf([name])
        gone = before.keys() - after.keys()
        if not gone:
            return
        used = units_in(client, remote_id, gone)
        if used:
            fix = "move them to another group first"
            raise Conflict(f"units are in {', '.join(sorted(gone))}: {used:,}", fix=fix)
        for row in _of_names(client, remote_id, gone):
            _delete(client, f"{_path(remote_id)}{id_of(row, f'GET {_path(remote_id)}')}/")


def units_in(client: HttpClient, collection_id: str, names: Collection[str]) -> int:
    """How many units are in groups of these names. Lists all units when there are such groups.

    Raises BackendError when the service does not tell the group of a unit.
    """
    path = _path(collection_id)
    ids = {id_of(row, f"GET {path}") for row in _of_names(client, collection_id, names)}
    params: Params = {"data_collection": collection_id, "page_size": V1_PAGE, "pagination": "cursor", "ordering": "-id"}
    return sum(_group_of(row) in ids for row in all_rows(client, _UNITS, params)) if ids else 0


def _of_names(client: HttpClient, collection_id: str, names: Collection[str]) -> list[Row]:
    rows = all_rows(client, _path(collection_id), {"per_page": V2_PAGE})
    return [row for row in rows if row.get("name") in names]


def _group_of(row: Row) -> str | None:
    """The id of a unit's group, which comes as an id or as an object."""
    name = next((name for name in ("group", "group_id") if name in row), None)
    if name is None:
        raise BackendError("the listing does not tell the groups of units", operation=f"GET {_UNITS}")
    group: JSON = row[name]
    group = group.get("id") if isinstance(group, Mapping) else group
    return None if group is None else str(group)


def _delete(client: HttpClient, path: str) -> None:
    try:
        client.call("DELETE", path)
    except NotFound:
        return
