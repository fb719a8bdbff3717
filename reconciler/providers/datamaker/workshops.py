"""Workshops of projects with their workers and reviewers (`/v2/workshops/`).

In a project's fields, `datamaker.workshops` is name → settings, with `workers` and `reviewers` by user id; workshops
and participants that others added stay. Distribution and reviewability are fixed once a workshop is made. The service
deletes no workshop that somebody takes part in.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from reconciler.errors import Conflict, NotFound
from reconciler.model.json import JSON
from reconciler.plan.refusals import Bar, Fixed
from reconciler.providers.datamaker.envelope import V2_PAGE, Row, all_rows, id_of, object_in
from reconciler.providers.datamaker.parts import Rows, add_row, text_in
from reconciler.providers.http import HttpClient, Params

PATH = "/v2/workshops/"
_FIELD = ("datamaker", "workshops")
_ONCE = ("level_distribution", "is_reviewable")
_SETTINGS = ("visibility", "status", *_ONCE, "can_skip_labeler", "can_skip_reviewer", "configuration")
# Field of a workshop → end of the path, and what a participant has besides the user.
_SEATS: Mapping[str, tuple[str, tuple[str, ...]]] = {
    "workers": ("workers/", ("count_max_tasks",)),
    "reviewers": ("reviewer-covers/", ("count_max_tasks", "can_self_review")),
}

FIXED = tuple(
    Fixed(
        (*_FIELD, "*", name),
        Bar.CHANGE,
        "the service sets it once, when the workshop is made; put the old value back, or declare a workshop of another "
        "name",
    )
    for name in _ONCE
)


@dataclass(frozen=True, slots=True)
class Workshops:
    """The field `datamaker.workshops`."""

    field: tuple[str, ...] = _FIELD

    def read(self, client: HttpClient, remote_id: str) -> Rows:
        """List the workshops, then read each with its participants."""
        return {text_in(row, "name", f"GET {PATH}"): _whole(client, row) for row in _rows(client, remote_id)}

    def write(self, client: HttpClient, remote_id: str, before: Rows, after: Rows) -> None:
        """Make, change and delete workshops, then seat their participants. Raises Conflict for one in use."""
        new = [name for name in after if name not in before]
        for name in new:
            project = int(remote_id) if remote_id.isdigit() else remote_id
            body = {"project": project, "name": name, **_settings(after[name])}
            _make(client, body)
        touched = {name for name in before if name not in after or before[name] != after[name]}
        if not new and not touched:
            return
        for row in list(_rows(client, remote_id)):
            name, path = str(row.get("name")), _path(row)
            if name in after and (name in new or name in touched):
                _change(client, path, before.get(name) or {}, after[name] or {})
            elif name in touched:
                _delete(client, path, name)


def _rows(client: HttpClient, project_id: str) -> Iterator[Row]:
    return all_rows(client, PATH, {"project": project_id, "per_page": V2_PAGE})


def _path(row: Row) -> str:
    return f"{PATH}{id_of(row, f'GET {PATH}')}/"


def _settings(declared: JSON) -> dict[str, JSON]:
    return {key: value for key, value in (declared or {}).items() if key not in _SEATS}


def _whole(client: HttpClient, row: Row) -> dict[str, JSON]:
    path = _path(row)
    detail = object_in(client.get(path), f"GET {path}")
    fields: dict[str, JSON] = {name: detail[name] for name in _SETTINGS if name in detail}
    for role in _SEATS:
        fields[role] = {user: members for user, _, members in _seats(client, path, role)}
    return fields


def _seats(client: HttpClient, path: str, role: str) -> Iterator[tuple[str, str, dict[str, JSON]]]:
    """(user id, path, settings) of the participants."""
    leaf, names = _SEATS[role]
    for row in all_rows(client, path + leaf, {"per_page": V2_PAGE}):
        worker = row.get("worker")
        holder = worker if isinstance(worker, Mapping) else row
        user = id_of(holder, f"GET {path}{leaf}", "user_id" if "user_id" in holder else "user")
        seat = f"{path}{leaf}{id_of(row, f'GET {path}{leaf}')}/"
        yield user, seat, {name: row[name] for name in names if name in row}


def _make(client: HttpClient, body: Mapping[str, JSON]) -> None:
    """The listing that settles a lost answer is that of the project alone."""
    params: Params = {"project": str(body["project"])}
    add_row(client, PATH, body, ("name",), params)


def _change(client: HttpClient, path: str, before: Mapping[str, JSON], after: Mapping[str, JSON]) -> None:
    body = {key: value for key, value in _settings(after).items() if key not in _ONCE and before.get(key) != value}
    if before and body:
        client.call("PATCH", path, body=body, repeatable=True)
    for role in _SEATS:
        _seat(client, path, role, before.get(role) or {}, after.get(role) or {})


def _seat(client: HttpClient, path: str, role: str, before: Mapping[str, JSON], after: Mapping[str, JSON]) -> None:
    """Let in, change and send away participants. before: those that we know of."""
    there = {user: (seat, members) for user, seat, members in _seats(client, path, role)}
    for user, members in after.items():
        if user not in there:
            number = int(user) if user.isdigit() else user
            body = {"user": number, **(members or {})}
            client.call("POST", path + _SEATS[role][0], body=body)
        else:
            changed = {key: value for key, value in (members or {}).items() if there[user][1].get(key) != value}
            if changed:
                client.call("PATCH", there[user][0], body=changed, repeatable=True)
    for user in sorted(before.keys() - after.keys()):
        if user in there:
            client.call("DELETE", there[user][0])


def _delete(client: HttpClient, path: str, name: str) -> None:
    try:
        client.call("DELETE", path)
    except NotFound:
        return
    except Conflict as error:
        fix = "send its workers and reviewers away first: declare the workshop with workers: [] and reviewers: []"
        raise Conflict(f"workshop {name!r} is in use: {error.message}", operation=f"DELETE {path}", fix=fix) from None
