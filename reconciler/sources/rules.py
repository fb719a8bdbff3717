"""Proposes file rules for a source of which it is known how some files are called and what they are."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

from reconciler.model.resource import SourceLocation
from reconciler.sources.listing import Listing
from reconciler.sources.local import list_local
from reconciler.sources.location import locate
from reconciler.sources.names import split_suffix
from reconciler.sources.remote import list_remote
from reconciler.sources.selection import Selection

# More rules than this are no pattern.
_MOST_RULES = 20


def propose_rules(
    url: str, specifications_of: Callable[[str, int], frozenset[str]], *, folder: Path | None = None
) -> list[tuple[str, str]]:
    """(glob, specification) pairs by extension, or by folder and extension where that is not enough.

    specifications_of: those that files of this name and size are known to have; empty when there is none. folder:
    where a relative path starts; default: the working folder. Gives [] when the files show no pattern.

    Raises:
        SourceError: the source cannot be listed.
    """
    place = locate(url, folder or Path.cwd(), {})
    selection = Selection(SourceLocation(url))
    listing, _ = (list_local if place.is_local else list_remote)(place, selection)
    try:
        by_suffix = _patterns(listing, specifications_of, lambda _, suffix: f"**/*{suffix}")
        return by_suffix or _patterns(listing, specifications_of, _by_folder)
    finally:
        listing.close()


def _by_folder(prefix: str, suffix: str) -> str:
    folder = prefix.rstrip("/").rpartition("/")[2]
    return f"**/{folder}/*{suffix}" if folder else f"*{suffix}"


def _patterns(
    listing: Listing, specifications_of: Callable[[str, int], frozenset[str]], glob: Callable[[str, str], str]
) -> list[tuple[str, str]]:
    """One rule for each glob, when all known files of each glob have one specification; else []."""
    found: dict[str, frozenset[str]] = {}
    for pattern, specs in _known(listing, specifications_of, glob):
        found[pattern] = found.get(pattern, specs) & specs
        if not found[pattern] or len(found) > _MOST_RULES:
            return []
    return sorted((pattern, min(specs)) for pattern, specs in found.items() if len(specs) == 1)


def _known(
    listing: Listing, specifications_of: Callable[[str, int], frozenset[str]], glob: Callable[[str, str], str]
) -> Iterator[tuple[str, frozenset[str]]]:
    for file in listing.files():
        specs = specifications_of(file.name, file.size_bytes)
        if specs:
            yield glob(file.prefix, split_suffix(file.name)[1]), specs
