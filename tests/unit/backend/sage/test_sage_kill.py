"""`kill -9` of the server: what was acknowledged is there, nothing is half there, and an upload goes on."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.unit.backend.sage.conftest import OWNER, PART, User
from tests.unit.backend.sage.table_session import append, column, table, values

SEED = f"sage: {{users: [{{id: 3000001, userName: owner, tokens: [{OWNER}]}}]}}"
PROGRAM = """
import sys
from pathlib import Path
from reconciler.backend.serve import serve
folder = Path(sys.argv[1])
sys.exit(serve("127.0.0.1:0", folder / "store", folder / "seed.yaml", sys.stdout, database=sys.argv[2] or None))
"""
WRITERS = 4


class Killable:
    """A server over a folder, and its user."""

    def __init__(self, folder: Path, database: str | None) -> None:
        self._command = [sys.executable, "-c", PROGRAM, str(folder), database or ""]
        (folder / "seed.yaml").write_text(SEED)
        self.start()

    def start(self) -> None:
        """Start it over the same folder, on any port."""
        self._process = subprocess.Popen(self._command, stdout=subprocess.PIPE, text=True)
        assert self._process.stdout is not None
        found = re.search(r"http://127\.0\.0\.1:\d+", self._process.stdout.readline())
        assert found
        self.user = User(httpx.Client(base_url=found[0], headers={"Authorization": f"Bearer {OWNER}"}, timeout=60))

    def stop(self) -> None:
        """Kill it for good."""
        self.kill()
        self.user.client.close()

    def restart(self) -> None:
        """Kill it and start it again."""
        self.stop()
        self.start()

    def kill(self) -> None:
        """Kill it, with requests under way if need be."""
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGKILL)
            self._process.communicate()

    def storm(self, act: Callable[[int], Any], acknowledged: int) -> list[Any]:
        """Act from several threads, with a number that is never used twice, and kill when enough was acknowledged.

        Returns what all acts that ended well gave.
        """
        done: list[Any] = []
        enough = threading.Event()

        def work(first: int) -> None:
            number = first
            try:
                while True:
                    done.append(act(number))
                    number += WRITERS
                    if len(done) >= acknowledged:
                        enough.set()
            except httpx.TransportError:
                enough.set()

        threads = [threading.Thread(target=work, args=(first,)) for first in range(WRITERS)]
        for thread in threads:
            thread.start()
        assert enough.wait(60)
        self.kill()
        for thread in threads:
            thread.join()
        assert len(done) >= acknowledged
        self.restart()
        return done


@pytest.fixture
def server(tmp_path: Path, database: str | None) -> Iterator[Killable]:
    started = Killable(tmp_path, database)
    yield started
    started.stop()


def children(user: User, parent: str) -> dict[str, str]:
    """Name to id of all files in a container."""
    found: dict[str, str] = {}
    token = None
    while True:
        body = {"parentId": parent, "includeTypes": ["file"], "nextPageToken": token}
        page = user.ok("POST", "/entity/children", json=body)
        found |= {one["name"]: one["id"] for one in page["page"]}
        token = page.get("nextPageToken")
        if token is None:
            return found


@pytest.mark.every_database
@pytest.mark.parametrize("acknowledged", [1, 30])
def test_created_files_survive_with_all_that_belongs_to_them(server: Killable, acknowledged: int) -> None:
    project = server.user.entity("Project", "atlas")["id"]
    handle = server.user.upload(b"hello")

    def create(number: int) -> tuple[str, str]:
        entity = {"concreteType": "org.sagebionetworks.repo.model.FileEntity", "name": f"f{number}"}
        annotations = {"annotations": {"n": {"type": "LONG", "value": [str(number)]}}}
        body = {"entity": entity | {"parentId": project, "dataFileHandleId": handle}, "annotations": annotations}
        made = server.user.ok("POST", "/entity/bundle2/create", 201, json=body)["entity"]
        return made["name"], made["id"]

    acknowledgements = dict(server.storm(create, acknowledged))
    found = children(server.user, project)
    assert found.items() >= acknowledgements.items()
    for name, entity in found.items():  # the unacknowledged ones too are whole
        wanted = {"includeEntity": True, "includeAnnotations": True, "includeFileHandles": True}
        bundle = server.user.ok("POST", f"/entity/{entity}/bundle2", json=wanted)
        assert bundle["annotations"]["annotations"] == {"n": {"type": "LONG", "value": [name[1:]]}}
        assert bundle["fileHandles"][0]["id"] == handle
    assert server.user.entity("Folder", "later", parentId=project)["id"] not in found.values()


@pytest.mark.every_database
def test_transactions_of_a_table_are_there_as_a_whole_or_not_at_all(server: Killable) -> None:
    project = server.user.entity("Project", "atlas")["id"]
    kind = column(server.user, "batch", "INTEGER")
    made = table(server.user, project, kind)["id"]
    size = 50

    def write(number: int) -> int:
        append(server.user, made, [{"cells": {kind["id"]: str(number)}}] * size)
        return number

    acknowledged = server.storm(write, 6)
    found = values(server.user, f"SELECT batch, count(*) FROM {made} GROUP BY batch", made)
    assert {int(batch) for batch, _ in found if batch} >= set(acknowledged)
    assert {count for _, count in found} == {str(size)}
    append(server.user, made, [{"cells": {kind["id"]: "-1"}}])


@pytest.mark.parametrize("added", [0, 1, 2])
def test_upload_goes_on_with_the_parts_that_were_added(server: Killable, added: int) -> None:
    content = b"ab" * PART  # two parts
    pieces = [content[:PART], content[PART:]]
    upload = server.user.begin(content)["uploadId"]
    for part, piece in enumerate(pieces[:added], start=1):
        server.user.send("PUT", server.user.part_urls(upload, part)[0], content=piece)
        assert server.user.add(upload, part, piece)["addPartState"] == "ADD_SUCCESS"
    server.restart()
    again = server.user.begin(content)
    assert (again["uploadId"], again["partsState"]) == (upload, "1" * added + "0" * (2 - added))
    for part, piece in list(enumerate(pieces, start=1))[added:]:
        server.user.send("PUT", server.user.part_urls(upload, part)[0], content=piece)
        server.user.add(upload, part, piece)
    handle = server.user.ok("PUT", f"/file/multipart/{upload}/complete", 201)["resultFileHandleId"]
    url = server.user.ok("GET", f"/fileHandle/{handle}/url?redirect=false")
    assert httpx.get(url).content == content


def test_upload_killed_while_a_part_arrives_asks_for_that_part_again(server: Killable) -> None:
    content = b"x" * PART
    [url] = server.user.part_urls(server.user.begin(content)["uploadId"], 1)

    def broken() -> Iterator[bytes]:
        yield content[:100_000]
        server.kill()
        yield content[100_000:]

    with pytest.raises(httpx.TransportError):
        httpx.put(url, content=broken(), headers={"Content-Length": str(PART)})
    server.restart()
    assert server.user.begin(content)["partsState"] == "0"
    server.user.upload(content)
