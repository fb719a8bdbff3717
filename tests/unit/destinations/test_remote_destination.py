"""Destinations on fsspec file systems, and how URLs become destinations."""

from pathlib import Path

import fsspec
import pytest

from reconciler.destinations.local import LocalDestination
from reconciler.destinations.manifest import MANIFEST_PATH
from reconciler.destinations.opening import open_destination, shown
from reconciler.destinations.remote import RemoteDestination
from reconciler.errors import ConfigError, MissingExtra, Transient
from reconciler.model.checksum import Checksum

OWNER = "Export/train"


@pytest.fixture
def destination(request):
    yield open_destination(f"memory://{request.node.name}/out", folder=Path())
    fsspec.filesystem("memory").store.clear()


def _publish(destination, files, keep=()):
    staging = destination.open_staging(OWNER, destination.inspect(OWNER, {}))
    for path, content in files.items():
        staging.put(path, [content])
    for path in keep:
        staging.keep(path)
    return staging.commit()


def _paths(destination):
    return sorted(p.partition("/out/")[2] for p in destination.fs.find(destination.root))


def test_files_and_manifest_are_written(destination):
    published = _publish(destination, {"a/b": b"1", "c": b"22"})
    assert _paths(destination) == ["a/b", "c", MANIFEST_PATH]
    assert (published.written, published.bytes) == (2, 3)
    assert destination.inspect(OWNER, published.stamps).is_intact


def test_unchanged_stamps_spare_reading(destination):
    published = _publish(destination, {"a": b"1", "b": b"2"})
    assert destination.inspect(OWNER, published.stamps).hashed == 0
    assert destination.inspect(OWNER, {}).hashed == 2


def test_same_bytes_are_not_sent_again(destination):
    _publish(destination, {"a": b"1", "b": b"2"})
    made = destination.fs.created(destination.full("a"))
    published = _publish(destination, {"a": b"1", "b": b"3"})
    assert destination.fs.created(destination.full("a")) == made
    assert (published.written, published.kept, published.bytes) == (1, 1, 1)


def test_file_not_named_again_is_removed(destination):
    _publish(destination, {"a": b"1", "b": b"2"})
    published = _publish(destination, {}, keep=["a"])
    assert _paths(destination) == ["a", MANIFEST_PATH]
    assert (published.kept, published.removed) == (1, 1)


def test_removed_altered_and_foreign_files_are_found(destination):
    published = _publish(destination, {"a": b"1", "b": b"2"})
    destination.fs.rm_file(destination.full("a"))
    destination.fs.pipe_file(destination.full("b"), b"x")
    destination.fs.pipe_file(destination.full("mine"), b"x")
    standing = destination.inspect(OWNER, published.stamps)
    assert (standing.missing, standing.altered, standing.foreign) == (("a",), ("b",), ("mine",))


def test_wrong_checksum_sends_nothing(destination):
    staging = destination.open_staging(OWNER, destination.inspect(OWNER, {}))
    with pytest.raises(Transient, match="expected md5:00"):
        staging.put("a", [b"1"], Checksum("md5", "00"))
    staging.commit()
    assert _paths(destination) == [MANIFEST_PATH]


def test_cut_first_publication_can_be_repeated(destination):
    destination.open_staging(OWNER, destination.inspect(OWNER, {})).put("a", [b"half"])
    assert destination.inspect(OWNER, {}).foreign == ("a",)
    published = _publish(destination, {"a": b"whole"})
    assert published.foreign == ()
    assert destination.inspect(OWNER, {}).is_intact


def test_folder_of_others_is_refused(destination):
    destination.fs.pipe_file(destination.full("mine"), b"x")
    with pytest.raises(ConfigError, match="not empty"):
        destination.inspect(OWNER, {})


def test_destination_of_another_export_is_refused(destination):
    _publish(destination, {"a": b"1"})
    with pytest.raises(ConfigError, match="belongs to Export/train"):
        destination.inspect("Export/other", {})


class _Broken:
    def find(self, *_args, **_options):
        raise ConnectionError("https://host/?signature=secret")

    def invalidate_cache(self):
        return None


def test_store_that_does_not_answer_is_transient_and_tells_no_secret():
    with pytest.raises(Transient) as caught:
        RemoteDestination(_Broken(), "bucket/out", "s3://bucket/out").inspect(OWNER, {})
    assert "secret" not in str(caught.value)


LOCAL = [("out", "/w/out"), ("./out", "/w/out"), ("/abs/out", "/abs/out"), ("file:///abs/out", "/abs/out")]


@pytest.mark.parametrize(("url", "root"), LOCAL)
def test_path_is_a_local_destination(url, root):
    assert open_destination(url, folder=Path("/w")) == LocalDestination(Path(root))


def test_unknown_protocol_is_refused():
    with pytest.raises(ConfigError, match="nosuch"):
        open_destination("nosuch://x/y", folder=Path())


def test_missing_package_names_the_extra():
    with pytest.raises(MissingExtra, match="reconciler\\[s3\\]"):
        open_destination("s3://bucket/out", folder=Path())


def test_credentials_are_not_shown():
    assert shown("sftp://me:secret@host/out?token=secret") == "sftp://host/out"
