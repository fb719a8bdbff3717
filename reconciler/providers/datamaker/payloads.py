"""Annotation payloads, in bulk: `POST …/bulk-fetch/` and `…/bulk-data/`, at most 200 ids.

Large payloads come as a wrapper instead: `{"mode": "presigned", "presigned_url"}`, or `{"mode": "inline", "truncated":
true[, "presigned_url"]}`; the document itself is then fetched from its address. Addresses expire: one that is refused
is asked for again, once. A payload that cannot be had is a fault of its record, which says why; an outage is an error.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from reconciler.errors import BackendError, NotFound, Transient
from reconciler.model.json import JSON
from reconciler.providers.datamaker.envelope import Row, data_of, id_of
from reconciler.providers.http import HttpClient

BATCH = 200
FAULT = "fault"


@dataclass(frozen=True, slots=True)
class Payloads:
    """Where payloads are fetched. key: the ids in the request; id_name: the id in a row of the answer."""

    path: str
    key: str = "ids"
    id_name: str = "id"

    def fetch(self, client: HttpClient, ids: Sequence[str]) -> dict[str, Row]:
        """Rows by id, their `data` complete, or absent and `fault` saying why. Rows that are gone are left out."""
        result: dict[str, Row] = {}
        for start in range(0, len(ids), BATCH):
            for row in self._rows(client, ids[start : start + BATCH], "inline"):
                remote_id = id_of(row, f"POST {self.path}", self.id_name)
                result[remote_id] = {**row, **self._whole(client, remote_id, row.get("data"))}
        return result

    def _whole(self, client: HttpClient, remote_id: str, data: JSON) -> Row:
        """The payload itself, whether it came inline or as a wrapper."""
        if not is_wrapper(data):
            return {"data": data}
        try:
            if data.get("presigned_url"):
                return {"data": _download(client, str(data["presigned_url"]))}
        except Transient:
            raise
        except BackendError:
            pass  # the address has most likely expired
        return self._again(client, remote_id)

    def _again(self, client: HttpClient, remote_id: str) -> Row:
        rows = self._rows(client, [remote_id], "presigned")
        data: JSON = rows[0].get("data") if rows else None
        if not is_wrapper(data):
            return {"data": data}
        if not data.get("presigned_url"):
            return {"data": None, FAULT: "the annotation data is too large and has no address"}
        try:
            return {"data": _download(client, str(data["presigned_url"]))}
        except Transient:
            raise
        except BackendError as error:
            return {"data": None, FAULT: f"the annotation data cannot be downloaded: {error.message}"}

    def _rows(self, client: HttpClient, ids: Sequence[str], mode: str) -> list[Row]:
        body = {self.key: [int(one) if one.isdigit() else one for one in ids]}
        try:
            reply = client.call("POST", self.path, params={"response_mode": mode}, body=body, repeatable=True)
        except NotFound:
            return []
        rows = data_of(reply.value)
        if not isinstance(rows, list):
            raise BackendError("the answer is not a list", operation=f"POST {self.path}")
        return [row for row in rows if isinstance(row, dict)]


def is_wrapper(data: JSON) -> bool:
    """Whether this is a wrapper around a payload that is elsewhere."""
    return isinstance(data, Mapping) and (
        data.get("mode") == "presigned" or (data.get("mode") == "inline" and data.get("truncated") is True)
    )


def _download(client: HttpClient, url: str) -> JSON:
    """Raises Transient for an outage, and another BackendError when the address is refused or holds no JSON."""
    raw = b"".join(client.download(url))
    try:
        return json.loads(raw)
    except ValueError as exc:
        raise BackendError(f"it is not JSON: {exc}") from None
