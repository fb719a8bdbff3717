"""Annotation projects and task sets: classes, annotation types, and one collection for project and units."""

from __future__ import annotations

from collections.abc import Iterator

from reconciler.config.checks.index import Index
from reconciler.config.checks.specifications import unknown_specifications
from reconciler.config.documents import Document
from reconciler.config.nodes import MapNode, Node, find, map_at, text_at, texts_at
from reconciler.config.suggestion import did_you_mean, listed
from reconciler.errors import Location, Problem

# Annotation types that the platform knows, by category of project.
ANNOTATION_TYPES = {
    "image": (
        "annotationGroup",
        "classification",
        "bounding_box",
        "polygon",
        "polyline",
        "keypoint",
        "relation",
        "segmentation",
    ),
    "video": ("annotationGroup", "classification", "segmentation", "bounding_box"),
    "audio": ("annotationGroup", "classification", "segmentation"),
    "text": ("classification", "relation", "named_entity"),
    "pcd": ("3d_bounding_box", "3d_segmentation", "relation"),
    "prompt": ("classification", "prompt", "answer"),
}


def check(index: Index) -> Iterator[Problem]:
    """Every annotation project and task set."""
    for document in index.of_kind("AnnotationProject"):
        yield from _project(document)
    for document in index.of_kind("TaskSet"):
        yield from _tasks(index, document)


def _project(document: Document) -> Iterator[Problem]:
    classes = find(document.node, "spec", "classes")
    known = ANNOTATION_TYPES.get(text_at(document.node, "spec", "category") or "")
    if isinstance(classes, MapNode):
        for name, at in classes.keys.items():
            if known and name not in known:
                detail = f"The category {text_at(document.node, 'spec', 'category')} has {listed(known)}."
                yield Problem(
                    f"unknown annotation type '{name}'", at, detail, did_you_mean(name, known, "use one of them")
                )
    for _, names in map_at(classes):
        yield from repeated(names, "class")


def repeated(names: Node, what: str) -> Iterator[Problem]:
    """Texts that a list holds twice."""
    first: dict[str, Location] = {}
    for name, at in texts_at(names):
        if name in first:
            yield Problem(
                f"the {what} '{name}' is there twice", at, f"It stands at {first[name]} too.", "remove one of them"
            )
        first.setdefault(name, at)


def _tasks(index: Index, document: Document) -> Iterator[Problem]:
    node = find(document.node, "spec", "annotations", "specification")
    name = text_at(document.node, "spec", "annotations", "specification")
    collection = index.collection_of(document)
    if node is not None and name is not None:
        yield from unknown_specifications(index, collection, [(name, node.at)])
    project = index.referred(document, "AnnotationProject", "spec", "project")
    other = index.collection_of(project)
    if collection and other and project and collection.name != other.name:
        assets = find(document.node, "spec", "assets") or document.node
        detail = f"{project.label} annotates {other.label}, the units are in {collection.label}."
        yield Problem("project and units belong to different collections", assets.at, detail, "use one collection")
