"""Exports: what belongs to the format and the target, splits, classes, originals."""

from __future__ import annotations

import math
import os
from collections.abc import Iterator

from reconciler.config.checks.annotation import repeated
from reconciler.config.checks.index import Index
from reconciler.config.checks.specifications import unknown_specifications
from reconciler.config.checks.storages import storage_problems
from reconciler.config.documents import Document
from reconciler.config.nodes import MapNode, Node, ScalarNode, find, locate_key, map_at, text_at, texts_at
from reconciler.config.split_lists import read_split_list, split_list_of
from reconciler.config.suggestion import did_you_mean, listed
from reconciler.errors import Problem, Severity
from reconciler.model.resource import TABLE_MARK

SPLIT_TOLERANCE = 1e-9

# What is exported as it is → the format. CSV is also a format of annotations, when there is no query.
_SCOPES = {"collection": "manifest", "query": "csv"}
_QUERY_OPTIONS, _TABLE_OPTIONS = ("rowIds",), ("columns", "emptyItems", "spreadsheetSafe")
_OF_ANNOTATIONS = ("target", "project", "groundTruth", "filter", "originals", "splits", "classes", "geometry")

FILTERS = {
    "assignment": (
        "ids",
        "exclude_ids",
        "tasks",
        "workshop",
        "users",
        "reviewers",
        "groups",
        "stages",
        "tags",
        "task_tags",
        "status_label",
        "status_review",
        "is_confirmed",
        "is_discarded",
        "is_discard_confirmed",
        "created",
        "label_submitted",
        "last_labeled",
        "last_reviewed",
        "labeler_last_action",
        "reviewer_last_action",
    ),
    "task": (
        "ids",
        "exclude_ids",
        "workshop",
        "users",
        "reviewers",
        "groups",
        "stages",
        "tags",
        "assignments",
        "status_label",
        "status_review",
        "has_data",
        "has_assignment",
        "has_all_assignments",
        "has_discarded_assignment",
        "is_discarded",
        "schema",
        "created",
    ),
    "ground_truth": ("ids", "exclude_ids", "ground_truth", "task", "category", "classes"),
}


def check(index: Index) -> Iterator[Problem]:
    """Every export."""
    for document in index.of_kind("Export"):
        yield from _format(document)
        yield from _table(document)
        yield from _target(document)
        yield from _version(index, document)
        yield from _splits(document)
        yield from _split_source(index, document)
        yield from storage_problems(find(document.node, "spec", "destination"), "destination")
        yield from _classes(index, document)
        originals = texts_at(document.node, "spec", "originals")
        yield from unknown_specifications(index, index.collection_of(document), originals)
    yield from _shared_destinations(index)


def _shared_destinations(index: Index) -> Iterator[Problem]:
    """A destination belongs to one export; the other one would be refused in the middle of a run."""
    owners: dict[str, str] = {}
    for document in index.of_kind("Export"):
        node = find(document.node, "spec", "destination", "url")
        url = text_at(document.node, "spec", "destination", "url")
        if node is None or url is None:
            continue
        owner = owners.setdefault(_place(document, url), document.name)
        if owner != document.name:
            text = f"{url!r} is the destination of Export/{owner}, too"
            yield Problem(text, node.at, "A destination holds one data set.", "give each export a folder of its own")


def _place(document: Document, url: str) -> str:
    """The same text for the same place, however it is spelt."""
    return url.rstrip("/") if "://" in url else os.path.normpath(os.path.join(document.folder, url))


def _format(document: Document) -> Iterator[Problem]:
    """Files come from a collection and rows of a query from a query; both are written as they are."""
    spec, name = find(document.node, "spec"), text_at(document.node, "spec", "format") or ""
    if spec is None:
        return
    for key, home in _SCOPES.items():
        at = locate_key(spec, key)
        if at is not None and name != home:
            yield Problem(f"the format {name} has no {key}", at, fix=f"remove it, or write format: {home}")
        if at is None and name == home == "manifest":
            yield Problem(f"an export of the format {name} needs a {key}", spec.at, fix=f"add '{key}: ...'")
    yield from _csv_options(spec, name)
    for key in _OF_ANNOTATIONS if _is_raw(spec, name) else ():
        at = locate_key(spec, key)
        if at is not None:
            what = "a query" if name == "csv" else f"the format {name}"
            yield Problem(f"{what} has no {key}", at, "It concerns annotation work.", "remove it")


