"""The workspace: what `reconciler.yaml` says about where things run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from reconciler.errors import Location, Problem
from reconciler.model.json import JSON
from reconciler.model.resource import Resource


@dataclass(frozen=True, slots=True)
class BackendSettings:
    """One entry of `backends`. type: embedded, datamaker or sage; settings: the rest, secrets filled in.

    settings never appears in a repr, a plan, a log or the state.
    """

    name: str
    type: str
    settings: Mapping[str, JSON] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True)
class Safety:
    """Limits of one run.

    Deletes and replaces in one set: at most `max_change_fraction` of its units, once it has `floor`. max_bytes,
    max_calls: of the whole run; None does not limit it.
    """

    max_change_fraction: float = 0.3
    floor: int = 10
    max_bytes: int | None = None
    max_calls: int | None = None


class ExecutorKind(StrEnum):
    """What carries out scanning, hashing and transfer."""

    LOCAL = "local"
    RAY = "ray"


@dataclass(frozen=True, slots=True)
class Execution:
    """Where heavy work runs. It never bears on the result, so it is in no digest.

    address: of a Ray cluster: auto, HOST:PORT or ray://HOST:PORT. retries: how often a task is done again whose worker
    was lost. cpus_per_task: what a task reserves at the cluster. runtime_env: passed to Ray as it is.
    """

    executor: ExecutorKind = ExecutorKind.LOCAL
    address: str = "auto"
    retries: int = 3
    cpus_per_task: float = 1.0
    runtime_env: Mapping[str, JSON] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True)
class Workspace:
    """root: absolute folder. state_url: path relative to root, or a URL. secrets: every secret text that was
    filled in, so that reports can redact it."""

    name: str
    root: Path
    backends: Mapping[str, BackendSettings]
    default_backend: str
    state_url: str = ".reconciler/state.db"
    environment: str | None = None
    safety: Safety = Safety()
    execution: Execution = Execution()
    location: Location | None = None
    secrets: frozenset[str] = field(default_factory=frozenset, repr=False)


@dataclass(frozen=True, slots=True)
class Configuration:
    """All that was declared. resources: sorted by address. digest: over everything but secrets and positions.

    warnings: findings that do not stop a run.
    """

    workspace: Workspace
    resources: tuple[Resource, ...]
    digest: str
    warnings: tuple[Problem, ...] = ()
