"""Options as a document may show them: what lets nobody in as it is, the rest as a variable of the environment."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from urllib.parse import unquote, urlsplit

from reconciler.model.json import JSON

# None of these lets anybody in.
OPEN = frozenset(
    {
        "endpoint_url", "account_name", "project", "host", "port", "username", "user", "domain", "anon", "verify",
        "encrypt", "known_hosts", "client_keys", "credentials", "profile", "region_name", "timeout", "timeout_s",
        "share_access",
    }
)  # fmt: skip
_VARIABLE = "RECONCILER_SOURCE_"


def declared_options(url: str, options: Mapping[str, JSON], environ: Mapping[str, str]) -> dict[str, JSON]:
    """The options to write beside a URL that is shown without user and password.

    A secret becomes `${env.NAME}` of a variable that has its value, else of one that is still to be set.
    """
    given = {**_of_url(url), **options}
    return {name: _shown(name, value, environ) for name, value in sorted(given.items())}


def secrets_of(options: Mapping[str, JSON]) -> Iterator[str]:
    """The texts among options that must not be shown."""
    for name, value in options.items():
        if isinstance(value, Mapping):
            yield from secrets_of(value)
        elif isinstance(value, str) and not _is_open(name, value):
            yield value


def _is_open(name: str, value: JSON) -> bool:
    return name in OPEN and "PRIVATE KEY" not in str(value)


def _shown(name: str, value: JSON, environ: Mapping[str, str]) -> JSON:
    if isinstance(value, Mapping):
        return {inner: _shown(inner, item, environ) for inner, item in sorted(value.items())}
    if _is_open(name, value) or isinstance(value, bool | int | float):
        return value
    known = sorted(variable for variable, text in environ.items() if text == value)
    return f"${{env.{known[0] if known else _VARIABLE + re.sub('[^A-Z0-9]', '_', name.upper())}}}"


def _of_url(url: str) -> dict[str, JSON]:
    """User and password of a URL, where the options know them."""
    parts = urlsplit(url)
    if parts.scheme not in ("sftp", "ssh", "smb", "http", "https") or not parts.username:
        return {}
    domain, _, user = unquote(parts.username).rpartition(";")
    found: dict[str, JSON] = {"username": user, "domain": domain, "password": unquote(parts.password or "")}
    return {name: value for name, value in found.items() if value}
