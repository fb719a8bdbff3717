"""Data files: what is known by its content, `/v2/data-files/`, `/data_files/verify_checksums/`, and their bytes.

The checksum shown is SHA-1, as in all presigned flows; look-ups take SHA-1, MD5 or SHA-256, told apart by length.
Media URLs carry the SHA-256 and a signature in the path, so they need no credentials, never change for the same bytes,
and cannot be made up by someone who only knows a checksum.
"""

from __future__ import annotations

import json
import mimetypes
import re
from collections.abc import Iterable, Sequence
from typing import Any, Final
from urllib.parse import quote

from reconciler.backend.blobs import Digests
from reconciler.backend.database import TEXTS, Connection, Row, next_id
from reconciler.backend.datamaker.accounts import storage_id
from reconciler.backend.datamaker.call import Call
from reconciler.backend.datamaker.listing import Selection, v2_list
from reconciler.backend.file_response import file_response
from reconciler.backend.routing import Route
from reconciler.backend.signing import Signer
from reconciler.backend.store import Store
from reconciler.backend.wire import Response, encode_json, invalid_field, not_found

_COLUMN_BY_LENGTH: Final = {32: "md5", 40: "sha1", 64: "sha256"}
_HEX: Final = re.compile("[0-9a-f]+")


def checksum_column(checksum: str) -> str | None:
    """Which column holds checksums of this form; None when it is no checksum."""
    return _COLUMN_BY_LENGTH.get(len(checksum)) if _HEX.fullmatch(checksum) else None


def find_files(db: Connection, tenant: int, checksums: Iterable[str]) -> dict[str, Row]:
    """Known files by the checksums (lower-case hex) they were asked for with; unknown ones are left out."""
    asked: dict[str, list[str]] = {}
    for checksum in set(checksums):
        if (column := checksum_column(checksum)) is not None:
            asked.setdefault(column, []).append(checksum)
    found: dict[str, Row] = {}
    for column, some in asked.items():
        rows = db.execute(
            f"SELECT * FROM files WHERE tenant_id = ? AND {column} IN {TEXTS} ORDER BY id DESC",
            (tenant, encode_json(sorted(some))),
        )
        found.update((row[column], row) for row in rows)
    return found


def register(db: Connection, tenant: int, files: Sequence[tuple[str, Digests]], now: str) -> list[tuple[int, bool]]:
    """Note files by name and checksums; gives id and whether it is new, in the same order.

    The same bytes are one file, whatever their names; the first name stays.
    """
    known = {key: row["id"] for key, row in find_files(db, tenant, (d.sha256 for _, d in files)).items()}
    fresh: dict[str, tuple[Any, ...]] = {}
    first = next_id(db, "files")
    results = []
    for name, digests in files:
        is_new = digests.sha256 not in known
        if is_new:
            known[digests.sha256] = first + len(fresh)
            fresh[digests.sha256] = (
                known[digests.sha256], tenant, digests.sha256, digests.sha1, digests.md5, digests.size, name, now,
            )  # fmt: skip
        results.append((known[digests.sha256], is_new))
    db.executemany(
        "INSERT INTO files (id, tenant_id, sha256, sha1, md5, size, name, created) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        fresh.values(),
    )
    return results


def publish(store: Store, tenant: int, files: Sequence[tuple[str, str, Digests]]) -> list[tuple[int, bool]]:
    """Make files of staged bytes: link them into place, name them in one transaction, let go of what was staged.

    files: name of the staged bytes, name of the file, checksums. Gives id and whether it is new, in the same order.
    """
    with store.blobs.naming():
        for staged, _, digests in files:
            store.blobs.keep(staged, digests)
        with store.writing() as db:
            made = register(db, tenant, [(name, digests) for _, name, digests in files], store.now())
    for staged, _, _ in files:
        store.blobs.discard(staged)
    return made


def media_url(base_url: str, signer: Signer, sha256: str, name: str) -> str:
    """The absolute URL of a file's bytes. name: any path; its last part ends the URL, for clients that look at it."""
    leaf = quote(name.rpartition("/")[2] or "file", safe="")
    return f"{base_url}/media/{sha256}.{signer.sign('media', sha256)}/{leaf}"


def _wire(row: Row) -> dict[str, Any]:
    return {"id": row["id"], "checksum": row["sha1"], "file_size": row["size"], "created": row["created"]}


def list_v2(call: Call) -> Response:
    """`GET /v2/data-files/`: by checksum, and by the collection whose units use them."""
    where, values = ["tenant_id = ?"], [call.tenant]
    if (checksum := call.query.text("checksum")) is not None:
        where.append(f"{checksum_column(checksum.lower()) or 'sha1'} = ?")
        values.append(checksum.lower())  # type: ignore[arg-type]
    if (collection := call.query.integer("data_collection")) is not None:
        where.append("id IN (SELECT file_id FROM unit_files JOIN units ON units.id = unit_id WHERE collection_id = ?)")
        values.append(collection)
    return v2_list(call, Selection("*", "files", "id", tuple(where), tuple(values)), _wire)


def get_v2(call: Call) -> Response:
    """`GET /v2/data-files/{id}/`."""
    row = call.find("The data file", "SELECT * FROM files WHERE id = ? AND tenant_id = ?", (call.id(), call.tenant))
    return call.reply({**_wire(row), "meta": json.loads(row["meta"]), "storage_id": storage_id(call, call.db)})


def verify_checksums(call: Call) -> Response:
    """`POST /data_files/verify_checksums/`: which of these are known; the official client asks with MD5."""
    asked = call.request.object().get("checksums")
    if not isinstance(asked, list) or not all(isinstance(one, str) for one in asked):
        raise invalid_field("checksums", "must be a list of strings")
    found = find_files(call.db, call.tenant, (one.lower() for one in asked))
    return call.reply({"existing_checksums": [one for one in asked if one.lower() in found]})


def media(call: Call) -> Response:
    """Send a file's bytes, or one range of them. The URL is its own permission."""
    found = re.fullmatch(r"([0-9a-f]{64})\.([0-9a-f]{32})", call.request.params["key"])
    if not found or not call.store.signer.is_valid(found[2], "media", found[1]):
        raise not_found("The file")
    name = call.request.params["name"]
    path, content_type = call.store.blobs.path(found[1]), mimetypes.guess_type(name)[0]
    return file_response(call.request, path, etag=found[1], content_type=content_type)


ROUTES = (
    Route("GET", "/v2/data-files/", list_v2),
    Route("GET", "/v2/data-files/{id}/", get_v2),
    Route("POST", "/data_files/verify_checksums/", verify_checksums),
)
