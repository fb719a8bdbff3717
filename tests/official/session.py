"""Calls of the unmodified official client, made in its own environment, one JSON line on stdout for each.

Run as `python session.py FIRST|SECOND` with a JSON object on stdin: {"url", "token", "email", "password", "folder",
"context"}. FIRST fills an empty server; SECOND, after a restart, finds everything again. A line is
{"scenario", "call", "ok", "error"}; the last one is {"context": {...}}, what SECOND needs.
"""

import asyncio
import hashlib
import json
import sys
import time
import warnings
from pathlib import Path

from synapse_sdk.clients.backend import BackendClient
from synapse_sdk.clients.backend_v2 import AsyncBackendClientV2, BackendClientV2
from synapse_sdk.exceptions import (
    AuthenticationError,
    AuthorizationError,
    HTTPError,
    NotFoundError,
    ValidationError,
)

warnings.simplefilter("ignore")
PNG = b"\x89PNG\r\n\x1a\n"


def accept(_value):
    """Take any answer."""
    return True


class Recorder:
    """Makes calls, prints how they went, and goes on after failures."""

    def __init__(self, scenario):
        self.scenario = scenario

    def __call__(self, name, make, check=accept):
        """Make one call; check: whether its answer is right."""
        value = None
        try:
            value = make()
            self.report(name, None if check(value) else f"unexpected answer: {value!r:.600}")
        except Exception as exc:  # noqa: BLE001
            self.report(name, f"{type(exc).__name__}: {exc}"[:900])
        return value

    def fails(self, name, kind, status, make):
        """Make one call that must raise this exception with this status."""
        try:
            value = make()
        except kind as exc:
            wrong = exc.status_code != status
            self.report(name, f"status {exc.status_code}" if wrong else None)
        except Exception as exc:  # noqa: BLE001
            self.report(name, f"{type(exc).__name__}: {exc}"[:900])
        else:
            self.report(name, f"no error but {value!r:.300}")

    def report(self, name, error):
        line = {"scenario": self.scenario, "call": name, "ok": error is None, "error": error}
        print(json.dumps(line), flush=True)


class World:
    """Clients and the ids of what was made."""

    def __init__(self, given):
        self.given = given
        self.url, self.token = given["url"], given["token"]
        self.folder = Path(given["folder"])
        self.made = dict(given.get("context") or {})
        self.v1 = BackendClient(self.url, access_token=self.token)
        self.v2 = BackendClientV2(self.url, access_token=self.token, allow_insecure=True)

    def file(self, name, content):
        path = self.folder / name
        path.write_bytes(content)
        return path


def access(call, world):
    v2 = world.v2
    me = call("users.me", v2.account.me, lambda user: user.email == world.given["email"])
    world.made["user"] = me.id
    call("tenants.list", v2.tenants.list, lambda page: [one.code for one in page.results] == ["acme"])
    call("tenants.retrieve", lambda: v2.tenants.retrieve("acme"), lambda one: one.is_active)
    made = call(
        "tokens.create", lambda: v2.tokens.create({"description": "ci"}), lambda one: secret(one).startswith("syn_")
    )
    call("tokens.list", v2.tokens.list, lambda page: made.id in [one.id for one in page.results])
    call("tokens.retrieve", lambda: v2.tokens.retrieve(made.id), lambda one: one.description == "ci")
    other = BackendClientV2(world.url, access_token=secret(made), allow_insecure=True)
    call("users.me with that token", other.account.me, lambda user: user.id == me.id)
    call("tokens.destroy", lambda: v2.tokens.destroy(made.id))
    call.fails("revoked token", AuthenticationError, 401, other.account.me)
    login = BackendClientV2(world.url, tenant="acme", allow_insecure=True)
    given = {"email": world.given["email"], "password": world.given["password"]}
    call("auth.login", lambda: login.auth.login(**given), lambda answer: answer.token)
    call("projects.list with login token", login.projects.list, lambda page: page.results == [])
    call("v1 list_agents", world.v1.list_agents, lambda agents: agents == [])
    call("v1 get_default_storage", world.v1.get_default_storage, lambda one: one["provider"] == "minio")
    storage = world.v1.get_default_storage()["id"]
    world.made["storage"] = storage
    call("v1 get_storage", lambda: world.v1.get_storage(storage), lambda one: one is not None)
    for name in ("file_specifications", "annotation_configurations"):
        call(f"schemas.{name}", getattr(v2.schemas, name), lambda one: "image" in one["categories"])


def secret(made):
    """The plain token of a token that was just made."""
    return made.token.get_secret_value()


