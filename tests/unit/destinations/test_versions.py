"""Versions: a new one for new data, the latest repaired in place, the oldest taken away; on disks and object stores."""

from __future__ import annotations

import json
import os

import fsspec
import pytest
from fsspec.implementations.memory import MemoryFileSystem

from reconciler.destinations.local import LocalDestination
from reconciler.destinations.manifest import MANIFEST_PATH
from reconciler.destinations.opening import open_destination, versioned
from reconciler.destinations.remote import RemoteDestination
from reconciler.errors import ConfigError, LockHeld

OWNER = "Export/train"


@pytest.fixture(params=["local", "memory"])
def place(request, tmp_path):
    yield tmp_path / "out" if request.param == "local" else "memory://bucket/out"
    fsspec.filesystem("memory").rm("/bucket", recursive=True) if request.param == "memory" else None


@pytest.fixture
def root(place):
    """The same place as fsspec sees it, to look and to damage."""
    protocol = "memory" if "://" in str(place) else "file"
    seen = fsspec.filesystem("dir", path=str(place), target_protocol=protocol)
    seen.makedirs("", exist_ok=True)
    return seen


def _open(place, retain=2):
    return versioned(open_destination(str(place), folder=None), retain)


def _publish(destination, files, keep=(), owner=OWNER):
    staging = destination.open_staging(owner, destination.inspect(owner, {}))
    for path, content in files.items():
        staging.put(path, [content])
    for path in keep:
        staging.keep(path)
    return staging.commit()


def _paths(root):
    root.fs.invalidate_cache()
    found = {path.lstrip("/") for path in root.find("")}
    return sorted(path for path in found if "lock" not in path and MANIFEST_PATH not in path and "latest" not in path)


def _latest(root, place):
    if "://" in str(place):
        return json.loads(root.cat_file("latest.json"))["version"]
    return os.readlink(place / "latest")


def test_every_change_is_a_version_and_the_oldest_goes(place, root):
    for number in (1, 2, 3):
        _publish(_open(place), {"a": b"%d" % number, "b": b"x"})
    assert _paths(root) == ["v2/a", "v2/b", "v3/a", "v3/b"]
    assert _latest(root, place) == "v3"
    assert root.cat_file("v2/a") == b"2"
    assert _open(place).read("a") == b"3"


def test_kept_files_are_in_the_new_version_and_stay_in_the_old(place, root):
    _publish(_open(place), {"a": b"1", "sub/b": b"2"})
    published = _publish(_open(place), {"a": b"3"}, keep=["sub/b"])
    assert (published.written, published.kept) == (1, 1)
    assert _paths(root) == ["v1/a", "v1/sub/b", "v2/a", "v2/sub/b"]
    assert _open(place).inspect(OWNER, published.stamps).is_intact
    assert _open(place).inspect(OWNER, published.stamps).hashed == 0


def test_same_data_makes_no_version(place, root):
    _publish(_open(place), {"a": b"1"})
    published = _publish(_open(place), {"a": b"1"})
    assert _paths(root) == ["v1/a"]
    assert published.kept == 1
    assert _open(place).inspect(OWNER, published.stamps).is_intact


def test_damage_is_found_and_repaired_in_the_version_itself(place, root):
    _publish(_open(place), {"a": b"1", "b": b"2", "c": b"3"})
    root.rm_file("v1/a")
    root.pipe_file("v1/b", b"x")
    standing = _open(place).inspect(OWNER, {})
    assert (standing.missing, standing.altered) == (("a",), ("b",))
    published = _publish(_open(place), {"a": b"1", "b": b"2"}, keep=["c"])
    assert _paths(root) == ["v1/a", "v1/b", "v1/c"]
    assert root.cat_file("v1/b") == b"2"
    assert _open(place).inspect(OWNER, published.stamps).is_intact


def test_lost_pointer_is_drift_and_set_again(place, root):
    published = _publish(_open(place), {"a": b"1"})
    root.rm_file("latest.json" if "://" in str(place) else "latest")
    standing = _open(place).inspect(OWNER, published.stamps)
    assert [path.partition(".")[0] for path in standing.missing] == ["latest"]
    _publish(_open(place), {}, keep=["a"])
    assert _latest(root, place) == "v1"
    assert _paths(root) == ["v1/a"]


def test_pointer_set_back_by_hand_loses_no_version(place, root):
    _publish(_open(place), {"a": b"1"})
    _publish(_open(place), {"a": b"2"})
    if "://" in str(place):
        root.pipe_file("latest.json", b'{"version":"v1"}')
    else:
        (place / "latest").unlink()
        (place / "latest").symlink_to("v1")
    _publish(_open(place, 3), {"a": b"3"})
    assert (_paths(root), _latest(root, place)) == (["v1/a", "v2/a", "v3/a"], "v3")


