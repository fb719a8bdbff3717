"""Checksums: order, cache, changed files, content faults."""

from __future__ import annotations

import hashlib
import os
import threading
from pathlib import Path
from typing import Any

import pytest

from reconciler.errors import SourceError
from reconciler.model.checksum import Checksum
from reconciler.model.resource import SourceLocation
from reconciler.model.unit import FileRef, Unit
from reconciler.sources import DigestCache, SourceContent, hash_units
from reconciler.sources.cache import Digested
from reconciler.sources.hashing import is_settled


@pytest.fixture
def tree(ws: Any) -> Any:
    """Thirty settled units."""
    for number in range(30):
        ws.write(f"data/{number:02}.png", b"%d" % number)
        ws.write(f"data/{number:02}.json", "{}")
    for path in (ws.root / "data").iterdir():
        os.utime(path, ns=(1_000_000_001, 1_000_000_001))
    return ws


def _hash(ws: Any, cache: DigestCache, **options: Any) -> list[Unit]:
    return list(hash_units(ws.assemble().units(), ws.asset_set(), "sha1", cache, workers=2, **options))


def test_hashed_units_come_in_order_with_checksums(tree: Any) -> None:
    units = _hash(tree, DigestCache(None))
    assert [unit.key for unit in units] == [f"{number:02}" for number in range(30)]
    assert units[7].files[0] == FileRef("image_1", 0, "07.png", 1, Checksum("sha1", hashlib.sha1(b"7").hexdigest()))


def test_unchanged_files_are_not_read_again(tree: Any) -> None:
    """The bytes are changed behind the cache's back, with size, time and inode kept."""
    cache = DigestCache(None)
    before = _hash(tree, cache)
    with open(tree.root / "data/07.png", "r+b") as stream:
        stream.write(b"X")
    os.utime(tree.root / "data/07.png", ns=(1_000_000_001, 1_000_000_001))
    assert _hash(tree, cache) == before


@pytest.mark.parametrize("algorithm", ["md5", "sha256"])
def test_algorithms_are_kept_apart(tree: Any, algorithm: Any) -> None:
    cache = DigestCache(None)
    _hash(tree, cache)
    (unit, *_) = hash_units(tree.assemble().units(), tree.asset_set(), algorithm, cache, workers=1)
    assert unit.files[0].checksum == Checksum(algorithm, hashlib.new(algorithm, b"0").hexdigest())


def test_touched_file_is_read_again_and_has_the_same_checksum(tree: Any) -> None:
    cache = DigestCache(None)
    before = _hash(tree, cache)
    os.utime(tree.root / "data/07.png", ns=(2_000_000_001, 2_000_000_001))
    assert _hash(tree, cache) == before


def test_replaced_file_of_equal_size_and_time_is_read_again(tree: Any) -> None:
    cache = DigestCache(None)
    before = _hash(tree, cache)
    new = tree.write("new.png", b"Y")
    os.utime(new, ns=(1_000_000_001, 1_000_000_001))
    new.rename(tree.root / "data/07.png")
    changed = [a.key for a, b in zip(before, _hash(tree, cache), strict=True) if a != b]
    assert changed == ["07"]


@pytest.mark.parametrize(
    ("age_ns", "mtime_tail_ns", "remembered", "reason"),
    [
        (1_000_000, 1, False, "one tick ago on a fine clock"),
        (1_000_000_000, 1, True, "long ago on a fine clock"),
        (1_000_000_000, 0, False, "whole seconds: the clock may be coarse"),
        (9_000_000_000, 0, True, "long ago on a coarse clock"),
    ],
)
def test_young_file_is_not_remembered(age_ns: int, mtime_tail_ns: int, remembered: bool, reason: str) -> None:
    """It may change again within the same tick of the filesystem's clock."""
    mtime_ns = 1_000_000_000_000 + mtime_tail_ns
    assert is_settled(mtime_ns, now_ns=mtime_ns + age_ns) == remembered, reason


def test_progress_counts_every_byte_whether_read_or_known(tree: Any) -> None:
    cache, counts = DigestCache(None), ([], [])  # type: ignore[var-annotated]
    for sizes in counts:
        _hash(tree, cache, progress=sizes.append)
    assert [sum(sizes) for sizes in counts] == [tree.assemble().byte_count] * 2


def test_broken_json_is_reported_read_or_known(tree: Any) -> None:
    tree.write("data/03.json", '{"image": ')
    os.utime(tree.root / "data/03.json", ns=(1_000_000_001, 1_000_000_001))
    cache, reports = DigestCache(None), ([], [])  # type: ignore[var-annotated]
    for found in reports:
        _hash(tree, cache, report=found.append)
    assert [[p.summary.partition(":")[0] for p in found] for found in reports] == [
        ["label_1 of unit '03' is not valid JSON"]
    ] * 2