def collections(call, world):
    resource = world.v2.data_collections
    body = {
        "name": "scans",
        "category": "image",
        "description": "first",
        "meta": {"a": [1, None, "é"]},
        "file_specifications": [
            {"name": "image_1", "file_type": "image", "is_required": True, "is_primary": True, "function_type": "main"},
            {"name": "data_meta_1", "file_type": "data", "function_type": "meta"},
        ],
    }
    made = call("data_collections.create", lambda: resource.create(body), lambda one: one.name == "scans")
    world.made["collection"] = made.id
    call("data_collections.retrieve", lambda: resource.retrieve(made.id), lambda one: len(one.file_specifications) == 2)
    call("data_collections.update", lambda: resource.update(made.id, body), lambda one: one.meta == body["meta"])
    change = {"description": "second"}
    call(
        "data_collections.partial_update",
        lambda: resource.partial_update(made.id, change),
        lambda one: one.description == "second" and one.name == "scans",
    )
    others = [
        resource.create({"name": f"other {index}", "category": "text", "file_specifications": []}) for index in range(5)
    ]
    every = lambda: list(resource.list(list_all=True, per_page=2))  # noqa: E731
    call(
        "data_collections.list list_all",
        every,
        lambda rows: {one.id for one in others} | {made.id} <= {r.id for r in rows},
    )
    call(
        "data_collections.list page",
        lambda: resource.list(per_page=2),
        lambda page: len(page.results) == 2 and page.next,
    )
    call("data_collections.list category", lambda: resource.list(category="text"), lambda page: len(page.results) == 5)
    for one in others:
        call("data_collections.destroy", lambda one=one: resource.destroy(one.id))
    call("v1 list_data_collections", world.v1.list_data_collections, lambda page: page["count"] == 1)
    call(
        "v1 get_data_collection",
        lambda: world.v1.get_data_collection(made.id),
        lambda one: "png" in json.dumps(one["file_specifications"][0]["extensions"]),
    )
    groups = resource.groups(made.id)
    group = call("data_collections.groups.create", lambda: groups.create({"name": "north"}))
    call("data_collections.groups.list", groups.list, lambda page: page.results[0].name == "north")
    call("data_collections.groups.retrieve", lambda: groups.retrieve(group.id), lambda one: one.name == "north")
    call("data_collections.groups.destroy", lambda: groups.destroy(group.id))
    call("data_collections.permissions", lambda: resource.permissions(made.id), lambda one: one["permissions"])
    call("data_collections.check_permission", lambda: resource.check_permission(made.id, permission="read"))
    call("data_collections.roles", lambda: resource.roles(made.id), lambda one: one["roles"])
    call("data_collections.grantable_roles", lambda: resource.grantable_roles(made.id), lambda one: one["roles"])
    call("data_collections.default_roles", resource.default_roles, lambda one: one["roles"])


def files(call, world):
    v1, v2 = world.v1, world.v2
    contents = [PNG + f"image {index}".encode() for index in range(30)]
    paths = [world.file(f"im {index} ü.png", content) for index, content in enumerate(contents)]
    done = call(
        "v1 upload_files_bulk",
        lambda: v1.upload_files_bulk(paths),
        lambda answer: answer.created_count == 30 and answer.failed_count == 0,
    )
    sums = [hashlib.sha1(content).hexdigest() for content in contents]
    assert {one.checksum for one in done.results} == set(sums)
    direct = call("v1 create_data_file direct", lambda: v1.create_data_file(world.file("direct.json", b"{}")))
    large = world.file("large.bin", bytes(range(256)) * 4096 * 3)
    chunks = lambda: v1.create_chunked_upload(large, chunk_size=1 << 20)  # noqa: E731
    upload = call("v1 create_chunked_upload", chunks, lambda one: one["completed_at"])
    call("v1 get_chunked_upload", lambda: v1.get_chunked_upload(upload["id"]), lambda one: one["status"] == 2)
    call(
        "v1 create_data_file chunked",
        lambda: v1.create_data_file(large, use_chunked_upload=True),
        lambda one: one["size"] == 3 << 20,
    )
    md5 = hashlib.md5(contents[0]).hexdigest()
    call(
        "v1 verify_data_files_checksums",
        lambda: v1.verify_data_files_checksums([md5, "0" * 32]),
        lambda one: one["existing_checksums"] == [md5],
    )
    call("data_files.list checksum", lambda: v2.data_files.list(checksum=sums[3]), lambda page: len(page.results) == 1)
    one = v2.data_files.list(checksum=sums[3]).results[0]
    call("data_files.retrieve", lambda: v2.data_files.retrieve(one.id), lambda file: file.file_size == len(contents[3]))
    presigned(call, world)
    world.made |= {"sums": sums, "direct": direct["checksum"]}


