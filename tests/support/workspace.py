"""A small workspace in a folder, and plans and applies over it in this process, with fixed clock and ids."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import yaml

from reconciler.backend.app import create_app
from reconciler.backend.store import open_store
from reconciler.config import load
from reconciler.engine.applying import apply_plan
from reconciler.engine.context import PlanOptions
from reconciler.engine.importing import ImportReport, Writing, import_all
from reconciler.engine.planning import make_plan
from reconciler.engine.report import ApplyReport
from reconciler.engine.running import Control
from reconciler.engine.session import OpenBackend, Session
from reconciler.execution.base import Executor
from reconciler.model.address import parse_address
from reconciler.model.workspace import BackendSettings
from reconciler.plan.values import Action
from reconciler.providers.base import Provider
from reconciler.providers.registry import open_provider
from reconciler.render.text import plan_text
from reconciler.state.planfile import PlanFile

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


def document(kind: str, name: str, spec: dict[str, Any]) -> dict[str, Any]:
    """A document of our language."""
    return {"apiVersion": "reconciler.dev/v1", "kind": kind, "metadata": {"name": name}, "spec": spec}


COLLECTION = {
    "title": "Pictures",
    "description": "For tests",
    "fileSpecifications": [
        {"name": "image_1", "type": "image", "extensions": [".jpg", ".png"], "required": True, "primary": True},
        {"name": "label_1", "type": "data", "extensions": [".json"]},
    ],
}
ASSETS: dict[str, Any] = {"collection": "pics", "source": {"url": "data"}, "metadata": ["ages"]}
AGES = {"table": {"url": "ages.csv", "key": "unit", "columns": {"age": {"type": "integer"}}}}


@dataclass
class Bench:
    """A workspace under test. documents: kind/name → spec; `write` puts them down."""

    root: Path
    documents: dict[tuple[str, str], dict[str, Any]] = field(default_factory=dict)
    open_backend: OpenBackend = field(default_factory=lambda: embedded)
    batch_rows: int = 200
    open_executor: Callable[[], Executor] | None = None
    _ids: Iterable[int] = field(default_factory=itertools.count)

    def write(self) -> None:
        """Write all documents into one file."""
        texts = [yaml.safe_dump(document(kind, name, spec)) for (kind, name), spec in self.documents.items()]
        (self.root / "main.yaml").write_text("---\n".join(texts))

    def set(self, kind: str, name: str, **spec: Any) -> None:
        """Change members of a document's spec; None removes one."""
        old = self.documents.setdefault((kind, name), {})
        new = {key: value for key, value in {**old, **spec}.items() if value is not None}
        self.documents[kind, name] = new
        self.write()

    def remove(self, kind: str, name: str) -> None:
        """Remove a document."""
        del self.documents[kind, name]
        self.write()

    def units(self, keys: Iterable[str], *, labels: bool = True) -> None:
        """Make files and metadata for units."""
        data = self.root / "data"
        data.mkdir(exist_ok=True)
        rows = ["unit,age"]
        for number, key in enumerate(keys):
            (data / f"{key}.jpg").write_bytes(b"\xff\xd8\xff picture of " + key.encode())
            if labels:
                (data / f"{key}.json").write_text(json.dumps({"label": key}))
            rows.append(f"{key},{20 + number}")
        (self.root / "ages.csv").write_text("\n".join(rows) + "\n")

    def session(self, **options: Any) -> Session:
        """A session over what is written now."""
        configuration = load(self.root, environ={}, **options)
        return Session(
            configuration,
            parallelism=4,
            batch_rows=self.batch_rows,
            now=lambda: NOW,
            new_id=lambda: f"id-{next(iter(self._ids))}",
            open_backend=self.open_backend,
            open_executor=self.open_executor,
        )

    def plan(self, options: PlanOptions | None = None, **load_options: Any) -> Planned:
        """Compute a plan."""
        with self.session(**load_options) as session:
            plan = make_plan(session, options or PlanOptions(), self.root / "test.plan")
            return _planned(plan)

    def apply(self, options: PlanOptions | None = None, control: Control | None = None) -> ApplyReport:
        """Plan and apply under the lock, as the command does."""
        with self.session() as session, session.lock("apply"):
            store = session.open_state()
            plan = make_plan(session, options or PlanOptions(), self.root / "test.plan", store=store)
            try:
                return apply_plan(session, store, plan, control)
            finally:
                plan.close()

    def import_all(self, source: str | None = None, *, write: bool = True) -> ImportReport:
        """Take over what is there under the lock, as the command does."""
        with self.session() as session, session.lock("import"):
            writing = Writing(self.root / "imported", lambda: self.session().configuration, source)
            return import_all(session, session.open_state(), writing if write else None)

    def with_provider(self, work: Callable[[Any], Any], backend: str = "") -> Any:
        """Do something to the backend behind our back."""
        with self.session() as session:
            return work(session.provider(backend or session.configuration.workspace.default_backend))

    def call(self, method: str, path: str, **options: Any) -> Any:
        """One plain HTTP request to the embedded backend, as any other client would make it; gives the JSON body."""
        store = open_store(self.root / ".reconciler/backend")
        try:
            headers = {"SYNAPSE-ACCESS-TOKEN": store.local_token()}
            transport = httpx.WSGITransport(app=create_app(store))
            with httpx.Client(transport=transport, base_url="http://embedded", headers=headers) as client:
                response = client.request(method, path, **options)
                response.raise_for_status()
                return response.json() if response.content else None
        finally:
            store.close()

    def pages(self, path: str) -> list[Any]:
        """All rows of a listing of either dialect."""
        rows: list[Any] = []
        following: str | None = path
        while following:
            body = self.call("GET", following)
            rows += body["results"] if "results" in body else body["data"]
            following = body["next"] if "results" in body else body["meta"]["pagination"]["next_cursor"]
        return rows

    def remote_id(self, address: str) -> str | None:
        """The id of a resource, as the state has it."""
        with self.session() as session:
            owned = session.open_state(read_only=True).resource(parse_address(address))
            return owned.remote_id if owned else None

    def owned(self) -> dict[str, dict[str, str]]:
        """Address → key → remote id, as the state has it."""
        with self.session() as session:
            store = session.open_state(read_only=True)
            return {
                str(address): {row.key: row.remote_id for row in store.rows(address)} for address in store.resources()
            }


