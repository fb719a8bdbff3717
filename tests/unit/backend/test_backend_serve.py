"""The server as a process: readiness line, token, signals, ports."""

import os
import re
import signal
import socket
import subprocess
import sys

import httpx
import pytest

from reconciler.backend.serve import is_loopback, parse_listen, serve
from reconciler.errors import ConfigError, UsageError

PROGRAM = """
import sys
from pathlib import Path
from reconciler.backend.serve import serve
sys.exit(serve(sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3]) if len(sys.argv) > 3 else None, sys.stdout))
"""


@pytest.fixture
def start():
    running = []

    def begin(*arguments):
        process = subprocess.Popen(
            [sys.executable, "-W", "error", "-c", PROGRAM, *map(str, arguments)], stdout=subprocess.PIPE, text=True
        )
        running.append(process)
        return process

    yield begin
    for process in running:
        process.kill()
        process.communicate()


def test_server_prints_token_once_serves_and_ends_on_sigterm(start, tmp_path):
    first = start("127.0.0.1:0", tmp_path)
    token = re.fullmatch(r"access token: (syn_[0-9a-f]{40})\n", first.stdout.readline())[1]
    url = re.search(r"http://127\.0\.0\.1:\d+", first.stdout.readline())[0]
    headers = {"Synapse-Access-Token": f"Token {token}"}
    body = {"files": [{"filename": "big.bin", "size": 3_000_000}]}
    with httpx.Client(base_url=url, headers=headers) as client:
        [target] = client.post("/data_files/presigned_upload/upload/", json=body).json()["files"]
        assert target["presigned_url"].startswith(url)
        assert client.put(target["presigned_url"], content=b"x" * 3_000_000).status_code == 200
    first.send_signal(signal.SIGTERM)
    assert first.wait(10) == 0
    second = start(url.removeprefix("http://"), tmp_path)
    assert url in second.stdout.readline()  # the same port at once, and no token line
    assert httpx.get(f"{url}/v2/users/me/", headers=headers).status_code == 200
    second.send_signal(signal.SIGINT)
    assert second.wait(10) == 0


def test_server_with_seed_takes_its_tokens(start, tmp_path):
    seed = tmp_path / "seed.yaml"
    seed.write_text(
        "datamaker: {tenants: [{code: t}], users: [{email: a@b.co, tenants: [t], tokens: [syn_seeded_token]}]}"
    )
    process = start("127.0.0.1:0", tmp_path / "store", seed)
    url = re.search(r"http://\S+", process.stdout.readline())[0]
    headers = {"Synapse-Access-Token": "Token syn_seeded_token", "Synapse-Tenant": "Token t"}
    assert httpx.get(f"{url}/agents/", headers=headers).status_code == 200


@pytest.mark.parametrize("listen", ["nonsense", "host:", "127.0.0.1:99999", "127.0.0.1:x"])
def test_bad_address_is_a_usage_error(tmp_path, listen):
    with pytest.raises(UsageError):
        serve(listen, tmp_path, None, sys.stdout)


def test_public_address_without_seed_is_refused(tmp_path):
    with pytest.raises(UsageError, match="seed"):
        serve("0.0.0.0:0", tmp_path / "store", None, sys.stdout)
    assert not (tmp_path / "store").exists()


def test_seed_without_any_token_is_refused(tmp_path):
    (tmp_path / "seed.yaml").write_text("datamaker: {tenants: [{code: t}]}")
    with pytest.raises(UsageError, match="nobody"):
        serve("127.0.0.1:0", tmp_path / "store", tmp_path / "seed.yaml", sys.stdout)


def test_bad_seed_file_is_a_config_error(tmp_path):
    (tmp_path / "seed.yaml").write_text("datamaker: {users: 5}")
    with pytest.raises(ConfigError):
        serve("127.0.0.1:0", tmp_path / "store", tmp_path / "seed.yaml", sys.stdout)


def test_port_in_use_is_a_usage_error(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as taken, pytest.raises(UsageError, match="cannot listen"):
        serve(f"127.0.0.1:{taken.getsockname()[1]}", tmp_path / "store", None, sys.stdout)


@pytest.mark.parametrize(
    ("listen", "expected"),
    [("127.0.0.1:80", ("127.0.0.1", 80)), (":0", ("127.0.0.1", 0)), ("[::1]:8080", ("::1", 8080))],
)
def test_listen_address_is_taken_apart(listen, expected):
    assert parse_listen(listen) == expected


def test_loopback_is_told_from_public():
    assert [is_loopback(host) for host in ("127.0.0.9", "::1", "localhost", "0.0.0.0", "lab")] == [
        True, True, True, False, False,
    ]  # fmt: skip


def test_uploads_are_files_of_the_owner_only(backend, tmp_path):
    backend.upload(backend.collection(), b"private")
    modes = {os.stat(path).st_mode & 0o077 for path in (tmp_path / "store" / "blobs").rglob("*")}
    assert modes == {0}
