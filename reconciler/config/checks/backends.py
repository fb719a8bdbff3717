"""Backends that documents name exist, can be used in this version, and honour the platform block."""

from __future__ import annotations

from collections.abc import Iterator

from reconciler.config.checks.index import Index
from reconciler.config.documents import Document
from reconciler.config.kinds import SUPPORTED_BACKENDS, UNSUPPORTED_BACKEND_TYPES, UNSUPPORTED_DIALECTS
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
        if at is not None and platform != backend.platform and not is_unsupported(backend):
            detail = f"It is of type {backend.type} and speaks {backend.platform}."
            fix = "remove the block, or name another backend in spec.backend"
            yield Problem(f"the backend '{backend.name}' cannot honour the block '{platform}'", at, detail, fix)


def is_unsupported(backend: Backend) -> bool:
    """Whether this version cannot use a backend."""
    return backend.type in UNSUPPORTED_BACKEND_TYPES or backend.platform in UNSUPPORTED_DIALECTS


def is_usable(backend: Backend) -> bool:
    """Whether a backend can be used right now: supported, and nothing is missing."""
    return not is_unsupported(backend) and not backend.missing


def use_problems(backend: Backend) -> Iterator[Problem]:
    """Why a backend that is used cannot be."""
    if is_unsupported(backend):
        what = f"the backend type {backend.type}" if backend.type != "embedded" else f"the dialect {backend.platform}"
        node = find(backend.node, "type") or backend.node
        detail = f"The backend '{backend.name}' is used. Supported: {SUPPORTED_BACKENDS}."
        yield Problem(f"{what} is not supported in this version", node.at, detail, "use another backend")
    else:
        yield from backend.missing