def _is_raw(spec: Node, name: str) -> bool:
    """Whether what is exported is no annotation work."""
    return name == "manifest" or (name == "csv" and locate_key(spec, "query") is not None)


def _csv_options(spec: Node, name: str) -> Iterator[Problem]:
    """Options of CSV belong to one of the two things that it can be of."""
    if name != "csv":
        return
    is_query, options = _is_raw(spec, name), find(spec, "options")
    for key, _ in map_at(options):
        if key in (_TABLE_OPTIONS if is_query else _QUERY_OPTIONS):
            text = f"{'rows of a query have' if is_query else 'a table of annotations has'} no option {key}"
            yield Problem(text, locate_key(options, key), fix="remove it")


def _table(document: Document) -> Iterator[Problem]:
    """The query says where the table stands in it, and only then."""
    at, query = (
        locate_key(find(document.node, "spec") or document.node, "table"),
        text_at(document.node, "spec", "query"),
    )
    is_marked = TABLE_MARK in (query or "")
    if at is not None and query is None:
        yield Problem(
            "there is no query that the table could be of", at, fix=f"add 'query: select * from {TABLE_MARK}'"
        )
    elif at is not None and not is_marked:
        fix = f"write {TABLE_MARK} where its id belongs, or remove 'table'"
        yield Problem(f"the query does not name {TABLE_MARK}", at, fix=fix)
    elif at is None and is_marked:
        node = find(document.node, "spec", "query")
        where = document.node.at if node is None else node.at
        yield Problem(f"the query names {TABLE_MARK}, and there is none", where, fix="add 'table: ...'")


def _target(document: Document) -> Iterator[Problem]:
    spec = find(document.node, "spec")
    name = text_at(spec, "format") or ""
    target = text_at(spec, "target") or "assignment"
    if target not in FILTERS or spec is None or _is_raw(spec, name):
        return
    yield from _scope(spec, target)
    block = find(spec, "filter")
    every = {name for names in FILTERS.values() for name in names}
    for key, _ in map_at(block):
        if key in every and key not in FILTERS[target]:
            detail = f"Filters of {target}: {listed(FILTERS[target], 30)}."
            fix = did_you_mean(key, FILTERS[target], "remove it, or change the target")
            yield Problem(f"the target {target} has no filter '{key}'", locate_key(block, key), detail, fix)


def _scope(spec: Node, target: str) -> Iterator[Problem]:
    """Ground truth comes from a version of a data set, everything else from a project."""
    truth = locate_key(spec, "groundTruth")
    if target == "ground_truth":
        if truth is None:
            fix = "add 'groundTruth: {dataset: ..., version: ...}'"
            yield Problem("an export of the target ground_truth needs a version of a data set", spec.at, fix=fix)
        return
    if truth is not None:
        yield Problem(f"the target {target} has no groundTruth", truth, fix="remove it, or write target: ground_truth")
    if find(spec, "project") is None:
        other = ", or 'query: ...' for the rows of a table" if text_at(spec, "format") == "csv" else ""
        yield Problem(f"an export of the target {target} needs a project", spec.at, fix=f"add 'project: ...'{other}")


def _version(index: Index, document: Document) -> Iterator[Problem]:
    """A declared data set with declared versions has the version."""
    version = find(document.node, "spec", "groundTruth", "version")
    dataset = index.referred(document, "GroundTruthDataset", "spec", "groundTruth", "dataset")
    name = text_at(document.node, "spec", "groundTruth", "version")
    if dataset is None or version is None or name is None or find(dataset.node, "spec", "versions") is None:
        return
    known = [text for text, _ in texts_at(dataset.node, "spec", "versions")]
    if name not in known:
        detail = f"{dataset.label} declares {listed(known) or 'none'}; others may exist on the backend."
        fix = did_you_mean(name, known, "add it to the versions of the data set")
        yield Problem(f"the data set does not declare the version '{name}'", version.at, detail, fix, Severity.WARNING)


