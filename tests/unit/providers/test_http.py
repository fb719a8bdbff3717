import io

import httpx
import pytest

from reconciler.errors import Denied, Invalid, NotFound, Transient
from reconciler.providers.body import Body
from reconciler.providers.http import HttpClient, Service
from reconciler.providers.retry import Clock, Retry

CLOCK = Clock(now=lambda: 0.0, sleep=lambda _: None, chance=lambda: 0.0)


class Server:
    """Answers with the next of `answers`, the last one for ever; keeps the requests."""

    def __init__(self, *answers):
        self.answers, self.requests = list(answers), []

    def __call__(self, request):
        request.read()
        self.requests.append(request)
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Exception):
            raise answer
        return answer


def client(server, base_url="https://host/api/", **service):
    headers = service.pop("headers_for", lambda _: {"x-token": "s3cr3t"})
    return HttpClient(
        Service(base_url, headers, "set TOKEN", ("s3cr3t",)),
        transport=httpx.MockTransport(server),
        retry=Retry(attempts=3),
        clock=CLOCK,
    )


def ok(value=None):
    return httpx.Response(200, json=value)


def test_call_goes_below_the_prefix_of_the_base_url():
    server = Server(ok({"a": 1}))
    reply = client(server).get("/v2/things/", {"q": "é", "expand": ["a", "b"]})
    assert str(server.requests[0].url) == "https://host/api/v2/things/?q=%C3%A9&expand=a&expand=b"
    assert reply.value == {"a": 1}


def test_call_sends_the_headers_of_its_dialect():
    server = Server(ok())
    dialects = client(server, headers_for=lambda path: {"x-token": "v2" if path.startswith("/v2/") else "v1"})
    dialects.get("/v2/x/")
    dialects.get("/x/")
    assert [request.headers["x-token"] for request in server.requests] == ["v2", "v1"]


def test_get_is_repeated_after_a_passing_fault():
    server = Server(httpx.Response(502), httpx.ReadError("x"), ok([1]))
    assert client(server).get("/x/").value == [1]
    assert len(server.requests) == 3


def test_get_with_a_truncated_answer_is_repeated():
    server = Server(httpx.Response(200, content=b'{"data": ['), ok([1]))
    assert client(server).get("/x/").value == [1]


@pytest.mark.parametrize(
    ("method", "repeatable", "sent"),
    [
        ("POST", None, 1),
        ("POST", True, 3),
        ("PATCH", None, 1),
        ("PATCH", True, 3),
        ("PUT", None, 3),
        ("DELETE", None, 3),
    ],
)
def test_call_is_repeated_only_when_that_is_safe(method, repeatable, sent):
    server = Server(httpx.Response(500))
    with pytest.raises(Transient):
        client(server).call(method, "/x/", body={}, repeatable=repeatable)
    assert len(server.requests) == sent


def test_get_with_an_etag_that_still_holds_gives_304():
    server = Server(httpx.Response(304))
    assert client(server).get("/x/", etag='"7"').status == 304
    assert server.requests[0].headers["if-none-match"] == '"7"'


def test_refused_credentials_name_the_setting_and_not_the_token():
    server = Server(httpx.Response(401, json={"detail": "Token s3cr3t is invalid"}))
    with pytest.raises(Denied) as raised:
        client(server).get("/x/", {"secret": "q"})
    assert raised.value.fix == "set TOKEN"
    assert "s3cr3t" not in str(raised.value)
    assert "secret=" not in str(raised.value)


def test_redirected_call_says_where_to():
    server = Server(httpx.Response(301, headers={"location": "https://other/api/x/?q=1"}))
    with pytest.raises(Invalid, match=r"redirected to https://other/api/x/\?\*\*\*"):
        client(server).get("/x/")


def test_wrong_url_is_invalid():
    with pytest.raises(Invalid):
        client(Server(ok()), base_url="https://host:nonsense").get("/x/")


def body_of(content):
    return Body(lambda: io.BytesIO(content), len(content))


@pytest.mark.parametrize("size", [10, 600_000], ids=["small", "streamed"])
def test_upload_sends_bytes_with_length_and_without_credentials(size):
    server = Server(httpx.Response(200, headers={"etag": '"e1"'}))
    content = b"x" * size
    reply = client(server).upload("https://store/k?sig=1", body_of(content), content_type="image/png")
    sent = server.requests[0]
    assert (sent.content, sent.headers["content-length"], sent.headers["content-type"]) == (
        content,
        str(size),
        "image/png",
    )
    assert ("x-token" in sent.headers, "transfer-encoding" in sent.headers) == (False, False)
    assert reply.etag == '"e1"'


@pytest.mark.parametrize(
    ("status", "body", "sent", "error", "reason"),
    [
        (400, "<html>Bad gateway</html>", 3, Transient, "a CDN's page passes"),
        (403, "<html>", 3, Transient, "a CDN's page passes"),
        (403, "<Error><Code>AccessDenied</Code></Error>", 1, Invalid, "the store's own word is final"),
        (404, "<Error><Code>NoSuchUpload</Code></Error>", 1, NotFound, "the store's own word is final"),
        (503, "<Error><Code>SlowDown</Code></Error>", 3, Transient, "a server error passes"),
    ],
)
def test_upload_refused_is_repeated_unless_the_store_says_so(status, body, sent, error, reason):
    server = Server(httpx.Response(status, text=body))
    with pytest.raises(error):
        client(server).upload("https://store/k?sig=1", body_of(b"x"))
    assert len(server.requests) == sent, reason


def test_upload_repeated_reads_the_body_again_and_reports_bytes_once():
    server = Server(httpx.Response(500), httpx.Response(200))
    reported = []
    client(server).upload("https://store/k", body_of(b"x" * 600_000), progress=reported.append)
    assert [len(request.content) for request in server.requests] == [600_000] * 2
    assert sum(reported) == 600_000


def test_upload_to_a_path_goes_to_our_origin():
    server = Server(httpx.Response(200))
    client(server).upload("/blobs/1?sig=1", body_of(b"x"))
    assert str(server.requests[0].url) == "https://host/blobs/1?sig=1"


class Broken(httpx.SyncByteStream):
    """Gives some bytes, then the connection is lost."""

    def __init__(self, content):
        self.content = content

    def __iter__(self):
        yield self.content
        raise httpx.ReadError("lost")


@pytest.mark.parametrize("ranges", [True, False], ids=["with ranges", "without"])
def test_download_continues_after_a_lost_connection(ranges):
    content = bytes(range(100))

    def serve(request):
        start = int(request.headers.get("range", "bytes=0-")[6:-1]) if ranges else 0
        if "range" not in request.headers:
            return httpx.Response(200, stream=Broken(content[:40]))
        return httpx.Response(206 if start else 200, content=content[start:])

    assert b"".join(client(serve).download("https://store/k?sig=1")) == content


def test_download_of_a_missing_file_says_so_without_its_signature():
    with pytest.raises(NotFound) as raised:
        list(client(Server(httpx.Response(404))).download("https://store/k?sig=1"))
    assert "sig=1" not in str(raised.value)


def test_download_gives_up_after_the_attempts():
    server = Server(httpx.Response(500))
    with pytest.raises(Transient):
        list(client(server).download("https://store/k"))
    assert len(server.requests) == 3