def presigned(call, world):
    import requests

    resource, collection = world.v2.data_collections, world.made["collection"]
    content = PNG + b"presigned in parts" * 10_000
    body = {"files": [{"filename": "parts.png", "size": len(content)}]}
    urls = call("data_collections.upload_urls", lambda: resource.upload_urls(collection, body))
    target = urls["files"][0] if isinstance(urls, dict) else urls.files[0].model_dump()
    parts = []
    size = target["multipart"]["part_size"]
    for part in target["multipart"]["parts"]:
        start = (part["part_number"] - 1) * size
        answer = requests.put(str(part["presigned_url"]), data=content[start : start + size], timeout=30)
        parts.append({"part_number": part["part_number"], "etag": answer.headers["ETag"]})
    confirmed = {"file_key": target["file_key"], "checksum": hashlib.sha1(content).hexdigest(), "size": len(content)}
    confirmed["multipart"] = {"upload_id": target["multipart"]["upload_id"], "parts": parts}
    call(
        "data_collections.finalize_upload multipart",
        lambda: resource.finalize_upload(collection, {"files": [confirmed]}),
        lambda one: '"failed_count": 0' in json.dumps(one if isinstance(one, dict) else one.model_dump(mode="json")),
    )


def units(call, world):
    v1, v2, collection = world.v1, world.v2, world.made["collection"]
    sums = world.made["sums"]
    bodies = [
        {
            "data_collection": collection,
            "files": {"image_1": {"checksum": one, "path": f"day/im {index} ü.png"}},
            "meta": {"index": index},
            "groups": ["site", f"line {index % 2}"],
        }
        for index, one in enumerate(sums[:20])
    ]
    made = call("v1 create_data_units", lambda: v1.create_data_units(bodies), lambda rows: len(rows) == 20)
    more = [
        {"files": {"image_1": {"checksum": one}}, "meta": {"index": 20 + index}} for index, one in enumerate(sums[20:])
    ]
    more[0]["files"]["data_meta_1"] = {"checksum": world.made["direct"], "path": "direct.json"}
    bulk = {"data_collection": collection, "units": more}
    created = call("data_units.bulk_create", lambda: v2.data_units.bulk_create(bulk))
    again = call("data_units.bulk_create again", lambda: v2.data_units.bulk_create(bulk))
    as_dict = lambda one: one if isinstance(one, dict) else one.model_dump()  # noqa: E731
    created, again = as_dict(created), as_dict(again)
    call("data_units reused", lambda: again, lambda one: (one["created_count"], one["reused_count"]) == (0, 10))
    ids = [one["id"] for one in made] + [one["data_unit_id"] for one in created["results"]]
    world.made["units"] = ids
    call(
        "data_units.list list_all",
        lambda: list(v2.data_units.list(data_collection=collection, list_all=True, per_page=7)),
        lambda rows: sorted(one.id for one in rows) == sorted(ids),
    )
    call("data_units.retrieve", lambda: v2.data_units.retrieve(ids[0]), lambda one: one.meta == {"index": 0})
    change = {"meta": {"index": 0, "seen": True}}
    call(
        "data_units.partial_update", lambda: v2.data_units.partial_update(ids[0], change), lambda one: one.meta["seen"]
    )
    call(
        "v1 get_data_unit",
        lambda: v1.get_data_unit(ids[0], params={"expand": "files"}),
        lambda one: one["files"]["image_1"]["path_original"] == "day/im 0 ü.png",
    )
    call(
        "v1 list_data_units list_all with downloads",
        lambda: downloads(v1, collection),
        lambda read: read == sorted(sums),
    )
    page = lambda: v1.list_data_units(params={"data_collection": collection, "page_size": 10}, url_conversion={})  # noqa: E731
    call("v1 list_data_units page", page, lambda one: one["count"] == 30 and len(one["results"]) == 10 and one["next"])
    call("data_units.permissions", lambda: v2.data_units.permissions(ids[0]), lambda one: one["permissions"])
    extra = v2.data_units.create({"data_collection": collection, "meta": {}})
    call("data_units.destroy", lambda: v2.data_units.destroy(extra.id))


def downloads(v1, collection):
    """SHA-1 of every image, as the client downloads them."""
    rows, count = v1.list_data_units(params={"data_collection": collection, "page_size": 8}, list_all=True)
    listed = list(rows)
    assert len(listed) == count == 30, (len(listed), count)
    return sorted(hashlib.sha1(Path(one["files"]["image_1"]["path"]).read_bytes()).hexdigest() for one in listed)