@dataclass(frozen=True)
class Planned:
    """A plan, read.

    text: as people see it. changes: address → (action, reason). rows: address → key → (action, reason).
    """

    text: str
    changes: dict[str, tuple[str, str]]
    rows: dict[str, dict[str, tuple[str, str]]]
    summary: dict[str, int]

    @property
    def is_empty(self) -> bool:
        """Nothing to do."""
        return all(action == Action.NO_OP for action, _ in self.changes.values())


def _planned(plan: PlanFile) -> Planned:
    changes = plan.changes()
    units = plan.header.totals.units
    planned = Planned(
        plan_text(plan),
        {str(c.address): (c.action.value, c.reason.value) for c in changes},
        {str(c.address): {r.key: (r.action.value, r.reason.value) for r in plan.rows(c.address)} for c in changes},
        {"files": units.files, "bytes": units.bytes, "units": units.changed},
    )
    plan.close()
    return planned


def embedded(settings: BackendSettings, root: Path, parallelism: int) -> tuple[Provider, Callable[[], None]]:
    """The embedded backend with ids that are the same in every run."""
    store = open_store(root / str(settings.settings.get("path", ".reconciler/backend")), first_id=1000)
    provider = open_provider(settings, wsgi=(create_app(store), store.local_token()), parallelism=parallelism)

    def close() -> None:
        provider.close()
        store.close()

    return provider, close


def make_bench(root: Path, keys: Iterable[str] = ("a", "b", "c"), **options: Any) -> Bench:
    """A workspace with one collection, one asset set and a metadata table."""
    bench = Bench(root, **options)
    bench.units(keys)
    bench.documents = {
        ("Collection", "pics"): dict(COLLECTION),
        ("MetadataSource", "ages"): dict(AGES),
        ("AssetSet", "pics-2026"): dict(ASSETS),
    }
    bench.write()
    return bench
