"""Real servers of the tests, on loopback: S3, Azure, GCS, SFTP, SMB and HTTP. Each says why when it cannot be had."""

from __future__ import annotations

import base64
import contextlib
import getpass
import http.client
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from urllib.parse import quote

_TESTS = Path(__file__).parents[1]
_START_S = 60.0
# Older than the seconds within which a time of change is not trusted.
_SETTLED = 1_700_000_000
# The published account of the Azure emulators; not a secret.
_AZURE_ACCOUNT = "devstoreaccount1"
_SAMBA_PLACES = ("lock directory", "state directory", "cache directory", "pid directory")
_AZURE_KEY = base64.b64encode(b"reconciler tests, not a secret!!").decode()


class Unavailable(Exception):
    """There is no server to start, and why."""


@dataclass
class Place:
    """A writable place on a running server; url and options as a source has them, link takes path and target.

    forbidden: signs that its names cannot have.
    """

    url: str
    put: Callable[[str, bytes], None]
    options: dict[str, Any] = field(default_factory=dict)
    link: Callable[[str, str], None] | None = None
    forbidden: str = ""

    def folder(self, name: str) -> Place:
        """A place below this one."""
        link = self.link
        return Place(
            f"{self.url}/{quote(name) if self.url.startswith(('http', 'sftp', 'smb')) else name}",
            lambda path, content: self.put(f"{name}/{path}", content),
            self.options,
            None if link is None else lambda path, target: link(f"{name}/{path}", target),
            self.forbidden,
        )


@contextlib.contextmanager
def s3() -> Iterator[Place]:
    """moto, in this process."""
    _need("moto", "s3fs", "flask")
    import boto3
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    endpoint = f"http://{host}:{port}"
    client = boto3.client(
        "s3", endpoint_url=endpoint, aws_access_key_id="key", aws_secret_access_key="not-a-secret",
        region_name="us-east-1",
    )  # fmt: skip
    client.create_bucket(Bucket="samples")
    options = {"key": "key", "secret": "not-a-secret", "endpoint_url": endpoint}
    try:
        yield Place(
            "s3://samples/scans",
            lambda path, content: client.put_object(Bucket="samples", Key=f"scans/{path}", Body=content) and None,
            options,
        )
    finally:
        client.close()
        server.stop()


@contextlib.contextmanager
def azure() -> Iterator[Place]:
    """Azurite, from npm."""
    _need("adlfs")
    program = _program("azurite-blob", "azurite (npm)")
    with _folder() as folder, _port() as port:
        command = [program, "--blobHost", "127.0.0.1", "--blobPort", str(port), "--location", str(folder), "--silent"]
        command += ["--skipApiVersionCheck", "--disableTelemetry"]
        environment = {**os.environ, "AZURITE_ACCOUNTS": f"{_AZURE_ACCOUNT}:{_AZURE_KEY}"}
        with _running(command, environment):
            _answers(port)
            import adlfs

            text = f"DefaultEndpointsProtocol=http;AccountName={_AZURE_ACCOUNT};AccountKey={_AZURE_KEY};"
            text += f"BlobEndpoint=http://127.0.0.1:{port}/{_AZURE_ACCOUNT};"
            fs = adlfs.AzureBlobFileSystem(connection_string=text, skip_instance_cache=True)
            fs.mkdir("samples")
            yield Place(
                "az://samples/scans",
                lambda path, content: fs.pipe_file(f"samples/scans/{path}", content),
                {"connection_string": text},
            )


