"""Uploads that are cut at a random byte: nothing is half published, and the next run sends what is missing, no more.

Server and command are processes of their own; all that the client sends passes a wire that counts it and can cut it.
RECONCILER_KILLS says how often each kind of cut is tried (default 2); docs/development.md tells of the long series.
"""

from __future__ import annotations

import hashlib
import os
import random
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.support.serving import COMMAND
from tests.support.wire import Wire, wired
from tests.support.workspace import document

CUTS = int(os.environ.get("RECONCILER_KILLS", "2"))
PART = 1024 * 1024
LARGE, SMALL = 4, 12
SIZES = {f"large_{n}": 4 * PART + n for n in range(LARGE)} | {f"small_{n:02}": 20_000 + n for n in range(SMALL)}
TOTAL = sum(SIZES.values())
# What may be on its way, unfinished, when it is cut: one part for each of the transfers, and what is not noted.
AT_ONCE = 3
UNFINISHED = AT_ONCE * PART + SMALL * 20_100
TALK = 120_000  # bytes of requests and headers in a run
TOKEN = "syn_0123456789abcdef0123456789abcdef01234567"
SEED = f"""
datamaker:
  multipartThreshold: {PART}
  tenants: [{{code: acme, name: Acme}}]
  users: [{{email: a@b.co, password: pw, name: Tester, tenants: [acme], tokens: [{TOKEN}]}}]
"""


