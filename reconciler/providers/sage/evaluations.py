"""Evaluations on the wire: queues that people submit to, each of a project."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from urllib.parse import quote

from reconciler.errors import Conflict, Denied, NotFound
from reconciler.model.address import Address
from reconciler.model.change import FieldChange
from reconciler.model.json import JSON
from reconciler.model.observed import Absent, Found
from reconciler.plan.refusals import Bar, Fixed, Remark
from reconciler.providers.base import Dependents, Desired, Settled
from reconciler.providers.patching import patched
from reconciler.providers.sage.calls import Calls
from reconciler.providers.sage.fields import replaced, told, written
from reconciler.providers.sage.limits import checked_name
from reconciler.providers.sage.paging import pages
from reconciler.providers.sage.wire import Row, object_in

KIND = "Evaluation"
FIXED = (Fixed(("project",), Bar.CHANGE, "an evaluation stays in its project; declare a new one"),)
REMARKS: tuple[Remark, ...] = ()
REPLACES: frozenset[str] = frozenset()
NATURAL = False
_NAMES = {
    "title": "name",
    "description": "description",
    "project": "contentSource",
    "submissionInstructions": "submissionInstructionsMessage",
    "submissionReceipt": "submissionReceiptMessage",
}
_TEXTS = frozenset({"description", "submissionInstructions", "submissionReceipt"})


def read(calls: Calls, address: Address, remote_id: str) -> Found | Absent:  # noqa: ARG001
    """`GET /evaluation/{id}`."""
    try:
        return _found(_got(calls, remote_id))
    except NotFound:
        return Absent()


def _got(calls: Calls, remote_id: str) -> Row:
    path = f"/evaluation/{remote_id}"
    return object_in(calls.repo.get(path), f"GET {path}")


def _found(row: Row) -> Found:
    return Found(str(row["id"]), told(row, _NAMES, texts=_TEXTS), etag=str(row.get("etag")))


def find(calls: Calls, desired: Desired) -> tuple[Found, ...]:
    """`GET /evaluation/name/{name}`: names are unique at the whole service."""
    path = f"/evaluation/name/{quote(checked_name(desired.fields), safe='')}"
    try:
        return (_found(object_in(calls.repo.get(path), f"GET {path}")),)
    except NotFound:
        return ()


def settle(calls: Calls, desired: Desired, observed: Found | None, before: Mapping[str, JSON] | None) -> Settled:  # noqa: ARG001
    """Fields are told as they are declared. Raises Invalid for a name that the service cannot hold."""
    checked_name(desired.fields)
    return Settled(desired.fields)


def create(calls: Calls, desired: Desired) -> Found:
    """`POST /evaluation`. Raises Conflict when the name is taken."""
    body = written(desired.fields, _NAMES)
    return _found(object_in(calls.repo.call("POST", "/evaluation", body=body), "POST /evaluation"))


def update(calls: Calls, desired: Desired, observed: Found, changes: tuple[FieldChange, ...]) -> Found:
    """`PUT /evaluation/{id}` with the etag that it was read with."""
    there = _got(calls, observed.remote_id)
    if there.get("etag") != observed.etag:
        raise Conflict(f"{desired.address} changed since it was read", status=412, fix="plan again")
    path = f"/evaluation/{observed.remote_id}"
    body = replaced(there, patched(observed.fields, changes), _NAMES)
    return _found(object_in(calls.repo.call("PUT", path, body=body), f"PUT {path}"))


def delete(calls: Calls, address: Address, remote_id: str) -> None:  # noqa: ARG001
    """`DELETE /evaluation/{id}`, with its submissions and its wiki."""
    try:
        calls.repo.call("DELETE", f"/evaluation/{remote_id}")
    except NotFound:
        return


def discover(calls: Calls) -> Iterator[Found]:
    """Evaluations that we may change."""
    for page in pages(calls.repo, "/evaluation", {"accessType": "UPDATE"}):
        yield from map(_found, page)


def dependents(calls: Calls, remote_id: str) -> Dependents:
    """Submissions, as far as we may count them."""
    try:
        count = calls.repo.get(f"/evaluation/{remote_id}/submission/count").value
    except Denied:
        return Dependents()
    return Dependents(submissions=int(count.get("count", 0) if isinstance(count, dict) else count or 0))
