"""Where a Sage Synapse service is and how it lets us in: settings, environment, `~/.synapseConfig`."""

from __future__ import annotations

import os
from collections.abc import Mapping
from configparser import Error as ParserError
from configparser import RawConfigParser
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from reconciler.errors import ConfigError, Denied, Problem
from reconciler.model.workspace import BackendSettings
from reconciler.providers.http import HttpClient, Service

if TYPE_CHECKING:
    from reconciler.providers.in_process import WSGI

# The four roots of the service; each can be overridden.
ENDPOINTS: Mapping[str, str] = {
    "repo": "https://repo-prod.prod.sagebase.org/repo/v1",
    "auth": "https://auth-prod.prod.sagebase.org/auth/v1",
    "file": "https://file-prod.prod.sagebase.org/file/v1",
    "portal": "https://www.synapse.org/",
}
_IN_FILE = {
    "repo": "repoEndpoint",
    "auth": "authEndpoint",
    "file": "fileHandleEndpoint",
    "portal": "portalEndpoint",
}


@dataclass(frozen=True, slots=True)
class Access:
    """endpoints: root by name, without trailing slash. token: personal access token."""

    endpoints: Mapping[str, str]
    token: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Clients:
    """One client per root that is spoken to. portal: only shown."""

    repo: HttpClient
    file: HttpClient
    auth: HttpClient
    portal: str

    def close(self) -> None:
        """Release connections."""
        for client in (self.repo, self.file, self.auth):
            client.close()


def connect(
    settings: BackendSettings,
    *,
    environ: Mapping[str, str] | None = None,
    home: Path | None = None,
    connections: int = 20,
) -> Clients:
    """Make clients for a backend of type `sage`. Raises Denied when no token is found."""
    access = find_access(settings, os.environ if environ is None else environ, home or Path.home())
    fix = f"set backends.{settings.name}.token or SYNAPSE_AUTH_TOKEN to a valid personal access token"
    return clients_for(access, fix, connections=connections)


def complete_settings(
    settings: BackendSettings, *, environ: Mapping[str, str] | None = None, home: Path | None = None
) -> BackendSettings:
    """Settings that say all that `connect` finds from here. Raises Denied when no token is found."""
    access = find_access(settings, os.environ if environ is None else environ, home or Path.home())
    rest = {name: value for name, value in settings.settings.items() if name != "profile"}  # a section of a file here
    return replace(settings, settings={**rest, "token": access.token, "endpoints": dict(access.endpoints)})


def clients_for(access: Access, denied_fix: str, **options: Any) -> Clients:
    """One client per root. options: of `HttpClient`, the same for all."""
    repo, file, auth = (HttpClient(_service(access, root, denied_fix), **options) for root in ("repo", "file", "auth"))
    return Clients(repo, file, auth, access.endpoints["portal"])


def in_process_access(url: str, token: str) -> Access:
    """What `clients_for` needs for an application in this process; `url` stands for where it is."""
    paths = {"repo": "/repo/v1", "auth": "/auth/v1", "file": "/file/v1", "portal": "/portal/www.synapse.org/"}
    return Access({name: url + path for name, path in paths.items()}, token)


def connect_in_process(app: WSGI, url: str, token: str) -> Clients:
    """Make clients for an application in this process."""
    from reconciler.providers.in_process import InProcessTransport

    fix = "the store of the embedded backend belongs to another installation"
    transport = InProcessTransport(app)
    return clients_for(in_process_access(url, token), fix, transport=transport, put=transport.put)


def find_access(settings: BackendSettings, environ: Mapping[str, str], home: Path) -> Access:
    """Look into the settings, then the environment, then the configuration file of the platform's own tool.

    settings: `token`, `profile` (a section of the file), `endpoints`. Environment: SYNAPSE_AUTH_TOKEN,
    SYNAPSE_PROFILE. A profile that is asked for by name comes before the environment. A token of the file goes only to
    the endpoints of the file.
    """
    values = settings.settings
    declared = {name: str(url) for name, url in (values.get("endpoints") or {}).items()}
    parser = _read(home / ".synapseConfig")
    in_file = {
        name: parser.get("endpoints", key) for name, key in _IN_FILE.items() if parser.has_option("endpoints", key)
    }
    endpoints = {**ENDPOINTS, **in_file, **declared}
    profile = str(values.get("profile") or "")
    from_file = _file_token(parser, profile or environ.get("SYNAPSE_PROFILE", ""), settings.name)
    if from_file and any(_bare(endpoints[root]) != _bare({**ENDPOINTS, **in_file}[root]) for root in ("repo", "file")):
        from_file = ""
    from_environ = environ.get("SYNAPSE_AUTH_TOKEN", "").strip()
    token = str(values.get("token") or "") or ((from_file or from_environ) if profile else (from_environ or from_file))
    if not token:
        raise Denied(f"backend {settings.name!r}: no personal access token was found", fix=_missing(settings.name))
    return Access(_checked(endpoints, settings.name), token)


def _read(path: Path) -> RawConfigParser:
    parser = RawConfigParser()
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    try:
        parser.read_string(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        pass
    except (OSError, UnicodeDecodeError, ParserError):
        raise Denied("~/.synapseConfig cannot be read", fix="correct it, or set the token in reconciler.yaml") from None
    return parser


def _file_token(parser: RawConfigParser, profile: str, backend: str) -> str:
    """The token of a profile; without one, of `default` or of the section that older tools wrote."""
    if profile and profile != "default":
        section = f"profile {profile}"
        if not parser.has_section(section):
            known = [name.removeprefix("profile ") for name in parser.sections() if name.startswith("profile ")]
            detail = f"~/.synapseConfig knows: {', '.join(sorted(known)) or 'none'}."
            raise ConfigError([Problem(f"backends.{backend}.profile: {profile!r} is unknown", detail=detail)])
        return parser.get(section, "authtoken", fallback="").strip()
    sections = (name for name in ("default", "authentication") if parser.has_section(name))
    return next((found for name in sections if (found := parser.get(name, "authtoken", fallback="").strip())), "")


def _bare(url: str) -> str:
    return url.rstrip("/")


def _checked(endpoints: Mapping[str, str], backend: str) -> dict[str, str]:
    problems = [
        Problem(
            f"backends.{backend}.endpoints.{name}: {url!r} is not an http(s) address", fix=f"such as {ENDPOINTS[name]}"
        )
        for name, url in endpoints.items()
        if not url.startswith(("https://", "http://"))
    ]
    if problems:
        raise ConfigError(problems)
    return {name: _bare(url) for name, url in endpoints.items()}


def _missing(name: str) -> str:
    return (
        f'set backends.{name}.token in reconciler.yaml (as "${{env.SYNAPSE_AUTH_TOKEN}}"), set SYNAPSE_AUTH_TOKEN, or '
        "write the token into ~/.synapseConfig"
    )


def _service(access: Access, root: str, denied_fix: str) -> Service:
    headers = {"authorization": f"Bearer {access.token}"}
    return Service(access.endpoints[root], lambda _: headers, denied_fix, (access.token,))
