"""A store in a temporary folder, the application over it, and a client that speaks to it in process."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest

from reconciler.backend.app import App, create_app
from reconciler.backend.store import open_store


def raw_client(app: App, **headers: str) -> httpx.Client:
    """A client in process. headers: underscores stand for dashes."""
    return httpx.Client(
        transport=httpx.WSGITransport(app=app),
        base_url="http://embedded.local",
        headers={key.replace("_", "-"): value for key, value in headers.items()},
    )


@dataclass
class Clock:
    """A clock that tests set."""

    now: float = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now


@dataclass
class Backend:
    """The application, a client with a token, and shortcuts for what most tests need."""

    app: App
    client: httpx.Client
    clock: Clock = field(default_factory=Clock)

    def ok(self, method: str, path: str, status: int = 200, **options: Any) -> Any:
        """Send, expect a status, and return `data` of the envelope, or the whole body in v1."""
        response = self.client.request(method, path, **options)
        assert response.status_code == status, response.text
        body = response.json() if response.content else None
        return body["data"] if path.startswith("/v2/") and body else body

    def collection(self, **fields: Any) -> int:
        """Create a collection with a required image and an optional data file."""
        listed = [
            {"name": "image_1", "file_type": "image", "is_required": True, "is_primary": True},
            {"name": "label_1", "file_type": "data"},
        ]
        body = {"name": "scans", "category": "image", "file_specifications": listed, **fields}
        return int(self.ok("POST", "/v2/data-collections/", 201, json=body)["id"])

    def upload(self, collection: int, *contents: bytes) -> list[str]:
        """Upload contents by presigned URLs; returns their SHA-1."""
        wanted = [{"filename": f"f{index}.bin", "size": len(one)} for index, one in enumerate(contents)]
        urls = self.ok("POST", f"/v2/data-collections/{collection}/upload-urls/", json={"files": wanted})["files"]
        sums = [hashlib.sha1(one).hexdigest() for one in contents]
        for url, one in zip(urls, contents, strict=True):
            assert raw_client(self.app).put(url["presigned_url"], content=one).status_code == 200
        files = [
            {"file_key": url["file_key"], "checksum": checksum, "size": len(one)}
            for url, checksum, one in zip(urls, sums, contents, strict=True)
        ]
        done = self.ok("POST", f"/v2/data-collections/{collection}/finalize-upload/", json={"files": files})
        assert done["failed_count"] == 0, done
        return sums

    def units(self, collection: int, count: int, **extra: Any) -> list[int]:
        """Upload images and create a unit for each; returns unit ids."""
        sums = self.upload(collection, *(b"image %d" % index for index in range(count)))
        units = [
            {"files": {"image_1": {"checksum": one, "path": f"a/{index}.png"}}, **extra}
            for index, one in enumerate(sums)
        ]
        body = {"data_collection": collection, "units": units}
        made = self.ok("POST", "/v2/data-units/bulk-create/", 201, json=body)
        return [one["data_unit_id"] for one in made["results"]]

    def project(self, collection: int) -> int:
        """Create a project over a collection."""
        body = {"title": "labelling", "category": "image", "configuration": {}, "data_collection": collection}
        return int(self.ok("POST", "/v2/projects/", 201, json=body)["id"])

    def tasks(self, project: int, units: list[int]) -> list[int]:
        """Create tasks; returns all task ids of the project, oldest first."""
        self.ok("POST", "/v2/tasks/bulk-create/", 201, json={"project": project, "data_unit_ids": units})
        rows = self.ok("GET", f"/v2/tasks/?project={project}&sort=created&per_page=200")
        return [row["id"] for row in rows]


@pytest.fixture
def open_backend(tmp_path: Path, database: str | None) -> Iterator[Callable[..., Backend]]:
    """Open the test's store, again and again if need be; `seed` and `token` as given."""
    opened: list[Backend] = []

    def make(seed: dict[str, Any] | None = None, token: str | None = None, **options: Any) -> Backend:
        clock = Clock()
        app = create_app(
            open_store(tmp_path / "store", **{"database": database, "seed": seed, "clock": clock, **options})
        )
        token = token or app.store.local_token()
        opened.append(Backend(app, raw_client(app, Synapse_Access_Token=token), clock))
        return opened[-1]

    yield make
    for one in opened:
        one.client.close()
        one.app.close()


@pytest.fixture
def backend(open_backend: Callable[..., Backend]) -> Backend:
    """A new store with its local token."""
    return open_backend()


@pytest.fixture
def anonymous() -> Callable[..., httpx.Client]:
    """Makes clients with headers of the test's own choice."""
    return raw_client
