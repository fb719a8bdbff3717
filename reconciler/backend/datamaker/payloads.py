"""Annotation payloads of tasks and assignments: checked, given inline or by URL, and served by that URL.

`response_mode=presigned` gives `{mode, presigned_url, size, data_digest}`; a payload over `INLINE_MAX_BYTES` is
given that way too, marked as truncated.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any, Final

from reconciler.backend.database import scalar
from reconciler.backend.datamaker.call import Call
from reconciler.backend.routing import Access, Route, Work
from reconciler.backend.wire import FieldError, Response, encode_json, invalid, invalid_field, json_response

INLINE_MAX_BYTES: Final = 10 << 20
SCHEMAS: Final = ("dm_schema_v1", "any")
_URL_LIFETIME_S: Final = 3600
_TABLES: Final = {"task": "tasks", "assignment": "assignments", "truth": "truths", "event": "truth_events"}


def response_mode(call: Call) -> str:
    """How payloads are wanted: the query says so, or, on older clients, the body."""
    body = call.request.json() if call.request.method == "POST" else None
    asked = call.query.text("response_mode")
    if asked is None and isinstance(body, dict):
        asked = body.get("response_mode")
    if asked not in (None, "inline", "presigned"):
        raise invalid_field("response_mode", "must be inline or presigned")
    return asked or "inline"


def payload_text(call: Call, kind: str, owner: int, text: str | None, mode: str = "inline") -> str:
    """A payload as JSON text: itself, or the wrapper with its URL. kind: a key of `_TABLES`."""
    if text is None:
        return "null"
    size = len(text.encode()) if mode == "presigned" or len(text) > INLINE_MAX_BYTES // 4 else 0
    if mode == "inline" and size <= INLINE_MAX_BYTES:
        return text
    digest = _digest(text)
    wrapper: dict[str, Any] = {"mode": mode, "presigned_url": _url(call, kind, owner, digest), "size": size}
    if mode == "inline":
        wrapper |= {"truncated": True, "inline_max_bytes": INLINE_MAX_BYTES}
    return encode_json({**wrapper, "data_digest": digest})


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _url(call: Call, kind: str, owner: int, digest: str) -> str:
    expires = int(call.store.clock()) + _URL_LIFETIME_S
    signature = call.store.signer.sign("payload", kind, owner, digest, expires)
    return f"{call.request.base_url}/payloads/{kind}/{owner}/{digest}/?expires={expires}&signature={signature}"


def serve_payload(call: Call) -> Response:
    """Send a payload by its URL; 403 when the URL is expired, forged, or the payload is another one by now."""
    params, query = call.request.params, call.query
    parts = (params["kind"], params["id"], params["digest"], query.text("expires") or "")
    if not call.store.signer.is_valid(query.text("signature") or "", "payload", *parts):
        return json_response('{"detail":"The signature does not match."}', 403)
    sql = f"SELECT data FROM {_TABLES[params['kind']]} WHERE id = ?"
    with call.store.reading() as db:
        text = scalar(db, sql, (int(params["id"]),))
    if int(parts[3]) < call.store.clock() or text is None or _digest(text) != params["digest"]:
        return json_response('{"detail":"The URL has expired: read the object again."}', 403)
    return json_response(text)


def check_payload(call: Call, data: Any, own_schema: str) -> None:
    """Hold a payload to the schema that the query names, else the task's own. Raises `ApiError` 400.

    Of DM schema v1 only the outer shape is checked: an object whose sections are objects of lists. Several dialects of
    the parts below are in use, and the official tools disagree about them.
    """
    schema = call.query.text("schema") or own_schema
    if schema not in SCHEMAS:
        raise invalid_field("schema", f"must be one of {', '.join(SCHEMAS)}")
    if data is None or schema == "any":
        return
    if not isinstance(data, Mapping):
        raise invalid_field("data", "must be an object")
    errors = [error for section in ("annotations", "annotationsData") for error in _section_errors(data, section)]
    if errors:
        raise invalid(errors)


def _section_errors(data: Mapping[str, Any], section: str) -> list[FieldError]:
    value = data.get(section, {})
    if not isinstance(value, Mapping):
        return [FieldError(f"data.{section}", "must be an object")]
    return [
        FieldError(f"data.{section}.{name}", "must be a list")
        for name, listed in value.items()
        if not isinstance(listed, list)
    ]


ROUTES = (Route("GET", "/payloads/{kind}/{id}/{digest}/", serve_payload, Work.NONE, access=Access.ANYONE),)
