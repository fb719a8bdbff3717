"""Annotation payloads, in bulk: `POST /v2/tasks/bulk-fetch/` and `/v2/assignments/bulk-fetch/`, at most 200 ids.

Large payloads come as a wrapper instead: `{"mode": "presigned", "presigned_url"}`, or `{"mode": "inline", "truncated":
true[, "presigned_url"]}`; the document itself is then fetched from its address.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from reconciler.errors import BackendError, NotFound
from reconciler.model.json import JSON
from reconciler.providers.datamaker.envelope import Row, data_of, id_of
from reconciler.providers.http import HttpClient

BATCH = 200


def bulk_fetch(client: HttpClient, path: str, ids: Sequence[str]) -> dict[str, Row]:
    """Rows by id, their `data` complete. Rows that are gone meanwhile are left out. path: of the collection."""
    result: dict[str, Row] = {}
    for start in range(0, len(ids), BATCH):
        for row in _fetch(client, path, ids[start : start + BATCH], "inline"):
            remote_id = id_of(row, f"POST {path}bulk-fetch/")
            result[remote_id] = {**row, "data": whole(client, path, remote_id, row.get("data"))}
    return result


def whole(client: HttpClient, path: str, remote_id: str, data: JSON) -> JSON:
    """The payload itself, whether it came inline or as a wrapper. Raises BackendError when it cannot be had."""
    if not is_wrapper(data):
        return data
    url = data.get("presigned_url")
    if not url:
        rows = _fetch(client, path, [remote_id], "presigned")
        again: JSON = rows[0].get("data") if rows else None
        if not is_wrapper(again):
            return again
        url = again.get("presigned_url")
    if not url:
        raise BackendError("the annotation data is too large and has no address", operation=f"{path}{remote_id}/")
    return client.fetch_json(str(url))


def is_wrapper(data: JSON) -> bool:
    """Whether this is a wrapper around a payload that is elsewhere."""
    return isinstance(data, Mapping) and (
        data.get("mode") == "presigned" or (data.get("mode") == "inline" and data.get("truncated") is True)
    )


def _fetch(client: HttpClient, path: str, ids: Sequence[str], mode: str) -> list[Row]:
    url = f"{path}bulk-fetch/"
    body = {"ids": [int(one) if one.isdigit() else one for one in ids]}
    try:
        reply = client.call("POST", url, params={"response_mode": mode}, body=body, repeatable=True)
    except NotFound:
        return []
    rows = data_of(reply.value)
    if not isinstance(rows, list):
        raise BackendError("the answer is not a list", operation=f"POST {url}")
    return [row for row in rows if isinstance(row, dict)]
