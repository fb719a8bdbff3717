"""Backends that documents name exist, can be used in this version, and honour the platform block."""

from __future__ import annotations

from collections.abc import Iterator

from reconciler.config.checks.index import Index
from reconciler.config.documents import Document
from reconciler.config.nodes import find, locate_key
from reconciler.config.suggestion import did_you_mean, listed
from reconciler.config.workspace import Backend
from reconciler.errors import Problem

PLATFORMS = ("datamaker", "sage")


def check(index: Index) -> Iterator[Problem]:
    """The backend of every document."""
    for document in index.documents if not index.blind else ():
        backend = index.backends.get(index.backend_name(document))
        if backend is None:
            yield from _unknown(index, document)
        else:
            yield from _platform(document, backend)


def _unknown(index: Index, document: Document) -> Iterator[Problem]:
    node = find(document.node, "spec", "backend")
    if node is None:
        return  # the default backend, reported once with the workspace
    name = index.backend_name(document)
    detail = f"Declared: {listed(sorted(index.backends))}."
    fix = did_you_mean(name, index.backends, "declare it under spec.backends of the workspace")
    yield Problem(f"unknown backend '{name}'", node.at, detail, fix)


def _platform(document: Document, backend: Backend) -> Iterator[Problem]:
    spec = find(document.node, "spec")
    for platform in PLATFORMS:
        at = locate_key(spec, platform)
        if at is not None and platform != backend.platform:
            detail = f"It is of type {backend.type} and speaks {backend.platform}."
            fix = "remove the block, or name another backend in spec.backend"
            yield Problem(f"the backend '{backend.name}' cannot honour the block '{platform}'", at, detail, fix)


def is_usable(backend: Backend) -> bool:
    """Whether a backend can be used right now: nothing is missing."""
    return not backend.missing


def use_problems(backend: Backend) -> Iterator[Problem]:
    """Why a backend that is used cannot be."""
    yield from backend.missing
