"""The state file."""

from __future__ import annotations

import sqlite3
import subprocess
import sys

import pytest

from reconciler.errors import StateError
from reconciler.model.address import Address
from reconciler.state.store import StateStore
from reconciler.state.values import OwnedResource, OwnedRow, Shape, Version

SET = Address("AssetSet", "ct")
RECORD = OwnedResource(SET, "local", None, {"collection": {"$ref": "Collection/c"}}, parent_id="7", protect=True)


def row(key: str, remote_id: str = "1") -> OwnedRow:
    return OwnedRow(key, remote_id, "content", "fields", Shape(("age",), ("g",)), {"image_1": "ab"})


@pytest.fixture
def path(tmp_path):
    return tmp_path / "state.db"


@pytest.fixture
def store(path):
    opened = StateStore(path, new_lineage=lambda: "lineage-1")
    yield opened
    opened.close()


def test_store_new_file_has_lineage_and_serial_zero(store):
    assert store.version == Version("lineage-1", 0)


def test_store_lineage_stays_and_serial_grows_with_every_change(store, path):
    store.save_resource(RECORD)
    store.save_rows(SET, [row("a")])
    store.close()
    again = StateStore(path, new_lineage=lambda: "other")
    assert again.version == Version("lineage-1", 2)
    again.close()


def test_store_resource_reads_back_as_saved(store):
    store.save_resource(RECORD)
    assert store.resource(SET) == RECORD


def test_store_rows_read_back_and_raise_the_revision(store):
    store.save_resource(RECORD)
    store.save_rows(SET, [row("b", "2"), row("a")])
    assert list(store.rows(SET)) == [row("a"), row("b", "2")]
    assert store.resource(SET).revision == store.version.serial == 2


def test_store_drop_removes_only_the_row_with_that_remote_id(store):
    store.save_resource(RECORD)
    store.save_rows(SET, [row("a", "1"), row("b", "2")])
    store.save_rows(SET, [], drop=[("a", "1"), ("b", "another")])
    assert [r.key for r in store.rows(SET)] == ["b"]


def test_store_dropping_a_resource_drops_its_rows(store):
    store.save_resource(RECORD)
    store.save_rows(SET, [row("a")])
    store.drop_resource(SET)
    store.save_resource(RECORD)
    assert store.row_count(SET) == 0


def test_store_intent_ends_with_the_outcome(store):
    store.save_resource(RECORD)
    intent = store.begin(SET, "create", ["a"], now="2026-01-01T00:00:00+00:00")
    assert store.intents()[0].keys == ("a",)
    store.save_rows(SET, [row("a")], intent=intent)
    assert store.intents() == ()


def test_store_move_to_a_taken_address_is_refused(store):
    store.save_resource(RECORD)
    with pytest.raises(StateError, match="in the state already"):
        store.move_resource(SET, SET)


def test_store_read_only_without_file_is_empty_and_creates_nothing(path):
    store = StateStore(path, new_lineage=lambda: "x", read_only=True)
    assert (store.resources(), path.exists()) == ({}, False)
    store.close()


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda path: path.write_text("not a database, but long enough to be looked at " * 30), "cannot use"),
        (lambda path: _pragma(path, "user_version = 99"), "newer version"),
        (lambda path: _pragma(path, "user_version = 1"), "not a state file"),
    ],
)
def test_store_foreign_or_newer_file_is_refused(path, make, message):
    make(path)
    with pytest.raises(StateError, match=message):
        StateStore(path, new_lineage=lambda: "x")


def _pragma(path, text):
    db = sqlite3.connect(path)
    db.execute("CREATE TABLE t (x)")
    db.execute(f"PRAGMA {text}")
    db.close()


def test_store_killed_process_keeps_what_was_committed(path):
    code = (
        "import os, sys; from pathlib import Path; from reconciler.state.store import StateStore\n"
        "from reconciler.model.address import Address\n"
        "s = StateStore(Path(sys.argv[1]), new_lineage=lambda: 'l')\n"
        "s.begin(Address('AssetSet', 'ct'), 'create', ['a'], now='t')\n"
        "os.kill(os.getpid(), 9)\n"
    )
    subprocess.run([sys.executable, "-c", code, str(path)], check=False)
    store = StateStore(path, new_lineage=lambda: "x")
    assert [intent.keys for intent in store.intents()] == [("a",)]
    store.close()
