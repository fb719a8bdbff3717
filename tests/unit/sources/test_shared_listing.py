"""A remote listing that workers share is that of one process: the same digest, accounts and problems."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

import fsspec
import pytest
from fsspec.implementations.memory import MemoryFileSystem

from reconciler.errors import SourceError
from reconciler.model.resource import SourceLocation
from reconciler.sources.location import locate
from reconciler.sources.remote import list_remote
from reconciler.sources.selection import Selection
from reconciler.sources.shared_listing import list_shared
from tests.support.executors import PicklingExecutor

_NAMES = ("a", "a-b", "a.d", "ab", "B", "z", "ü", "Thumbs.db", ".hidden", "@eaDir", "x y")


class _Memory(MemoryFileSystem):
    @classmethod
    def _strip_protocol(cls, path: str) -> str:
        return super()._strip_protocol(path.partition("://")[2] or path)

    def ls(self, path: str, **_: Any) -> Any:
        return [self.info(row["name"]) for row in super().ls(path, detail=True)]

    def info(self, path: str, **_: Any) -> Any:
        """With a token that looks the same in every listing, as real stores have it."""
        found = super().info(path)
        return {name: found[name] for name in ("name", "size", "type")} | {"etag": f"of {found['name']}"}


class Tree(_Memory):
    """A server with folders."""

    protocol = "sharedtree"
    store: ClassVar[dict[str, Any]] = {}
    pseudo_dirs: ClassVar[list[str]] = [""]


class Flat(_Memory):
    """A store without folders: listings by prefix, in order of key. calls: prefixes that were asked for."""

    protocol = ("gs", "sharedflat")
    store: ClassVar[dict[str, Any]] = {}
    pseudo_dirs: ClassVar[list[str]] = [""]
    calls: ClassVar[list[str]] = []
    is_blind = False

    def ls(self, path: str, **_: Any) -> Any:
        return [] if Flat.is_blind else super().ls(path)

    def find(self, path: str, prefix: str = "", **_: Any) -> Any:
        self.calls.append(prefix)
        start = f"{self._strip_protocol(path)}/{prefix}"
        return {} if Flat.is_blind else {name: self.info(name) for name in self.store if name.startswith(start)}


@pytest.fixture(params=[Tree, Flat])
def kind(request: pytest.FixtureRequest) -> Iterator[type[MemoryFileSystem]]:
    yield from _registered(request.param)


@pytest.fixture
def flat() -> Iterator[type[MemoryFileSystem]]:
    yield from _registered(Flat)


def _registered(kind: type[MemoryFileSystem]) -> Iterator[type[MemoryFileSystem]]:
    for each in (Tree, Flat):
        each.store.clear()
        each.pseudo_dirs[:] = [""]
        name = each.protocol if isinstance(each.protocol, str) else each.protocol[-1]
        fsspec.register_implementation(name, each, clobber=True)
    Flat.calls.clear()
    Flat.is_blind = False
    yield kind


def _url(kind: type[MemoryFileSystem]) -> str:
    return f"{'sharedtree' if kind is Tree else 'sharedflat'}://data"


def _fill(kind: type[MemoryFileSystem], paths: list[str]) -> None:
    filesystem = kind()
    for path in paths:
        filesystem.pipe_file(f"/data/{path}", b"x" * (len(path) % 5))


def _paths(seed: int) -> list[str]:
    """Files up to five folders deep, beside each other and beside folders whose names begin alike."""
    numbers = random.Random(seed)
    folders = ["", *("/".join(numbers.choices(_NAMES, k=numbers.randrange(1, 6))) + "/" for _ in range(60))]
    rows = {
        f"{folder}{numbers.choice(('0', 'a', 'ab', 'zz'))}{numbers.choice(('.jpg', '.json', '~'))}"
        for folder in folders * 3
    }
    return sorted(rows)


def _told(listing: Any, problems: Any) -> tuple[Any, ...]:
    account = [listing.skipped_text(), listing.file_count, listing.byte_count]
    return listing.hexdigest(), list(listing.folders()), account, problems


def _both(source: SourceLocation, executor: PicklingExecutor) -> tuple[tuple[Any, ...], tuple[Any, ...]]:
    one = list_remote(locate(source.url, Path("/"), {}), Selection(source))
    return _told(*one), _told(*list_shared(source, Path("/"), executor))


@pytest.mark.parametrize("workers", [1, 3, 50])
@pytest.mark.parametrize("seed", range(8))
def test_shared_listing_equals_one_listing(kind, seed, workers):
    _fill(kind, _paths(seed))
    source = SourceLocation(_url(kind), exclude=("**/z/**", "*.json"))
    executor = PicklingExecutor(workers)
    one, shared = _both(source, executor)
    assert shared == one
    assert one[2][1] > 30
    assert executor.attempts > 1


def test_many_folders_cost_few_requests(flat):
    """Prefixes are cut short until there are as few as workers can use."""
    _fill(flat, [f"scans/case-{number:04}/1.jpg" for number in range(2000)])
    executor = PicklingExecutor(2)
    one, shared = _both(SourceLocation(_url(flat)), executor)
    assert shared == one
    assert executor.attempts == 10  # two prefixes each, of "scans/case-00" to "scans/case-19"
    assert len(flat.calls) == 20 + 1


def test_one_folder_is_listed_here(kind):
    _fill(kind, ["1.jpg", "2.jpg"])
    executor = PicklingExecutor()
    one, shared = _both(SourceLocation(_url(kind)), executor)
    assert (shared, executor.attempts) == (one, 0)


def test_missing_folder_is_told_before_anything_is_sent(kind):
    executor = PicklingExecutor()
    with pytest.raises(SourceError, match="does not exist"):
        list_shared(SourceLocation(_url(kind)), Path("/"), executor)
    assert executor.attempts == 0


def test_lost_workers_change_nothing(kind):
    _fill(kind, _paths(1))
    one, shared = _both(SourceLocation(_url(kind)), PicklingExecutor(lose=lambda attempt: attempt % 2 == 1))
    assert shared == one


def test_worker_that_sees_another_store_is_an_error(flat):
    """Nothing is taken for empty: what the command saw, its worker must see too."""
    _fill(flat, [f"{number}/1.jpg" for number in range(9)])
    executor = PicklingExecutor()
    before = executor.submit

    def elsewhere(function: Any, item: Any, **options: Any) -> Any:
        Flat.is_blind = True
        return before(function, item, **options)

    executor.submit = elsewhere  # type: ignore[method-assign]
    with pytest.raises(SourceError, match="is not seen by worker"):
        list_shared(SourceLocation(_url(flat)), Path("/"), executor)


def test_marker_of_an_empty_folder_is_no_error(flat):
    _fill(flat, ["a/1.jpg", "b/1.jpg"])
    flat().makedirs("/data/empty")
    one, shared = _both(SourceLocation(_url(flat)), PicklingExecutor())
    assert shared == one
