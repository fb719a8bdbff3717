"""Exports on real servers: published, updated, cut in between, repaired."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from reconciler.destinations.manifest import MANIFEST_PATH
from reconciler.destinations.opening import open_destination, versioned

OWNER = "Export/train"


@pytest.fixture(params=["s3", "azure", "gcs", "sftp"])
def destination(request: pytest.FixtureRequest, on: Any) -> Iterator[Any]:
    place = on(request.param)
    # The store tells tests apart by folder.
    made = open_destination(f"{place.url}-out/{request.node.originalname}", place.options, folder=Path())
    yield made
    made.fs.rm(made.root, recursive=True)


def _publish(destination: Any, files: dict[str, bytes], keep: tuple[str, ...] = ()) -> Any:
    staging = destination.open_staging(OWNER, destination.inspect(OWNER, {}))
    for path, content in files.items():
        staging.put(path, [content])
    for path in keep:
        staging.keep(path)
    return staging.commit()


def test_published_files_are_intact_and_not_read_again(destination: Any) -> None:
    published = _publish(destination, {"a/b c.txt": b"1", "d#e%.txt": b"22"})
    standing = destination.inspect(OWNER, published.stamps)
    assert (published.written, standing.is_intact, standing.hashed) == (2, True, 0)
    assert destination.read("d#e%.txt") == b"22"


def test_update_sends_what_changed_and_removes_what_left(destination: Any) -> None:
    _publish(destination, {"a": b"1", "b": b"2", "c": b"3"})
    published = _publish(destination, {"b": b"22"}, keep=("a",))
    assert (published.written, published.kept, published.removed) == (1, 1, 1)
    assert [destination.read(path) for path in ("a", "b", "c")] == [b"1", b"22", None]


def test_cut_publication_is_seen_and_repaired(destination: Any) -> None:
    _publish(destination, {"a": b"1", "b": b"2"})
    cut = destination.open_staging(OWNER, destination.inspect(OWNER, {}))
    cut.put("a", [b"half of the next"])  # and then the process ended, before the manifest
    assert destination.inspect(OWNER, {}).altered == ("a",)
    published = _publish(destination, {"a": b"next"}, keep=("b",))
    assert destination.inspect(OWNER, published.stamps).is_intact


def test_lost_and_altered_files_are_found(destination: Any) -> None:
    published = _publish(destination, {"a": b"1", "b": b"2"})
    destination.fs.rm_file(destination.full("a"))
    destination.fs.pipe_file(destination.full("b"), b"xyz")
    standing = destination.inspect(OWNER, published.stamps)
    assert (standing.missing, standing.altered) == (("a",), ("b",))


def test_removal_leaves_nothing(destination: Any) -> None:
    published = _publish(destination, {"a": b"1"})
    destination.remove(OWNER, destination.inspect(OWNER, published.stamps))
    assert destination.read(MANIFEST_PATH) is None
    destination.fs.pipe_file(destination.full("kept"), b"so that there is something to clear")


def test_versions_follow_each_other_and_share_what_stays(destination: Any) -> None:
    keeping = versioned(destination, 2)
    for number in (1, 2, 3):
        keep = ("sub/b c.txt",) if number > 1 else ()
        new = {"a": b"%d" % number, **({} if keep else {"sub/b c.txt": b"x"})}
        published = _publish(keeping, new, keep)
        assert keeping.inspect(OWNER, published.stamps).is_intact
    there = [destination.read(f"v{number}/{path}") for number in (1, 2, 3) for path in ("a", "sub/b c.txt")]
    assert there == [None, None, b"2", b"x", b"3", b"x"]
    assert destination.read("latest.json") == b'{"version":"v3"}\n'


def test_damaged_version_is_repaired_in_its_place(destination: Any) -> None:
    keeping = versioned(destination, 2)
    _publish(keeping, {"a": b"1", "b": b"2"})
    destination.fs.rm_file(destination.full("v1/a"))
    assert keeping.inspect(OWNER, {}).missing == ("a",)
    published = _publish(keeping, {"a": b"1"}, ("b",))
    assert keeping.inspect(OWNER, published.stamps).is_intact
    assert [destination.read(path) for path in ("v1/a", "v1/b", "v2/a")] == [b"1", b"2", None]
