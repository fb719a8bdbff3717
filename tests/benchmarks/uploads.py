"""Uploads of many small files and of a few large ones, beside the official client and beside rclone.

Two comparisons, each on the same server and the same files:

- a served backend of ours (`reconciler serve`, emptied between runs): our whole `apply` (scan, checksums, plan, upload,
  units, state) beside the official client's `upload_files_bulk`, which makes no units;
- `rclone serve s3`: the transfer of our Datamaker provider, PUTs to presigned addresses with SHA-1 on the way, beside
  `rclone copy`. The addresses are handed out by a stand-in for the service, in the client's process: what is compared
  is how fast bytes reach an S3 server, with nothing of ours on the other side.

RECONCILER_BENCH_SMALL, _LARGE: how many files; _LARGE_MIB: their size. RECONCILER_RCLONE: the program (version 1.65 or
newer), when it is not on the path.
"""

from __future__ import annotations

import os
import random
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.benchmarks.measuring import RECONCILER, Figure, measure
from tests.benchmarks.service import SETTINGS, TOKEN, Server, served

ROOT = Path(__file__).parents[2]
SMALL = int(os.environ.get("RECONCILER_BENCH_SMALL", "10000"))
LARGE = int(os.environ.get("RECONCILER_BENCH_LARGE", "20"))
LARGE_MIB = int(os.environ.get("RECONCILER_BENCH_LARGE_MIB", "256"))
ACCESS, SECRET = "benchaccess", "benchsecret1"
DOCUMENTS = """
apiVersion: reconciler.dev/v1
kind: Collection
metadata: {name: pieces}
spec:
  title: Pieces
  fileSpecifications: [{name: data_1, type: data, extensions: [.bin], required: true, primary: true}]
---
apiVersion: reconciler.dev/v1
kind: AssetSet
metadata: {name: all}
spec: {collection: pieces, source: {url: FOLDER}}
"""
OFFICIAL = """
import sys
from pathlib import Path
from synapse_sdk.clients.backend import BackendClient
client = BackendClient(sys.argv[1], access_token=sys.argv[2], tenant="acme")
done = client.upload_files_bulk(sorted(Path(sys.argv[3]).iterdir()))
assert done.failed_count == 0, done
print(done.created_count)
"""
# Signature version 4 of a query, as in the S3 API reference, "Authenticating Requests: Using Query Parameters".
OURS_TO_S3 = """
import hashlib, hmac, json, sys, threading, time
from pathlib import Path
from urllib.parse import quote
from waitress import create_server
from reconciler.config import load
from reconciler.model.checksum import Checksum
from reconciler.model.unit import FileRef
from reconciler.providers.datamaker.connection import Credentials, service_for
from reconciler.providers.datamaker.transfer import Transfer
from reconciler.providers.http import HttpClient
from reconciler.providers.pool import Pool
from reconciler.sources import SourceContent
s3, access, secret, folder = sys.argv[1:4] + [Path(sys.argv[4])]
host = s3.split("//")[1]

def presigned(key):
    now = time.gmtime()
    day, moment = time.strftime("%Y%m%d", now), time.strftime("%Y%m%dT%H%M%SZ", now)
    scope, path = f"{day}/us-east-1/s3/aws4_request", f"/bench/ours/{quote(key)}"
    query = (f"X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential={quote(access + '/' + scope, safe='')}"
             f"&X-Amz-Date={moment}&X-Amz-Expires=86400&X-Amz-SignedHeaders=host")
    asked = "\\n".join(["PUT", path, query, "host:" + host, "", "host", "UNSIGNED-PAYLOAD"])
    text = "\\n".join(["AWS4-HMAC-SHA256", moment, scope, hashlib.sha256(asked.encode()).hexdigest()])
    sign = lambda key, part: hmac.new(key, part.encode(), "sha256").digest()
    final = ("AWS4" + secret).encode()
    for part in (day, "us-east-1", "s3", "aws4_request"):
        final = sign(final, part)
    return f"{s3}{path}?{query}&X-Amz-Signature={sign(final, text).hex()}"

def app(environ, start_response):
    path, length = environ["PATH_INFO"], int(environ.get("CONTENT_LENGTH") or 0)
    files = json.loads(environ["wsgi.input"].read(length))["files"] if length else []
    if path.endswith("/upload-urls/"):
        answer = {"files": [{"file_key": f["filename"], "presigned_url": presigned(f["filename"])} for f in files]}
    elif path.endswith("/finalize-upload/"):
        answer = {"results": [{"file_key": f["file_key"], "success": True, "checksum": f["checksum"]} for f in files]}
    else:
        answer = []
    start_response("200 OK", [("Content-Type", "application/json")])
    return [json.dumps({"data": answer, "meta": {}}).encode()]

stand_in = create_server(app, host="127.0.0.1", port=0, threads=4)
threading.Thread(target=stand_in.run, daemon=True).start()
client = HttpClient(service_for(Credentials(f"http://127.0.0.1:{stand_in.effective_port}", "t"), ""), connections=14)
(declared,) = (one for one in load(folder.parent, environ={}).resources if one.head.address.kind == "AssetSet")
files = {}
for path in sorted(folder.iterdir()):
    with path.open("rb") as stream:
        hex = hashlib.file_digest(stream, "sha1").hexdigest()
    files[hex] = FileRef("data_1", 0, path.name, path.stat().st_size, Checksum("sha1", hex))
transfer = Transfer(client, Pool(10), "1", SourceContent(declared), lambda size: None)
stored = transfer.store(files, frozenset())
assert not stored.errors, next(iter(stored.errors.values()))
print(len(stored.checksums))
"""


