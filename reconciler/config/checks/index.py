"""What the checks look things up in."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from reconciler.config.documents import Document
from reconciler.config.nodes import Node, find, list_at, text_at
from reconciler.config.workspace import Backend


@dataclass(frozen=True)
class Index:
    """All resource documents and backends. blind: which backends there are could not be read."""

    documents: Sequence[Document]
    backends: Mapping[str, Backend]
    default_backend: str
    blind: bool = False

    @cached_property
    def by_name(self) -> Mapping[tuple[str, str], Document]:
        """Documents by kind and name; of several, the first."""
        found: dict[tuple[str, str], Document] = {}
        for document in self.documents:
            found.setdefault((document.kind, document.name), document)
        return found

    def of_kind(self, kind: str) -> Iterator[Document]:
        """Documents of one kind, in file order."""
        return (document for document in self.documents if document.kind == kind)

    def names(self, kind: str) -> list[str]:
        """Declared names of a kind, sorted."""
        return sorted(name for found, name in self.by_name if found == kind)

    def backend_name(self, document: Document) -> str:
        """The backend that a document belongs to."""
        return text_at(document.node, "spec", "backend") or self.default_backend

    def referred(self, document: Document, kind: str, *path: str) -> Document | None:
        """The declared document that a reference names, None when it names none."""
        name = text_at(document.node, *path)
        return self.by_name.get((kind, name)) if name is not None else None

    def project_of(self, export: Document) -> Document | None:
        """The declared project that an Export takes its records from: its own, or that of its ground truth."""
        truth = self.referred(export, "GroundTruthDataset", "spec", "groundTruth", "dataset")
        source = export if truth is None or find(export.node, "spec", "project") is not None else truth
        return self.referred(source, "AnnotationProject", "spec", "project")

    def collection_of(self, document: Document | None) -> Document | None:
        """The declared collection behind an AssetSet, AnnotationProject, TaskSet or Export."""
        match document:
            case None:
                return None
            case Document(kind="AssetSet") | Document(kind="AnnotationProject"):
                return self.referred(document, "Collection", "spec", "collection")
            case Document(kind="TaskSet"):
                return self.collection_of(self.referred(document, "AssetSet", "spec", "assets"))
            case Document(kind="Export"):
                return self.collection_of(self.project_of(document))
            case _:
                return None

    def specification_names(self, collection: Document | None) -> list[str] | None:
        """Names of a collection's file specifications; None when they are not declared here."""
        if collection is None or find(collection.node, "spec", "fileSpecifications") is None:
            return None
        nodes: Sequence[Node] = list_at(collection.node, "spec", "fileSpecifications")
        return [name for node in nodes if (name := text_at(node, "name"))]
