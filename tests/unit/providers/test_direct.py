"""Against a server that answers with given bytes; what httpx would do is the measure."""

import shutil
import ssl
import subprocess

import httpx
import pytest

from reconciler.providers.direct import DirectLane
from tests.support.answering import CLOSE, answering

OK = b'HTTP/1.1 200 OK\r\ncontent-length: 0\r\netag: "e"\r\n\r\n'
REFUSED = b"HTTP/1.1 403 Forbidden\r\ncontent-length: 9\r\n\r\n<Code>x</"
TIMEOUT = httpx.Timeout(0.3, connect=5.0)


@pytest.fixture
def lane():
    made = DirectLane(httpx.create_ssl_context, TIMEOUT)
    yield made
    made.close()


def put(lane, server, content=b"abc", size=None, path="/a%20b?signature=x%2Fy"):
    size = len(content) if size is None else size
    return lane.put(server.url + path, {"content-length": str(size), "content-type": "image/png"}, content)


def test_put_sends_what_httpx_sends(lane):
    with answering([OK, OK + CLOSE]) as server:
        answer = put(lane, server)
        lane.close()
        head = {"content-length": "3", "content-type": "image/png"}
        with httpx.Client(timeout=TIMEOUT) as client:
            client.send(httpx.Request("PUT", server.url + "/a%20b?signature=x%2Fy", headers=head, content=b"abc"))
    assert (answer.status, answer.headers[1]) == (200, ("etag", '"e"'))
    ours, theirs = (sorted(line.lower() for line in found.split(b"\r\n")) for found in server.heads)
    assert ours == theirs
    assert server.bodies == [b"abc", b"abc"]


def test_connection_is_used_again(lane):
    with answering([OK, OK, OK]) as server:
        for _ in range(3):
            put(lane, server)
        lane.close()
    assert (server.connections, len(server.bodies)) == (1, 3)


def test_connection_that_the_server_closed_is_made_anew(lane):
    with answering([OK + CLOSE, OK + CLOSE]) as server:
        put(lane, server)
        assert lane._connection.sock.recv(1) == b""  # the end has come in; the lane has to notice by itself
        assert put(lane, server).status == 200
    assert server.connections == 2


@pytest.mark.parametrize(
    "answer",
    [b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n", b"HTTP/1.0 200 OK\r\n\r\n"],
    ids=["told", "old"],
)
def test_connection_that_is_not_kept_is_made_anew(lane, answer):
    with answering([answer + CLOSE] * 2) as server:
        assert [put(lane, server).status for _ in range(2)] == [200, 200]
    assert server.connections == 2


def test_streamed_body_arrives_whole(lane):
    with answering([OK + CLOSE]) as server:
        put(lane, server, iter([b"ab", b"c" * 500_000]), size=500_002)
    assert server.bodies == [b"ab" + b"c" * 500_000]


def test_refusal_before_the_body_was_read_is_told(lane):
    with answering([REFUSED + CLOSE], reads_bodies=False) as server:
        chunks = (b"x" * 1_000_000 for _ in range(50))
        try:
            answer = put(lane, server, chunks, size=50_000_000)
        except httpx.WriteError:  # the system may throw the answer away with the connection
            return
    assert (answer.status, answer.body) == (403, b"<Code>x</")


def test_redirect_is_not_followed(lane):
    moved = b"HTTP/1.1 307 Temporary Redirect\r\nlocation: http://other/\r\ncontent-length: 0\r\n\r\n"
    with answering([moved + CLOSE]) as server:
        assert put(lane, server).status == 307


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (CLOSE, (httpx.RemoteProtocolError, httpx.ReadError)),
        (b"", httpx.ReadTimeout),
        (b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nabc" + CLOSE, httpx.RemoteProtocolError),
        (b"220 mail\r\n\r\n" + CLOSE, httpx.RemoteProtocolError),
        (b"HTTP/1.1 200 OK\r\nx: " + b"y" * 70_000 + CLOSE, httpx.RemoteProtocolError),
    ],
    ids=["none", "silent", "cut", "nonsense", "endless"],
)
def test_bad_answer_is_an_error_of_httpx_and_ends_the_connection(lane, answer, error):
    with answering([answer, OK + CLOSE]) as server:
        with pytest.raises(error):
            put(lane, server)
        assert put(lane, server).status == 200


def test_server_that_is_not_there_is_a_connect_error(lane):
    with answering([]) as server:
        pass
    with pytest.raises(httpx.ConnectError):
        put(lane, server)


@pytest.mark.parametrize(
    "url", ["ftp://host/x", "host/x", "http:///x", "http://127.0.0.1:99999/x", f"http://{'x' * 70}.y/"]
)
def test_url_that_cannot_be_used_is_refused(lane, url):
    with pytest.raises((httpx.UnsupportedProtocol, httpx.InvalidURL)):
        lane.put(url, {"content-length": "0"}, b"")


def test_body_that_fails_ends_the_connection_and_is_the_callers_error(lane):
    def broken():
        yield b"a"
        raise OSError("the disk is gone")

    with answering([OK, OK + CLOSE]) as server:
        with pytest.raises(OSError, match="the disk is gone"):
            put(lane, server, broken(), size=3)
        assert put(lane, server).status == 200
    assert server.bodies[-1] == b"abc"


def test_certificate_is_checked_with_the_authorities_of_httpx(lane, tmp_path, monkeypatch):
    if not shutil.which("openssl"):
        pytest.skip("openssl makes the certificate")
    command = "openssl req -x509 -newkey rsa:2048 -nodes -keyout key -out cert -days 2 -subj /CN=localhost"
    subprocess.run([*command.split(), "-addext", "subjectAltName=IP:127.0.0.1"], cwd=tmp_path, check=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "cert", tmp_path / "key")
    with answering([OK + CLOSE] * 2, context=context) as server:
        with pytest.raises(httpx.ConnectError, match="CERTIFICATE_VERIFY_FAILED"):
            put(lane, server)
        monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "cert"))
        trusting = DirectLane(httpx.create_ssl_context, TIMEOUT)
        assert put(trusting, server).status == 200
        trusting.close()
