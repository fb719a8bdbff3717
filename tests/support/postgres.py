"""A PostgreSQL server of the tests' own, on loopback, in a temporary folder; never as root."""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

PASSWORD = "not-a-secret-pw"
_ROLE = "app"
_FAST = "-c fsync=off -c synchronous_commit=off -c full_page_writes=off"


class Unavailable(Exception):
    """There is no server to start, and why."""


@dataclass
class Server:
    """A running server. folder: what it keeps."""

    programs: Path
    folder: Path
    port: int
    names: int = field(default=0)

    def database(self) -> str:
        """Make an empty schema, which is all that a store sees; returns its URL, without the password."""
        self.names += 1
        name = f"store_{self.names}"
        self.run("psql", "-q", "-d", "postgres", "-c", f"CREATE SCHEMA {name}")
        return f"postgresql://{_ROLE}@127.0.0.1:{self.port}/postgres?options=-csearch_path%3D{name}"

    def run(self, program: str, *arguments: str) -> str:
        """Run one of PostgreSQL's programs as the administrator; returns what it prints."""
        environment = {**os.environ, "PGPASSWORD": PASSWORD, "PGHOST": "127.0.0.1"}
        environment |= {"PGPORT": str(self.port), "PGUSER": _ROLE}
        return _run([str(self.programs / program), *arguments], environment)

    def control(self, action: str, *options: str) -> None:
        """Start, stop or restart it."""
        places = f"-p {self.port} -c listen_addresses=127.0.0.1 -k {self.folder}"
        _run([
            *_unprivileged(), str(self.programs / "pg_ctl"), "-D", str(self.folder / "data"), "-w", "-t", "30",
            "-l", str(self.folder / "log"), "-o", f"{places} {_FAST}", action, *options,
        ])  # fmt: skip

    def stop(self) -> None:
        """Stop it and remove what it kept."""
        self.control("stop", "-m", "immediate")
        shutil.rmtree(self.folder)


def start() -> Server:
    """Start a server over a new folder. Raises Unavailable where PostgreSQL is not installed or cannot run."""
    programs, account = _programs(), _account()
    folder = Path(tempfile.mkdtemp(prefix="reconciler-postgres-"))
    folder.chmod(0o755)  # not under pytest's folders, which nobody else may enter
    secret = folder / "password"
    secret.write_text(PASSWORD)
    for path in (folder, secret) if account else ():
        shutil.chown(path, account)
    _run([
        *_unprivileged(), str(programs / "initdb"), "-D", str(folder / "data"), "-U", _ROLE, "-A", "scram-sha-256",
        f"--pwfile={secret}", "--no-sync", "-E", "UTF8", "--locale=C",
    ])  # fmt: skip
    server = Server(programs, folder, _free_port())
    server.control("start")
    return server


def _programs() -> Path:
    found = shutil.which("initdb")
    places = [Path(found).resolve().parent] if found else sorted(Path("/usr/lib/postgresql").glob("*/bin"))
    for place in reversed(places):
        if (place / "initdb").exists() and (place / "pg_ctl").exists():
            return place
    raise Unavailable("PostgreSQL is not installed (Debian: postgresql-15)")


def _account() -> str | None:
    """The account to run as, None for our own; PostgreSQL refuses to run as root."""
    if os.geteuid() != 0:
        return None
    if shutil.which("setpriv") is None:
        raise Unavailable("this is root, and there is no setpriv to become somebody else")
    for name in ("postgres", "nobody"):
        try:
            return pwd.getpwnam(name).pw_name
        except KeyError:
            continue
    raise Unavailable("this is root, and there is no account postgres or nobody")


def _unprivileged() -> list[str]:
    account = _account()
    if account is None:
        return []
    return ["setpriv", f"--reuid={account}", f"--regid={pwd.getpwnam(account).pw_gid}", "--clear-groups"]


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as found:
        return int(found.getsockname()[1])


def _run(command: Sequence[str], environment: dict[str, str] | None = None) -> str:
    done = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=60, check=False, cwd="/")
    if done.returncode:
        raise Unavailable(f"{' '.join(command)}: {done.stderr.strip() or done.stdout.strip()}")
    return done.stdout