def annotation(call, world):
    v1, v2, made = world.v1, world.v2, world.made
    body = {
        "title": "labels",
        "category": "image",
        "configuration": {"schema_type": "dm_schema"},
        "data_collection": made["collection"],
    }
    project = call(
        "projects.create", lambda: v2.projects.create(body), lambda one: one.data_collection_id == made["collection"]
    )
    made["project"] = project.id
    call("projects.retrieve", lambda: v2.projects.retrieve(project.id), lambda one: one.title == "labels")
    call("projects.update", lambda: v2.projects.update(project.id, body))
    call(
        "projects.partial_update",
        lambda: v2.projects.partial_update(project.id, {"description": "d"}),
        lambda one: one.description == "d",
    )
    call(
        "projects.list",
        lambda: v2.projects.list(data_collection=made["collection"]),
        lambda page: len(page.results) == 1,
    )
    call("v1 get_project", lambda: v1.get_project(project.id), lambda one: one["title"] == "labels")
    tags = v2.projects.tags(project.id)
    tag = call("projects.tags.create", lambda: tags.create({"name": "good", "category": "project"}))
    call("projects.tags.list", tags.list, lambda page: [one.name for one in page.results] == ["good"])
    call("projects.tags.retrieve", lambda: tags.retrieve(tag.id), lambda one: one.name == "good")
    call("v1 list_task_tags", v1.list_task_tags, lambda page: page["count"] == 1)
    call("v1 get_task_tag", lambda: v1.get_task_tag(tag.id), lambda one: one["name"] == "good")
    ids = {"project": project.id, "data_unit_ids": made["units"]}
    call("tasks.bulk_create", lambda: v2.tasks.bulk_create(ids))
    listed = call(
        "tasks.list list_all",
        lambda: list(v2.tasks.list(project=project.id, list_all=True, per_page=11)),
        lambda rows: len(rows) == 30,
    )
    tasks = sorted(one.id for one in listed)
    made["tasks"] = tasks
    call("tasks.retrieve", lambda: v2.tasks.retrieve(tasks[0]), lambda one: not one.has_data)
    call("tasks.annotate_task_data", lambda: v2.tasks.annotate_task_data(tasks[0], action="submit", data=payload(1)))
    call("v1 annotate_task_data", lambda: v1.annotate_task_data(tasks[1], {"action": "submit", "data": payload(2)}))
    call("v1 set_tags_tasks", lambda: v1.set_tags_tasks({"ids": tasks[:2], "tags": [tag.id]}))
    call(
        "v1 get_task",
        lambda: v1.get_task(tasks[0], params={"expand": "data_unit"}),
        lambda one: one["data"] == payload(1) and one["data_unit"]["files"],
    )
    call(
        "tasks.bulk_fetch",
        lambda: v2.tasks.bulk_fetch(tasks[:3]),
        lambda rows: [one["id"] for one in rows] == tasks[:3],
    )
    call(
        "v1 list_tasks",
        lambda: list(v1.list_tasks(params={"project": project.id, "tags": tag.id}, list_all=True)[0]),
        lambda rows: [one["id"] for one in rows] == tasks[:2],
    )
    call(
        "v1 list_tasks_data",
        lambda: v1.list_tasks_data(params={"project": project.id}),
        lambda page: page["count"] == 30,
    )
    call("v1 list_tasks_files", lambda: v1.list_tasks_files(params={"project": project.id, "page_size": 2}))
    call("v1 create_tasks", lambda: v1.create_tasks({"project": project.id, "data": [{"data_unit": made["units"][0]}]}))
    assigned = call(
        "assignments.list", lambda: v2.assignments.list(project=project.id), lambda page: len(page.results) == 2
    )
    first = min(one.id for one in assigned.results)
    made["assignment"] = first
    call(
        "assignments.retrieve",
        lambda: v2.assignments.retrieve(first),
        lambda one: one.status_label.value == "completed",
    )
    call(
        "assignments.set_data",
        lambda: v2.assignments.set_data(first, {"data": payload(3)}),
        lambda one: one.data == payload(3),
    )
    call(
        "assignments.bulk_fetch", lambda: v2.assignments.bulk_fetch([first]), lambda rows: rows[0]["data"] == payload(3)
    )
    call("v1 get_assignment", lambda: v1.get_assignment(first), lambda one: one["data"] == payload(3))
    call(
        "v1 list_assignments",
        lambda: v1.list_assignments(params={"project": project.id}),
        lambda page: page["count"] == 2,
    )
    call("v1 list_assignments_data", lambda: v1.list_assignments_data(params={"project": project.id}))
    call("v1 list_assignments_files", lambda: v1.list_assignments_files(params={"project": project.id}))
    call("v1 set_tags_assignments", lambda: v1.set_tags_assignments({"ids": [first], "tags": [tag.id]}))
    statistics = v2.projects.statistics(project.id)
    for kind in ("worker", "class", "rejection", "defect"):
        call(f"projects.statistics.{kind}", lambda kind=kind: statistics.get(kind))
    call(
        "projects.permissions", lambda: v2.projects.permissions(project.id), lambda one: one["role"]["code"] == "leader"
    )
    call("tasks.roles", lambda: v2.tasks.roles(tasks[0]), lambda one: one["roles"])


