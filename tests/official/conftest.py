"""The official client's environment, a server process, and the calls that the client made of it."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.support import postgres

ROOT = Path(__file__).resolve().parents[2]
PYTHON = ROOT / ".venv-official" / "bin" / "python"
SAGE_PYTHON = ROOT / ".venv-sage-official" / "bin" / "python"
SAGE_USER, SAGE_TOKEN = "tester", "pat-tester-" + "a1b2" * 5
SAGE_OTHER_USER, SAGE_OTHER_TOKEN = "second", "pat-second-" + "c3d4" * 5
TOKEN = "syn_" + "a1b2" * 10
OTHER_TOKEN = "syn_" + "c3d4" * 10
EMAIL, PASSWORD = "tester@example.com", "not-a-secret-pw"
SEED = f"""
datamaker:
  multipartThreshold: 65536
  tenants: [{{code: acme, name: Acme}}, {{code: other}}]
  users:
    - {{email: {EMAIL}, password: {PASSWORD}, name: Tester, tenants: [acme], tokens: [{TOKEN}]}}
    - {{email: other@example.com, name: Other, tenants: [other], tokens: [{OTHER_TOKEN}]}}
sage:
  users:
    - {{id: 3000001, userName: {SAGE_USER}, email: {EMAIL}, tokens: [{SAGE_TOKEN}]}}
    - {{id: 3000002, userName: {SAGE_OTHER_USER}, email: other@example.com, tokens: [{SAGE_OTHER_TOKEN}]}}
    - {{id: 3000003, userName: DPETestUser2, email: third@example.com}}
"""
_PROGRAM = """
import sys
from pathlib import Path
from reconciler.backend.serve import serve
database = sys.argv[4] or None
sys.exit(serve("127.0.0.1:" + sys.argv[3], Path(sys.argv[1]), Path(sys.argv[2]), sys.stdout, database=database))
"""


@dataclass
class Server:
    """A `serve` process over one folder, which may be stopped and started again on the same port.

    database: as `serve` takes it, '' for the file in the folder.
    """

    folder: Path
    database: str = ""
    port: str = "0"
    process: subprocess.Popen[str] | None = None

    def start(self) -> str:
        """Start; returns the URL once requests are accepted."""
        seed = self.folder / "seed.yaml"
        seed.write_text(SEED)
        with (self.folder / "stderr.txt").open("a") as errors:
            self.process = subprocess.Popen(
                [sys.executable, "-W", "error", "-c", _PROGRAM, self.folder / "store", seed, self.port, self.database],
                stdout=subprocess.PIPE, stderr=errors, text=True,
                env={**os.environ, "PYTHONPATH": str(ROOT), "PGPASSWORD": postgres.PASSWORD},
            )  # fmt: skip
        assert self.process.stdout is not None
        found = re.search(r"http://127\.0\.0\.1:(\d+)", self.process.stdout.readline())
        assert found, (self.folder / "stderr.txt").read_text()
        self.port = found[1]
        return found[0]

    def stop(self) -> int:
        """Stop as a service manager does; returns the exit code."""
        assert self.process is not None
        self.process.terminate()
        self.process.communicate(timeout=20)
        return self.process.returncode

    def log(self) -> str:
        """What the server wrote to its standard error."""
        return (self.folder / "stderr.txt").read_text()


@pytest.fixture(scope="session")
def official_python() -> Path:
    """The interpreter of the environment that `make official` makes."""
    if not PYTHON.exists():
        pytest.skip("the official client is not installed: run `make official`")
    return PYTHON


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server that runs for the whole of these tests."""
    yield from running(Server(tmp_path_factory.mktemp("server")))


@pytest.fixture(scope="session", params=["sqlite", "postgres"])
def every_server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """An empty server over a file, and another over PostgreSQL."""
    database = "" if request.param == "sqlite" else request.getfixturevalue("shared_postgres").database()
    yield from running(Server(tmp_path_factory.mktemp("every"), database))


def running(server: Server) -> Iterator[Server]:
    """The server, started now and stopped at the end."""
    server.start()
    yield server
    if server.process is not None and server.process.poll() is None:
        server.stop()


