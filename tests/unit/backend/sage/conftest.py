"""Two users of the Sage dialect over one store, and shortcuts for what most tests need."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

P = "org.sagebionetworks.repo.model"
OWNER, OTHER, ADMIN = "pat-owner-0123456789", "pat-other-0123456789", "pat-admin-0123456789"
SEED = {
    "sage": {
        "users": [
            {"id": 3000001, "userName": "owner", "email": "owner@example.com", "tokens": [OWNER]},
            {"id": 3000002, "userName": "other", "email": "other@example.com", "tokens": [OTHER]},
            {"id": 3000003, "userName": "boss", "email": "boss@example.com", "admin": True, "tokens": [ADMIN]},
        ]
    }
}
PART = 5 << 20


@dataclass
class User:
    """One user's client."""

    client: httpx.Client

    def send(self, method: str, path: str, **options: Any) -> httpx.Response:
        """Send, below `/repo/v1` unless another root is given; no answer is ever a failure of the server."""
        path = path if path.startswith(("/repo/", "/auth/", "/file/v1", "/sage/", "http")) else f"/repo/v1{path}"
        response = self.client.request(method, path, **options)
        assert response.status_code < 500, response.text
        return response

    def ok(self, method: str, path: str, status: int = 200, **options: Any) -> Any:
        """Send, expect a status, and return the JSON, or the text of what is no JSON."""
        response = self.send(method, path, **options)
        assert response.status_code == status, response.text
        is_json = response.headers.get("Content-Type", "").startswith("application/json")
        return response.json() if is_json else response.text

    def fails(self, method: str, path: str, status: int, **options: Any) -> str:
        """Send, expect a failure, and return its reason."""
        body = self.ok(method, path, status, **options)
        assert isinstance(body["reason"], str)
        return str(body["reason"])

    def entity(self, kind: str, name: str, **fields: Any) -> dict[str, Any]:
        """Create an entity. kind: such as `Project`."""
        made: dict[str, Any] = self.ok(
            "POST", "/entity", 201, json={"concreteType": f"{P}.{kind}", "name": name, **fields}
        )
        return made

    def begin(self, content: bytes, *, query: str = "", **fields: Any) -> dict[str, Any]:
        """Begin an upload of these bytes."""
        body = {
            "concreteType": f"{P}.file.MultipartUploadRequest",
            "fileName": "data.bin",
            "fileSizeBytes": len(content),
            "contentMD5Hex": hashlib.md5(content).hexdigest(),
            "contentType": "application/x-data",
            "partSizeBytes": PART,
            **fields,
        }
        status: dict[str, Any] = self.ok("POST", f"/file/multipart{query}", 201, json=body)
        return status

    def part_urls(self, upload: str, *parts: int) -> list[str]:
        """URLs for the PUT of parts."""
        body = {"uploadId": upload, "partNumbers": list(parts)}
        answer = self.ok("POST", f"/file/multipart/{upload}/presigned/url/batch", 201, json=body)
        return [one["uploadPresignedUrl"] for one in answer["partPresignedUrls"]]

    def add(self, upload: str, part: int, content: bytes) -> dict[str, Any]:
        """Say that a part was put."""
        md5 = hashlib.md5(content).hexdigest()
        answer: dict[str, Any] = self.ok("PUT", f"/file/multipart/{upload}/add/{part}?partMD5Hex={md5}", 201)
        return answer

    def upload(self, content: bytes, **fields: Any) -> str:
        """Upload bytes; returns the id of the file handle."""
        status = self.begin(content, **fields)
        upload = status["uploadId"]
        pieces = [content[start : start + PART] for start in range(0, len(content), PART)]
        urls = self.part_urls(upload, *range(1, len(pieces) + 1))
        for part, (url, piece) in enumerate(zip(urls, pieces, strict=True), start=1):
            assert self.send("PUT", url, content=piece).status_code == 200
            assert self.add(upload, part, piece)["addPartState"] == "ADD_SUCCESS"
        return str(self.ok("PUT", f"/file/multipart/{upload}/complete", 201)["resultFileHandleId"])


@dataclass
class Sage:
    """The application, its clock, and three users: one who owns things, another one, and an administrator."""

    backend: Any
    owner: User
    other: User
    admin: User
    nobody: User


@pytest.fixture
def sage(open_backend: Callable[..., Any], anonymous: Callable[..., httpx.Client]) -> Sage:
    """A new store with three users."""
    backend = open_backend(seed=SEED)
    users = [User(anonymous(backend.app, Authorization=f"Bearer {token}")) for token in (OWNER, OTHER, ADMIN)]
    return Sage(backend, *users, User(anonymous(backend.app)))
