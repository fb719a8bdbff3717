"""The database in PostgreSQL: several servers over it, its restart, its secrets, and what differs from SQLite."""

import io
import os
import re
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import httpx
import pytest

from reconciler.backend.database import IntegrityError, OperationalError, insert, next_id, one
from reconciler.backend.postgres import check_url, schema_statements
from reconciler.backend.serve import serve
from reconciler.backend.store import open_store
from reconciler.errors import MissingExtra, StateError, UsageError
from tests.support.postgres import PASSWORD

PROGRAM = """
import sys
from pathlib import Path
from reconciler.backend.serve import serve
sys.exit(serve("127.0.0.1:0", Path(sys.argv[1]), None, sys.stdout, database=sys.argv[2]))
"""


@pytest.fixture
def url(postgres_server):
    return postgres_server.database()


@pytest.fixture
def start(tmp_path, url):
    """Starts servers over one folder and one database; gives process and URL."""
    running = []

    def begin():
        command = [sys.executable, "-W", "error", "-c", PROGRAM, str(tmp_path / "store"), url]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        running.append(process)
        while not (found := re.search(r"http://\S+", line := process.stdout.readline())):
            assert line, process.stderr.read()
        return process, found[0]

    yield begin
    for process in running:
        process.kill()
        process.communicate()


@pytest.fixture
def store(tmp_path, url):
    opened = open_store(tmp_path / "store", database=url)
    yield opened
    opened.close()


def _client(folder, url):
    token = (folder / "store" / "local-token").read_text().strip()
    return httpx.Client(base_url=url, headers={"Synapse-Access-Token": token}, timeout=60)


def _collection(client):
    body = {"name": "scans", "category": "image", "file_specifications": [{"name": "image_1", "file_type": "image"}]}
    return client.post("/v2/data-collections/", json=body).json()["data"]["id"]


def test_servers_over_one_database_write_at_once_without_losing_or_doubling(start, tmp_path):
    servers = [start()[1] for _ in range(2)]
    clients = [_client(tmp_path, server) for server in servers]
    collection = _collection(clients[0])

    def work(worker):
        client, etags = clients[worker % 2], []
        for number in range(10):
            body = {"data_collection": collection, "meta": {"worker": worker, "number": number}}
            etags.append(client.get(f"/v2/data-units/?data_collection={collection}").headers["ETag"])
            assert client.post("/v2/data-units/", json=body).status_code == 201
        return etags

    with ThreadPoolExecutor(8) as pool:
        etags = list(pool.map(work, range(8)))
    assert all(len(set(seen)) == 10 for seen in etags)  # each writer saw its own writes in the listing's ETag
    listed = [client.get("/v2/data-units/?per_page=200").json()["data"] for client in clients]
    assert listed[0] == listed[1]
    metas = {(unit["meta"]["worker"], unit["meta"]["number"]) for unit in _details(clients[0], listed[0])}
    assert len(listed[0]) == len({unit["id"] for unit in listed[0]}) == len(metas) == 80
    for client in clients:
        client.close()


def _details(client, listed):
    ids = [unit["id"] for unit in listed]
    return [client.get(f"/v2/data-units/{unit}/").json()["data"] for unit in ids]


def test_server_killed_while_another_writes_stops_nobody(start, tmp_path):
    (doomed, first), (_, second) = start(), start()
    with _client(tmp_path, first) as lost, _client(tmp_path, second) as client:
        collection = _collection(client)
        body = {"data_collection": collection, "meta": {}}
        made = [lost.post("/v2/data-units/", json=body).json()["data"]["id"] for _ in range(5)]
        os.kill(doomed.pid, signal.SIGKILL)
        made.append(client.post("/v2/data-units/", json=body).json()["data"]["id"])
        listed = client.get("/v2/data-units/?sort=id").json()["data"]
    assert [unit["id"] for unit in listed] == made


def test_restart_of_the_database_is_a_503_at_most(postgres_server, open_backend):
    backend = open_backend(database=postgres_server.database())
    postgres_server.control("restart", "-m", "fast")
    answers = [backend.client.get("/v2/users/me/") for _ in range(5)]  # as many as connections were idle, and more
    assert {answer.status_code for answer in answers} <= {200, 503}
    assert all(answer.headers.get("Retry-After") for answer in answers if answer.status_code == 503)
    assert answers[-1].status_code == 200


def test_counter_follows_identifiers_that_are_given(store):
    with store.writing() as db:
        first = next_id(db, "users")
        sql = "INSERT INTO users (id, email, name, created) VALUES (?, ?, '', '')"
        db.executemany(sql, [(first, "a@b.co"), (first + 3, "c@d.co")])
        assert insert(db, "users", {"email": "e@f.co", "name": "", "created": ""}) == first + 4
        assert next_id(db, "users") == first + 5


def test_tables_begin_at_the_same_identifiers_as_in_a_file(tmp_path, url):
    counters = []
    for folder, database in (("file", None), ("shared", url)):
        opened = open_store(tmp_path / folder, database=database, first_id=1000)
        with opened.reading() as db:
            counters.append(dict(db.counters()))
        opened.close()
    assert counters[0] == counters[1]