def official_environment(folder: Path) -> dict[str, str]:
    """Environment variables for the client: home and temporary files in `folder`, no credentials of anybody's."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("SYNAPSE")}
    return {**kept, "HOME": str(folder), "TMPDIR": str(folder), "PYTHONPATH": "", "NO_COLOR": "1", "COLUMNS": "200"}


def sage_environment(folder: Path, port: str, token: str = SAGE_TOKEN) -> dict[str, str]:
    """Environment variables for the Sage client, and its configuration, cache included, in `folder`."""
    url = f"http://127.0.0.1:{port}"
    configuration = f"""
[default]
authtoken = {token}
[endpoints]
repoEndpoint = {url}/repo/v1
authEndpoint = {url}/auth/v1
fileHandleEndpoint = {url}/file/v1
portalEndpoint = {url}/portal/www.synapse.org/
[cache]
location = {folder / "cache"}
[transfer]
max_threads = 8
"""
    (folder / ".synapseConfig").write_text(configuration)
    return {**official_environment(folder), "NO_PROXY": "127.0.0.1,localhost"}


def converse(
    python: Path,
    part: str,
    given: dict[str, object],
    folder: Path,
    *,
    script: str = "session.py",
    environment: dict[str, str] | None = None,
) -> tuple[list[dict[str, object]], dict]:
    """Run a part of `session.py`, or of another script; returns its calls and its context."""
    program = str(Path(__file__).with_name(script))
    environment = environment or official_environment(folder)
    done = subprocess.run(
        [python, program, part], input=json.dumps(given), capture_output=True, text=True, timeout=300, env=environment
    )
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert done.returncode == 0, done.stderr[-3000:]
    assert lines, done.stderr[-3000:]
    return lines[:-1], lines[-1]["context"]


@dataclass
class Conversation:
    """All calls of the client, those after the restart last."""

    calls: list[dict[str, object]]
    exit_code: int
    log: str


@pytest.fixture(scope="session")
def conversation(official_python: Path, every_server: Server, tmp_path_factory: pytest.TempPathFactory) -> Conversation:
    """Let the client fill a server, restart it, and let the client read everything again."""
    server = every_server
    folder = tmp_path_factory.mktemp("client")
    given = {"url": f"http://127.0.0.1:{server.port}", "token": TOKEN, "email": EMAIL, "password": PASSWORD}
    first, context = converse(official_python, "FIRST", {**given, "folder": str(folder)}, folder)
    exit_code = server.stop()
    server.start()
    later = tmp_path_factory.mktemp("later")
    second, _ = converse(official_python, "SECOND", {**given, "folder": str(later), "context": context}, later)
    return Conversation(first + second, exit_code, server.log())


@pytest.fixture(scope="session")
def sage_python() -> Path:
    """The interpreter of the environment of the Sage client that `make official` makes."""
    if not SAGE_PYTHON.exists() or not SAGE_PYTHON.parents[1].joinpath(".installed").exists():
        pytest.skip("the official Sage client is not installed: run `make official`")
    return SAGE_PYTHON


@pytest.fixture(scope="session", params=["sqlite", "postgres"])
def sage_conversation(
    request: pytest.FixtureRequest, sage_python: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Conversation]:
    """Let the Sage client fill a server, restart it on another port, and let the client read everything again."""
    database = "" if request.param == "sqlite" else request.getfixturevalue("shared_postgres").database()
    server = Server(tmp_path_factory.mktemp("sage"), database)
    for _ in running(server):
        first, context = sage_talk(sage_python, server, "FIRST", tmp_path_factory.mktemp("client"), {})
        exit_code = server.stop()
        server.port = "0"
        server.start()
        second, _context = sage_talk(sage_python, server, "SECOND", tmp_path_factory.mktemp("later"), context)
        yield Conversation(first + second, exit_code, server.log())


def sage_talk(
    python: Path, server: Server, part: str, folder: Path, context: dict[str, object]
) -> tuple[list[dict[str, object]], dict]:
    """Run a part of `sage_session.py` in a home of its own."""
    given: dict[str, object] = {"user": SAGE_USER, "folder": str(folder), "context": context}
    environment = sage_environment(folder, server.port)
    return converse(python, part, given, folder, script="sage_session.py", environment=environment)
