"""Which records an export target has: ids from a listing, with what that listing tells beside them.

| target | listing | payloads |
| --- | --- | --- |
| assignment | `/v2/assignments/`, with some filters `/sdk/assignments/` | `/v2/assignments/bulk-fetch/` |
| task | `/v2/tasks/`, with most filters `/sdk/tasks/` | `/v2/tasks/bulk-fetch/` |
| ground truth | `/sdk/ground_truth_events/` | `/v2/ground-truth-events/bulk-data/` |

The listing of ground truth events in version 2 tells no category and has no filters.

A listing of ids is short, so that what changes meanwhile matters little; nothing else of a record is kept in memory.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import chain

from reconciler.errors import Invalid
from reconciler.model.json import JSON
from reconciler.providers.base import NotModified
from reconciler.providers.datamaker import tasks, truth
from reconciler.providers.datamaker.envelope import V1_PAGE, V2_PAGE, Row, all_rows, id_of, pages
from reconciler.providers.datamaker.filters import Query, wire_filters
from reconciler.providers.datamaker.payloads import Payloads
from reconciler.providers.http import HttpClient, Params


@dataclass(frozen=True, slots=True)
class Entry:
    """What a listing says about a record. task_id: of an assignment; category: of a ground truth."""

    remote_id: str
    task_id: str | None = None
    unit_id: str | None = None
    category: str | None = None


@dataclass(frozen=True, slots=True)
class Target:
    """Where the records of a target are. id_name: their id in a row. more: fields to ask for beside it."""

    listings: Mapping[int, str]
    payloads: Payloads
    more: tuple[str, ...]

    @property
    def id_name(self) -> str:
        """The member that names a record."""
        return self.payloads.id_name


ASSIGNMENT = Target(
    {2: "/v2/assignments/", 1: "/sdk/assignments/"}, Payloads("/v2/assignments/bulk-fetch/"), ("task", "data_unit")
)
TASK = Target({2: tasks.PATH, 1: "/sdk/tasks/"}, tasks.PAYLOADS, ("data_unit",))
TRUTH = Target(
    {1: "/sdk/ground_truth_events/"},
    Payloads("/v2/ground-truth-events/bulk-data/", "pgh_ids", "pgh_id"),
    ("category", "data_unit"),
)
TARGETS: Mapping[str, Target] = {"assignment": ASSIGNMENT, "task": TASK, "ground_truth": TRUTH}


@dataclass(frozen=True, slots=True)
class Listing:
    """Entries of a target, unordered. etag: of the whole listing. has_data: see `Query`."""

    target: Target
    etag: str | None
    entries: Iterator[Entry]
    has_data: bool | None = None


def list_entries(
    client: HttpClient, name: str, scope: Mapping[str, str], filters: Mapping[str, JSON], etag: str | None
) -> Listing | NotModified:
    """Begin a listing. Raises Invalid, before any request, for a target, scope or filter that the service lacks."""
    if name not in TARGETS:
        raise Invalid(f"records of target {name!r} are not available", fix=f"use one of: {', '.join(TARGETS)}")
    query = wire_filters(name, filters)
    if name == "ground_truth":
        return _truth_entries(client, scope, query, etag)
    if "project" not in scope:
        raise Invalid(f"an export of target {name!r} needs a project", fix="set project")
    target = TARGETS[name]
    params: Params = {**query.params, **_projection(target, query.version), "project": scope["project"]}
    listing = pages(client, target.listings[query.version], params, etag=etag)
    first = next(listing)
    if first.not_modified:
        return NotModified()
    rows = chain(first.rows, chain.from_iterable(page.rows for page in listing))
    return Listing(target, first.etag, _entries(target, rows), query.has_data)


def _truth_entries(
    client: HttpClient, scope: Mapping[str, str], query: Query, etag: str | None
) -> Listing | NotModified:
    """A version never changes: which one it is, is its etag, and once known nothing but that is asked."""
    if "dataset" not in scope or "version" not in scope:
        raise Invalid("an export of target 'ground_truth' needs a data set and a version", fix="set groundTruth")
    version = _version_id(client, scope["dataset"], scope["version"])
    known = f"version {version}"
    if etag == known:
        return NotModified()
    params = {**query.params, **_projection(TRUTH, 1), "ground_truth_dataset_versions": version}
    return Listing(TRUTH, known, _entries(TRUTH, all_rows(client, TRUTH.listings[1], params)))


def _projection(target: Target, version: int) -> Params:
    """Ids alone where a listing would carry payloads, too; pages by cursor, since deep numbered ones time out."""
    if version == 2:
        return {"per_page": V2_PAGE}
    fields = ",".join(("id", target.id_name, *target.more) if target.id_name != "id" else ("id", *target.more))
    order = f"-{target.id_name}"
    return {"fields": fields, "pagination": "cursor", "ordering": order, "page_size": V1_PAGE}


def _version_id(client: HttpClient, dataset: str, name: str) -> str:
    path, params = truth.rows(dataset)
    found = {str(row.get("version")): row for row in all_rows(client, path, {**params, "per_page": V2_PAGE})}
    if name not in found:
        known = ", ".join(sorted(found)) or "none"
        raise Invalid(
            f"the ground truth data set {dataset} has no version {name!r}", fix=f"versions there are: {known}"
        )
    return id_of(found[name], f"GET {path}")


def _entries(target: Target, rows: Iterable[Row]) -> Iterator[Entry]:
    for row in rows:
        yield Entry(
            id_of(row, f"GET {target.listings[1]}", target.id_name),
            _id_in(row, "task_id", "task"),
            _id_in(row, "data_unit_id", "data_unit"),
            str(row["category"]) if row.get("category") else None,
        )


def _id_in(row: Row, *names: str) -> str | None:
    """An id that may stand alone or inside an object."""
    for name in names:
        value = row.get(name)
        value = value.get("id") if isinstance(value, dict) else value
        if value is not None:
            return str(value)
    return None