@contextlib.contextmanager
def gcs() -> Iterator[Place]:
    """gcp-storage-emulator, from PyPI."""
    _need("gcsfs", "gcp_storage_emulator")
    os.environ.setdefault("GCSFS_EXPERIMENTAL_ZB_HNS_SUPPORT", "false")
    with _port() as port:
        starter = "from gcp_storage_emulator.__main__ import main; import sys; sys.exit(main(sys.argv[1:]))"
        command = [sys.executable, "-W", "ignore", "-c", starter, "start", "--host=127.0.0.1", f"--port={port}"]
        with _running([*command, "--in-memory", "--default-bucket=samples"]):
            _answers(port)
            import gcsfs

            options = {"project": "p", "token": "anon", "endpoint_url": f"http://127.0.0.1:{port}"}
            fs = gcsfs.GCSFileSystem(**options, skip_instance_cache=True)
            yield Place(
                "gs://samples/scans",
                lambda path, content: fs.pipe_file(f"samples/scans/{path}", content),
                options,
            )


@contextlib.contextmanager
def sftp() -> Iterator[Place]:
    """OpenSSH's sshd on a high port, as whoever runs the tests."""
    _need("sshfs")
    program, keygen = _program("sshd", "OpenSSH's server (Debian: openssh-server)"), _program("ssh-keygen", "OpenSSH")
    with _folder() as folder, _port() as port:
        for name in ("host", "user"):
            subprocess.run([keygen, "-q", "-t", "ed25519", "-N", "", "-f", str(folder / name)], check=True)
        (folder / "files").mkdir()
        (folder / "known").write_text(f"[127.0.0.1]:{port} {(folder / 'host.pub').read_text()}")
        (folder / "sshd").write_text(
            f"ListenAddress 127.0.0.1\nPort {port}\nHostKey {folder}/host\nPidFile {folder}/pid\n"
            f"AuthorizedKeysFile {folder}/user.pub\nStrictModes no\nUsePAM no\nPasswordAuthentication no\n"
            "PermitRootLogin prohibit-password\nSubsystem sftp internal-sftp\n"
        )
        if os.geteuid() == 0:
            Path("/run/sshd").mkdir(exist_ok=True)
        with _running([program, "-D", "-e", "-f", str(folder / "sshd")]):
            _listens(port)
            options = {
                "username": getpass.getuser(),
                "client_keys": [str(folder / "user")],
                "known_hosts": str(folder / "known"),
            }
            url = f"sftp://127.0.0.1:{port}{folder}/files"
            yield Place(url, _writer(folder / "files"), options, lambda p, t: (folder / "files" / p).symlink_to(t))


@contextlib.contextmanager
def smb() -> Iterator[Place]:
    """Samba's smbd on a high port, as root alone may start it."""
    _need("smbprotocol")
    program, password = _program("smbd", "Samba's server (Debian: samba)"), _program("smbpasswd", "Samba")
    if os.geteuid() != 0:
        raise Unavailable("smbd must be started by root")
    with _folder() as folder, _port() as port:
        for name in ("files", "private", "run", "run/ncalrpc"):
            (folder / name).mkdir()
        places = "".join(f"{kind} = {folder}/run\n" for kind in _SAMBA_PLACES)
        (folder / "conf").write_text(
            f"[global]\nsmb ports = {port}\ninterfaces = 127.0.0.1/8\nbind interfaces only = yes\n{places}"
            f"server role = standalone server\nprivate dir = {folder}/private\nncalrpc dir = {folder}/run/ncalrpc\n"
            f"passdb backend = tdbsam:{folder}/private/users\nlog file = {folder}/run/log\n"
            f"disable spoolss = yes\nload printers = no\n[samples]\npath = {folder}/files\nread only = no\n"
        )
        user, secret = getpass.getuser(), "not-a-secret"
        command = [password, "-c", str(folder / "conf"), "-L", "-a", "-s", user]
        subprocess.run(command, input=f"{secret}\n{secret}\n".encode(), check=True, capture_output=True)
        with _running([program, "-F", "--no-process-group", "-s", str(folder / "conf")]):
            _listens(port)
            options = {"username": user, "password": secret}
            url = f"smb://127.0.0.1:{port}/samples/scans"
            yield Place(url, _writer(folder / "files/scans"), options, forbidden="?")


