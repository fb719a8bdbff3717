"""The walk over a local tree that several machines share: each worker searches some of its folders.

The listing is that of `list_local`, byte for byte: parts are put together in the order in which one walk finds them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from reconciler.errors import Problem
from reconciler.execution.base import Executor, Task
from reconciler.sources.listing import ListedFolders, Listing
from reconciler.sources.local import Folder, Walk, check_root
from reconciler.sources.location import Place
from reconciler.sources.selection import Selection
from reconciler.sources.visibility import check_visible

# So many levels are searched here at most to find enough folders for all workers.
_LEVELS = 3
_TASKS_PER_WORKER = 4


@dataclass(frozen=True, slots=True)
class _Part:
    """What was found below some folders."""

    found: ListedFolders
    problems: list[Problem]


@dataclass(frozen=True, slots=True)
class _Search:
    """Searches folders with all that is below them; sent to the workers."""

    place: Place
    selection: Selection

    def __call__(self, folders: Sequence[Folder]) -> _Part:
        check_visible([self.place])
        walk = Walk(self.place, self.selection, True, found := ListedFolders())
        walk.search(folders)
        return _Part(found, walk.problems)

    def open(self, folder: Folder) -> list[_Part | Folder]:
        """What one folder itself holds, then its sub-folders, unsearched."""
        walk = Walk(self.place, self.selection, True, found := ListedFolders())
        below = walk.scan(folder)
        return [_Part(found, walk.problems), *below]


def list_spread(place: Place, selection: Selection, executor: Executor) -> tuple[Listing, list[Problem]]:
    """Walk a local folder with all below it on workers that see it too; see `list_local`.

    Raises:
        SourceError: the folder is missing, not a folder or unreadable, here or on a worker.
    """
    check_root(place)
    search = _Search(place, selection)
    wanted = executor.workers * _TASKS_PER_WORKER
    items: list[_Part | Folder] = [Folder("")]
    for _ in range(_LEVELS):
        if sum(isinstance(item, Folder) for item in items) < wanted:
            items = [new for item in items for new in (search.open(item) if isinstance(item, Folder) else [item])]
    listing, problems = Listing(), []
    for part in _searched(items, search, executor, wanted):
        listing.take_over(part.found)
        problems += part.problems
    return listing, problems


def _searched(items: Sequence[_Part | Folder], search: _Search, executor: Executor, wanted: int) -> Iterator[_Part]:
    """The items in their order, with runs of folders searched on the workers."""
    most = max(1, sum(isinstance(item, Folder) for item in items) // wanted)
    begun: list[_Part | Task[_Part]] = []
    run: list[Folder] = []
    for item in [*items, None]:
        if run and (not isinstance(item, Folder) or len(run) >= most):
            begun.append(executor.submit(search, tuple(run)))
            run = []
        if isinstance(item, Folder):
            run.append(item)
        elif item is not None:
            begun.append(item)
    for one in begun:
        yield one if isinstance(one, _Part) else one.result()
