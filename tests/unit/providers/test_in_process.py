import httpx
import pytest

from reconciler.errors import SourceError
from reconciler.providers.in_process import InProcessTransport


def _client(app):
    return httpx.Client(transport=InProcessTransport(app), base_url="http://embedded")


def test_in_process_call_gives_the_application_what_a_server_would():
    seen = {}

    def app(environ, start_response):
        seen.update(environ, body=environ["wsgi.input"].read())
        start_response("201 Created", [("X-Answer", "yes")])
        return [b"o", b"k"]

    reply = _client(app).put("/a%20b/é/?q=1%2F2", content=b"body", headers={"Content-Type": "text/x", "X-Mine": "1"})
    assert (reply.status_code, reply.text, reply.headers["x-answer"]) == (201, "ok", "yes")
    assert seen["PATH_INFO"] == "/a b/é/".encode().decode("latin-1")
    assert (seen["QUERY_STRING"], seen["REQUEST_METHOD"], seen["body"]) == ("q=1%2F2", "PUT", b"body")
    assert (seen["CONTENT_TYPE"], seen["CONTENT_LENGTH"], seen["HTTP_X_MINE"]) == ("text/x", "4", "1")


def test_in_process_upload_is_taken_chunk_by_chunk():
    taken = []

    def chunks():
        for _ in range(3):
            taken.append("given")
            yield b"x" * 10

    def app(environ, start_response):
        assert environ["wsgi.input"].read(10) == b"x" * 10
        taken.append("read")
        start_response("200 OK", [])
        return []

    _client(app).put("/", content=chunks(), headers={"content-length": "30"})
    assert taken[:2] == ["given", "read"]


def test_in_process_failure_of_the_body_reaches_the_caller_and_looks_like_its_end_to_the_application():
    def chunks():
        yield b"x"
        raise SourceError([], "changed")

    def app(environ, start_response):
        assert environ["wsgi.input"].read(100) == b"x"
        start_response("400 Bad Request", [])
        return [b"too short"]

    with pytest.raises(SourceError, match="changed"):
        _client(app).put("/", content=chunks(), headers={"content-length": "30"})


def test_in_process_answer_is_closed():
    closed = []

    class Answer(list):
        def close(self):
            closed.append(True)

    def app(environ, start_response):
        start_response("200 OK", [])
        return Answer([b"x"])

    _client(app).get("/")
    assert closed == [True]


def test_in_process_application_may_start_its_answer_late():
    def app(environ, start_response):
        start_response("200 OK", [])
        yield b"late"

    assert _client(app).get("/").text == "late"


@pytest.mark.parametrize("content", [b"bytes", iter([b"by", b"tes"])], ids=["whole", "streamed"])
def test_in_process_put_gives_the_application_what_a_request_would(content):
    seen = []

    def app(environ, start_response):
        body = environ.pop("wsgi.input").read()
        environ.pop("HTTP_USER_AGENT", None), environ.pop("HTTP_ACCEPT", None), environ.pop("HTTP_CONNECTION", None)
        environ.pop("HTTP_ACCEPT_ENCODING", None)
        seen.append({**environ, "body": body})
        start_response("200 OK", [("ETag", "x")])
        return [b"o", b"k"]

    url, head = "http://embedded:81/up/a%20b?part=0&signature=%2F", {"content-length": "5", "content-type": "text/x"}
    answer = InProcessTransport(app).put(url, head, content)
    _client(app).put(url, content=b"bytes", headers=head)
    assert (answer.status, answer.headers, answer.body) == (200, [("ETag", "x")], b"ok")
    assert seen[0] == seen[1]


def test_in_process_put_raises_what_its_body_raises():
    def chunks():
        yield b"x"
        raise SourceError([], "changed")

    def app(environ, start_response):
        environ["wsgi.input"].read()
        start_response("400 Bad Request", [])
        return [b"too short"]

    with pytest.raises(SourceError, match="changed"):
        InProcessTransport(app).put("http://embedded/", {"content-length": "30"}, chunks())


def test_in_process_put_without_an_answer_is_an_error_of_the_transport():
    with pytest.raises(httpx.RemoteProtocolError):
        InProcessTransport(lambda *_: []).put("http://embedded/", {}, b"")
