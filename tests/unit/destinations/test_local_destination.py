"""Local destinations: whole data sets, published in one step, checked by their manifest."""

import hashlib
import os
import shutil
from pathlib import Path

import pytest

from reconciler.destinations.base import Standing
from reconciler.destinations.local import LocalDestination
from reconciler.destinations.manifest import MANIFEST_PATH, FileState
from reconciler.errors import ConfigError, LockHeld, Transient
from reconciler.model.checksum import Checksum

OWNER = "Export/train"


@pytest.fixture
def destination(tmp_path):
    return LocalDestination(tmp_path / "deep" / "out")


def _publish(destination, files, keep=(), stamps=None):
    standing = destination.inspect(OWNER, stamps or {})
    staging = destination.open_staging(OWNER, standing)
    for path, content in files.items():
        staging.put(path, [content[:2], content[2:]])
    for path in keep:
        staging.keep(path)
    return staging.commit()


def _tree(root):
    return {p.relative_to(root).as_posix(): p.read_bytes() for p in sorted(root.rglob("*")) if p.is_file()}


def _neighbours(destination):
    return {p.name for p in destination.root.parent.iterdir()} - {f".{destination.root.name}.lock"}


def test_first_publication_creates_the_folder(destination):
    published = _publish(destination, {"a/b.txt": b"one", "c": b""})
    assert destination.read("a/b.txt") == b"one"
    assert (published.written, published.kept, published.removed, published.bytes) == (2, 0, 0, 3)
    assert published.manifest.files["a/b.txt"] == FileState(3, hashlib.sha256(b"one").hexdigest())
    assert _neighbours(destination) == {"out"}


def test_nothing_there_stands_as_nothing(destination):
    standing = destination.inspect(OWNER, {})
    assert (standing.manifest, standing.foreign, standing.is_intact) == (None, (), False)


def test_publication_stands_intact(destination):
    published = _publish(destination, {"a": b"1"})
    standing = destination.inspect(OWNER, published.stamps)
    assert standing.is_intact
    assert standing.manifest == published.manifest
    assert standing.hashed == 0


def test_kept_file_keeps_inode_and_time(destination):
    _publish(destination, {"a": b"1", "b": b"2"})
    before = (destination.root / "a").stat()
    published = _publish(destination, {"b": b"3"}, keep=["a"])
    after = (destination.root / "a").stat()
    assert (before.st_ino, before.st_mtime_ns) == (after.st_ino, after.st_mtime_ns)
    assert (published.written, published.kept) == (1, 1)


def test_same_bytes_keep_the_file(destination):
    _publish(destination, {"a": b"1", "b": b"2"})
    before = (destination.root / "a").stat()
    published = _publish(destination, {"a": b"1", "b": b"3"})
    after = (destination.root / "a").stat()
    assert (before.st_ino, before.st_mtime_ns) == (after.st_ino, after.st_mtime_ns)
    assert (published.written, published.kept, published.bytes) == (1, 1, 1)


def test_last_bytes_of_a_path_count(destination):
    _publish(destination, {"a": b"1"})
    staging = destination.open_staging(OWNER, destination.inspect(OWNER, {}))
    staging.put("a", [b"1"])
    staging.put("a", [b"2"])
    staging.commit()
    assert destination.read("a") == b"2"


def test_file_not_named_again_is_removed(destination):
    _publish(destination, {"a": b"1", "b/c": b"2"})
    published = _publish(destination, {}, keep=["a"])
    assert published.removed == 1
    assert _tree(destination.root).keys() == {"a", MANIFEST_PATH}
    assert not (destination.root / "b").exists()


def test_same_files_give_the_same_bytes(destination, tmp_path):
    _publish(destination, {"b": b"2", "a": b"1"})
    other = LocalDestination(tmp_path / "other")
    _publish(other, {"a": b"1", "b": b"2"})
    assert _tree(destination.root) == _tree(other.root)


def test_reader_sees_nothing_before_commit(destination):
    _publish(destination, {"a": b"1"})
    staging = destination.open_staging(OWNER, destination.inspect(OWNER, {}))
    staging.put("a", [b"new"])
    assert destination.read("a") == b"1"
    staging.abandon()
    assert destination.inspect(OWNER, {}).is_intact
    assert _neighbours(destination) == {"out"}


def test_open_handle_of_the_old_folder_stays_readable(destination):
    _publish(destination, {"a": b"1"})
    handle = os.open(destination.root, os.O_RDONLY)
    try:
        _publish(destination, {"a": b"2"})
        assert destination.read("a") == b"2"
    finally:
        os.close(handle)


def test_removed_altered_and_foreign_files_are_found(destination):
    published = _publish(destination, {"a": b"1", "b": b"2", "c": b"3", "d": b"4"})
    (destination.root / "a").unlink()
    (destination.root / "b").write_bytes(b"22")
    (destination.root / "c").write_bytes(b"x")
    (destination.root / "notes.txt").write_bytes(b"mine")
    standing = destination.inspect(OWNER, published.stamps)
    assert (standing.missing, standing.altered, standing.foreign) == (("a",), ("b", "c"), ("notes.txt",))
    assert set(standing.sound) == {"d"}


def test_touched_file_is_read_again_and_sound(destination):
    published = _publish(destination, {"a": b"1", "b": b"2"})
    os.utime(destination.root / "a", ns=(1, 1))
    standing = destination.inspect(OWNER, published.stamps)
    assert standing.is_intact
    assert standing.hashed == 1
    assert standing.stamps["a"] != published.stamps["a"]