@contextlib.contextmanager
def nginx() -> Iterator[Place]:
    """nginx with index pages."""
    program = _program("nginx", "nginx (Debian: nginx-light)")
    with _folder() as folder, _port() as port:
        (folder / "files").mkdir()
        kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
        temporary = "".join(f"{kind}_temp_path {folder}/{kind};" for kind in kinds)
        user = f"user {getpass.getuser()};" if os.geteuid() == 0 else ""
        (folder / "conf").write_text(
            f"{user} daemon off; worker_processes 1; pid {folder}/pid; error_log {folder}/log; events {{}}\n"
            f"http {{ access_log {folder}/access; {temporary} types {{}} default_type application/octet-stream;\n"
            f"server {{ listen 127.0.0.1:{port}; root {folder}/files; autoindex on; }} }}\n"
        )
        with _running([program, "-e", str(folder / "log"), "-c", str(folder / "conf")]):
            _listens(port)
            yield Place(f"http://127.0.0.1:{port}/scans", _writer(folder / "files/scans"))


@contextlib.contextmanager
def python_http() -> Iterator[Place]:
    """The HTTP server of the standard library: no ranges, no ETag."""
    with _folder() as folder, _port() as port:
        (folder / "scans").mkdir()
        command = [sys.executable, "-m", "http.server", str(port), "--bind", "127.0.0.1", "--directory", str(folder)]
        with _running(command):
            _listens(port)
            yield Place(f"http://127.0.0.1:{port}/scans", _writer(folder / "scans"))


SERVERS: dict[str, Callable[[], contextlib.AbstractContextManager[Place]]] = {
    "s3": s3, "azure": azure, "gcs": gcs, "sftp": sftp, "smb": smb, "nginx": nginx, "http.server": python_http,
}  # fmt: skip


def _writer(folder: Path) -> Callable[[str, bytes], None]:
    def put(path: str, content: bytes) -> None:
        full = folder / path
        full.parent.mkdir(parents=True, exist_ok=True)
        full.write_bytes(content)
        os.utime(full, (_SETTLED, _SETTLED))

    return put


def _need(*modules: str) -> None:
    for module in modules:
        if find_spec(module) is None:
            raise Unavailable(f"the package {module} is not installed")


def _program(name: str, what: str) -> str:
    """The absolute path of a program; sshd wants to be started by it."""
    places = [os.environ.get("PATH", ""), "/usr/sbin", str(_TESTS.parent / ".azurite/node_modules/.bin")]
    found = shutil.which(name, path=os.pathsep.join(places))
    if found is None:
        raise Unavailable(f"{what} is not installed")
    return found


@contextlib.contextmanager
def _folder() -> Iterator[Path]:
    path = Path(tempfile.mkdtemp(prefix="reconciler-server-"))
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)


@contextlib.contextmanager
def _port() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as found:
        number = int(found.getsockname()[1])
    yield number


@contextlib.contextmanager
def _running(command: list[str], environment: dict[str, str] | None = None) -> Iterator[None]:
    # In a session of its own: smbd ends its whole process group.
    process = subprocess.Popen(
        command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=environment, cwd="/", start_new_session=True
    )
    try:
        yield
    finally:
        process.terminate()
        process.wait(timeout=30)


def _listens(port: int) -> None:
    _until(lambda: socket.create_connection(("127.0.0.1", port), timeout=1).close())


def _answers(port: int) -> None:
    def ask() -> None:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=2)
        try:
            connection.request("GET", "/")
            connection.getresponse().read()
        finally:
            connection.close()

    _until(ask)


def _until(attempt: Callable[[], None]) -> None:
    end = time.monotonic() + _START_S
    while True:
        try:
            return attempt()
        except (OSError, http.client.HTTPException) as error:
            if time.monotonic() > end:
                raise Unavailable(f"the server does not answer: {error}") from error
            time.sleep(0.05)
