"""A stand-in for a Sage service in memory: the calls that the provider makes, with etags, versions, trash and uploads.

It shares nothing with the package. Names, etags and versions follow the rules of the service (409, 412, a new version
when the content differs); it knows neither users nor rights.
"""

from __future__ import annotations

import hashlib
import itertools
import json
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

from reconciler.model.workspace import BackendSettings
from reconciler.providers.base import Provider
from reconciler.providers.registry import open_provider

PREFIX = "org.sagebionetworks.repo.model."
ROOT = "syn4489"
_TYPES = {"folder": PREFIX + "Folder", "file": PREFIX + "FileEntity", "project": PREFIX + "Project"}
_READS = ("bundle2", "children", "child")


class Refused(Exception):
    """An answer that is no success."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status, self.reason = status, reason


class Cut(BaseException):
    """The process is gone; nothing of ours may catch this."""


@dataclass
class SageService:
    """A WSGI application. log: (method, path) of every request. before: may give (status, reason).
    lose_answer_to: end of a path; the next request there is served and answered with 503.

    cut_at: number of the request at which the process "dies", just before or (cut_after) just after it was served.
    """

    entities: dict[str, dict[str, Any]] = field(default_factory=dict)
    handles: dict[str, dict[str, Any]] = field(default_factory=dict)
    uploads: dict[str, dict[str, Any]] = field(default_factory=dict)
    activities: dict[str, dict[str, Any]] = field(default_factory=dict)
    log: list[tuple[str, str]] = field(default_factory=list)
    before: Callable[[str, str, Any], tuple[int, str] | None] = lambda *_: None
    cut_at: int | None = None
    cut_after: bool = False
    sent_bytes: int = 0
    lose_answer_to: str = ""
    _ids: Any = field(default_factory=lambda: itertools.count(100))
    _clock: Any = field(default_factory=itertools.count)
    _lock: Any = field(default_factory=threading.RLock)

    def open(self, settings: BackendSettings, root: Path, parallelism: int) -> tuple[Provider, Callable[[], None]]:  # noqa: ARG002
        """Open a provider over this service, as `Session.open_backend` wants it."""
        provider = open_provider(settings, wsgi=(self, "token"), parallelism=parallelism)
        return provider, provider.close

    @property
    def writes(self) -> list[tuple[str, str]]:
        """Requests that write."""
        return [(m, p) for m, p in self.log if m not in ("GET", "HEAD") and p.rsplit("/", 1)[-1] not in _READS]

    def tree(self) -> dict[str, dict[str, Any]]:
        """Entities that are there, by path."""
        return {self.path(e): e for e in self.entities.values() if not self._is_gone(e)}

    def path(self, entity: dict[str, Any]) -> str:
        """Names from the top."""
        parent = self.entities.get(entity["parentId"])
        return f"{self.path(parent)}/{entity['name']}" if parent else str(entity["name"])

    def touch(self, entity: dict[str, Any]) -> None:
        """What every write does."""
        tick = next(self._clock)
        entity["etag"] = f"etag-{tick}"
        entity["modifiedOn"] = (
            f"2026-01-01T{tick // 3600000:02}:{tick // 60000 % 60:02}:{tick // 1000 % 60:02}.{tick % 1000:03}Z"
        )

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        with self._lock:
            number = len(self.log)
            if self.cut_at is not None and (number > self.cut_at or (number == self.cut_at and not self.cut_after)):
                self.log.append(("CUT", ""))
                raise Cut
            status, value = self._answer(environ)
            if self.lose_answer_to and environ["PATH_INFO"].endswith(self.lose_answer_to):
                self.lose_answer_to = ""
                status, value = 503, {"reason": "the answer was lost"}
            if number == self.cut_at:
                raise Cut
        body = b"" if value is None else json.dumps(value).encode()
        headers = [("content-length", str(len(body)))] + ([("content-type", "application/json")] if body else [])
        start_response(f"{status} .", headers)
        return [body]

    def _answer(self, environ: dict[str, Any]) -> tuple[int, Any]:
        method, path = environ["REQUEST_METHOD"], environ["PATH_INFO"]
        query = {key: values[0] for key, values in parse_qs(environ.get("QUERY_STRING", "")).items()}
        size = int(environ.get("CONTENT_LENGTH") or 0)
        content = environ["wsgi.input"].read(size) if size else b""
        self.log.append((method, path))
        parts = path.strip("/").split("/")
        if parts[0] == "blob":
            self.uploads[parts[1]]["bytes"][int(parts[2])] = content
            self.sent_bytes += len(content)
            return 200, None
        body = json.loads(content) if content else {}
        refusal = self.before(method, path, body)
        try:
            if refusal:
                raise Refused(*refusal)
            serve = self._file if parts[0] == "file" else self._repo
            return serve(method, parts[2:], query, body)
        except Refused as error:
            return error.status, {"concreteType": PREFIX + "ErrorResponse", "reason": error.reason}

    # -- entities

    def _repo(self, method: str, path: list[str], query: dict[str, str], body: Any) -> tuple[int, Any]:
        match method, path:
            case "GET", ["userProfile"]:
                return 200, {"userName": "tester", "ownerId": "1"}
            case "POST", ["entity", "child"]:
                found = self._child(body.get("parentId") or ROOT, body["entityName"])
                if found is None:
                    raise Refused(404, "no such child")
                return 200, {"id": found["id"]}
            case "POST", ["entity", "children"]:
                return 200, self._children(body)
            case "POST", ["entity", "bundle2", "create"]:
                annotations = (body.get("annotations") or {}).get("annotations") or {}
                return 201, self._bundle(self._create(body["entity"], annotations, query.get("generatedBy")))
            case "POST", ["entity", number, "bundle2"]:
                return 200, self._bundle(self._there(number))
            case "GET", ["entity", number, "type"]:
                return 200, {"id": number, "type": self._there(number)["concreteType"]}
            case "PUT", ["entity", number]:
                return 200, self._put(self._there(number), query, body)
            case "PUT", ["entity", number, "annotations2"]:
                entity = self._current(number, body)
                entity["annotations"] = body["annotations"]
                self.touch(entity)
                return 200, {"id": number, "etag": entity["etag"], "annotations": entity["annotations"]}
            case "DELETE", ["entity", number]:
                if number in self.entities:
                    self.entities[number]["gone"] = True
                return 204, None
            case _:
                return self._activity(method, path, query, body)

    def _activity(self, method: str, path: list[str], query: dict[str, str], body: Any) -> tuple[int, Any]:
        match method, path:
            case (("PUT" | "DELETE"), ["entity", number, "generatedBy"]):
                entity = self._there(number)
                entity["activity"] = query.get("generatedBy")
                self.touch(entity)
                return (200, self.activities[entity["activity"]]) if entity["activity"] else (204, None)
            case "POST", ["activity"]:
                return 201, self._write_activity(str(next(self._ids)), body)
            case "PUT", ["activity", number]:
                return 200, self._write_activity(number, body)
            case "GET", ["activity", number, "generated"]:
                return 200, {"results": [e["id"] for e in self.entities.values() if e["activity"] == number]}
            case _:
                raise Refused(404, f"no such route: {method} {'/'.join(path)}")

    def _write_activity(self, number: str, body: Any) -> dict[str, Any]:
        for item in body.get("used") or []:
            if "reference" in item:
                target = self.entities.get(item["reference"]["targetId"], {})
                item["reference"].setdefault("targetVersionNumber", target.get("versionNumber", 1))
        self.activities[number] = {**body, "id": number, "etag": f"etag-{next(self._clock)}"}
        return self.activities[number]

    def _child(self, parent: str, name: str) -> dict[str, Any] | None:
        alike = (e for e in self.entities.values() if (e["parentId"], e["name"]) == (parent, name))
        return next((entity for entity in alike if not self._is_gone(entity)), None)

    def _is_gone(self, entity: dict[str, Any] | None) -> bool:
        return entity is not None and (entity["gone"] or self._is_gone(self.entities.get(entity["parentId"])))

    def _there(self, number: str) -> dict[str, Any]:
        entity = self.entities.get(number)
        if entity is None or self._is_gone(entity):
            raise Refused(404, f"Entity {number} is in trash can.")
        return entity

    def _current(self, number: str, body: Any) -> dict[str, Any]:
        entity = self._there(number)
        if body.get("etag") != entity["etag"]:
            raise Refused(412, f"Object: {number} was updated since you last fetched it")
        return entity

    def _children(self, body: Any) -> dict[str, Any]:
        wanted = {_TYPES.get(name) for name in body["includeTypes"]}
        parent = body.get("parentId") or ROOT
        rows = [e for e in self.entities.values() if e["parentId"] == parent and e["concreteType"] in wanted]
        rows = sorted((e for e in rows if not self._is_gone(e)), key=lambda entity: str(entity["name"]))
        start = int(body.get("nextPageToken") or 0)
        names = ("id", "name", "versionNumber", "modifiedOn")
        page = [{**{n: e[n] for n in names if n in e}, "type": e["concreteType"]} for e in rows[start : start + 50]]
        answer: dict[str, Any] = {"page": page, "totalChildCount": len(rows)}
        return answer | ({"nextPageToken": str(start + 50)} if start + 50 < len(rows) else {})

    def _create(self, body: Any, annotations: Any, activity: str | None) -> dict[str, Any]:
        parent = body.get("parentId") or ROOT
        if parent != ROOT:
            self._there(parent)
        if self._child(parent, body["name"]):
            raise Refused(409, f"An entity with the name: {body['name']} already exists with a parentId: {parent}")
        kept = ("name", "concreteType", "description", "alias", "dataFileHandleId", "versionLabel")
        entity = {name: body[name] for name in kept if name in body}
        entity |= {"id": f"syn{next(self._ids)}", "parentId": parent}
        entity |= {"annotations": annotations, "activity": activity, "gone": False}
        if entity["concreteType"] == _TYPES["file"]:
            entity |= {"versionNumber": 1, "versionLabel": entity.get("versionLabel", "1")}
        self.touch(entity)
        self.entities[entity["id"]] = entity
        return entity

    def _put(self, entity: dict[str, Any], query: dict[str, str], body: Any) -> dict[str, Any]:
        self._current(entity["id"], body)
        other = self._child(body["parentId"], body["name"])
        if other is not None and other is not entity:
            raise Refused(409, f"An entity with the name: {body['name']} already exists")
        before, after = (self.handles.get(e.get("dataFileHandleId"), {}).get("contentMd5") for e in (entity, body))
        changed = entity.get("dataFileHandleId") != body.get("dataFileHandleId") and (before != after or not after)
        for name in ("name", "parentId", "description", "alias", "dataFileHandleId"):
            entity.pop(name, None)
            entity |= {name: body[name]} if name in body else {}
        if query.get("newVersion") == "true" or changed:
            entity["versionNumber"] += 1
            entity["versionLabel"] = body.get("versionLabel") or str(entity["versionNumber"])
            entity["activity"] = query.get("generatedBy")
        elif "versionLabel" in body:
            entity["versionLabel"] = body["versionLabel"]
        self.touch(entity)
        return self._shown(entity)

    def _shown(self, entity: dict[str, Any]) -> dict[str, Any]:
        return {key: value for key, value in entity.items() if key not in ("annotations", "activity", "gone")}

    def _bundle(self, entity: dict[str, Any]) -> dict[str, Any]:
        handle = self.handles.get(entity.get("dataFileHandleId", ""))
        annotations = {"id": entity["id"], "etag": entity["etag"], "annotations": entity["annotations"]}
        answer = {"entity": self._shown(entity), "annotations": annotations, "fileHandles": [handle] if handle else []}
        return answer | ({"activity": self.activities[entity["activity"]]} if entity["activity"] else {})

    # -- files

    def _file(self, method: str, path: list[str], query: dict[str, str], body: Any) -> tuple[int, Any]:
        match method, path:
            case "GET", ["entity", _, "uploadDestination"]:
                return 200, {"storageLocationId": 1, "uploadType": "S3"}
            case "POST", ["file", "multipart"]:
                name = hashlib.md5(json.dumps(body, sort_keys=True).encode()).hexdigest()
                count = max(1, -(-body["fileSizeBytes"] // body["partSizeBytes"]))
                self.uploads.setdefault(name, {"of": body, "bytes": {}, "added": set(), "count": count, "handle": None})
                return 201, self._upload(name)
            case "POST", ["file", "multipart", name, "presigned", "url", "batch"]:
                urls = [(n, f"http://embedded/blob/{name}/{n}") for n in body["partNumbers"]]
                return 201, {"partPresignedUrls": [{"partNumber": n, "uploadPresignedUrl": url} for n, url in urls]}
            case "PUT", ["file", "multipart", name, "add", number]:
                stored = self.uploads[name]["bytes"].get(int(number), b"")
                if hashlib.md5(stored).hexdigest() != query["partMD5Hex"]:
                    return 201, {"addPartState": "ADD_FAILED", "errorMessage": "another MD5"}
                self.uploads[name]["added"].add(int(number))
                return 201, {"addPartState": "ADD_SUCCESS"}
            case "PUT", ["file", "multipart", name, "complete"]:
                return 201, self._complete(name)
            case "POST", ["externalFileHandle"]:
                return 201, self._handle(**body)
            case "POST", ["filehandles", "copy"]:
                [asked] = body["copyRequests"]
                original = self.handles[asked["originalFile"]["fileHandleId"]]
                copy = self._handle(**{**original, "contentType": asked["newContentType"]})
                return 201, {"copyResults": [{"newFileHandle": copy}]}
            case _:
                raise Refused(404, f"no such route: {method} {'/'.join(path)}")

    def _complete(self, name: str) -> dict[str, Any]:
        upload = self.uploads[name]
        content = b"".join(upload["bytes"][number] for number in sorted(upload["added"]))
        asked = upload["of"]
        if hashlib.md5(content).hexdigest() != asked["contentMD5Hex"] or len(upload["added"]) != upload["count"]:
            raise Refused(400, "parts are missing or not what was announced")
        if upload["handle"] is None:
            kept = {"fileName": asked["fileName"], "contentType": asked["contentType"], "contentSize": len(content)}
            made = self._handle(concreteType=PREFIX + "file.S3FileHandle", contentMd5=asked["contentMD5Hex"], **kept)
            upload["handle"] = made["id"]
        return self._upload(name)

    def _handle(self, **fields: Any) -> dict[str, Any]:
        number = str(next(self._ids))
        self.handles[number] = {**fields, "id": number}
        return self.handles[number]

    def _upload(self, name: str) -> dict[str, Any]:
        upload = self.uploads[name]
        states = "".join("1" if number + 1 in upload["added"] else "0" for number in range(upload["count"]))
        done = {"resultFileHandleId": upload["handle"]} if upload["handle"] else {}
        return {"uploadId": name, "partsState": states, "state": "COMPLETED" if done else "UPLOADING", **done}