def test_vanished_files_are_all_told_at_the_end(tree: Any) -> None:
    units = tree.assemble().units()
    for name in ("03.png", "09.json"):
        (tree.root / "data" / name).unlink()
    seen: list[str] = []
    with pytest.raises(SourceError) as caught:
        seen.extend(unit.key for unit in hash_units(units, tree.asset_set(), "sha1", DigestCache(None), workers=2))
    assert [p.summary for p in caught.value.problems] == ["'data/03.png' is gone", "'data/09.json' is gone"]
    assert len(seen) == 28


def test_consumer_that_stops_early_leaves_no_threads(tree: Any) -> None:
    units = hash_units(tree.assemble().units(), tree.asset_set(), "sha1", DigestCache(None), workers=4)
    next(units)
    units.close()  # type: ignore[attr-defined]
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("hash")]


def test_remote_files_are_hashed_and_remembered(ws: Any) -> None:
    import fsspec

    filesystem = fsspec.filesystem("memory")
    filesystem.pipe({"/hashed/1.png": b"a", "/hashed/1.json": b"{}"})
    source, cache = (SourceLocation("memory://hashed"),), DigestCache(None)
    try:
        units = ws.assemble(sources=source).units()
        (unit,) = hash_units(units, ws.asset_set(sources=source), "md5", cache, workers=1)
    finally:
        filesystem.rm("/hashed", recursive=True)
    assert unit.files[0].checksum == Checksum("md5", hashlib.md5(b"a").hexdigest())
    assert cache.look_up("memory:///hashed", "md5", [("1.png", "")]) == {}


# -- the cache


def test_cache_survives_closing_and_serves_two_at_once(tmp_path: Path) -> None:
    one, two = DigestCache(tmp_path / "c.db"), DigestCache(tmp_path / "c.db")
    one.store("/data", "md5", {"a": ("s1", Digested("00", "flawed"))})
    one.close()
    assert two.look_up("/data", "md5", [("a", "s1"), ("b", "s1")]) == {"a": Digested("00", "flawed")}
    two.close()


def test_cache_with_another_stamp_knows_nothing(tmp_path: Path) -> None:
    cache = DigestCache(None)
    cache.store("/data", "md5", {"a": ("s1", Digested("00"))})
    assert cache.look_up("/data", "md5", [("a", "s2")]) == {}
    assert cache.look_up("/other", "md5", [("a", "s1")]) == {}


def test_cache_of_many_files_is_looked_up_in_batches() -> None:
    cache = DigestCache(None)
    cache.store("/data", "md5", {str(n): ("s", Digested(str(n))) for n in range(3000)})
    assert len(cache.look_up("/data", "md5", [(str(n), "s") for n in range(4000)])) == 3000


def test_cache_that_is_no_database_says_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "c.db").write_bytes(b"not a database" * 100)
    with pytest.raises(SourceError, match="delete the file"):
        DigestCache(tmp_path / "c.db")


# -- content


def _ref(content: bytes, path: str = "1.png", **changes: Any) -> FileRef:
    return FileRef("image_1", 0, path, len(content), Checksum("sha256", hashlib.sha256(content).hexdigest()))


def test_content_as_planned_is_given_whole(ws: Any) -> None:
    ws.write("data/1.png", b"hello")
    content = SourceContent(ws.asset_set())
    for size in (-1, 2, 5, 100):
        with content.open(_ref(b"hello")) as stream:
            assert b"".join(iter(lambda s=stream, n=size: s.read(n), b"")) == b"hello"


@pytest.mark.parametrize(
    ("actual", "reason"),
    [(b"jello", "other bytes"), (b"hell", "shorter"), (b"hello!", "longer"), (b"", "emptied")],
)
@pytest.mark.parametrize("size", [1, 5, 64])
def test_content_that_changed_is_never_given_whole(ws: Any, actual: bytes, reason: str, size: int) -> None:
    """A sender that stops at the planned size must not get all of it either."""
    ws.write("data/1.png", actual)
    given: list[bytes] = []
    stream = SourceContent(ws.asset_set()).open(_ref(b"hello"))
    with stream, pytest.raises(SourceError, match="changed since it was planned"):
        given.extend(iter(lambda: stream.read(size), b""))
    assert len(b"".join(given)) < 5 or actual == b"hello!", reason


def test_content_read_into_a_buffer_is_verified_too(ws: Any) -> None:
    ws.write("data/1.png", b"jello")
    with SourceContent(ws.asset_set()).open(_ref(b"hello")) as stream, pytest.raises(SourceError):
        stream.readinto(bytearray(10))  # type: ignore[attr-defined]


def test_content_that_is_gone_says_so(ws: Any) -> None:
    ws.write_all("data/other.png")
    with pytest.raises(SourceError, match="is gone"):
        SourceContent(ws.asset_set()).open(_ref(b"x"))


def test_local_path_of_a_local_file_is_absolute(ws: Any) -> None:
    content = SourceContent(ws.asset_set(sources=(SourceLocation("data"), SourceLocation("memory://x"))))
    assert content.local_path(FileRef("a", 0, "d/1.png", 1)) == ws.root / "data/d/1.png"
    assert content.local_path(FileRef("a", 1, "d/1.png", 1)) is None