def payload(value):
    """A small document of DM schema v1."""
    item = {"id": "b1", "tool": "bounding_box", "classification": {"class": "car"}}
    box = {"id": "b1", "coordinate": {"x": value, "y": 2, "width": 3, "height": 4}}
    return {
        "assignmentId": None,
        "extra": {},
        "annotations": {"image_1": [item]},
        "annotationsData": {"image_1": [box]},
        "relations": {},
        "annotationGroups": {},
    }


def teams(call, world):
    v2, project, user = world.v2, world.made["project"], world.made["user"]
    workshops = v2.workshops
    body = {"project": project, "name": "first shift", "access_code": "abc", "is_reviewable": True}
    made = call("workshops.create", lambda: workshops.create(body), lambda one: one.name == "first shift")
    world.made["workshop"] = made.id
    call(
        "workshops.list",
        lambda: workshops.list(project=project),
        lambda page: [one.id for one in page.results] == [made.id],
    )
    call("workshops.retrieve", lambda: workshops.retrieve(made.id), lambda one: one.project_id == project)
    call(
        "workshops.partial_update",
        lambda: workshops.partial_update(made.id, {"name": "second shift"}),
        lambda one: one.name == "second shift",
    )
    workers = workshops.workers(made.id)
    worker = call(
        "workshops.workers.create",
        lambda: workers.create({"user": user, "count_max_tasks": 5}),
        lambda one: one.worker.user_id == user,
    )
    call.fails("workshops.workers.create twice", ValidationError, 400, lambda: workers.create({"user": user}))
    call("workshops.workers.list", workers.list, lambda page: len(page.results) == 1)
    call(
        "workshops.workers.partial_update",
        lambda: workers.partial_update(worker.id, {"count_max_tasks": 7}),
        lambda one: one.count_max_tasks == 7,
    )
    covers = workshops.reviewer_covers(made.id)
    cover = call("workshops.reviewer_covers.create", lambda: covers.create({"user": user}))
    call(
        "workshops.reviewer_covers.retrieve", lambda: covers.retrieve(cover.id), lambda one: one.label_participation_ids
    )
    call.fails("workshops.destroy with workers", HTTPError, 409, lambda: workshops.destroy(made.id))
    call("workshops.reviewer_covers.destroy", lambda: covers.destroy(cover.id))
    call("workshops.participate", lambda: workshops.participate(made.id, {"role": "reviewer", "access_code": "abc"}))
    members = call("members.list", v2.members.list, lambda page: page.results)
    own = next(one.id for one in members.results if one.user_id == user)
    call("members.retrieve", lambda: v2.members.retrieve(own), lambda one: one.role.value == "owner")
    call.fails("members.destroy of the last owner", HTTPError, 409, lambda: v2.members.destroy(own))
    groups = v2.groups
    group = call("groups.create", lambda: groups.create({"name": "night", "description": "d"}))
    world.made["group"] = group.id
    call("groups.list", groups.list, lambda page: [one.name for one in page.results] == ["night"])
    call("groups.update", lambda: groups.update(group.id, {"name": "day"}), lambda one: one.name == "day")
    call(
        "groups.partial_update",
        lambda: groups.partial_update(group.id, {"description": "e"}),
        lambda one: one.description == "e",
    )
    invitation = {
        "member_roles": [{"member": own, "role": ["manager"]}],
        "group_roles": [{"group": group.id, "role": ["viewer"]}],
    }
    call("projects.invite", lambda: v2.projects.invite(project, invitation))
    call(
        "projects.roles",
        lambda: v2.projects.roles(project),
        lambda one: one["member_roles"] == [{"member": own, "role": ["manager"]}],
    )
    call("projects.my_join_requests", v2.projects.my_join_requests)
    scripts = v2.validation_scripts
    script = call("validation_scripts.create", lambda: scripts.create({"name": "check", "code": "x = 1"}))
    world.made["script"] = script.id
    call("validation_scripts.list", lambda: scripts.list(search="HECK"), lambda page: len(page.results) == 1)
    call(
        "validation_scripts.partial_update",
        lambda: scripts.partial_update(script.id, {"timeout": 20}),
        lambda one: one.timeout == 20,
    )
    call("validation_scripts.retrieve", lambda: scripts.retrieve(script.id), lambda one: one.code == "x = 1")


