"""What people are told when a server refuses, is not there, or is not who it should be."""

from __future__ import annotations

import socket
from typing import Any

import pytest

from reconciler.errors import SourceError
from reconciler.model.resource import SourceLocation
from reconciler.sources import survey

SECRET = "c2VjcmV0LXRoYXQtbXVzdC1ub3Qtc2hvdy4uLi4uLi4="


def _closed_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as found:
        return int(found.getsockname()[1])


def _error(ws: Any, url: str, options: dict[str, Any]) -> str:
    with pytest.raises(SourceError) as caught:
        survey(ws.asset_set(sources=(SourceLocation(url, options=options),)), (ws.image,), ())
    assert SECRET not in str(caught.value)
    return str(caught.value)


def test_missing_bucket_is_named(ws: Any, on: Any) -> None:
    told = _error(ws, "s3://nosuchbucket/x", {**on("s3").options, "secret": SECRET})
    assert "s3://nosuchbucket/x' does not exist" in told
    assert "spelling of the bucket" in told


def test_missing_keys_say_what_to_set(ws: Any, on: Any) -> None:
    told = _error(ws, "s3://samples/scans", {"endpoint_url": on("s3").options["endpoint_url"]})
    assert "AWS_ACCESS_KEY_ID" in told


def test_wrong_account_key_says_what_to_set(ws: Any, on: Any) -> None:
    parts = on("azure").options["connection_string"].split(";")
    text = ";".join(f"AccountKey={SECRET}" if part.startswith("AccountKey=") else part for part in parts)
    assert "AZURE_STORAGE_CONNECTION_STRING" in _error(ws, "az://samples/scans", {"connection_string": text})


def test_unknown_host_key_is_refused(ws: Any, on: Any, tmp_path: Any) -> None:
    place = on("sftp")
    (tmp_path / "known").write_text("")
    told = _error(ws, place.url, {**place.options, "known_hosts": str(tmp_path / "known")})
    assert "known_hosts, once you know it is the right one" in told


def test_wrong_user_is_told_to_give_a_key(ws: Any, on: Any) -> None:
    place = on("sftp")
    options = {**place.options, "client_keys": [], "password": SECRET, "agent_path": None}
    assert "client_keys" in _error(ws, place.url, options)


def test_broken_link_is_an_error(ws: Any, on: Any) -> None:
    place = on("sftp")
    place.put("links/1.png", b"1")
    place.link("links/2.png", "nowhere")
    assert "broken symbolic link" in _error(ws, f"{place.url}/links", place.options)


@pytest.mark.parametrize("protocol", ["http", "sftp"])
def test_closed_port_names_port_and_network(ws: Any, protocol: str) -> None:
    if protocol == "sftp":
        pytest.importorskip("sshfs")
    told = _error(ws, f"{protocol}://127.0.0.1:{_closed_port()}/x", {})
    assert "check the name and port in the URL" in told


def test_page_that_lists_nothing_is_an_error(ws: Any, on: Any) -> None:
    place = on("nginx")
    place.put("only/.hidden.png", b"1")
    assert "is empty" in _error(ws, f"{place.url}/only", {})


def test_missing_share_and_unknown_user_are_told(ws: Any, on: Any) -> None:
    place = on("smb")
    host = place.url.partition("/samples")[0]
    assert "spelling of the share" in _error(ws, f"{host}/nowhere/x", place.options)
    told = _error(ws, place.url, {"username": "nobody-here", "password": SECRET})
    assert "options.credentials" in told


def test_wrong_password_is_denied_though_the_right_one_let_the_user_in_before(ws: Any, on: Any) -> None:
    place = on("smb")
    place.put("1.png", b"1")
    source = SourceLocation(place.url, options=place.options)
    assert survey(ws.asset_set(sources=(source,)), (ws.image,), ()).file_count == 1
    told = _error(ws, place.url, {**place.options, "password": SECRET})
    assert "options.credentials" in told


def test_reading_a_share_needs_no_more_connections_than_one(ws: Any, on: Any) -> None:
    from reconciler.filesystems import smb

    place = on("smb")
    place.put("1.png", b"1")
    source = SourceLocation(place.url, options=place.options)
    survey(ws.asset_set(sources=(source,)), (ws.image,), ())
    before = {key: list(connections) for key, connections in smb._CONNECTIONS.items()}
    for _ in range(3):
        survey(ws.asset_set(sources=(source,)), (ws.image,), ())
    assert {key: list(connections) for key, connections in smb._CONNECTIONS.items()} == before
    assert all(len(connections) == 1 for connections in before.values())


def test_file_of_a_share_is_written_read_and_deleted_with_the_given_password(on: Any, tmp_path: Any) -> None:
    from reconciler.sources.location import locate

    place = locate(on("smb").url, tmp_path, on("smb").options)
    target = place.below("made/for/1.png")
    place.filesystem.makedirs(place.below("made/for"), exist_ok=True)
    with place.filesystem.open(target, "wb") as stream:
        stream.write(b"1")
    assert place.filesystem.cat_file(target) == b"1"
    place.filesystem.rm_file(target)
    assert not place.filesystem.exists(target)


def test_user_and_password_of_a_share_may_lie_in_a_file(ws: Any, on: Any, tmp_path: Any) -> None:
    place = on("smb")
    place.put("1.png", b"1")
    lines = (f"{name}={value}" for name, value in place.options.items())
    (tmp_path / "login").write_text("# as of mount.cifs\n" + "\n".join(lines) + "\n")
    source = SourceLocation(place.url, options={"credentials": str(tmp_path / "login")})
    assert survey(ws.asset_set(sources=(source,)), (ws.image,), ()).file_count == 1
