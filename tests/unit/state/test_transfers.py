"""What transfers remember between runs."""

from __future__ import annotations

import stat

import pytest

from reconciler.state.transfers import TransferCache


@pytest.fixture
def path(tmp_path):
    return tmp_path / "cache" / "transfers.db"


@pytest.fixture
def cache(path):
    opened = TransferCache(path)
    yield opened
    opened.close()


def test_transfers_notes_survive_closing(cache, path):
    cache.note("s", {"a": True, "b": {"etags": {"1": "x"}}})
    cache.close()
    again = TransferCache(path)
    assert again.recall("s", ["a", "b", "c"]) == {"a": True, "b": {"etags": {"1": "x"}}}
    again.close()


def test_transfers_scopes_are_kept_apart(cache):
    cache.note("s", {"a": True})
    assert cache.recall("t", ["a"]) == {}


def test_transfers_later_note_replaces_the_earlier_and_can_be_forgotten(cache):
    cache.note("s", {"a": {"slot": 1}, "b": True})
    cache.note("s", {"a": True})
    cache.forget("s", ["b"])
    assert cache.recall("s", ["a", "b"]) == {"a": True}


def test_transfers_many_are_recalled_in_batches(cache):
    many = [f"{number:040}" for number in range(2_000)]
    cache.note("s", dict.fromkeys(many, True))
    assert len(cache.recall("s", many)) == 2_000


def test_transfers_file_is_for_its_owner_alone(cache, path):
    cache.note("s", {"a": True})
    modes = {stat.S_IMODE(file.stat().st_mode) for file in path.parent.iterdir()}
    assert modes == {0o600}
