from datetime import UTC, datetime

import httpx
import pytest

from reconciler.errors import Conflict, Denied, ExitCode, Invalid, NotFound, Throttled, TimedOut, Transient
from reconciler.providers.faults import HTTPX_ERRORS, error_of_exception, error_of_response, retry_after_s


def _exception_classes():
    found = [value for value in vars(httpx).values() if isinstance(value, type) and issubclass(value, Exception)]
    return sorted(found, key=lambda cls: cls.__name__)


@pytest.mark.parametrize("cls", _exception_classes(), ids=lambda cls: cls.__name__)
def test_every_httpx_exception_is_mapped_by_name(cls):
    assert cls.__name__ in HTTPX_ERRORS


def test_the_map_names_no_exception_that_httpx_lacks():
    assert {name for name in HTTPX_ERRORS if not hasattr(httpx, name)} == set()


@pytest.mark.parametrize(
    ("status", "error", "exit_code"),
    [
        (400, Invalid, ExitCode.FAILED),
        (401, Denied, ExitCode.AUTHENTICATION),
        (403, Denied, ExitCode.AUTHENTICATION),
        (404, NotFound, ExitCode.FAILED),
        (408, Transient, ExitCode.UNREACHABLE),
        (409, Conflict, ExitCode.CONFLICT),
        (410, NotFound, ExitCode.FAILED),
        (412, Conflict, ExitCode.CONFLICT),
        (413, Invalid, ExitCode.FAILED),
        (418, Invalid, ExitCode.FAILED),
        (422, Invalid, ExitCode.FAILED),
        (425, Transient, ExitCode.UNREACHABLE),
        (429, Throttled, ExitCode.UNREACHABLE),
        (500, Transient, ExitCode.UNREACHABLE),
        (503, Transient, ExitCode.UNREACHABLE),
        (524, Transient, ExitCode.UNREACHABLE),
    ],
)
def test_status_becomes_the_error_that_says_what_to_do(status, error, exit_code):
    got = error_of_response(httpx.Response(status), "GET /x/")
    assert (type(got), got.exit_code, got.status, got.operation) == (error, exit_code, status, "GET /x/")


@pytest.mark.parametrize(
    ("body", "expected", "reason"),
    [
        (
            {
                "error": {
                    "code": "VALIDATION_ERROR",
                    "message": "No.",
                    "details": [{"field": "name", "message": "long"}],
                }
            },
            "No.; name: long",
            "v2 with details",
        ),
        (
            {"error": {"code": "CONFLICT", "message": "", "details": None}, "meta": {}},
            "CONFLICT",
            "v2 with a code only",
        ),
        ({"detail": "Not found."}, "Not found.", "DRF detail"),
        ({"name": ["Required.", "Too short."], "age": ["No."]}, "name: Required. Too short.; age: No.", "DRF fields"),
        ([{}, {"files": {"image_1": ["Unknown."]}}], "[1].files.image_1: Unknown.", "DRF batch"),
        (["Bad."], "Bad.", "DRF list"),
        ("plain", "plain", "a JSON text"),
    ],
)
def test_error_body_of_any_dialect_is_read(body, expected, reason):
    got = error_of_response(httpx.Response(400, json=body), "POST /x/")
    assert got.message == f"POST /x/: the backend rejects the request (400): {expected}", reason


def test_error_details_are_kept_per_field():
    body = {"error": {"message": "No.", "details": [{"field": "units[3].meta", "message": "wrong"}]}}
    got = error_of_response(httpx.Response(400, json=body), "POST /x/")
    assert [(problem.address, problem.summary) for problem in got.problems] == [("units[3].meta", "wrong")]


def test_html_body_is_capped():
    got = error_of_response(httpx.Response(502, html="<p>" + "x" * 100_000), "GET /x/")
    assert len(got.message) < 400


def test_denied_names_the_fix():
    got = error_of_response(httpx.Response(401), "GET /x/", denied_fix="set SYNAPSE_ACCESS_TOKEN")
    assert got.fix == "set SYNAPSE_ACCESS_TOKEN"


def test_error_text_holds_no_secret():
    body = {"error": {"message": "token s3cr3t is bad, see https://h/p?sig=1", "details": []}}
    got = error_of_response(httpx.Response(400, json=body), "GET /x/", secrets=["s3cr3t"])
    assert "s3cr3t" not in str(got)
    assert "sig=1" not in str(got)


def test_timeout_is_transient_and_timed_out():
    got = error_of_exception(httpx.ReadTimeout("slow"), "GET /x/")
    assert isinstance(got, Transient)
    assert isinstance(got, TimedOut)
    assert got.exit_code == ExitCode.TIMEOUT


def test_refused_connection_is_unreachable():
    got = error_of_exception(httpx.ConnectError("[Errno 111] Connection refused"), "GET /x/")
    assert (got.exit_code, bool(got.fix)) == (ExitCode.UNREACHABLE, True)


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        (None, None),
        ("", None),
        ("7", 7.0),
        ("Sat, 21 Nov 2026 10:00:30 GMT", 30.0),
        ("Sat, 21 Nov 2026 09:00:00 GMT", 0.0),
        ("soon", None),
    ],
)
def test_retry_after_is_read_as_seconds_or_date(header, expected):
    assert retry_after_s(header, lambda _: datetime(2026, 11, 21, 10, tzinfo=UTC)) == expected


@pytest.mark.parametrize(("headers", "error"), [({"retry-after": "2"}, Throttled), ({}, Transient)])
def test_503_is_throttled_when_it_says_when_to_return(headers, error):
    assert type(error_of_response(httpx.Response(503, headers=headers), "GET /x/")) is error