def test_commit_after_a_refused_row_is_refused(store):
    def careless():
        with store.writing() as db:
            for _ in range(2):
                with suppress(IntegrityError):
                    insert(db, "users", {"email": "a@b.co", "name": "", "created": ""})

    with pytest.raises(OperationalError, match="nothing is committed"):
        careless()
    with store.reading() as db:
        assert one(db, "SELECT * FROM users") is None


def test_reading_cannot_write(store):
    with store.reading() as db, pytest.raises(Exception, match="read-only"):
        insert(db, "users", {"email": "a@b.co", "name": "", "created": ""})


def test_row_has_columns_by_name_and_number(store):
    with store.reading() as db:
        row = one(db, "SELECT 1 AS id, 'a%b?:c' AS text, :given AS given", {"given": "it's"})
    assert (row["id"], row[1], row["given"], len(row)) == (1, "a%b?:c", "it's", 3)
    assert list(row.keys()) == ["id", "text", "given"]
    assert tuple(row) == (1, "a%b?:c", "it's")


def test_schema_words_of_sqlite_are_translated():
    sql = "CREATE TABLE t (\n    id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL) WITHOUT ROWID;"
    table, trigger = schema_statements(sql)
    assert 'id BIGINT GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY, name TEXT COLLATE "C" NOT NULL)' in table
    assert "ROWID" not in table
    assert "AFTER INSERT ON t " in trigger


def test_value_that_the_database_cannot_keep_is_a_400(open_backend, postgres_server, tmp_path):
    backend = open_backend(database=postgres_server.database())
    answer = backend.client.post("/v2/groups/", json={"name": "a\0b"})
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "VALIDATION_ERROR")


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("mysql://host/db", "another database"),
        ("postgresql://user:hunter2@host/db", "a password before the host"),
        ("postgres://user@host/db?password=hunter2", "a password among the parameters"),
        ("postgresql://user@host/db?sslmode=require&password=hunter2", "a password after another parameter"),
    ],
)
def test_url_on_the_command_line_is_refused_and_not_repeated(url, reason):
    with pytest.raises(UsageError) as caught:
        check_url(url, is_public=True)
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://user:hunter2@127.0.0.1:{port}/nothing",
        "postgresql://user:hunter2@127.0.0.1:{port}/db?nonsense=hunter2",
        "postgresql://user:hunter2@127.0.0.1:not-a-port/db?hunter2",
    ],
)
def test_password_in_the_environment_shows_in_no_error(postgres_server, tmp_path, url):
    with pytest.raises((StateError, UsageError)) as caught:
        open_store(tmp_path / "store", database=url.format(port=postgres_server.port))
    seen = caught.value
    while seen is not None:
        assert "hunter2" not in str(seen)
        seen = seen.__cause__ or (None if seen.__suppress_context__ else seen.__context__)


def test_wrong_password_is_a_state_error(postgres_server, tmp_path, monkeypatch):
    url = postgres_server.database()
    monkeypatch.setenv("PGPASSWORD", "wrong")
    with pytest.raises(StateError, match="password authentication failed"):
        serve("127.0.0.1:0", tmp_path / "store", None, io.StringIO(), database=url)


def test_password_is_in_no_file_of_the_store(store, tmp_path):
    store.local_token()
    assert not [path for path in tmp_path.rglob("*") if path.is_file() and PASSWORD.encode() in path.read_bytes()]


def test_folder_with_a_database_of_its_own_is_refused(tmp_path, url):
    open_store(tmp_path / "store").close()
    with pytest.raises(StateError, match="database of its own"):
        open_store(tmp_path / "store", database=url)


def test_folder_of_another_database_is_refused(store, tmp_path, postgres_server):
    with pytest.raises(StateError, match="another database"):
        open_store(tmp_path / "store", database=postgres_server.database())


def test_missing_driver_names_the_extra(tmp_path):
    program = (
        "import sys; sys.modules['psycopg'] = None\n"
        "from pathlib import Path; from reconciler.backend.store import open_store\n"
        "open_store(Path(sys.argv[1]), database='postgresql://127.0.0.1/db')"
    )
    done = subprocess.run([sys.executable, "-c", program, str(tmp_path)], capture_output=True, text=True)
    assert MissingExtra.__name__ in done.stderr.splitlines()[-1] or "reconciler[postgres]" in done.stderr


def test_command_takes_the_url_with_its_password_from_the_environment(postgres_server, tmp_path):
    url = postgres_server.database().replace("@", f":{PASSWORD}@")
    program = "import sys; from reconciler.cli.main import run; sys.exit(run())"
    environment = {**os.environ, "RECONCILER_DATABASE": url, "PGPASSWORD": "wrong"}
    process = subprocess.Popen(
        [sys.executable, "-c", program, "serve", "--store", str(tmp_path / "store")],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=environment,
    )  # fmt: skip
    assert process.stdout.readline().startswith("access token: ")
    assert process.stdout.readline().startswith("serving on ")
    shown = subprocess.run(["ps", "-ww", "-o", "args=", "-p", str(process.pid)], capture_output=True, text=True).stdout
    process.terminate()
    rest, _ = process.communicate(timeout=30)
    assert "serve" in shown
    assert PASSWORD not in shown + rest
