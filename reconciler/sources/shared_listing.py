"""The listing of a remote source that the workers of a cluster share: each lists what begins with some prefixes.

The listing is that of `list_remote`, byte for byte: parts are put together in the order of the store.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

from reconciler.errors import Problem
from reconciler.execution.base import Executor, Task
from reconciler.model.resource import SourceLocation
from reconciler.sources.listing import Listing
from reconciler.sources.location import Place, locate, translated
from reconciler.sources.remote import Found, Sieve, list_remote
from reconciler.sources.remote_entries import Entry, can_be_shared, entries_from, is_flat, level
from reconciler.sources.selection import Selection

# So many levels are listed here at most to find enough prefixes for all workers.
_LEVELS = 3
_TASKS_PER_WORKER = 4
# A folder of more files than this is not looked into to find others: it is a prefix itself.
_MANY_FILES = 20_000

# A folder that is still to be listed, a file, or what the look into a folder left out.
_Item = str | Entry | Found


@dataclass(frozen=True, slots=True)
class _Search:
    """Lists what begins with some prefixes; sent to the workers. folder: of the document."""

    source: SourceLocation
    folder: Path

    @property
    def selection(self) -> Selection:
        """The globs, compiled."""
        return Selection(self.source)

    def __call__(self, starts: Sequence[str]) -> Found:
        place = locate(self.source.url, self.folder, self.source.options)
        sieve = Sieve(place, self.selection, True)
        with translated(place, "cannot be listed"):
            for path, info in entries_from(place, starts, sieve.skips, sieve.found.problems):
                sieve.take(path, info)
        return sieve.found


def list_shared(source: SourceLocation, folder: Path, executor: Executor) -> tuple[Listing, list[Problem]]:
    """List a remote source with all below it on workers; see `list_remote`.

    It is listed here when there are no prefixes to share. folder: of the document, for relative paths in options.

    Raises:
        SourceError: the folder is missing, cannot be reached, or a worker does not see what is seen here.
    """
    place, selection = locate(source.url, folder, source.options), Selection(source)
    wanted = executor.workers * _TASKS_PER_WORKER
    items = _opened(place, selection, wanted) if can_be_shared(place) else []
    starts = _starts([item for item in items if isinstance(item, str)], wanted if is_flat(place) else None)
    prefixes = set(starts.values())
    if len(prefixes) < 2:
        return list_remote(place, selection)
    share = _Share(place, executor, _Search(source, folder), starts, most=max(1, len(prefixes) // wanted))
    found = Found()
    for part in share.parts(items):
        found.merge(part)
    return found.listing(), found.problems


def _opened(place: Place, selection: Selection, wanted: int) -> list[_Item]:
    """The source in the order of the store, with folders that are still to be listed; nothing when it is missing."""
    place.filesystem.invalidate_cache()
    items: list[_Item] = [""]
    with translated(place, "cannot be listed"):
        for _ in range(_LEVELS):
            if sum(isinstance(item, str) for item in items) >= wanted:
                break
            try:
                items = [new for item in items for new in _open(place, selection, item)]
            except FileNotFoundError:
                return []
    return items


def _open(place: Place, selection: Selection, item: _Item) -> list[_Item]:
    """What a folder holds in place of it; anything else stays."""
    if not isinstance(item, str):
        return [item]
    sieve, files = Sieve(place, selection, True), 0
    # Of flat stores nothing is left out as a folder; what lies between prefixes must not divide them.
    items: list[_Item] = [] if is_flat(place) else [sieve.found]
    for entry in level(place, item, sieve.skips, sieve.found.problems):
        files += not isinstance(entry, str)
        if files > _MANY_FILES:
            return [item]
        items.append(entry)
    return items


def _starts(folders: Sequence[str], wanted: int | None) -> dict[str, str]:
    """Folder → what tasks ask for: begins of names, as few as are wanted, since each costs a request of its own.

    No folder lies in another, so no begin begins with another either. wanted: None where only folders can be listed.
    """
    if wanted is None:
        return {folder: folder for folder in folders}
    sizes = range(max(map(len, folders), default=0))
    size = bisect_left(sizes, wanted, key=lambda length: len({folder[:length] for folder in folders}))
    return {folder: folder[:size] for folder in folders}


@dataclass(frozen=True, slots=True)
class _Share:
    """Divides the work. starts: folder → prefix. most: prefixes in a task."""

    place: Place
    executor: Executor
    search: _Search
    starts: Mapping[str, str]
    most: int

    def parts(self, items: Sequence[_Item]) -> Iterator[Found]:
        """The items in their order, with runs of prefixes listed on the workers, all at once."""
        begun: list[Found | Task[Found]] = [
            group if isinstance(group, Found) else self.executor.submit(self.search, group)
            for group in self._groups(items)
        ]
        for one in begun:
            yield one if isinstance(one, Found) else one.result()

    def _groups(self, items: Sequence[_Item]) -> Iterator[Found | tuple[str, ...]]:
        """Runs of prefixes, and between them what is known already."""
        for kind, group in groupby(self._without_covered(items), key=type):
            if kind is str:
                run = tuple(dict.fromkeys(self.starts[item] for item in group if isinstance(item, str)))
                yield from (run[begin : begin + self.most] for begin in range(0, len(run), self.most))
            elif kind is Found:
                yield from (item for item in group if isinstance(item, Found))
            else:
                yield self._taken(item for item in group if isinstance(item, tuple))

    def _without_covered(self, items: Sequence[_Item]) -> Iterator[_Item]:
        """The items but files that a task lists anyway."""
        prefixes = frozenset(self.starts.values())
        lengths = sorted({len(prefix) for prefix in prefixes})
        for item in items:
            if not isinstance(item, tuple) or not any(item[0][:length] in prefixes for length in lengths):
                yield item

    def _taken(self, entries: Iterable[Entry]) -> Found:
        sieve = Sieve(self.place, self.search.selection, True)
        for entry in entries:
            sieve.take(*entry)
        return sieve.found
