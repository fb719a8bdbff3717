"""A small workspace on the embedded backend's Sage dialect."""

from __future__ import annotations

import contextlib
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
from tests.support.sage_server import SageServer
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
    root: Path, server: SageServer | EmbeddedSage | None = None, files: dict[str, bytes] | None = None, **options: Any
) -> Bench:
    """A project with a folder in it, whose files are those given; ages for two of them.

    server: one behind which faults are put; by default the workspace has its own embedded backend.
    """
    root.mkdir(exist_ok=True)
    (root / "reconciler.yaml").write_text(WORKSPACE)
    bench = Bench(root, {}, **options, **({"open_backend": server.open} if server else {}))
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


def files_of(server: SageServer) -> dict[str, Any]:
    """Path → (id, version, MD5, annotations) of every file below the folder."""
    found = {path.removeprefix("Lab 7/scans/"): bundle for path, bundle in server.tree().items()}
    return {
        path: (
            bundle["entity"]["id"],
            bundle["entity"]["versionNumber"],
            bundle["fileHandles"][0].get("contentMd5"),
            bundle["annotations"]["annotations"],
        )
        for path, bundle in sorted(found.items())
        if bundle["entity"]["concreteType"].endswith("FileEntity")
    }


def content_of(root: Path) -> dict[str, Any]:
    """Path → all that is ours to decide of every file in the workspace's own backend, without ids and times."""
    with contextlib.closing(SageServer(root / ".reconciler/backend")) as server:
        tree = {path: bundle for path, bundle in server.tree().items() if bundle["fileHandles"]}
        paths = {bundle["entity"]["id"]: path for path, bundle in tree.items()}
        return {path: _facts(server, bundle, paths) for path, bundle in tree.items()}


def _facts(server: SageServer, bundle: dict[str, Any], paths: dict[str, str]) -> list[Any]:
    entity, activity = bundle["entity"], bundle.get("activity")
    versions = server.call("GET", f"/entity/{entity['id']}/version")["results"]
    return [
        [row["contentMd5"] for row in versions],
        bundle["annotations"]["annotations"],
        activity and [activity["name"], sorted(_used(item, paths) for item in activity["used"])],
    ]


def _used(item: dict[str, Any], paths: dict[str, str]) -> str:
    target = item.get("reference")
    return f"{paths[target['targetId']]}@{target['targetVersionNumber']}" if target else str(item["url"])


def many_files(root: Path, count: int) -> Bench:
    """A workspace of so many files in ten folders, all with annotations of every type, and made from the first one."""
    keys = [f"{number % 10}/f{number:03}.txt" for number in range(count)]
    bench = sage_bench(root, files={key: b"content of " + key.encode() for key in keys})
    (root / "ages.csv").write_text("file,age\n" + "".join(f"{key},{number}\n" for number, key in enumerate(keys)))
    provenance = {"name": "made", "used": [keys[0], "https://example.org/x"]}
    bench.set("AssetSet", "files", provenance=provenance)
    return bench


def change_many(bench: Bench) -> None:
    """A folder renamed, two names exchanged, new bytes, new files, lost files, new metadata."""
    data = bench.root / "data"
    (data / "1").rename(data / "renamed")
    (data / "2/f002.txt").rename(data / "t")
    (data / "3/f003.txt").rename(data / "2/f002.txt")
    (data / "t").rename(data / "3/f003.txt")
    for path in sorted((data / "4").iterdir()):
        path.write_bytes(b"other bytes of " + path.name.encode())
        (data / "5" / path.name).write_bytes(b"new: " + path.name.encode())
    for path in sorted((data / "6").iterdir())[:5]:
        path.unlink()
    bench.set("AssetSet", "files", meta={"site": "s2", "seen": True, "doses": [1.5, 2]})


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
