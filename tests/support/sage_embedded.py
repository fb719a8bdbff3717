"""A small workspace on the Sage dialect of the embedded backend, as a user without special rights, and others."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import yaml

from reconciler.backend.app import create_app
from reconciler.backend.seed import read_seed
from reconciler.backend.store import Store, open_store
from reconciler.model.workspace import BackendSettings
from reconciler.providers.base import Provider
from reconciler.providers.registry import open_provider
from tests.support.workspace import Bench

TOKENS = {"tester": "pat-tester-0123456789", "alice": "pat-alice-0123456789", "bob": "pat-bob-0123456789"}
SEED = {
    "sage": {
        "users": [
            {"id": 3000001 + number, "userName": name, "email": f"{name}@example.org", "tokens": [token]}
            for number, (name, token) in enumerate(TOKENS.items())
        ]
    }
}
WORKSPACE = """
apiVersion: reconciler.dev/v1
kind: Workspace
metadata: {name: lab}
spec:
  backends: {lab: {type: embedded, dialect: sage}}
  defaultBackend: lab
"""


def sage_store(root: Path) -> Store:
    """The store of a workspace, with its users."""
    seed = root / "seed.yml"
    if not seed.exists():
        seed.write_text(yaml.safe_dump(SEED))
    return open_store(root / ".reconciler/backend", seed=read_seed(seed))


def open_as(name: str = "tester", around: Callable[[Any], Any] = lambda app: app) -> Any:
    """Opens the backend as a user. around: puts something between provider and backend."""

    def opened(settings: BackendSettings, root: Path, parallelism: int) -> tuple[Provider, Callable[[], None]]:
        store = sage_store(root)
        provider = open_provider(settings, wsgi=(around(create_app(store)), TOKENS[name]), parallelism=parallelism)

        def close() -> None:
            provider.close()
            store.close()

        return provider, close

    return opened


@dataclass
class SageBench(Bench):
    """See `Bench`. The default backend speaks the Sage dialect."""

    def ask(self, method: str, path: str, *, user: str = "tester", **options: Any) -> Any:
        """One plain HTTP request as a user; gives the JSON body."""
        store = sage_store(self.root)
        try:
            headers = {"Authorization": f"Bearer {TOKENS[user]}"}
            transport = httpx.WSGITransport(app=create_app(store))
            with httpx.Client(transport=transport, base_url="http://embedded/repo/v1", headers=headers) as client:
                response = client.request(method, path, **options)
                assert response.status_code < 400, response.text
                return response.json() if response.content else None
        finally:
            store.close()


def embedded_bench(root: Path) -> SageBench:
    """A project `lab` with a folder `scans`."""
    root.mkdir(exist_ok=True)
    (root / "reconciler.yaml").write_text(WORKSPACE)
    bench = SageBench(root, {}, open_backend=open_as())
    bench.set("Collection", "lab", title="Lab 7", sage={"type": "project"})
    bench.set("Collection", "scans", title="scans", sage={"type": "folder", "parent": "lab"})
    return bench


def register_schema(root: Path, schema_id: str) -> None:
    """Register a version of a schema, with its organization."""
    bench = SageBench(root)
    organization = schema_id.partition("-")[0]
    there = bench.ask("POST", "/schema/organization/list", json={})["page"]
    if organization not in [row["name"] for row in there]:
        bench.ask("POST", "/schema/organization", json={"organizationName": organization})
    schema = {"$id": schema_id, "type": "object", "description": schema_id}
    body = {"concreteType": "org.sagebionetworks.repo.model.schema.CreateSchemaRequest", "schema": schema}
    token = bench.ask("POST", "/schema/type/create/async/start", json=body)["token"]
    bench.ask("GET", f"/schema/type/create/async/get/{token}")
