"""Backend type → provider, imported only when it is used."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from reconciler.errors import ConfigError, Problem
from reconciler.model.workspace import BackendSettings
from reconciler.providers.base import Provider

if TYPE_CHECKING:
    from reconciler.providers.in_process import WSGI

IN_PROCESS_URL = "http://embedded"


def open_provider(
    settings: BackendSettings, *, wsgi: tuple[WSGI, str] | None = None, parallelism: int = 10
) -> Provider:
    """Open the provider that a backend's settings ask for; makes no request yet.

    wsgi: (application, access token) for a backend of type `embedded`, which is called in this process. parallelism:
    how many transfers run at once.

    Raises:
        ConfigError: no such type or dialect, or a setting of the wrong kind.
        Denied: no credentials were found.
    """
    if settings.type == "embedded":
        if wsgi is None:
            raise ValueError("a backend of type 'embedded' needs its application")
        dialect = str(settings.settings.get("dialect", "datamaker"))
        return _lookup(_EMBEDDED, dialect, f"backends.{settings.name}.dialect")(settings, wsgi, parallelism)
    return _lookup(_REMOTE, settings.type, f"backends.{settings.name}.type")(settings, None, parallelism)


def with_credentials(settings: BackendSettings) -> BackendSettings:
    """The same settings with all that this machine knows besides, so that they let in from any other one too.

    Raises Denied when no credentials were found.
    """
    if settings.type == "sage":
        from reconciler.providers.sage.connection import complete_settings
    else:
        from reconciler.providers.datamaker.connection import complete_settings
    return complete_settings(settings)


def _lookup(table: Mapping[str, _Factory], name: str, place: str) -> _Factory:
    if name not in table:
        allowed = ", ".join(sorted({*table, "embedded"} if table is _REMOTE else table))
        raise ConfigError([Problem(f"{place}: {name!r} is not available", detail=f"Available: {allowed}.")])
    return table[name]


def _datamaker(settings: BackendSettings, wsgi: tuple[WSGI, str] | None, parallelism: int) -> Provider:
    from reconciler.providers.datamaker.connection import connect, connect_in_process
    from reconciler.providers.datamaker.provider import DatamakerProvider

    schema = str(settings.settings.get("annotationSchema", "dm_schema_v1"))
    client = (
        connect_in_process(wsgi[0], IN_PROCESS_URL, wsgi[1]) if wsgi else connect(settings, connections=parallelism + 4)
    )
    # In this process more threads than processors only wait for each other.
    at_once = min(parallelism, os.cpu_count() or 1) if wsgi else parallelism
    return DatamakerProvider(client, parallelism=at_once, annotation_schema=schema, versioned_listings=wsgi is not None)


def _sage(settings: BackendSettings, wsgi: tuple[WSGI, str] | None, parallelism: int) -> Provider:
    from reconciler.providers.sage.connection import connect, connect_in_process
    from reconciler.providers.sage.provider import SageProvider

    if wsgi:
        clients = connect_in_process(wsgi[0], IN_PROCESS_URL, wsgi[1])
        return SageProvider(clients, parallelism=min(parallelism, os.cpu_count() or 1))
    return SageProvider(connect(settings, connections=parallelism + 4), parallelism=parallelism)


_Factory = Callable[[BackendSettings, "tuple[WSGI, str] | None", int], Provider]
_REMOTE: Mapping[str, _Factory] = {"datamaker": _datamaker, "sage": _sage}
_EMBEDDED: Mapping[str, _Factory] = {"datamaker": _datamaker, "sage": _sage}
