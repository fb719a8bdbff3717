"""Where a Datamaker service is and how it lets us in: settings, environment, `~/.synapse/config.json`.

A token goes only to the host that it was stored for: when the settings name another `url` than the place a token
comes from, that token is passed over.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from reconciler.errors import ConfigError, Denied, Problem
from reconciler.model.json import JSON
from reconciler.model.workspace import BackendSettings
from reconciler.providers.http import HttpClient, Service

if TYPE_CHECKING:
    from reconciler.providers.in_process import WSGI

DEFAULT_URL = "https://api.synapse.sh"


@dataclass(frozen=True, slots=True)
class Credentials:
    """What one place knows. token: access token; user_token: login token, which needs the tenant."""

    url: str | None = None
    token: str | None = field(default=None, repr=False)
    user_token: str | None = field(default=None, repr=False)
    tenant: str | None = None

    @property
    def let_in(self) -> bool:
        """Whether there is anything to show at the door."""
        return bool(self.token or self.user_token)


def connect(
    settings: BackendSettings,
    *,
    environ: Mapping[str, str] | None = None,
    home: Path | None = None,
    connections: int = 20,
) -> HttpClient:
    """Make a client for the service of a backend of type `datamaker`. Raises Denied when no token is found."""
    found = find_credentials(settings, os.environ if environ is None else environ, home or Path.home())
    fix = f"set backends.{settings.name}.token or SYNAPSE_ACCESS_TOKEN to a valid access token"
    return HttpClient(service_for(found, fix), connections=connections)


def complete_settings(
    settings: BackendSettings, *, environ: Mapping[str, str] | None = None, home: Path | None = None
) -> BackendSettings:
    """Settings that say all that `connect` finds from here. Raises Denied when no token is found."""
    found = find_credentials(settings, os.environ if environ is None else environ, home or Path.home())
    named = {"url": found.url, "token": found.token, "userToken": found.user_token, "tenant": found.tenant}
    said = {name: value for name, value in named.items() if value is not None}
    return replace(settings, settings={**settings.settings, **said})


def connect_in_process(app: WSGI, url: str, token: str) -> HttpClient:
    """Make a client for an application in this process."""
    from reconciler.providers.in_process import InProcessTransport

    service = service_for(Credentials(url, token), "the store of the embedded backend belongs to another installation")
    transport = InProcessTransport(app)
    return HttpClient(service, transport=transport, put=transport.put, whole_file=transport.whole_file)


def find_credentials(settings: BackendSettings, environ: Mapping[str, str], home: Path) -> Credentials:
    """Look into the settings, then the environment, then the configuration file of the platform's own tool.

    settings: `url`, `token`, `userToken`, `tenant`, `environment` (a section of the file's `environments`).
    Environment: SYNAPSE_HOST, SYNAPSE_ACCESS_TOKEN, SYNAPSE_PLUGIN_RUN_USER_TOKEN, SYNAPSE_PLUGIN_RUN_TENANT.
    """
    declared = _declared(settings)
    chosen = declared
    if not declared.let_in:
        places: list[Callable[[], Credentials]] = [
            lambda: _from_environment(environ),
            lambda: _from_file(settings, home / ".synapse" / "config.json"),
        ]
        if settings.settings.get("environment"):
            places.reverse()
        known = (place() for place in places)
        chosen = next((place for place in known if place.let_in and _same_host(declared, place)), Credentials())
    if not chosen.let_in:
        raise Denied(f"backend {settings.name!r}: no access token was found", fix=_missing_fix(settings.name))
    url = declared.url or chosen.url or environ.get("SYNAPSE_HOST") or DEFAULT_URL
    found = Credentials(url, chosen.token, chosen.user_token, declared.tenant or chosen.tenant)
    return _checked(found, settings.name)


def _declared(settings: BackendSettings) -> Credentials:
    values = settings.settings
    return Credentials(
        _text(values, "url"), _text(values, "token"), _text(values, "userToken"), _text(values, "tenant")
    )


def _from_environment(environ: Mapping[str, str]) -> Credentials:
    return Credentials(
        _text(environ, "SYNAPSE_HOST"),
        _text(environ, "SYNAPSE_ACCESS_TOKEN"),
        _text(environ, "SYNAPSE_PLUGIN_RUN_USER_TOKEN"),
        _text(environ, "SYNAPSE_PLUGIN_RUN_TENANT"),
    )


def _from_file(settings: BackendSettings, path: Path) -> Credentials:
    """Read the JSON file of the official tool; a missing file holds nothing."""
    try:
        content: JSON = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        content = {}
    except (OSError, ValueError) as exc:
        reason = exc.strerror if isinstance(exc, OSError) else "it is not JSON"
        raise Denied(f"~/.synapse/config.json cannot be read: {reason}", fix=_missing_fix(settings.name)) from None
    content = content if isinstance(content, dict) else {}
    environments = content.get("environments")
    environments = environments if isinstance(environments, dict) else {}
    asked = settings.settings.get("environment")
    if asked and asked not in environments:
        detail = f"~/.synapse/config.json knows: {', '.join(sorted(environments)) or 'none'}."
        raise ConfigError([Problem(f"backends.{settings.name}.environment: {asked!r} is unknown", detail=detail)])
    section = environments.get(asked or content.get("default_environment"))
    if isinstance(section, dict) and (asked or not content.get("access_token")):
        return _in_file(section, "backend_url")
    return _in_file(content, "host")


def _in_file(values: Mapping[str, JSON], url_key: str) -> Credentials:
    url = _text(values, url_key) or DEFAULT_URL
    return Credentials(url, _text(values, "access_token"), _text(values, "user_token"), _text(values, "tenant"))


def _same_host(declared: Credentials, place: Credentials) -> bool:
    return not declared.url or not place.url or declared.url.rstrip("/") == place.url.rstrip("/")


def _text(values: Mapping[str, JSON], key: str) -> str | None:
    value = values.get(key)
    return value.strip() or None if isinstance(value, str) else None


def _missing_fix(name: str) -> str:
    return (
        f'set backends.{name}.token in reconciler.yaml (as "${{env.SYNAPSE_ACCESS_TOKEN}}"), set SYNAPSE_ACCESS_TOKEN, '
        "or sign in with the platform's own tool, which writes ~/.synapse/config.json"
    )


def _checked(found: Credentials, name: str) -> Credentials:
    if not (found.url or "").startswith(("https://", "http://")):
        problem = Problem(f"backends.{name}.url: {found.url!r} is not an http(s) address", fix=f"such as {DEFAULT_URL}")
        raise ConfigError([problem])
    if not found.token and not found.tenant:
        raise Denied(f"backend {name!r}: a user token needs a tenant", fix=f"set backends.{name}.tenant")
    return found


def service_for(found: Credentials, denied_fix: str) -> Service:
    """Describe the service to a client, with the headers of both dialects."""
    v1, v2 = _headers(found, "Token "), _headers(found, "")
    secrets = tuple(filter(None, (found.token, found.user_token)))
    return Service(found.url or "", lambda path: v2 if path.startswith("/v2/") else v1, denied_fix, secrets)


def _headers(found: Credentials, prefix: str) -> dict[str, str]:
    """The two dialects name the same headers; v1 wants `Token ` before access token and tenant, v2 does not."""
    headers = {}
    if found.token:
        headers["SYNAPSE-ACCESS-TOKEN"] = prefix + found.token
    if found.user_token:
        headers["Authorization"] = f"Token {found.user_token}"
    if found.tenant:
        headers["SYNAPSE-Tenant"] = prefix + found.tenant
    return headers
