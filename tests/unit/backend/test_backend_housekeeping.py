"""Blobs that no row names go once they are old, and nothing else does."""

import os
import signal
import subprocess
import sys

import pytest

from reconciler.backend.housekeeping import NAMING, SAFE_AGE_S, SWEEP_INTERVAL_S
from reconciler.backend.store import open_store
from reconciler.errors import StateError

CLOCK_START = 1_800_000_000.0  # of the clock that `open_backend` gives

KILLED = """
import os, signal, sys
from pathlib import Path
from reconciler.backend.store import open_store
store = open_store(Path(sys.argv[1]), database=sys.argv[2] or None)
digests = store.blobs.stage("upload", [b"left behind"])
with store.blobs.naming():
    store.blobs.keep("upload", digests)
    with store.writing() as db:
        db.execute("UPDATE settings SET value = value")
        os.kill(os.getpid(), signal.SIGKILL)
"""


def _blobs(folder):
    return sorted(path.read_bytes() for path in (folder / "store" / "blobs").rglob("*") if path.is_file())


def _age(folder, seconds, now):
    for path in (folder / "store" / "blobs").rglob("*"):
        os.utime(path, (now - seconds, now - seconds))


@pytest.fixture
def killed(tmp_path, database):
    """The folder of a store whose process was killed between publishing a blob and the commit."""
    command = [sys.executable, "-c", KILLED, str(tmp_path / "store"), database or ""]
    assert subprocess.run(command, timeout=60).returncode == -signal.SIGKILL
    assert _blobs(tmp_path) == [b"left behind"]
    _age(tmp_path, 0, CLOCK_START)
    return tmp_path


@pytest.mark.every_database
def test_blob_of_a_killed_process_goes_and_those_with_rows_stay(killed, open_backend):
    backend = open_backend()
    backend.upload(backend.collection(), b"named")
    backend.clock.now += SWEEP_INTERVAL_S + SAFE_AGE_S
    backend.app.store.purge()
    assert _blobs(killed) == [b"named"]


def test_young_blob_without_row_stays(killed, open_backend):
    backend = open_backend()
    _age(killed, SAFE_AGE_S - 3600, backend.clock.now + SWEEP_INTERVAL_S)
    backend.clock.now += SWEEP_INTERVAL_S + 1
    backend.app.store.purge()
    assert _blobs(killed) == [b"left behind"]


def test_sweep_waits_while_a_blob_is_being_named(killed, open_backend):
    backend = open_backend()
    store, other = backend.app.store, open_store(killed / "store", clock=backend.clock)
    backend.clock.now += SWEEP_INTERVAL_S + SAFE_AGE_S
    with other.blobs.naming():
        store.purge()
        assert _blobs(killed) == [b"left behind"]
    backend.clock.now += SWEEP_INTERVAL_S + 1
    store.purge()
    assert _blobs(killed) == []
    other.close()


def test_blob_that_is_named_again_stays(killed, open_backend):
    backend = open_backend()
    backend.upload(backend.collection(), b"left behind")
    backend.clock.now += SWEEP_INTERVAL_S + SAFE_AGE_S
    backend.app.store.purge()
    assert _blobs(killed) == [b"left behind"]


def test_sweep_is_once_a_day(killed, open_backend):
    backend = open_backend()
    _age(killed, SAFE_AGE_S + 1, backend.clock.now)
    backend.app.store.purge()
    assert _blobs(killed) == [b"left behind"]  # opening looked for old blobs a moment ago
    backend.clock.now += SWEEP_INTERVAL_S + 1
    backend.app.store.purge()
    assert _blobs(killed) == []


def test_every_column_that_holds_a_blob_counts_as_naming_it(open_backend):
    with open_backend().app.store.reading() as db:
        sql = "SELECT m.name FROM sqlite_master m JOIN pragma_table_info(m.name) c WHERE c.name LIKE '%sha256%'"
        tables = [row[0] for row in db.execute(sql)]
    assert tables
    assert all(f"FROM {table}" in NAMING for table in tables)


def test_folder_whose_database_was_replaced_is_refused(tmp_path):
    open_store(tmp_path / "store").close()
    for path in (tmp_path / "store").glob("store.db*"):
        path.unlink()
    with pytest.raises(StateError, match="belong to another database"):
        open_store(tmp_path / "store")
