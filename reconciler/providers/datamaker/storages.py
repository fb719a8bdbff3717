"""Storages of the service as places that fsspec can reach: credentials are fetched when needed and kept nowhere.

`POST /storages/{id}/session/` gives provider and configuration; services without it (404, 405) give them with
`GET /storages/{id}/?with_configuration=true`. Source of the fields: the storage providers of the official client.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import quote

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
    if provider in _REFUSED:
        why, fix = _REFUSED[provider]
        raise Invalid(f"storage {storage_id} is of the kind {provider!r}, {why}", fix=fix)
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
    return f"sftp://{_host(configuration)}/{quote(str(root).strip('/'))}", options


def _smb(configuration: Row) -> tuple[str, dict[str, JSON]]:
    port = configuration.get("port")
    host = _host(configuration) + (f":{port}" if port else "")
    share = _needed(configuration, "share").strip("/")
    root = str(configuration.get("root_path") or "/").strip("/")
    options = _given(
        username=_needed(configuration, "username"),
        domain=configuration.get("domain"),
        password=_needed(configuration, "password"),
        encrypt=configuration.get("encrypt", True),
        share_access=configuration.get("share_access"),
        timeout=configuration.get("timeout"),
        register_session_retries=configuration.get("register_session_retries"),
        auto_mkdir=configuration.get("auto_mkdir"),
    )
    return f"smb://{host}/{quote(share)}/{quote(root)}", options


def _host(configuration: Row) -> str:
    host = _needed(configuration, "host")
    return f"[{host}]" if ":" in host else host


def _spaces(configuration: Row) -> tuple[str, dict[str, JSON]]:
    """Spaces speak S3, at an address made of the region. Source: DigitalOcean, "Spaces API", endpoints."""
    endpoint = configuration.get("endpoint_url")
    endpoint = endpoint or f"https://{_needed(configuration, 'region_name')}.digitaloceanspaces.com"
    return _s3({**configuration, "endpoint_url": endpoint})


def _http(configuration: Row) -> tuple[str, dict[str, JSON]]:
    return _needed(configuration, "base_url"), _given(
        headers=configuration.get("headers"), timeout_s=configuration.get("timeout")
    )


# Kinds that the service knows and that cannot be read with what it tells: why, and what to do instead.
_REFUSED: Mapping[str, tuple[str, str]] = {
    "azure": (
        "and what the service tells of such a one is not documented",
        "write url: az://container/folder, with AZURE_STORAGE_CONNECTION_STRING set",
    ),
    "ftp": (
        "which sends passwords and files in the clear and gives nothing to recognise a file by",
        "offer the folder over sftp, or mount it and write url: with its path",
    ),
    "synology": (
        "whose File Station is no file system for other programs",
        "write url: smb://host/share/folder of the same station, or mount it and write url: with its path",
    ),
}
_PLACES: Mapping[str, _Make] = {
    "local": _local,
    "file_system": _local,
    "s3": _s3,
    "amazon_s3": _s3,
    "minio": _s3,
    "digital_ocean": _spaces,
    "gcs": _gcs,
    "gs": _gcs,
    "gcp": _gcs,
    "sftp": _sftp,
    "smb": _smb,
    "http": _http,
    "https": _http,
}