@pytest.mark.parametrize(("retain", "left"), [(1, ["v4"]), (3, ["v2", "v3", "v4"]), (9, ["v1", "v2", "v3", "v4"])])
def test_as_many_versions_stay_as_are_wanted(place, root, retain, left):
    for number in range(1, 5):
        _publish(_open(place, retain), {"a": b"%d" % number})
    assert _paths(root) == [f"{version}/a" for version in left]


def test_fewer_versions_are_kept_once_fewer_are_wanted(place, root):
    for number in (1, 2, 3):
        _publish(_open(place, 3), {"a": b"%d" % number})
    _publish(_open(place, 1), {}, keep=["a"])
    assert (_paths(root), _latest(root, place)) == (["v3/a"], "v3")


def test_abandoned_version_leaves_nothing(place, root):
    _publish(_open(place), {"a": b"1"})
    staging = _open(place).open_staging(OWNER, _open(place).inspect(OWNER, {}))
    staging.put("a", [b"2"])
    staging.abandon()
    assert _paths(root) == ["v1/a"]
    assert _latest(root, place) == "v1"


def test_version_that_was_cut_is_begun_again(place, root):
    _publish(_open(place), {"a": b"1"})
    staging = _open(place).open_staging(OWNER, _open(place).inspect(OWNER, {}))
    staging.put("a", [b"2"])  # and then the process ends
    getattr(getattr(staging.inner, "lock", None), "close", lambda: None)()
    assert _open(place).read("a") == b"1"
    _publish(_open(place), {"a": b"3"})
    assert (_paths(root), _latest(root, place)) == (["v1/a", "v2/a"], "v2")


def test_removed_destination_leaves_nothing_of_ours(place, root):
    for number in (1, 2):
        _publish(_open(place), {"a": b"%d" % number})
    root.pipe_file("v1/notes.txt", b"mine")
    _open(place).remove(OWNER, _open(place).inspect(OWNER, {}))
    assert _paths(root) == ["v1/notes.txt"]


def test_files_of_others_are_refused(place, root):
    root.pipe_file("notes.txt", b"mine")
    with pytest.raises(ConfigError, match=r"notes\.txt"):
        _open(place).inspect(OWNER, {})


def test_versions_of_another_export_are_refused(place):
    _publish(_open(place), {"a": b"1"})
    with pytest.raises(ConfigError, match="belongs to Export/train"):
        _open(place).inspect("Export/other", {})


def test_destination_with_versions_is_not_used_without(place):
    _publish(_open(place), {"a": b"1"})
    with pytest.raises(ConfigError, match="holds versions"):
        _open(place, None).inspect(OWNER, {})


def test_destination_without_versions_is_not_used_with(place):
    _publish(_open(place, None), {"a": b"1"})
    with pytest.raises(ConfigError, match="without versions"):
        _open(place).inspect(OWNER, {})


class _NoCopies(MemoryFileSystem):
    def copy(self, *_args, **_options):
        raise NotImplementedError


def test_store_that_cannot_copy_is_copied_through_this_machine():
    destination = versioned(RemoteDestination(_NoCopies(), "/nocopies/out", "memory://nocopies/out"), 2)
    _publish(destination, {"a": b"1", "sub/b": b"2"})
    published = _publish(destination, {"a": b"3"}, keep=["sub/b"])
    assert destination.inspect(OWNER, published.stamps).is_intact
    assert destination.shelf.root.read("v2/sub/b") == b"2"


def test_unchanged_files_of_local_versions_share_their_bytes(tmp_path):
    _publish(_open(tmp_path / "out"), {"a": b"1", "b": b"2"})
    _publish(_open(tmp_path / "out"), {"a": b"3"}, keep=["b"])
    assert (tmp_path / "out/v1/b").samefile(tmp_path / "out/latest/b")
    assert not (tmp_path / "out/v1/a").samefile(tmp_path / "out/latest/a")


def test_two_local_publications_at_once_are_refused(tmp_path):
    destination = _open(tmp_path / "out")
    staging = destination.open_staging(OWNER, destination.inspect(OWNER, {}))
    with pytest.raises(LockHeld):
        destination.open_staging(OWNER, destination.inspect(OWNER, {}))
    staging.abandon()


def test_folder_in_place_of_the_link_is_refused(tmp_path):
    (tmp_path / "out/latest").mkdir(parents=True)
    destination = _open(tmp_path / "out")
    with pytest.raises(ConfigError, match="no link of ours"):
        destination.open_staging(OWNER, destination.inspect(OWNER, {}))


def test_version_cut_between_two_renames_comes_back(tmp_path):
    """Where the system has no exchange, a cut repair can leave the latest version under another name."""
    out = tmp_path / "out"
    _publish(_open(out), {"a": b"1"})
    _publish(_open(out), {"a": b"2"})
    (out / "v2").rename(out / ".v2.old")
    assert _open(out).read("a") == b"2"
    _publish(_open(out, 3), {"a": b"3"})
    assert [(out / name / "a").read_bytes() for name in ("v1", "v2", "latest")] == [b"1", b"2", b"3"]
    assert isinstance(_open(out).shelf.version(1), LocalDestination)