def write_small(folder: Path, count: int) -> int:
    """Files of 4 to 64 KiB, every one with bytes of its own; returns their size together."""
    folder.mkdir(parents=True)
    chance = random.Random(7)
    total = 0
    for number in range(count):
        size = chance.randrange(4 * 1024, 64 * 1024)
        (folder / f"piece_{number:06}.bin").write_bytes(chance.randbytes(size))
        total += size
    return total


def write_large(folder: Path, count: int, mib: int) -> int:
    """Large files, every one with bytes of its own; returns their size together."""
    folder.mkdir(parents=True)
    chance = random.Random(8)
    block = chance.randbytes(1024 * 1024)
    for number in range(count):
        with (folder / f"block_{number:03}.bin").open("wb") as file:
            for part in range(mib):
                file.write(number.to_bytes(4, "big") + part.to_bytes(4, "big") + block[8:])
    return count * mib * 1024 * 1024


def official_python() -> str:
    """The interpreter that has the official client; "" when there is none."""
    default = ROOT / ".venv-official" / "bin" / "python"
    return os.environ.get("RECONCILER_OFFICIAL_PYTHON") or (str(default) if default.exists() else "")


@contextmanager
def rclone_s3(folder: Path, program: str) -> Iterator[str]:
    """An S3-compatible server with one bucket, `bench`; gives its URL."""
    (folder / "bench").mkdir(parents=True)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [program, "serve", "s3", "--addr", f"127.0.0.1:{port}", "--auth-key", f"{ACCESS},{SECRET}"]
    command += ["--etag-hash", "MD5", "--log-level", "ERROR", "--config", "", str(folder)]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as process:
        try:
            _await_port(port)
            yield f"http://127.0.0.1:{port}"
        finally:
            process.terminate()


def _await_port(port: int) -> None:
    for _ in range(200):
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise RuntimeError(f"nothing listens on port {port}")


def _line(name: str, figure: Figure, size: int, server_cpu_s: float | None = None) -> None:
    served_by = "" if server_cpu_s is None else f"   server {server_cpu_s:6.2f} s CPU"
    print(f"  {name:38} {figure}   {figure.cpu_s:7.2f} s CPU{served_by}   {size / figure.seconds / 1e6:7.1f} MB/s")


def beside_official(folder: Path, data: str, size: int) -> None:
    """Ours and the official client, each at an empty server of ours."""
    found: dict[str, tuple[Figure, float]] = {}

    def run(name: str, command: list[str], work: Path, server: Server) -> None:
        before = server.cpu_s
        figure = measure(command, work)
        found[name] = figure, server.cpu_s - before
        _line(name, figure, size, found[name][1])

    ours = folder / "ours"
    ours.mkdir()
    with served(ours) as server:
        (ours / "reconciler.yaml").write_text(SETTINGS.replace("URL", server.url))
        (ours / "main.yaml").write_text(DOCUMENTS.replace("FOLDER", str(folder / data)))
        run("our apply, at serve", [*RECONCILER, "apply", "--auto-approve"], ours, server)
    shutil.rmtree(ours)
    python = official_python()
    if not python:
        print("  the official client is not installed (`make official`): no comparison")
        return
    theirs = folder / "theirs"
    theirs.mkdir()
    with served(theirs) as server:
        command = ["env", "PYTHONPATH=", f"HOME={theirs}", python, "-W", "ignore", "-c", OFFICIAL]
        run("official upload_files_bulk, at serve", [*command, server.url, TOKEN, str(folder / data)], theirs, server)
    shutil.rmtree(theirs)
    (mine, my_server), (other, other_server) = found.values()
    print(
        f"  official: {other.seconds / mine.seconds:.2f} × our seconds, {other.cpu_s / mine.cpu_s:.2f} × our CPU, ",
        end="",
    )
    print(f"{(other.cpu_s + other_server) / (mine.cpu_s + my_server):.2f} × with the server's")


def beside_rclone(folder: Path, data: str, size: int) -> None:
    """Our transfer and rclone's, to one S3-compatible server."""
    program = os.environ.get("RECONCILER_RCLONE") or shutil.which("rclone")
    if not program:
        print("  rclone is not on this machine: no comparison")
        return
    (folder / "main.yaml").write_text(DOCUMENTS.replace("FOLDER", data))
    with rclone_s3(folder / "s3", program) as url:
        ours = measure([sys.executable, "-c", OURS_TO_S3, url, ACCESS, SECRET, str(folder / data)], folder)
        _line("our transfer, to rclone serve s3", ours, size)
        remote = f":s3,provider=Rclone,access_key_id={ACCESS},secret_access_key={SECRET},endpoint='{url}':bench/theirs"
        command = [program, "copy", "--config", "", "--transfers", "10", str(folder / data), remote]
        theirs = measure(command, folder)
        _line("rclone copy, to rclone serve s3", theirs, size)
    shutil.rmtree(folder / "s3")
    print(f"  ours: {ours.seconds / theirs.seconds:.2f} × rclone's seconds, {ours.cpu_s / theirs.cpu_s:.2f} × its CPU")


def main() -> None:
    """Small files, then large ones."""
    os.environ["BENCH_TOKEN"] = TOKEN
    folder = Path(tempfile.mkdtemp(prefix="reconciler-bench-"))
    try:
        for data, count, size in (
            ("small", SMALL, write_small(folder / "small", SMALL)),
            ("large", LARGE, write_large(folder / "large", LARGE, LARGE_MIB)),
        ):
            if not size:
                continue  # a number of zero leaves this half out
            print(f"\nupload of {count:,} {data} files, {size / 1e6:,.0f} MB")
            beside_official(folder, data, size)
            beside_rclone(folder, data, size)
            shutil.rmtree(folder / data)
    finally:
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()
