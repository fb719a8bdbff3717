"""Rules that a schema cannot express: names, references, and what belongs together. One module per subject."""

from __future__ import annotations

from collections.abc import Iterator

from reconciler.config.checks import (
    annotation,
    assets,
    backends,
    collection,
    content,
    exports,
    grants,
    metadata,
    names,
    references,
    research,
    sage,
    tables,
)
from reconciler.config.checks.index import Index
from reconciler.errors import Problem

_CHECKS = (
    names.check,
    references.check,
    backends.check,
    collection.check,
    assets.check,
    content.check,
    metadata.check,
    annotation.check,
    exports.check,
    sage.check,
    tables.check,
    grants.check,
    research.check,
)


def check_documents(index: Index) -> Iterator[Problem]:
    """Run every check over every document; parts of the wrong shape are passed over, the schema names them."""
    for check in _CHECKS:
        yield from check(index)
