"""The folders below one collection: walked, made when missing, removed when we made and emptied them.

A folder that we make carries the annotation `reconciler` with the address it was made for; so one that others made is
never removed.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial
from threading import RLock

from reconciler.errors import Conflict
from reconciler.model.address import Address
from reconciler.model.observed import ObservedUnit
from reconciler.providers.http import HttpClient
from reconciler.providers.pool import Pool
from reconciler.providers.sage import entities
from reconciler.providers.sage.wire import FILE, FOLDER, Row, object_in, text_in

MARKER = "reconciler"
ANY_TYPE = (
    "folder", "file", "table", "link", "entityview", "dockerrepo", "submissionview", "dataset", "datasetcollection",
    "materializedview", "virtualtable",
)  # fmt: skip


@dataclass(slots=True)
class Tree:
    """The folders of one collection. ids: path below it → entity id, as far as known; "" is the collection."""

    client: HttpClient
    pool: Pool
    collection_id: str
    ids: dict[str, str] = field(default_factory=dict)
    emptied: set[str] = field(default_factory=set)
    _lock: RLock = field(default_factory=RLock)

    def __post_init__(self) -> None:
        self.ids[""] = self.collection_id

    def walk(self) -> Iterator[list[ObservedUnit]]:
        """All files in outline, folder by folder."""
        for rows in self.entries(("folder", "file")):
            units = [_outline(path, row) for path, row in rows if row.get("type") == FILE]
            for start in range(0, len(units), 500):
                yield units[start : start + 500]

    def entries(self, types: tuple[str, ...]) -> Iterator[list[tuple[str, Row]]]:
        """Headers of everything below with its path, folder by folder; several folders are asked for at once.

        types: among them folders, which are gone through."""
        waiting = [("", self.collection_id)]
        while waiting:
            batch, waiting = waiting[: self.pool.size * 2], waiting[self.pool.size * 2 :]
            for (path, _), rows in zip(batch, self.pool.map(partial(self._listed, types), batch), strict=True):
                waiting += self._folders(path, rows)
                yield [(_below(path, str(row["name"])), row) for row in rows]

    def _listed(self, types: tuple[str, ...], folder: tuple[str, str]) -> list[Row]:
        pages = entities.children(self.client, folder[1], types)
        return [row for page in pages for row in page]

    def _folders(self, path: str, rows: list[Row]) -> list[tuple[str, str]]:
        found = [(_below(path, str(row["name"])), str(row["id"])) for row in rows if row.get("type") == FOLDER]
        with self._lock:
            self.ids.update(found)
        return found

    def ensure(self, path: str, address: Address) -> str:
        """The id of a folder, made with those above it when missing. Raises Conflict when a file has its name."""
        with self._lock:
            if path not in self.ids:
                above, _, name = path.rpartition("/")
                self.ids[path] = self._found(self.ensure(above, address), name) or self._made(above, name, address)
            return self.ids[path]

    def forget(self) -> None:
        """Others removed a folder that we knew: look again."""
        with self._lock:
            self.ids = {"": self.collection_id}

    def path_of(self, folder_id: str) -> str | None:
        """The path of a folder we know."""
        with self._lock:
            return next((path for path, known in self.ids.items() if known == folder_id), None)

    def _found(self, parent_id: str, name: str) -> str | None:
        found = entities.child(self.client, parent_id, name)
        if found is None:
            return None
        kind = object_in(self.client.get(f"/entity/{found}/type"), f"GET /entity/{found}/type").get("type")
        if kind != FOLDER:
            raise Conflict(
                f"{name!r} is no folder ({found})", fix="rename one of the two, or apply again when it is gone"
            )
        return found

    def _made(self, above: str, name: str, address: Address) -> str:
        body: Row = {"concreteType": FOLDER, "name": name, "parentId": self.ids[above]}
        marker = {MARKER: {"type": "STRING", "value": [str(address.resource)]}}
        try:
            made = entities.create_bundle(self.client, body, marker)
        except Conflict:
            found = self._found(self.ids[above], name)
            if found is None:
                raise
            return found
        return text_in(entities.object_of(made), "id", "POST /entity/bundle2/create")

    def left(self, path: str) -> None:
        """A file went out of this folder."""
        if path:
            with self._lock:
                self.emptied.add(path)

    def tidy(self) -> None:
        """Delete folders of ours that are empty now, deepest first."""
        waiting, self.emptied = self.emptied, set()
        while waiting:
            path = max(waiting, key=lambda text: (text.count("/"), text))
            waiting.discard(path)
            folder = self._known(path)
            if folder is not None and self._is_ours_and_empty(folder):
                entities.delete(self.client, folder)
                self.ids = {known: id for known, id in self.ids.items() if known != path}
                waiting |= {path.rpartition("/")[0]} - {""}

    def _known(self, path: str) -> str | None:
        with self._lock:
            if path not in self.ids:
                above, _, name = path.rpartition("/")
                parent = self._known(above)
                found = entities.child(self.client, parent, name) if parent else None
                if found is None:
                    return None
                self.ids[path] = found
            return self.ids[path]

    def _is_ours_and_empty(self, folder_id: str) -> bool:
        if entities.child_count(self.client, folder_id, ANY_TYPE):
            return False
        annotations = entities.bundle(self.client, folder_id).get("annotations") or {}
        return MARKER in (annotations.get("annotations") or {})


def _outline(path: str, row: Row) -> ObservedUnit:
    return ObservedUnit(str(row["id"]), None, {}, {}, key=path, token=entities.token_of(row))


def _below(path: str, name: str) -> str:
    return f"{path}/{name}" if path else name
