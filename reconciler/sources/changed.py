"""Finds the units whose files changed between two listings, so that only they need be grouped and hashed again.

Listings are compared as bytes, folder by folder; names are looked at only where these differ.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from typing import NamedTuple

from reconciler.sources.classify import Classifier, Left
from reconciler.sources.listing import Listing

# (source, prefix, rows) of one folder, as a listing keeps them
Block = tuple[int, bytes, bytes]

# With more changes than this, or than a share of all files, everything is grouped again.
_MOST_CHANGED, _SHARE = 20_000, 8
_FEW = 100


class ChangedFolder(NamedTuple):
    """A folder whose listing is another one. before, now: its rows; empty where it was not listed."""

    source: int
    prefix: bytes
    before: bytes
    now: bytes


@dataclass(slots=True)
class ChangedUnits:
    """keys: of the units that gained, lost or changed a file. gone, come: their files before and now that differ, as
    (source, path); a file that changed in place is in both."""

    keys: set[str] = field(default_factory=set)
    gone: set[tuple[int, str]] = field(default_factory=set)
    come: set[tuple[int, str]] = field(default_factory=set)


def find_changed(classifier: Classifier, folders: Iterable[ChangedFolder], file_count: int) -> ChangedUnits | None:
    """Return the units to which the differing rows belong.

    None when it cannot be told unit by unit: files that belong to no unit came or went, which is counted over all of
    them; or when so much changed, of `file_count` files, that nothing would be saved.
    """
    most = min(_MOST_CHANGED, max(_FEW, file_count // _SHARE))
    changed = ChangedUnits()
    for folder in folders:
        gone, come = changed_rows(folder.before, folder.now)
        if len(changed.gone) + len(changed.come) + len(gone) + len(come) > most:
            return None
        if not _claim(classifier, folder, _names(gone), _names(come), changed):
            return None
    return changed


def _claim(
    classifier: Classifier, folder: ChangedFolder, gone: set[str], come: set[str], changed: ChangedUnits
) -> bool:
    prefix = folder.prefix.decode("utf-8", "surrogateescape")
    rules = classifier.folder(folder.source, prefix)
    for name in gone | come:
        decision = rules.decide(name)
        if isinstance(decision, Left):
            if name in gone and name in come:
                continue  # counted by its name alone
            return False
        changed.keys.add(decision[0])
        if name in gone:
            changed.gone.add((folder.source, prefix + name))
        if name in come:
            changed.come.add((folder.source, prefix + name))
    return True


def changed_rows(before: bytes, now: bytes) -> tuple[set[bytes], set[bytes]]:
    """Return the rows that are only in the one, and only in the other block of sorted rows."""
    start = before.rfind(b"\0", 0, _common(before, now)) + 1
    tail = _common(before[start:][::-1], now[start:][::-1])
    # The common end may begin within a row; what is cut begins behind the next separator.
    cut = before.find(b"\0", len(before) - tail)
    end = len(before) - cut if cut >= 0 else 0
    one, other = (_rows(block[start : len(block) - end]) for block in (before, now))
    return one - other, other - one


def _common(one: bytes, other: bytes) -> int:
    """Length of the common beginning, by halves: comparing long texts at once is quick, byte by byte it is not."""
    low, high = 0, min(len(one), len(other))
    while low < high:
        middle = (low + high + 1) // 2
        if one[low:middle] == other[low:middle]:
            low = middle
        else:
            high = middle - 1
    return low


def _rows(block: bytes) -> set[bytes]:
    return set(block.split(b"\0")) - {b""}


def _names(rows: Iterable[bytes]) -> set[str]:
    return {row.partition(b"/")[0].decode("utf-8", "surrogateescape") for row in rows}


def narrowed(listing: Listing, source: int, files: Collection[tuple[int, str]]) -> Listing:
    """A listing of those of its files that are named, with nothing left out; the caller closes it."""
    wanted: dict[str, set[str]] = {}
    for number, path in files:
        if number == source:
            prefix, slash, name = path.rpartition("/")
            wanted.setdefault(prefix + slash, set()).add(name)
    found = Listing()
    for prefix_bytes, block in listing.blocks():
        prefix = prefix_bytes.decode("utf-8", "surrogateescape")
        if names := wanted.get(prefix):
            rows = block.decode("utf-8", "surrogateescape").split("\0")
            kept = [row for row in rows if row.partition("/")[0] in names]
            found.add_folder(prefix, kept, sum(int(row.split("/", 2)[1]) for row in kept))
    return found
