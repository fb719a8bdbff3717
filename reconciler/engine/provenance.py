"""What an export was made from: commit and digest of the configuration, its part of the plan, the source, the tool.

Everything here is the same for the same input: no clock, no ids of runs. A new commit alone publishes nothing.
"""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from reconciler import __version__
from reconciler.destinations.manifest import MANIFEST_PATH
from reconciler.destinations.opening import shown
from reconciler.diff.desired import desired_fields
from reconciler.engine.session import Session
from reconciler.model.json import JSON, JSONObject, digest
from reconciler.model.resource import Export
from reconciler.model.workspace import Configuration

_ELSEWHERE: Final = ("destination", "retain")  # settings that say where, not what
_AT_ONCE: Final = 500  # paths in one call of git
_PATIENCE_S: Final = 20


@dataclass(frozen=True, slots=True)
class Commit:
    """The commit that is checked out where the documents lie. is_modified: documents differ from it."""

    id: str
    is_modified: bool


def provenance_of(session: Session, export: Export, scope: Mapping[str, str], basis: str) -> JSONObject:
    """The member `provenance` of a summary.

    scope: where the records are, as the provider takes it. basis: digest of all items.
    """
    settings = {name: value for name, value in desired_fields(export).items() if name not in _ELSEWHERE}
    commit = find_commit(session.configuration)
    return {
        "tool": f"reconciler {__version__}",
        "configuration": session.configuration.digest,
        **({"commit": commit.id, "uncommitted": commit.is_modified} if commit else {}),
        "plan": digest([settings, basis]),
        "source": {**_source(session, export), **dict(scope), "records": basis},
        "checksums": MANIFEST_PATH,
    }


def standing_provenance(published: bytes | None, summary: JSONObject) -> JSON:
    """The provenance of the published summary, None when that says anything else than this one."""
    try:
        value = json.loads(published or b"null")
    except ValueError:
        return None
    if not isinstance(value, dict) or "provenance" not in value:
        return None
    found = value.pop("provenance")
    return found if value == {name: part for name, part in summary.items() if name != "provenance"} else None


def _source(session: Session, export: Export) -> JSONObject:
    settings = session.configuration.workspace.backends.get(export.head.backend)
    url = settings.settings.get("url") if settings else None
    named = {"url": shown(url)} if isinstance(url, str) else {}
    return {"backend": export.head.backend, **({"type": settings.type} if settings else {}), **named}


def find_commit(configuration: Configuration) -> Commit | None:
    """Ask git; None when the workspace is in no repository, or there is no git, or no commit yet."""
    root = configuration.workspace.root
    try:
        head = _git(root, "rev-parse", "--verify", "--quiet", "HEAD").strip()
        names = _documents(configuration)
        parts = (names[start : start + _AT_ONCE] for start in range(0, len(names), _AT_ONCE))
        changed = any(_git(root, "status", *_STATUS, "--", *part) for part in parts)
    except (OSError, subprocess.SubprocessError):
        return None
    return Commit(head, changed)


_STATUS: Final = ("--porcelain", "--untracked-files=all", "--ignored=traditional")


def _documents(configuration: Configuration) -> list[str]:
    """Paths of the files with documents, below the workspace."""
    heads = (resource.head.location for resource in configuration.resources)
    places = {at.file for at in (*heads, configuration.workspace.location) if at is not None}
    return sorted(name for name in places if (configuration.workspace.root / name).is_file())


def _git(folder: Path, *arguments: str) -> str:
    """What git says. It is kept from writing, from asking, and from programs that the repository names."""
    command = ["git", "--literal-pathspecs", "-c", "core.fsmonitor=false", "-C", str(folder), *arguments]
    environ = {**os.environ, "GIT_OPTIONAL_LOCKS": "0", "GIT_TERMINAL_PROMPT": "0"}
    done = subprocess.run(command, env=environ, capture_output=True, text=True, check=True, timeout=_PATIENCE_S)
    return done.stdout