def ground_truth(call, world):
    v1, v2, made = world.v1, world.v2, world.made
    datasets = v2.ground_truth_datasets
    dataset = call("ground_truth_datasets.create", lambda: datasets.create({"name": "truth"}))
    made["dataset"] = dataset.id
    fill(world, {"ground_truth_dataset": dataset.id, "tasks": made["tasks"][:2], "category": "train"})
    call(
        "ground_truth_datasets.retrieve",
        lambda: datasets.retrieve(dataset.id),
        lambda one: one.project_id == made["project"],
    )
    call("ground_truth_datasets.list", datasets.list, lambda page: len(page.results) == 1)
    call("ground_truth_datasets.partial_update", lambda: datasets.partial_update(dataset.id, {"description": "d"}))
    versions = datasets.versions(dataset.id)
    version = call("ground_truth_datasets.versions.create", lambda: versions.create({"version": "1.0"}))
    made["version"] = version.id
    fill(world, {"ground_truth_dataset": dataset.id, "tasks": made["tasks"][:1], "category": "test"})
    call.fails(
        "ground_truth_datasets.versions.create twice", ValidationError, 400, lambda: versions.create({"version": "1.0"})
    )
    call("ground_truth_datasets.versions.list", versions.list, lambda page: page.results[0].version == "1.0")
    call(
        "ground_truth_datasets.versions.retrieve",
        lambda: versions.retrieve(version.id),
        lambda one: not one.is_archived,
    )
    call(
        "ground_truth_datasets.versions.events.list",
        lambda: versions.events(version.id).list(),
        lambda page: len(page.results) == 2,
    )
    listed = call(
        "ground_truth_events.list",
        lambda: v2.ground_truth_events.list(ground_truth_dataset=dataset.id),
        lambda page: len(page.results) == 3,
    )
    ids = [get(one, "pgh_id") for one in listed.results]
    call(
        "ground_truth_events.bulk_data",
        lambda: v2.ground_truth_events.bulk_data(ids),
        lambda rows: [one["pgh_id"] for one in rows] == ids and rows[0]["data"]["annotations"],
    )
    call("ground_truth_events.retrieve", lambda: v2.ground_truth_events.retrieve(ids[0]))
    truths = call(
        "ground_truths.list",
        lambda: v2.ground_truths.list(ground_truth_dataset=dataset.id),
        lambda page: len(page.results) == 2,
    )
    first = truths.results[0].id
    call("ground_truths.retrieve", lambda: v2.ground_truths.retrieve(first), lambda one: one.classes == ["car"])
    call("ground_truths.bulk_data", lambda: v2.ground_truths.bulk_data([first]), lambda rows: len(rows) == 1)
    filters = {"ground_truth_dataset_versions": version.id}
    call(
        "v1 list_ground_truth_versions",
        lambda: v1.list_ground_truth_versions(params={"ground_truth_dataset": dataset.id}),
        lambda page: page["count"] == 1,
    )
    call(
        "v1 get_ground_truth_version",
        lambda: v1.get_ground_truth_version(version.id),
        lambda one: one["version"] == "1.0",
    )
    call(
        "v1 list_ground_truth_events list_all",
        lambda: list(v1.list_ground_truth_events(params=filters, list_all=True)[0]),
        lambda rows: len(rows) == 2 and Path(rows[0]["files"]["image_1"]["path"]).exists(),
    )
    call(
        "v1 list_ground_truth_events_data",
        lambda: v1.list_ground_truth_events_data(params=filters),
        lambda page: page["count"] == 2,
    )
    call("v1 list_ground_truth_events_files", lambda: v1.list_ground_truth_events_files(params=filters))
    call(
        "v1 list_ground_truths",
        lambda: v1.list_ground_truths(params={"ground_truth_dataset": dataset.id}),
        lambda page: page["count"] == 2,
    )


def fill(world, body):
    """What the user interface does on the real service, and no client can."""
    import requests

    headers = {"Synapse-Access-Token": world.token}
    requests.post(f"{world.url}/embedded/ground-truths/", json=body, headers=headers, timeout=30).raise_for_status()


def get(one, name):
    return one[name] if isinstance(one, dict) else getattr(one, name)


