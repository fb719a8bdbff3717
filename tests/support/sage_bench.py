"""A small workspace on a Sage service."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from reconciler.backend.app import create_app
from reconciler.backend.store import open_store
from reconciler.model.workspace import BackendSettings
from reconciler.providers.base import Provider
from reconciler.providers.registry import open_provider
from tests.support.sage_service import SageService
from tests.support.workspace import Bench

READS = ("bundle2", "children", "child", "batch")

WORKSPACE = """
apiVersion: reconciler.dev/v1
kind: Workspace
metadata: {name: lab}
spec:
  backends: {lab: {type: embedded, dialect: sage}}
  defaultBackend: lab
  safety: {maxChangeFraction: 1}
"""
FILES = {"a.txt": b"first", "raw/b.txt": b"second", "raw/c.txt": b"third", "deep/er/d.txt": b"fourth"}


def sage_bench(
    root: Path, service: SageService | EmbeddedSage, files: dict[str, bytes] | None = None, **options: Any
) -> Bench:
    """A project with a folder in it, whose files are those given; ages for two of them."""
    root.mkdir(exist_ok=True)
    (root / "reconciler.yaml").write_text(WORKSPACE)
    bench = Bench(root, {}, open_backend=service.open, **options)
    put(bench, FILES if files is None else files)
    (root / "ages.csv").write_text("file,age\na.txt,4\nraw/b.txt,5\n")
    bench.set("Collection", "lab", title="Lab 7", description="Ours", meta={"owner": "x"}, sage={"type": "project"})
    bench.set("Collection", "scans", title="scans", sage={"type": "folder", "parent": "lab"})
    columns = {"age": {"type": "integer"}}
    bench.set(
        "MetadataSource", "ages", table={"url": "ages.csv", "key": "file", "columns": columns}, unmatchedRows="skip"
    )
    bench.set(
        "AssetSet",
        "files",
        collection="scans",
        source={"url": "data"},
        metadata=["ages"],
        meta={"site": "s1", "when": "2024-05-06", "doses": [1.5, 2]},
        prune=True,
    )
    return bench


def put(bench: Bench, files: dict[str, bytes]) -> None:
    """Write source files."""
    for name, content in files.items():
        path = bench.root / "data" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


def files_of(service: SageService) -> dict[str, Any]:
    """Path → (id, version, MD5, annotations) of every file below the folder."""
    found = {path.removeprefix("Lab 7/scans/"): entity for path, entity in service.tree().items()}
    return {
        path: (
            entity["id"],
            entity["versionNumber"],
            service.handles[entity["dataFileHandleId"]].get("contentMd5"),
            copy.deepcopy(entity["annotations"]),
        )
        for path, entity in sorted(found.items())
        if entity["concreteType"].endswith("FileEntity")
    }


@dataclass
class EmbeddedSage:
    """The embedded backend, opened for a bench. log: (method, path) of every request since it was cleared."""

    log: list[tuple[str, str]] = field(default_factory=list)

    def open(self, settings: BackendSettings, root: Path, parallelism: int) -> tuple[Provider, Callable[[], None]]:
        """As `Session.open_backend` wants it, with ids that are the same in every run."""
        store = open_store(root / ".reconciler/backend", first_id=1000)
        app = create_app(store)

        def logged(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
            self.log.append((environ["REQUEST_METHOD"], environ["PATH_INFO"]))
            return app(environ, start_response)

        provider = open_provider(settings, wsgi=(logged, store.local_token()), parallelism=parallelism)

        def close() -> None:
            provider.close()
            store.close()

        return provider, close

    @property
    def writes(self) -> list[tuple[str, str]]:
        """Requests that write."""
        return [(m, p) for m, p in self.log if m not in ("GET", "HEAD") and p.rsplit("/", 1)[-1] not in READS]


def sage_call(bench: Bench, method: str, path: str, body: Any = None) -> Any:
    """One plain request to the embedded backend, as any other client would make it; gives the JSON body."""
    store = open_store(bench.root / ".reconciler/backend")
    try:
        headers = {"Authorization": f"Bearer {store.local_token()}"}
        transport = httpx.WSGITransport(app=create_app(store))
        with httpx.Client(transport=transport, base_url="http://embedded", headers=headers) as client:
            response = client.request(method, path, **({} if body is None else {"json": body}))
            assert response.is_success, (method, path, response.status_code, response.text)
            return response.json() if response.content else None
    finally:
        store.close()
