"""Storages of the service as places that fsspec can write to: credentials are fetched when needed and kept nowhere.

`POST /storages/{id}/session/` gives provider and configuration; services without it (404, 405) give them with
`GET /storages/{id}/?with_configuration=true`. Source of the fields: the storage providers of the official client.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from reconciler.errors import BackendError, Invalid
from reconciler.model.json import JSON
from reconciler.providers.base import StoragePlace
from reconciler.providers.datamaker.envelope import Row, object_in
from reconciler.providers.http import HttpClient

_Make = Callable[[Row], tuple[str, dict[str, JSON]]]


def storage_place(client: HttpClient, storage_id: str) -> StoragePlace:
    """Where a storage is and how to get in, for writing.

    Raises Invalid when the service gives no access to it, or when it is of a kind that cannot be written to from here.
    """
    path = f"/storages/{storage_id}/"
    row = _session(client, path)
    provider, configuration = str(row.get("provider") or ""), row.get("configuration")
    make = _PLACES.get(provider)
    if make is None:
        known = ", ".join(sorted(_PLACES))
        reason = f"storage {storage_id} is of the kind {provider!r}, which cannot be written to from here"
        raise Invalid(reason, fix=f"use a storage of one of the kinds {known}, or destination.url")
    try:
        root, options = make(dict(configuration) if isinstance(configuration, Mapping) else {})
    except KeyError as exc:
        reason = f"the service does not tell the {exc.args[0]} of storage {storage_id} ({provider})"
        raise Invalid(reason, fix="use destination.url, with credentials of your own") from None
    return StoragePlace(root.rstrip("/"), options)


def _session(client: HttpClient, path: str) -> Row:
    operation = f"POST {path}session/"
    try:
        reply = client.call("POST", f"{path}session/", body={"purpose": "write"}, repeatable=True)
    except BackendError as error:
        if error.status not in (404, 405):
            raise
        operation = f"GET {path}"
        reply = client.get(path, {"with_configuration": "true"})
    return object_in(reply, operation)


def _needed(configuration: Row, name: str) -> str:
    value = configuration.get(name)
    if not isinstance(value, str) or not value:
        raise KeyError(name)
    return value


def _given(**options: JSON) -> dict[str, JSON]:
    return {name: value for name, value in options.items() if value not in (None, "", {})}


def _local(configuration: Row) -> tuple[str, dict[str, JSON]]:
    return f"file://{_needed(configuration, 'location')}", {}


def _s3(configuration: Row) -> tuple[str, dict[str, JSON]]:
    region = configuration.get("region_name") or "us-east-1"
    options = _given(
        key=_needed(configuration, "access_key"),
        secret=_needed(configuration, "secret_key"),
        endpoint_url=configuration.get("endpoint_url"),
        client_kwargs={"region_name": region},
    )
    return f"s3://{_needed(configuration, 'bucket_name')}", options


def _gcs(configuration: Row) -> tuple[str, dict[str, JSON]]:
    if not configuration.get("credentials"):
        raise KeyError("credentials")
    options = _given(token=configuration["credentials"], project=configuration.get("project"))
    return f"gs://{_needed(configuration, 'bucket_name')}", options


def _sftp(configuration: Row) -> tuple[str, dict[str, JSON]]:
    if not configuration.get("password") and not configuration.get("private_key"):
        raise KeyError("password")
    root: Any = configuration.get("root_path") or "/"
    options = _given(
        username=_needed(configuration, "username"),
        password=configuration.get("password"),
        key_filename=configuration.get("private_key"),
        passphrase=configuration.get("private_key_passphrase"),
        port=configuration.get("port") or 22,
    )
    return f"sftp://{_needed(configuration, 'host')}/{str(root).strip('/')}", options


# `azure`, `smb`, `ftp` and `synology` are not here: the fields of the first are not documented, and the others have no
# file system that can be told from a URL without further software.
_PLACES: Mapping[str, _Make] = {
    "local": _local,
    "file_system": _local,
    "s3": _s3,
    "amazon_s3": _s3,
    "minio": _s3,
    "gcs": _gcs,
    "gs": _gcs,
    "gcp": _gcs,
    "sftp": _sftp,
}