def test_without_stamps_every_file_is_read(destination):
    _publish(destination, {"a": b"1", "b": b"2"})
    assert destination.inspect(OWNER, {}).hashed == 2


def test_foreign_files_are_carried_over(destination):
    _publish(destination, {"a": b"1"})
    (destination.root / "sub").mkdir()
    (destination.root / "sub" / "notes.txt").write_bytes(b"mine")
    (destination.root / "link").symlink_to("a")
    published = _publish(destination, {"a": b"2"})
    assert published.foreign == ("link", "sub/notes.txt")
    assert destination.read("sub/notes.txt") == b"mine"
    assert (destination.root / "link").is_symlink()


def test_foreign_file_in_the_way_is_refused(destination):
    _publish(destination, {"a": b"1"})
    (destination.root / "b").write_bytes(b"mine")
    staging = destination.open_staging(OWNER, destination.inspect(OWNER, {}))
    with pytest.raises(ConfigError, match="is not ours"):
        staging.put("b", [b"2"])
    staging.abandon()
    assert destination.read("b") == b"mine"


def test_folder_of_others_is_refused(tmp_path):
    (tmp_path / "photo.jpg").write_bytes(b"x")
    with pytest.raises(ConfigError, match="not empty") as caught:
        LocalDestination(tmp_path).inspect(OWNER, {})
    assert "photo.jpg" in str(caught.value)


def test_empty_folder_is_taken(tmp_path):
    destination = LocalDestination(tmp_path / "out")
    destination.root.mkdir()
    _publish(destination, {"a": b"1"})
    assert destination.read("a") == b"1"


def test_destination_of_another_export_is_refused(destination):
    _publish(destination, {"a": b"1"})
    with pytest.raises(ConfigError, match="belongs to Export/train"):
        destination.inspect("Export/other", {})


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"kind":"x","owner":"o","files":{}}', '{"files":{"../x":{}}}'])
def test_damaged_manifest_is_refused(destination, text):
    _publish(destination, {"a": b"1"})
    (destination.root / MANIFEST_PATH).write_text(text)
    with pytest.raises(ConfigError, match="cannot be read"):
        destination.inspect(OWNER, {})


def test_wrong_checksum_publishes_nothing_of_the_file(destination):
    staging = destination.open_staging(OWNER, destination.inspect(OWNER, {}))
    with pytest.raises(Transient, match="expected sha1:00"):
        staging.put("a", [b"1"], Checksum("sha1", "00"))
    staging.put("b", [b"1"], Checksum("md5", hashlib.md5(b"1").hexdigest()))
    staging.commit()
    assert _tree(destination.root).keys() == {"b", MANIFEST_PATH}


@pytest.mark.parametrize("path", ["../x", "/x", "a/../../x", "", "a//b", "./a", "a\0b", MANIFEST_PATH])
def test_path_outside_is_refused(destination, path):
    staging = destination.open_staging(OWNER, destination.inspect(OWNER, {}))
    with pytest.raises(ValueError, match="does not name a file"):
        staging.put(path, [b"1"])
    staging.abandon()


def test_two_publications_at_once_are_refused(destination):
    staging = destination.open_staging(OWNER, destination.inspect(OWNER, {}))
    with pytest.raises(LockHeld):
        destination.open_staging(OWNER, destination.inspect(OWNER, {}))
    staging.abandon()
    destination.open_staging(OWNER, destination.inspect(OWNER, {})).abandon()


def test_leftover_of_a_cut_build_goes(destination):
    _publish(destination, {"a": b"1"})
    leftover = destination.root.with_name(".out.new")
    leftover.mkdir()
    (leftover / "half").write_bytes(b"x")
    _publish(destination, {"a": b"2"})
    assert _neighbours(destination) == {"out"}
    assert _tree(destination.root).keys() == {"a", MANIFEST_PATH}


def test_cut_between_two_renames_gives_the_old_tree_back(destination):
    """Where the system has no exchange, a cut can leave the old tree under its other name."""
    published = _publish(destination, {"a": b"1"})
    shutil.copytree(destination.root, destination.root.with_name(".out.new"))
    destination.root.rename(destination.root.with_name(".out.old"))
    assert destination.inspect(OWNER, published.stamps).manifest == published.manifest
    destination.open_staging(OWNER, destination.inspect(OWNER, {})).abandon()
    assert destination.read("a") == b"1"
    assert _neighbours(destination) == {"out"}


def test_link_to_a_folder_is_followed(tmp_path):
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real")
    _publish(LocalDestination(tmp_path / "link"), {"a": b"1"})
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "real" / "a").read_bytes() == b"1"


def test_file_in_place_of_the_folder_is_refused(tmp_path):
    (tmp_path / "out").write_text("x")
    with pytest.raises(ConfigError, match="is a file"):
        LocalDestination(tmp_path / "out").inspect(OWNER, {})


def test_mount_point_is_refused():
    with pytest.raises(ConfigError, match="root of a file system"):
        LocalDestination(Path("/")).open_staging(OWNER, Standing())


def test_large_file_is_streamed(destination):
    block = bytes(1 << 16)
    staging = destination.open_staging(OWNER, destination.inspect(OWNER, {}))
    state = staging.put("big", (block for _ in range(256)))
    staging.commit()
    assert state.size_bytes == 1 << 24 == (destination.root / "big").stat().st_size