def jobs(call, world):
    v1, v2, made = world.v1, world.v2, world.made
    plugin = call(
        "plugins.create", lambda: v2.plugins.create({"code": "exporter", "name": "Exporter", "category": "export"})
    )
    call("plugins.list", lambda: v2.plugins.list(category="export"), lambda page: len(page.results) == 1)
    call(
        "plugin_releases.list",
        lambda: v2.plugin_releases.list(plugin=get(plugin, "id")),
        lambda page: len(page.results) == 1,
    )
    call(
        "v1 list_plugin_releases",
        lambda: v1.list_plugin_releases("exporter"),
        lambda rows: rows[0]["version"] == "0.0.0",
    )
    call(
        "v1 get_plugin_release_by_lookup",
        lambda: v1.get_plugin_release_by_lookup("exporter@0.0.0"),
        lambda one: one["plugin"]["code"] == "exporter",
    )
    params = {
        "name": "run",
        "target": "task",
        "storage": made["storage"],
        "path": "out",
        "filter": {"project": made["project"]},
    }
    job = call("v1 run_plugin", lambda: v1.run_plugin("exporter", {"action": "export", "params": params}))
    made["job"] = job["id"]
    call("jobs.list", lambda: v2.jobs.list(status="PENDING"), lambda page: len(page.results) == 1)
    call("jobs.retrieve", lambda: v2.jobs.retrieve(job["id"]), lambda one: one.action == "export")
    call(
        "jobs.partial_update",
        lambda: v2.jobs.partial_update(job["id"], {"status": "RUNNING", "progress_record": {"a": 1}}),
        lambda one: one.progress_record == {"a": 1},
    )
    entry = {"event": "step", "data": {"n": 1}, "datetime": "2026-01-15T09:00:00Z"}
    call("jobs.create_log", lambda: v2.jobs.create_log(job["id"], entry))
    call(
        "jobs.create_logs_bulk",
        lambda: v2.jobs.create_logs_bulk(job["id"], {"logs": [entry] * 3}),
        lambda rows: len(rows) == 3,
    )
    call("job_logs.list", lambda: v2.job_logs.list(job=job["id"]), lambda page: len(page.results) == 4)
    call("v1 update_job", lambda: v1.update_job(job["id"], {"console_logs": {"line": "hello"}}))
    call("jobs.console_logs", lambda: v2.jobs.console_logs(job["id"]), lambda one: "hello" in one.logs[0])
    call("jobs.stop", lambda: v2.jobs.stop(job["id"]), lambda one: one.status.value == "STOPPED")
    call.fails("jobs.stop again", HTTPError, 409, lambda: v2.jobs.stop(job["id"]))
    call("v1 get_job", lambda: v1.get_job(job["id"]), lambda one: one["status"] == "STOPPED")
    call("v1 list_jobs", v1.list_jobs, lambda page: page["count"] == 1)
    call(
        "v1 tail_job_console_logs",
        lambda: list(v1.tail_job_console_logs(job["id"])),
        lambda rows: "complete" in "".join(rows),
    )
    call("exports.list", lambda: v2.exports.list(project=made["project"]), lambda page: len(page.results) == 1)
    record = v2.exports.list().results[0].id
    call("exports.retrieve", lambda: v2.exports.retrieve(record), lambda one: one.path == "out")
    call("uploads.list", v2.uploads.list, lambda page: page.results == [])
    where = {
        "project_id": made["project"],
        "storage_id": made["storage"],
        "path": "out",
        "targets": ["task", "assignment"],
    }
    export = call("plugin_exports.create", lambda: v2.plugin_exports.create(**where), lambda one: one.total_count == 32)
    call("async_jobs.retrieve", lambda: v2.async_jobs.retrieve(export.job_id), lambda one: one.data["records"] == 32)
    call("async_jobs.list", v2.async_jobs.list)
    call(
        "async_jobs.stream_progress",
        lambda: list(v2.async_jobs.stream_progress(export.job_id)),
        lambda events: events[-1].event == "async_job.completed",
    )


def errors(call, world):
    v1, v2, made = world.v1, world.v2, world.made
    call.fails("v2 not found", NotFoundError, 404, lambda: v2.projects.retrieve(1))
    call.fails("v1 not found", NotFoundError, 404, lambda: v1.get_project(1))
    bad = {"data_collection": made["collection"], "units": [{"files": {"image_1": {"checksum": "0" * 40}}}]}
    call.fails("unknown checksum", ValidationError, 400, lambda: v2.data_units.bulk_create(bad))
    call.fails("collection in use", HTTPError, 409, lambda: v2.data_collections.destroy(made["collection"]))
    wrong = BackendClientV2(world.url, access_token="syn_" + "0" * 40, allow_insecure=True)
    call.fails("wrong token", AuthenticationError, 401, wrong.projects.list)
    foreign = BackendClientV2(world.url, access_token=world.token, tenant="other", allow_insecure=True)
    call.fails("other tenant", AuthorizationError, 403, foreign.projects.list)
    call.fails("v1 wrong token", AuthenticationError, 401, BackendClient(world.url, access_token="nope").list_agents)