class Server:
    """`reconciler serve` that can be killed and started again on its port."""

    def __init__(self, folder: Path, store: Path) -> None:
        self.folder, self.store, self.port = folder, store, 0
        (folder / "seed.yaml").write_text(SEED)
        self.start()

    def start(self) -> None:
        arguments = ["--listen", f"127.0.0.1:{self.port}", "--store", str(self.store), "--seed", "seed.yaml"]
        self._process = subprocess.Popen(
            [*COMMAND, "serve", *arguments],
            cwd=self.folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        assert self._process.stdout
        found = re.search(r":(\d+)$", self._process.stdout.readline().strip())
        assert found
        self.port = int(found[1])

    def kill(self) -> None:
        """As kill -9."""
        self._process.kill()
        self._process.communicate()

    def restart(self) -> None:
        self.kill()
        self.start()


class Site:
    """A server, a wire to it, and a workspace whose backend is at the other end of the wire."""

    def __init__(self, root: Path, server: Server, wire: Wire) -> None:
        self.root, self.server, self.wire = root, server, wire
        self.data = root / "data"
        self.data.mkdir(parents=True)
        for number, (name, size) in enumerate(SIZES.items()):
            (self.data / f"{name}.bin").write_bytes(random.Random(number).randbytes(size))
        lab = {"type": "datamaker", "url": f"http://127.0.0.1:{wire.port}", "tenant": "acme", "token": TOKEN}
        spec = {"name": "data_1", "type": "data", "extensions": [".bin"], "required": True, "primary": True}
        texts = [
            document("Workspace", "w", {"backends": {"lab": lab}, "defaultBackend": "lab"}),
            document("Collection", "pieces", {"title": "Pieces", "fileSpecifications": [spec]}),
            document("AssetSet", "all", {"collection": "pieces", "source": {"url": "data"}}),
        ]
        shown = "\n---\n".join(map(str, texts)).replace("'", '"').replace("True", "true")
        (root / "reconciler.yaml").write_text(shown)
        self.plan()  # so that cuts hit the transfer, and no checksum is computed again

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        environment = {**os.environ, "HOME": str(self.root)}
        return subprocess.run(
            [*COMMAND, *arguments], cwd=self.root, env=environment, capture_output=True, text=True, check=False
        )

    def plan(self) -> int:
        return self.run("plan", "--detailed-exitcode").returncode

    def apply(self) -> subprocess.CompletedProcess[str]:
        return self.run("apply", "--auto-approve", "--no-color", f"--parallelism={AT_ONCE}")

    def apply_counted(self) -> tuple[subprocess.CompletedProcess[str], int]:
        """An apply and the bytes that it sent."""
        before = self.wire.sent
        return self.apply(), self.wire.sent - before

    def blobs(self) -> set[str]:
        """SHA-256 of what the server published, computed from the bytes; the names must agree."""
        found = set()
        for path in (self.server.store / "blobs").glob("*/*"):
            digest = hashlib.sha256(path.read_bytes()).hexdigest()
            assert path.parent.name + path.name == digest
            found.add(digest)
        return found

    def wanted(self) -> set[str]:
        return {hashlib.sha256(path.read_bytes()).hexdigest() for path in self.data.iterdir()}

    def assert_whole(self) -> None:
        """Everything is there, once, and nothing else; and nothing is left to do."""
        assert self.blobs() == self.wanted()
        staged = [path.name for path in (self.server.store / "staging").iterdir() if path.suffix != ".tmp"]
        assert staged == []  # what a killed server was writing is cleared away by its housekeeping
        assert self.plan() == 0


@pytest.fixture
def site(tmp_path):
    server = Server(tmp_path, tmp_path / "store")
    try:
        with wired(server.port) as wire:
            yield Site(tmp_path / "w", server, wire)
    finally:
        server.kill()


def moment(seed: int) -> int:
    """A byte of the transfer, away from its ends."""
    return random.Random(seed).randrange(TOTAL // 10, TOTAL * 9 // 10)


@pytest.mark.parametrize("seed", range(CUTS))
def test_server_killed_in_a_transfer_and_started_later_gets_what_is_missing(site, seed):
    site.wire.at(moment(seed), site.server.kill)
    cut, first = site.apply_counted()
    assert cut.returncode != 0
    assert site.blobs() <= site.wanted()
    site.server.start()
    done, second = site.apply_counted()
    assert done.returncode == 0, done.stderr
    assert first + second < TOTAL + UNFINISHED + 2 * TALK
    site.assert_whole()


@pytest.mark.parametrize("seed", range(CUTS))
def test_server_restarted_in_a_transfer_is_not_noticed_by_the_end(site, seed):
    site.wire.at(moment(seed), site.server.restart)
    done, sent = site.apply_counted()
    if done.returncode != 0:  # the retries of one file were over before the server was back
        done, more = site.apply_counted()
        sent += more
    assert done.returncode == 0, done.stderr
    assert sent < TOTAL + UNFINISHED + 2 * TALK
    site.assert_whole()


@pytest.mark.parametrize("seed", range(CUTS))
def test_connections_reset_in_a_transfer_cost_one_part_each_time(site, seed):
    for place in sorted(moment(100 * seed + n) for n in range(3)):
        site.wire.at(place, site.wire.reset)
    done, sent = site.apply_counted()
    assert done.returncode == 0, done.stderr
    assert sent < TOTAL + 3 * UNFINISHED + TALK
    site.assert_whole()


@pytest.mark.parametrize("seed", range(CUTS))
def test_command_killed_in_a_transfer_goes_on_part_by_part(site, seed):
    arguments = ["apply", "--auto-approve", f"--parallelism={AT_ONCE}"]
    environment = {**os.environ, "HOME": str(site.root)}
    streams = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    process = subprocess.Popen([*COMMAND, *arguments], cwd=site.root, env=environment, **streams)
    site.wire.at(moment(seed), process.kill)
    process.wait()
    first = site.wire.sent
    done, second = site.apply_counted()
    assert done.returncode == 0, done.stderr
    assert first + second < TOTAL + UNFINISHED + 2 * TALK
    site.assert_whole()


@pytest.mark.parametrize("seed", range(CUTS))
def test_file_changed_while_it_is_sent_fails_its_unit_alone(site, seed):
    victim = site.data / "large_3.bin"

    def change() -> None:
        with victim.open("r+b") as file:
            file.seek(-100, os.SEEK_END)
            file.write(bytes(100))

    site.wire.at(min(moment(seed), TOTAL // 2), change)  # it is sent last of the large ones
    before = hashlib.sha256(victim.read_bytes()).hexdigest()
    cut = site.apply()
    assert cut.returncode == 16, cut.stderr
    assert 'AssetSet/all["large_3"]' in cut.stderr
    assert "the file changed since it was planned" in cut.stderr
    now = hashlib.sha256(victim.read_bytes()).hexdigest()
    assert site.blobs() == site.wanted() - {now}
    assert before not in site.blobs()
    again, sent = site.apply_counted()
    assert again.returncode == 0, again.stderr
    assert sent < SIZES["large_3"] + TALK
    assert site.blobs() == site.wanted()
    assert site.plan() == 0


@pytest.fixture
def small_disk(tmp_path):
    """A file system of 8 MiB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    if (
        not shutil.which("mount")
        or subprocess.run(
            ["mount", "-t", "tmpfs", "-o", "size=8m", "none", str(folder)], capture_output=True, check=False
        ).returncode
    ):
        pytest.skip("this user may not mount a file system")
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


def test_full_disk_of_the_server_is_told_and_the_rest_sent_when_there_is_room(tmp_path, small_disk):
    server = Server(tmp_path, small_disk / "store")
    try:
        with wired(server.port) as wire:
            _fill_and_go_on(Site(tmp_path / "w", server, wire), small_disk)
    finally:
        server.kill()


def _fill_and_go_on(site: Site, disk: Path) -> None:
    full, _ = site.apply_counted()
    assert full.returncode in (16, 18), full.stderr
    assert "no room" in full.stderr
    assert site.blobs() <= site.wanted()
    subprocess.run(["mount", "-o", "remount,size=80m", str(disk)], check=True)
    done, second = site.apply_counted()
    assert done.returncode == 0, done.stderr
    assert second < TOTAL + TALK
    assert site.blobs() == site.wanted()
    assert site.plan() == 0
