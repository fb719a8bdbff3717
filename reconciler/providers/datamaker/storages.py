"""Storages of the service as places that fsspec can reach: credentials are fetched when needed and kept nowhere.

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


def storage_place(client: HttpClient, storage_id: str, purpose: str = "write") -> StoragePlace:
    """Where a storage is and how to get in, to `read` or to `write`.

    Raises Invalid when the service gives no access to it, or when it is of a kind that cannot be reached from here.
    """
    path = f"/storages/{storage_id}/"
    row = _session(client, path, purpose)
    provider, configuration = str(row.get("provider") or ""), row.get("configuration")
    make = _PLACES.get(provider)
    if make is None:
        known = ", ".join(sorted(_PLACES))
        reason = f"storage {storage_id} is of the kind {provider!r}, which cannot be reached from here"
        raise Invalid(reason, fix=f"use a storage of one of the kinds {known}, or a url")
    try:
        root, options = make(dict(configuration) if isinstance(configuration, Mapping) else {})
    except KeyError as exc:
        reason = f"the service does not tell the {exc.args[0]} of storage {storage_id} ({provider})"
        raise Invalid(reason, fix="use a url, with credentials of your own") from None
    return StoragePlace(root.rstrip("/"), options)


def _session(client: HttpClient, path: str, purpose: str) -> Row:
    operation = f"POST {path}session/"
    try:
        reply = client.call("POST", f"{path}session/", body={"purpose": purpose}, repeatable=True)
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
        client_keys=[configuration["private_key"]] if configuration.get("private_key") else None,
        passphrase=configuration.get("private_key_passphrase"),
        port=configuration.get("port") or 22,
    )
    return f"sftp://{_needed(configuration, 'host')}/{str(root).strip('/')}", options


def _smb(configuration: Row) -> tuple[str, dict[str, JSON]]:
    port, domain = configuration.get("port"), configuration.get("domain")
    host = _needed(configuration, "host") + (f":{port}" if port else "")
    root = str(configuration.get("root_path") or "/").strip("/")
    user = _needed(configuration, "username")
    options = _given(
        username=f"{domain}\\{user}" if domain else user,
        password=_needed(configuration, "password"),
        encrypt=configuration.get("encrypt", True),
        share_access=configuration.get("share_access"),
        timeout=configuration.get("timeout"),
        register_session_retries=configuration.get("register_session_retries"),
        auto_mkdir=configuration.get("auto_mkdir"),
    )
    return f"smb://{host}/{_needed(configuration, 'share')}/{root}", options


def _http(configuration: Row) -> tuple[str, dict[str, JSON]]:
    return _needed(configuration, "base_url"), _given(
        headers=configuration.get("headers"), timeout_s=configuration.get("timeout")
    )


# `azure`, `ftp` and `synology` are not here: the fields of the first are not documented, and the others have no file
# system that can be told from a URL without further software.
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
    "smb": _smb,
    "http": _http,
    "https": _http,
}