def asynchronous(call, world):
    asyncio.run(_asynchronous(call, world))


async def _asynchronous(call, world):
    client = AsyncBackendClientV2(world.url, access_token=world.token, allow_insecure=True)
    made = world.made

    async def one(name, make, check=accept):
        try:
            value = make()
            value = await (value.first_page() if hasattr(value, "first_page") else value)
            call.report(name, None if check(value) else f"unexpected answer: {value!r:.600}")
            return value
        except Exception as exc:  # noqa: BLE001
            call.report(name, f"{type(exc).__name__}: {exc}"[:900])
            return None

    async def every(rows):
        return [row async for row in rows]

    await one("async account.me", client.account.me, lambda user: user.id == made["user"])
    await one("async data_collections.retrieve", lambda: client.data_collections.retrieve(made["collection"]))
    await one(
        "async data_units.list list_all",
        lambda: every(client.data_units.list(data_collection=made["collection"], list_all=True, per_page=7)),
        lambda rows: len(rows) == 30,
    )
    await one("async tasks.bulk_fetch", lambda: client.tasks.bulk_fetch(made["tasks"][:5]), lambda rows: len(rows) == 5)
    await one(
        "async ground_truth_events.list", lambda: client.ground_truth_events.list(), lambda page: len(page.results) == 3
    )
    await one("async workshops.list", lambda: client.workshops.list(), lambda page: len(page.results) == 1)
    made_one = await one("async groups.create", lambda: client.groups.create({"name": "async"}))
    await one("async groups.destroy", lambda: client.groups.destroy(made_one.id))
    await one("async jobs.list", lambda: client.jobs.list(), lambda page: len(page.results) == 1)
    try:
        await client.projects.retrieve(1)
        call.report("async not found", "no error")
    except NotFoundError:
        call.report("async not found", None)


def restarted(call, world):
    v1, v2, made = world.v1, world.v2, world.made
    call("projects.retrieve", lambda: v2.projects.retrieve(made["project"]), lambda one: one.task_count == 30)
    call(
        "data_units.list",
        lambda: list(v2.data_units.list(data_collection=made["collection"], list_all=True)),
        lambda rows: sorted(one.id for one in rows) == sorted(made["units"]),
    )
    call(
        "v1 list_data_units with downloads",
        lambda: downloads(v1, made["collection"]),
        lambda read: read == sorted(made["sums"]),
    )
    call("tasks.retrieve", lambda: v2.tasks.retrieve(made["tasks"][0]), lambda one: one.data == payload(1))
    call(
        "assignments.retrieve", lambda: v2.assignments.retrieve(made["assignment"]), lambda one: one.data == payload(3)
    )
    call("workshops.retrieve", lambda: v2.workshops.retrieve(made["workshop"]), lambda one: one.name == "second shift")
    call("groups.retrieve", lambda: v2.groups.retrieve(made["group"]), lambda one: one.name == "day")
    call(
        "validation_scripts.retrieve",
        lambda: v2.validation_scripts.retrieve(made["script"]),
        lambda one: one.timeout == 20,
    )
    versions = v2.ground_truth_datasets.versions(made["dataset"])
    call("versions.retrieve", lambda: versions.retrieve(made["version"]), lambda one: one.version == "1.0")
    call("versions.events", lambda: versions.events(made["version"]).list(), lambda page: len(page.results) == 2)
    call("jobs.retrieve", lambda: v2.jobs.retrieve(made["job"]), lambda one: one.status.value == "STOPPED")


FIRST = (access, collections, files, units, annotation, teams, ground_truth, jobs, errors, asynchronous)
SECOND = (restarted,)


def main():
    world = World(json.load(sys.stdin))
    for scenario in FIRST if sys.argv[1] == "FIRST" else SECOND:
        call = Recorder(scenario.__name__)
        started = time.monotonic()
        try:
            scenario(call, world)
        except Exception as exc:  # noqa: BLE001
            call.report("whole scenario", f"{type(exc).__name__}: {exc} (line {exc.__traceback__.tb_next.tb_lineno})")
        print(f"{scenario.__name__} took {time.monotonic() - started:.1f} s", file=sys.stderr)
    print(json.dumps({"context": world.made}), flush=True)


if __name__ == "__main__":
    main()
