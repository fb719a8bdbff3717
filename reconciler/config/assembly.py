"""Put the checked parts together: the workspace value, and the digest of what was declared."""

from __future__ import annotations

import os
from pathlib import Path

from reconciler.config.checks.backends import is_usable
from reconciler.config.checks.index import Index
from reconciler.config.decode import size_bytes
from reconciler.config.kinds import WORKSPACE
from reconciler.config.nodes import Node, ScalarNode, find, map_at, to_json
from reconciler.config.secrets import public_json, public_settings, written_secrets
from reconciler.config.workspace import EMBEDDED_DEFAULTS, Backend, FilledWorkspace
from reconciler.model.json import digest
from reconciler.model.workspace import BackendSettings, Execution, ExecutorKind, Safety, Workspace

_EXECUTION = {
    "executor": "executor",
    "address": "address",
    "retries": "retries",
    "cpusPerTask": "cpus_per_task",
    "runtimeEnv": "runtime_env",
}


def workspace_value(filled: FilledWorkspace, index: Index, root: Path, secrets: frozenset[str]) -> Workspace:
    """The workspace as a value. Only backends that can be used right now are in it. secrets: of the documents."""
    settings = filled.settings
    usable = {name: backend for name, backend in sorted(filled.backends.items()) if is_usable(backend)}
    texts = [secrets, *(b.secrets | written_secrets(b.node) for b in filled.backends.values())]
    return Workspace(
        name=settings.document.name if settings.document else root.name,
        root=root,
        backends={name: _settings(backend) for name, backend in usable.items()},
        default_backend=index.default_backend,
        state_url=settings.state_url(),
        environment=settings.environment,
        safety=_safety(settings.spec),
        execution=_execution(find(settings.spec, "execution")),
        location=settings.document.node.at if settings.document else None,
        secrets=frozenset().union(*texts),
    )


def _safety(spec: Node | None) -> Safety:
    keys = ("maxChangeFraction", "floor", "maxBytes", "maxCalls")
    nodes = (find(spec, "safety", key) for key in keys)
    fraction, floor, most_bytes, most_calls = (n.value if isinstance(n, ScalarNode) else None for n in nodes)
    defaults = Safety()
    return Safety(
        defaults.max_change_fraction if fraction is None else float(fraction),
        defaults.floor if floor is None else int(floor),
        size_bytes(most_bytes),  # type: ignore[arg-type]
        None if most_calls is None else int(most_calls),
    )


def _execution(node: Node | None) -> Execution:
    """Where heavy work runs; the schema has checked what is written."""
    said = {_EXECUTION[key]: to_json(value) for key, value in map_at(node) if key in _EXECUTION}
    kind = ExecutorKind(said.pop("executor", ExecutorKind.LOCAL))
    return Execution(kind, **said)


def _settings(backend: Backend) -> BackendSettings:
    defaults = EMBEDDED_DEFAULTS if backend.type == "embedded" else {}
    written = {key: to_json(node) for key, node in backend.node.entries.items() if key != "type"}
    return BackendSettings(backend.name, backend.type, {**defaults, **written})


def configuration_digest(filled: FilledWorkspace, index: Index, root: Path) -> str:
    """Digest over what was declared: no position, no secret, no absolute folder."""
    documents = sorted(index.documents, key=lambda document: document.label)
    policies = find(filled.settings.spec, "policies")
    return digest(
        {
            **({"policies": public_json(WORKSPACE, policies)} if policies else {}),
            "environment": filled.settings.environment,
            "backends": {b.name: [public_settings(b.node), _settings(b).type] for b in used_backends(index)},
            "documents": [
                {
                    "folder": Path(os.path.relpath(document.folder, root)).as_posix(),
                    "backend": index.backend_name(document),
                    "document": public_json(document.kind, document.node),
                }
                for document in documents
            ],
            "safety": public_json(WORKSPACE, safety) if (safety := find(filled.settings.spec, "safety")) else None,
        }
    )


def used_backends(index: Index) -> list[Backend]:
    """Declared backends that documents belong to, and the default one."""
    names = {index.default_backend, *(index.backend_name(document) for document in index.documents)}
    return [index.backends[name] for name in sorted(names) if name in index.backends]
