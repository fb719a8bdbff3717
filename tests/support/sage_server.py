"""The embedded backend's Sage dialect with faults put before it, and another client that looks at what is there."""

from __future__ import annotations

import io
import itertools
import json
import shutil
import threading
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from reconciler.backend.app import App, create_app
from reconciler.backend.store import open_store
from reconciler.model.workspace import BackendSettings
from reconciler.providers.base import Provider
from reconciler.providers.registry import open_provider
from tests.support.cutting import Cut

PREFIX = "org.sagebionetworks.repo.model."
_TYPES = {"folder": PREFIX + "Folder", "file": PREFIX + "FileEntity", "project": PREFIX + "Project"}
_READS = ("bundle2", "children", "child")
_PARTS = ("includeEntity", "includeAnnotations", "includeFileHandles", "includeActivity")


@dataclass
class SageServer:
    """A WSGI application over a store of its own, which outlives the providers that are opened over it.

    log: (method, path) of every request of providers. before: sees (method, path, body) of each, and may give (status,
    reason) instead of the server's answer. lose_answer_to: end of a path; the next request there is served and answered
    with 503. cut_at: number of the request at which the process "dies", just before or (cut_after) just after it was
    served. sent_bytes: of files. start_ms: the time now; it goes on by a millisecond whenever somebody looks, so that
    no two writes have the same, however fast the machine.
    """

    folder: Path
    log: list[tuple[str, str]] = field(default_factory=list)
    before: Callable[[str, str, Any], tuple[int, str] | None] = lambda *_: None
    lose_answer_to: str = ""
    cut_at: int | None = None
    cut_after: bool = False
    sent_bytes: int = 0
    start_ms: int = 1_767_225_600_000
    _lock: Any = field(default_factory=threading.RLock)
    _app: App = field(init=False)
    _outside: httpx.Client = field(init=False)
    _ticks: Iterator[int] = field(init=False)

    def __post_init__(self) -> None:
        self._ticks = itertools.count(self.start_ms)
        store = open_store(self.folder, first_id=1000, clock=lambda: next(self._ticks) / 1000)
        self._app = create_app(store)
        headers = {"authorization": f"Bearer {store.local_token()}"}
        transport = httpx.WSGITransport(app=self._app)
        self._outside = httpx.Client(transport=transport, base_url="http://embedded/repo/v1", headers=headers)

    def open(self, settings: BackendSettings, root: Path, parallelism: int) -> tuple[Provider, Callable[[], None]]:  # noqa: ARG002
        """Open a provider over this server, as `Session.open_backend` wants it."""
        provider = open_provider(settings, wsgi=(self, self._app.store.local_token()), parallelism=parallelism)
        return provider, provider.close

    def close(self) -> None:
        """Close the store."""
        self._outside.close()
        self._app.close()

    def copied(self, folder: Path) -> SageServer:
        """Another server with the same content, and the time going on."""
        shutil.copytree(self.folder, folder)
        return SageServer(folder, start_ms=next(self._ticks))

    @property
    def writes(self) -> list[tuple[str, str]]:
        """Requests that write."""
        return [(m, p) for m, p in self.log if m not in ("GET", "HEAD") and p.rsplit("/", 1)[-1] not in _READS]

    # -- what is there, and what others do

    def call(self, method: str, path: str, body: Any = None, **params: Any) -> Any:
        """One request of another client; gives the JSON body."""
        response = self._outside.request(method, path, json=body, params=params)
        response.raise_for_status()
        return response.json() if response.content else None

    def tree(self) -> dict[str, dict[str, Any]]:
        """Path → bundle of every project, folder and file."""
        return dict(self._below(None, ""))

    def _below(self, parent: str | None, path: str) -> Iterable[tuple[str, dict[str, Any]]]:
        types = ["folder", "file"] if parent else ["project"]
        for row in self.children(parent, types):
            here = f"{path}/{row['name']}".removeprefix("/")
            yield here, self.bundle(row["id"])
            if row["type"] != _TYPES["file"]:
                yield from self._below(row["id"], here)

    def children(self, parent: str | None, types: list[str]) -> list[dict[str, Any]]:
        """Headers of what is directly below an entity; of projects without one."""
        rows: list[dict[str, Any]] = []
        body: dict[str, Any] = {"parentId": parent, "includeTypes": types}
        while True:
            page = self.call("POST", "/entity/children", body)
            rows += page["page"]
            if not page.get("nextPageToken"):
                return rows
            body["nextPageToken"] = page["nextPageToken"]

    def bundle(self, entity: str) -> dict[str, Any]:
        """An entity with annotations, file handles and activity."""
        found: dict[str, Any] = self.call("POST", f"/entity/{entity}/bundle2", dict.fromkeys(_PARTS, True))
        return found

    def id_of(self, path: str) -> str:
        """The id of what lies at a path."""
        return str(self.tree()[path]["entity"]["id"])

    def annotate(self, entity: str, **values: tuple[str, str] | None) -> None:
        """Set annotations, (type, value) each, or take them away."""
        body = self.call("GET", f"/entity/{entity}/annotations2")
        for key, pair in values.items():
            body["annotations"].pop(key, None)
            body["annotations"] |= {key: {"type": pair[0], "value": [pair[1]]}} if pair else {}
        self.call("PUT", f"/entity/{entity}/annotations2", body)

    def edit(self, entity: str, **fields: Any) -> None:
        """Change fields of an entity."""
        self.call("PUT", f"/entity/{entity}", self.call("GET", f"/entity/{entity}") | fields)

    def delete(self, entity: str) -> None:
        """To the trash."""
        self.call("DELETE", f"/entity/{entity}")

    def create(self, kind: str, name: str, **fields: Any) -> str:
        """Create an entity; a file is a link unless it has a handle. kind: `Project`, `Folder`, `FileEntity`."""
        if kind == "FileEntity":
            link = {"concreteType": PREFIX + "file.ExternalFileHandle", "externalURL": "https://a.b/c"}
            fields["dataFileHandleId"] = self.call("POST", "/externalFileHandle", link)["id"]
        body = {"concreteType": PREFIX + kind, "name": name, **fields}
        return str(self.call("POST", "/entity", body)["id"])

    # -- requests of providers

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        with self._lock:
            number = len(self.log)
            if self.cut_at is not None and (number > self.cut_at or (number == self.cut_at and not self.cut_after)):
                self.log.append(("CUT", ""))
                raise Cut
            refusal = self._note(environ)
            if refusal is not None:
                return _refused(start_response, *refusal)
            answer = self._app(environ, start_response)
            if self.lose_answer_to and environ["PATH_INFO"].endswith(self.lose_answer_to):
                self.lose_answer_to = ""
                list(answer)
                return _refused(start_response, 503, "the answer was lost")
            if number == self.cut_at:
                list(answer)
                raise Cut
            return answer

    def _note(self, environ: dict[str, Any]) -> tuple[int, str] | None:
        """Write a request down, and ask what is to become of it."""
        method, path = environ["REQUEST_METHOD"], environ["PATH_INFO"]
        self.log.append((method, path))
        content = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        environ["wsgi.input"] = io.BytesIO(content)
        if path.startswith("/sage/"):
            self.sent_bytes += len(content)
            return self.before(method, path, content)
        return self.before(method, path, json.loads(content) if content else {})


def _refused(start_response: Any, status: int, reason: str) -> Iterable[bytes]:
    body = json.dumps({"concreteType": PREFIX + "ErrorResponse", "reason": reason}).encode()
    start_response(f"{status} .", [("content-type", "application/json"), ("content-length", str(len(body)))])
    return [body]
