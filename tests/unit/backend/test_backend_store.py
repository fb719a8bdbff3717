"""The store: opening, versions, several threads, several processes, and being killed."""

import hashlib
import os
import signal
import sqlite3
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import pytest

from reconciler.backend.database import next_id
from reconciler.backend.migrations import STEPS
from reconciler.backend.store import open_store
from reconciler.errors import StateError


def test_folder_with_foreign_database_is_refused(tmp_path):
    (tmp_path / "store.db").write_bytes(b"this is no database, but long enough to be looked at" * 100)
    with pytest.raises(StateError):
        open_store(tmp_path)


def test_store_of_a_newer_version_is_refused(tmp_path):
    open_store(tmp_path).close()
    with sqlite3.connect(tmp_path / "store.db") as db:
        db.execute("PRAGMA user_version = 999")
    db.close()
    with pytest.raises(StateError, match="format 999"):
        open_store(tmp_path)


def test_ids_begin_where_the_store_says_and_differ_by_table(open_backend):
    backend = open_backend(first_id=5_000_000)
    collection = backend.collection()
    assert 5_000_000 <= collection < 5_100_000
    assert collection != backend.project(collection)


def test_durable_store_works_the_same(open_backend):
    backend = open_backend(durable=True)
    assert len(backend.units(backend.collection(), 2)) == 2


def test_threads_creating_the_same_units_make_each_once(backend):
    collection = backend.collection()
    sums = backend.upload(collection, *(b"%d" % n for n in range(20)))
    units = [{"files": {"image_1": {"checksum": one, "path": "x.png"}}} for one in sums]
    body = {"data_collection": collection, "units": units}

    def create(_):
        return backend.ok("POST", "/v2/data-units/bulk-create/", 201, json=body)

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(create, range(16)))
    assert sum(one["created_count"] for one in answers) == 20
    assert len({tuple(r["data_unit_id"] for r in one["results"]) for one in answers}) == 1


@pytest.mark.every_database
def test_threads_uploading_and_reading_at_once_lose_nothing(backend):
    collection = backend.collection()

    def work(worker):
        sums = backend.upload(collection, *(b"%d-%d" % (worker, n) for n in range(5)))
        units = [{"files": {"image_1": {"checksum": one, "path": "x.png"}}} for one in sums]
        backend.ok("POST", "/v2/data-units/bulk-create/", 201, json={"data_collection": collection, "units": units})
        return backend.ok("GET", f"/data_units/?data_collection={collection}")["count"]

    with ThreadPoolExecutor(8) as pool:
        assert max(pool.map(work, range(8))) == 40


@pytest.mark.every_database
def test_two_apps_on_one_folder_see_each_other(open_backend):
    first, second = open_backend(), open_backend()
    collection = first.collection()
    units = first.units(collection, 3)
    assert [row["id"] for row in second.ok("GET", "/v2/data-units/?sort=id")] == units
    second.ok("DELETE", f"/v2/data-units/{units[0]}/", 204)
    assert first.client.get(f"/v2/data-units/{units[0]}/").status_code == 404


WRITER = """
import hashlib, sys
from pathlib import Path
import httpx
from reconciler.backend.app import create_app
from reconciler.backend.store import open_store
app = create_app(open_store(Path(sys.argv[1]), database=sys.argv[2] or None))
client = httpx.Client(transport=httpx.WSGITransport(app=app), base_url="http://embedded.local",
                      headers={"SYNAPSE-ACCESS-TOKEN": app.store.local_token()})
spec = [{"name": "image_1", "file_type": "image"}]
body = {"name": "c", "category": "image", "file_specifications": spec}
collection = client.post("/v2/data-collections/", json=body).json()["data"]["id"]
base = f"/v2/data-collections/{collection}"
for number in range(100000):
    content = b"content %d" % number
    body = {"files": [{"filename": "a.png", "size": len(content)}]}
    [url] = client.post(f"{base}/upload-urls/", json=body).json()["data"]["files"]
    client.put(url["presigned_url"], content=content)
    checksum = hashlib.sha1(content).hexdigest()
    body = {"files": [{"file_key": url["file_key"], "checksum": checksum, "size": len(content)}]}
    client.post(f"{base}/finalize-upload/", json=body)
    body = {"data_collection": collection, "units": [{"files": {"image_1": {"checksum": checksum, "path": "a.png"}}}]}
    made = client.post("/v2/data-units/bulk-create/", json=body).json()["data"]["results"][0]
    etag = client.get(f"/v2/data-units/?data_collection={collection}&per_page=1").headers["ETag"]
    print(made["data_unit_id"], checksum, etag, flush=True)
"""


@pytest.mark.every_database
@pytest.mark.parametrize("acknowledged", [1, 7, 40])
def test_everything_acknowledged_survives_kill_9(tmp_path, open_backend, database, acknowledged):
    command = [sys.executable, "-c", WRITER, str(tmp_path / "store"), database or ""]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    lines = [process.stdout.readline().split() for _ in range(acknowledged)]
    os.kill(process.pid, signal.SIGKILL)
    lines += [line.split() for line in process.communicate()[0].splitlines(keepends=True) if line.endswith("\n")]
    backend = open_backend()
    for unit, checksum, _ in lines:
        file = backend.ok("GET", f"/data_units/{unit}/")["files"]["image_1"]
        assert hashlib.sha1(backend.client.get(file["url"]).content).hexdigest() == checksum
    collection = backend.ok("GET", "/v2/data-collections/")[0]["id"]
    backend.ok("POST", "/v2/data-units/", 201, json={"data_collection": collection, "meta": {}})
    etag = backend.client.get(f"/v2/data-units/?data_collection={collection}").headers["ETag"]
    assert etag not in {seen for _, _, seen in lines}


def test_store_of_the_first_format_is_brought_up_to_date(tmp_path):
    folder = tmp_path / "old"
    folder.mkdir()
    with closing(sqlite3.connect(folder / "store.db", isolation_level=None)) as db:
        db.executescript(STEPS[0])
        db.execute("PRAGMA user_version = 1")
        db.execute("INSERT INTO sqlite_sequence VALUES ('users', 5000)")
        db.execute("INSERT INTO users (email, name, created) VALUES ('a@b.co', 'A', '2026-01-01T00:00:00Z')")
        db.execute("INSERT INTO tenants (id, code, name, slug, created) VALUES (4000, 't', 'T', 't', '')")
        db.execute("INSERT INTO memberships (user_id, tenant_id, role) VALUES (5001, 4000, 'admin')")
    store = open_store(folder)
    with store.writing() as db:
        [member] = db.execute("SELECT user_id, tenant_id, role FROM members").fetchall()
        assert tuple(member) == (5001, 4000, "admin")
        assert next_id(db, "jobs") > 5001  # new tables begin above all that was used
        assert next_id(db, "users") == 5002
    store.close()