def _splits(document: Document) -> Iterator[Problem]:
    splits = find(document.node, "spec", "splits")
    if not isinstance(splits, MapNode):
        return
    if text_at(splits, "by") == "list":
        yield from _split_list(splits, document)
        return
    ratios = {key: node for key, node in splits.entries.items() if key not in ("by", "seed")}
    for key in ("file", "keys"):
        if key in splits.entries:
            yield Problem(f"'{key}' belongs to a list of splits", splits.keys[key], fix="write 'by: list'")
            del ratios[key]
    if "by" in splits.entries:
        for key in [*ratios, *(["seed"] if "seed" in splits.entries else [])]:
            yield Problem(f"'by' and '{key}' exclude each other", splits.keys[key], fix="keep one of them")
        return
    shares = [node.value for node in ratios.values() if isinstance(node, ScalarNode)]
    numbers = [float(v) for v in shares if isinstance(v, int | float) and not isinstance(v, bool)]
    if not ratios:
        yield Problem("splits names no split", splits.at, fix="write shares that add up to 1, or by: ...")
    elif len(numbers) == len(ratios) and abs(math.fsum(numbers) - 1) > SPLIT_TOLERANCE:
        total = f"{math.fsum(numbers):.12g}"
        yield Problem(f"the shares of the splits add up to {total}, not 1", splits.at, fix="change the shares")


def _split_source(index: Index, document: Document) -> Iterator[Problem]:
    """Categories are of ground truth; a closed schema says which metadata there can be."""
    node = find(document.node, "spec", "splits", "by")
    by, target = text_at(node) or "", text_at(document.node, "spec", "target") or "assignment"
    if node is None:
        return
    if by == "category" and target != "ground_truth":
        fix = "write shares, or by: meta.KEY or list"
        yield Problem(f"the target {target} has no category", node.at, "Only ground truth has one.", fix)
    collection = index.collection_of(document)
    schema = find(collection.node, "spec", "unitMetaSchema") if collection is not None else None
    closed = find(schema, "additionalProperties")
    if not by.startswith("meta.") or not (isinstance(closed, ScalarNode) and closed.value is False):
        return
    key, known = by.removeprefix("meta."), [name for name, _ in map_at(schema, "properties")]
    if key not in known and find(schema, "patternProperties") is None:
        detail = f"The units of the collection have {listed(known) or 'none'}."
        fix = did_you_mean(key, known, "choose one of them")
        yield Problem(f"units have no metadata {key!r}", node.at, detail, fix)


def _split_list(splits: MapNode, document: Document) -> Iterator[Problem]:
    """A file or keys, which say of every item where it belongs."""
    for key in splits.entries:
        if key not in ("by", "file", "keys"):
            yield Problem(f"'by: list' and '{key}' exclude each other", splits.keys[key], fix="keep one of them")
    given = [key for key in ("file", "keys") if key in splits.entries]
    if len(given) != 1:
        summary = "a list of splits has a file or keys, not both" if given else "a list of splits needs a file or keys"
        yield Problem(summary, splits.at, fix="write 'file: splits.csv', or 'keys: {train: [...]}'")
        return
    name, node = text_at(splits, "file"), splits.entries[given[0]]
    if name is not None:
        yield from read_split_list(document.folder / name, name, node.at).problems
    elif given == ["keys"]:
        yield from split_list_of(node).problems


def _classes(index: Index, document: Document) -> Iterator[Problem]:
    node = find(document.node, "spec", "classes")
    if node is None:
        return
    yield from repeated(node, "class")
    project = index.project_of(document)
    if project is None:
        return
    known = {name for _, names in map_at(project.node, "spec", "classes") for name, _ in texts_at(names)}
    for name, at in texts_at(node):
        if known and name not in known:
            detail = f"{project.label} has {listed(sorted(known))}."
            fix = did_you_mean(name, known, "remove it, or add it to the project")
            yield Problem(f"the project does not declare the class '{name}'", at, detail, fix, Severity.WARNING)
