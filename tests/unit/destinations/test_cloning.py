"""Local files are copied without being streamed, and what is done to the copy never reaches the original."""

from __future__ import annotations

import hashlib
import os

import pytest

from reconciler.destinations.cloning import clone
from reconciler.destinations.local import LocalDestination
from reconciler.destinations.opening import open_destination
from reconciler.errors import Transient
from reconciler.model.checksum import Checksum

OWNER = "Export/train"


@pytest.mark.parametrize("size", [0, 1, 4096, (1 << 20) + 7])
def test_clone_has_the_same_bytes(tmp_path, size):
    content = os.urandom(size)
    (tmp_path / "a").write_bytes(content)
    clone(tmp_path / "a", tmp_path / "b")
    assert (tmp_path / "b").read_bytes() == content


def test_clone_over_a_longer_file_leaves_nothing_of_it(tmp_path):
    (tmp_path / "a").write_bytes(b"1")
    (tmp_path / "b").write_bytes(b"longer")
    clone(tmp_path / "a", tmp_path / "b")
    assert (tmp_path / "b").read_bytes() == b"1"


@pytest.mark.parametrize("url", ["out", "memory://cloning/out"])
def test_edit_of_a_published_file_does_not_reach_its_source(tmp_path, url):
    (tmp_path / "blob").write_bytes(b"original")
    destination = open_destination(url, folder=tmp_path)
    staging = destination.open_staging(OWNER, destination.inspect(OWNER, {}))
    state = staging.put_file("a", tmp_path / "blob", Checksum("md5", hashlib.md5(b"original").hexdigest()))
    staging.commit()
    assert (state.size_bytes, state.sha256) == (8, hashlib.sha256(b"original").hexdigest())
    assert destination.read("a") == b"original"
    if isinstance(destination, LocalDestination):
        with (destination.root / "a").open("r+b") as file:
            file.write(b"EDITED")
        assert not (destination.root / "a").samefile(tmp_path / "blob")
    assert (tmp_path / "blob").read_bytes() == b"original"


def test_source_with_another_checksum_is_not_published(tmp_path):
    (tmp_path / "blob").write_bytes(b"rotten")
    destination = LocalDestination(tmp_path / "out")
    staging = destination.open_staging(OWNER, destination.inspect(OWNER, {}))
    with pytest.raises(Transient, match="expected md5:00"):
        staging.put_file("a", tmp_path / "blob", Checksum("md5", "00"))
    staging.commit()
    assert destination.read("a") is None
