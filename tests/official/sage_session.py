"""Calls of the unmodified official Sage client, made in its own environment, one JSON line on stdout for each.

Run as `python sage_session.py FIRST|SECOND` with a JSON object on stdin: {"user", "folder", "context"}.
FIRST fills an empty server; SECOND, after a restart on another port, finds everything again. A line is
{"scenario", "call", "ok", "error"}; the last one is {"context": {...}}, what SECOND needs.
"""

import asyncio
import contextlib
import csv
import hashlib
import io
import json
import logging
import os
import sys
import time
import warnings
from pathlib import Path

import synapseclient
import synapseutils
from synapseclient import Synapse
from synapseclient.core.exceptions import SynapseAuthenticationError, SynapseHTTPError
from synapseclient.models import Activity, File, Folder, Project, StorageLocation, StorageLocationType, UsedURL

warnings.simplefilter("ignore")
MEGABYTE = 1 << 20


def accept(_value):
    """Take any answer."""
    return True


class Recorder:
    """Makes calls, prints how they went, and goes on after failures."""

    def __init__(self, scenario, out):
        self.scenario, self.out = scenario, out

    def __call__(self, name, make, check=accept):
        """Make one call; check: whether its answer is right."""
        value = None
        try:
            value = make()
            self.report(name, None if check(value) else f"unexpected answer: {value!r:.600}")
        except Exception as exc:  # noqa: BLE001
            self.report(name, f"{type(exc).__name__}: {exc}"[:900])
        return value

    def fails(self, name, kind, text, make):
        """Make one call that must raise this exception with this text in it."""
        try:
            value = make()
        except kind as exc:
            self.report(name, None if text in str(exc) else f"raised {exc}"[:900])
        except Exception as exc:  # noqa: BLE001
            self.report(name, f"{type(exc).__name__}: {exc}"[:900])
        else:
            self.report(name, f"no error but {value!r:.300}")

    def report(self, name, error):
        line = {"scenario": self.scenario, "call": name, "ok": error is None, "error": error}
        print(json.dumps(line), file=self.out, flush=True)


class World:
    """The client and the ids of what was made."""

    def __init__(self, given):
        self.given = given
        self.folder = Path(given["folder"])
        self.made = dict(given.get("context") or {})
        self.syn = Synapse(silent=True, skip_checks=True, cache_client=True)

    def file(self, name, content):
        """Write a file, whose time of change is never that of an earlier one."""
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        stamp = self.made["stamp"] = self.made.get("stamp", int(time.time())) + 2
        os.utime(path, (stamp, stamp))
        return path

    def place(self, name):
        """A new folder on this machine."""
        path = self.folder / name
        path.mkdir(parents=True, exist_ok=True)
        return path


def pattern(size):
    """Bytes that differ in every megabyte."""
    return b"".join(hashlib.sha256(b"%d" % index).digest() for index in range(size // 32))


def md5(content):
    return hashlib.md5(content).hexdigest()


def access(call, world):
    syn, given = world.syn, world.given
    call.fails(
        "login with a wrong token", SynapseAuthenticationError, "",
        lambda: Synapse(silent=True, skip_checks=True, cache_client=False).login(authToken="wrong" * 5, silent=True),
    )  # fmt: skip
    call("login with the configuration", lambda: syn.login(silent=True))
    call("login with checks of the endpoints", lambda: Synapse(silent=True, cache_client=False).login(silent=True))
    call("getUserProfile", syn.getUserProfile, lambda one: one["userName"] == given["user"])
    call("getUserProfile by name", lambda: syn.getUserProfile(given["user"]), lambda one: one["ownerId"])
    call("restGET", lambda: syn.restGET("/version"), lambda one: "version" in one)


def containers(call, world):
    made = world.made
    project = call("Project.store", lambda: Project(name="first project").store(), lambda one: one.id)
    made["project"] = project.id
    call("Project.store again", lambda: Project(name="first project").store(), lambda one: one.id == project.id)
    call("Project.get", lambda: Project(id=project.id).get(), lambda one: one.name == "first project")
    folder = call("Folder.store", lambda: Folder(name="data", parent_id=project.id).store(), lambda one: one.id)
    made["folder"] = folder.id
    legacy = call("syn.store Folder", lambda: world.syn.store(synapseclient.Folder("old", parent=project.id)))
    made["legacy folder"] = legacy.id
    call("findEntityId", lambda: world.syn.findEntityId("data", project.id), lambda one: one == folder.id)
    call(
        "getChildren", lambda: {one["name"] for one in world.syn.getChildren(project.id)},
        lambda names: names == {"data", "old"},
    )  # fmt: skip
    call.fails("get of nothing", SynapseHTTPError, "404", lambda: world.syn.get("syn999999999999", downloadFile=False))


def files(call, world):
    syn, made = world.syn, world.made
    small = world.file("small.txt", b"one\n")
    first = call(
        "File.store",
        lambda: File(path=str(small), parent_id=made["folder"], annotations={"n": [1], "t": ["x"]}).store(),
        lambda one: one.version_number == 1 and one.file_handle.content_md5 == md5(b"one\n"),
    )  # fmt: skip
    made["small"] = first.id
    call(
        "File.store unchanged", lambda: File(path=str(small), parent_id=made["folder"]).store(),
        lambda one: (one.id, one.version_number) == (first.id, 1),
    )  # fmt: skip
    small = world.file("second/small.txt", b"two\n")
    call(
        "File.store of a new version",
        lambda: File(path=str(small), parent_id=made["folder"], version_label="second", version_comment="c").store(),
        lambda one: (one.id, one.version_number, one.version_label) == (first.id, 2, "second"),
    )
    # When it stores a version, the client notes the new file under the old handle too: its cache is of no use here.
    syn.cache.cache_root_dir = str(world.place("second cache"))
    call("File.get of an old version", lambda: read(File(id=first.id, version_number=1), world, "v1"), b"one\n".__eq__)
    call("File.get", lambda: read(File(id=first.id), world, "v2"), b"two\n".__eq__)
    call("File.get of the same again, from the cache", lambda: read(File(id=first.id), world, "v2"), b"two\n".__eq__)
    call("annotations carried over", lambda: File(id=first.id, download_file=False).get().annotations["n"], [1].__eq__)
    call("md5Query", lambda: [one["id"] for one in syn.md5Query(md5(b"two\n"))], [first.id].__eq__)
    call("File.from_path", lambda: File(path=str(small), download_file=False).get(), lambda one: one.id == first.id)
    typed = world.file("typed.bin", b"{}")
    call(
        "File.store with a content type",
        lambda: File(path=str(typed), parent_id=made["folder"], content_type="application/x-made-up").store(),
        lambda one: one.file_handle.content_type == "application/x-made-up",
    )
    call(
        "File.change_metadata",
        lambda: File(path=str(typed), parent_id=made["folder"]).get().change_metadata(
            name="renamed.bin", download_as="other.bin", content_type="text/plain"
        ),
        lambda one: (one.name, one.file_handle.file_name) == ("renamed.bin", "other.bin"),
    )  # fmt: skip
    empty = {"fileName": "e", "fileSizeBytes": 0, "contentMD5Hex": md5(b""), "partSizeBytes": 5 * MEGABYTE}
    call.fails(
        "restPOST of an empty file", SynapseHTTPError, "400",
        lambda: syn.restPOST("/file/multipart", json.dumps(empty), endpoint=syn.fileHandleEndpoint),
    )  # fmt: skip


def read(file, world, place):
    """Download a file; returns its bytes."""
    file.path = str(world.place(place))
    file.if_collision = "overwrite.local"
    return Path(file.get().path).read_bytes()


def large_files(call, world):
    made = world.made
    content = pattern(20 * MEGABYTE)
    large = world.file("large.bin", content)
    stored = call(
        "File.store of 20 MiB in parts", lambda: File(path=str(large), parent_id=made["folder"]).store(),
        lambda one: one.file_handle.content_md5 == md5(content) and one.file_handle.content_size == len(content),
    )  # fmt: skip
    made["large"], made["large md5"] = stored.id, md5(content)
    call("File.get of 20 MiB in ranges", lambda: md5(read(File(id=stored.id), world, "large")), md5(content).__eq__)
    again = call(
        "File.store of the same 20 MiB elsewhere",
        lambda: File(path=str(large), name="copy.bin", parent_id=made["legacy folder"]).store(),
    )
    call("the upload was found again", lambda: again.data_file_handle_id, stored.data_file_handle_id.__eq__)
    part = world.place("resumed") / "large.bin"
    call("syn.get with a folder", lambda: world.syn.get(stored.id, downloadLocation=str(part.parent)).path)
    copied = call(
        "File.copy", lambda: File(id=stored.id, download_file=False).copy(parent_id=made["project"]),
        lambda one: one.id != stored.id,
    )  # fmt: skip
    call("File.delete", copied.delete)
    call.fails("get of a deleted file", SynapseHTTPError, "trash", lambda: File(id=copied.id).get())


def external_files(call, world):
    syn, made = world.syn, world.made
    url = "https://example.com/a/file.txt"
    link = call(
        "File.store of a URL",
        lambda: File(external_url=url, name="link", synapse_store=False, parent_id=made["folder"]).store(),
        lambda one: one.file_handle.external_url == url,
    )
    call("File.get of a URL", lambda: File(id=link.id, download_file=False).get(), lambda one: one.external_url == url)
    legacy = synapseclient.File(url, name="old link", parent=made["folder"], synapseStore=False)
    call("syn.store of a URL", lambda: syn.store(legacy), lambda one: one.externalURL == url)
    path = world.file("handle.txt", b"handle")
    handle = call("uploadFileHandle", lambda: syn.uploadFileHandle(str(path), made["folder"]), lambda one: one["id"])
    by_handle = synapseclient.File(name="by handle", parent=made["folder"], dataFileHandleId=handle["id"])
    call("syn.store of a handle", lambda: syn.store(by_handle), lambda one: one.dataFileHandleId == handle["id"])
    call("fileHandle url", lambda: text(syn, f"/fileHandle/{handle['id']}/url?redirect=false"), "http".__eq__)
    call(
        "fileHandle of a linked one cannot be deleted",
        lambda: refused(syn, f"/fileHandle/{handle['id']}"),
        "409".__eq__,
    )


def text(syn, uri):
    return syn.restGET(uri, endpoint=syn.fileHandleEndpoint)[:4]


def refused(syn, uri):
    try:
        syn.restDELETE(uri, endpoint=syn.fileHandleEndpoint)
    except SynapseHTTPError as exc:
        return str(exc)[:3]
    return "no error"


def metadata(call, world):
    syn, made = world.syn, world.made
    annotations = syn.get_annotations(made["folder"])
    annotations |= {"size": [1.5], "kind": ["raw", "new"]}
    call("set_annotations", lambda: syn.set_annotations(annotations), lambda one: one["kind"] == ["raw", "new"])
    call("get_annotations", lambda: syn.get_annotations(made["folder"]), lambda one: one["size"] == [1.5])
    activity = Activity(name="made", used=[UsedURL(name="page", url="https://example.com/")])
    call(
        "File.store with an activity",
        lambda: File(path=str(world.file("from.txt", b"from")), parent_id=made["folder"], activity=activity).store(),
        lambda one: one.activity.id,
    )
    call(
        "setProvenance",
        lambda: syn.setProvenance(made["small"], synapseclient.Activity(name="p", used=[made["large"]])),
    )
    call("getProvenance", lambda: syn.getProvenance(made["small"]), lambda one: one["name"] == "p")
    call("deleteProvenance", lambda: syn.deleteProvenance(made["small"]))
    call.fails("getProvenance of none", SynapseHTTPError, "404", lambda: syn.getProvenance(made["small"]))
    moved = call("move", lambda: syn.move(made["small"], made["legacy folder"]), accept)
    call("the version stayed", lambda: moved.versionNumber, (2).__eq__)
    made["moved from"] = made["folder"]
    doomed = syn.store(synapseclient.Folder("doomed", parent=made["project"]))
    call("delete", lambda: syn.delete(doomed))
    call("findEntityId of a deleted one", lambda: syn.findEntityId("doomed", made["project"]), lambda one: one is None)


def storage(call, world):
    syn, made, endpoint = world.syn, world.made, "https://s3.example.com"
    location = call(
        "StorageLocation.store",
        lambda: StorageLocation(
            storage_type=StorageLocationType.EXTERNAL_S3, bucket="bucket", base_key="base", endpoint_url=endpoint
        ).store(),
        lambda one: one.storage_location_id,
    )
    number = location.storage_location_id
    made["location"] = number
    call(
        "createStorageLocationSetting of the same",
        lambda: syn.createStorageLocationSetting(
            "ExternalS3Storage", bucket="bucket", baseKey="base", endpointUrl=endpoint
        ),
        lambda one: one["storageLocationId"] == number,
    )
    call(
        "getMyStorageLocationSetting", lambda: syn.getMyStorageLocationSetting(number),
        lambda one: (one["bucket"], one["uploadType"]) == ("bucket", "S3"),
    )  # fmt: skip
    place = syn.store(synapseclient.Folder("stored elsewhere", parent=made["project"]))
    made["place"] = place.id
    call("getProjectSetting of none", lambda: syn.getProjectSetting(place, "upload"), lambda one: one is None)
    call("setStorageLocation", lambda: syn.setStorageLocation(place, number), lambda one: one["locations"] == [number])
    call("getProjectSetting", lambda: syn.getProjectSetting(place, "upload"), lambda one: one["locations"] == [number])
    call(
        "File.store there", lambda: File(path=str(world.file("there.txt", b"there")), parent_id=place.id).store(),
        lambda one: (one.file_handle.bucket_name, one.file_handle.storage_location_id) == ("bucket", number),
    )  # fmt: skip
    call(
        "setStorageLocation of the default",
        lambda: syn.setStorageLocation(place, None),
        lambda one: one["locations"] == [1],
    )
    call(
        "create_external_s3_file_handle",
        lambda: syn.create_external_s3_file_handle(
            "bucket", "base/key", str(world.file("s3.txt", b"s3")), storage_location_id=number
        ),
        lambda one: (one["key"], one["contentMd5"]) == ("base/key", md5(b"s3")),
    )
    call.fails(
        "get_sts_storage_token without STS", SynapseHTTPError, "400",
        lambda: syn.get_sts_storage_token(place.id, "read_only"),
    )  # fmt: skip


def manifest(path, columns, *rows, delimiter="\t"):
    with path.open("w", newline="") as file:
        writer = csv.writer(file, delimiter=delimiter)
        writer.writerows([columns, *rows])
    return str(path)


def legacy_sync(call, world):
    syn, made = world.syn, world.made
    target = syn.store(synapseclient.Folder("legacy sync", parent=made["project"])).id
    made["legacy sync"] = target
    one, two = world.file("up/a.txt", b"sync a"), world.file("up/b.txt", b"sync b")
    columns = ("path", "parent", "used", "kind", "values")
    rows = ((one, target, "", "raw", "[1, 2]"), (two, target, one, "made", "2023-12-04"))
    path = manifest(world.folder / "up.tsv", columns, *rows)
    call("syncToSynapse dry", lambda: synapseutils.syncToSynapse(syn, path, dryRun=True, sendMessages=False))
    call("syncToSynapse", lambda: synapseutils.syncToSynapse(syn, path, sendMessages=False))
    call("syncToSynapse again", lambda: synapseutils.syncToSynapse(syn, path, sendMessages=False))
    place = world.place("down")
    found = call(
        "syncFromSynapse",
        lambda: synapseutils.syncFromSynapse(syn, target, path=str(place)),
        lambda all_: len(all_) == 2,
    )
    call("versions after a repeated sync", lambda: [one.versionNumber for one in found], [1, 1].__eq__)
    call(
        "manifest of syncFromSynapse",
        lambda: (place / "SYNAPSE_METADATA_MANIFEST.tsv").read_text(),
        lambda t: "raw" in t,
    )
    call("generate_sync_manifest", lambda: generated(world, target), lambda t: "a.txt" in t)


def generated(world, target):
    path = world.folder / "generated.tsv"
    synapseutils.generate_sync_manifest(world.syn, str(world.folder / "up"), target, str(path))
    return path.read_text()


def new_sync(call, world):
    made = world.made
    folder = Folder(name="new sync", parent_id=made["project"]).store()
    made["new sync"] = folder.id
    one, two = world.file("in/a.txt", b"new a"), world.file("in/b.txt", b"new b")
    columns = ("path", "parentId", "used", "kind")
    rows = ((one, folder.id, "", "raw"), (two, folder.id, "https://example.com/", "made"))
    path = manifest(world.folder / "in.csv", columns, *rows, delimiter=",")
    call(
        "sync_to_synapse",
        lambda: folder.sync_to_synapse(manifest_path=path, send_messages=False),
        lambda all_: len(all_) == 2,
    )
    again = asyncio.run(folder.sync_to_synapse_async(manifest_path=path, send_messages=False))
    call("sync_to_synapse_async", lambda: [one.version_number for one in again], [1, 1].__eq__)
    place = world.place("out")
    call("sync_from_synapse", lambda: folder.sync_from_synapse(path=str(place)), lambda one: len(one.files) == 2)
    call("manifest of sync_from_synapse", lambda: (place / "manifest.csv").read_text(), lambda t: "parentId" in t)
    other = Folder(id=folder.id)
    asyncio.run(other.sync_from_synapse_async(path=str(world.place("out2"))))
    call("sync_from_synapse_async", lambda: sorted(one.name for one in other.files), ["a.txt", "b.txt"].__eq__)
    target = world.folder / "walked.csv"
    call(
        "Folder.generate_sync_manifest",
        lambda: folder.generate_sync_manifest(directory_path=str(world.folder / "in"), manifest_path=str(target)),
    )
    call("what it wrote", target.read_text, lambda t: "a.txt" in t)


def restarted(call, world):
    syn, made = world.syn, world.made
    call("login after a restart", lambda: syn.login(silent=True))
    call(
        "Project.get after a restart",
        lambda: Project(id=made["project"]).get(),
        lambda one: one.name == "first project",
    )
    call(
        "File.get of 20 MiB after a restart", lambda: md5(read(File(id=made["large"]), world, "again")),
        made["large md5"].__eq__,
    )  # fmt: skip
    call("File.get of an old version after a restart",
         lambda: read(File(id=made["small"], version_number=1), world, "old"), b"one\n".__eq__)  # fmt: skip
    call(
        "syncFromSynapse after a restart",
        lambda: synapseutils.syncFromSynapse(syn, made["legacy sync"], path=str(world.place("all"))),
        lambda found: len(found) == 2,
    )
    call(
        "getProjectSetting after a restart",
        lambda: syn.getProjectSetting(made["place"], "upload")["locations"],
        [1].__eq__,
    )


FIRST = (access, containers, files, large_files, external_files, metadata, storage, legacy_sync, new_sync)
SECOND = (restarted,)


def main():
    out, sys.stdout = sys.stdout, io.StringIO()  # the client prints
    logging.disable(logging.CRITICAL)
    world = World(json.load(sys.stdin))
    if sys.argv[1] == "SECOND":
        with contextlib.suppress(Exception):
            world.syn.login(silent=True)
    for scenario in FIRST if sys.argv[1] == "FIRST" else SECOND:
        call = Recorder(scenario.__name__, out)
        started = time.monotonic()
        try:
            scenario(call, world)
        except Exception as exc:  # noqa: BLE001
            call.report("whole scenario", f"{type(exc).__name__}: {exc} (line {exc.__traceback__.tb_next.tb_lineno})")
        print(f"{scenario.__name__} took {time.monotonic() - started:.1f} s", file=sys.stderr)
    print(json.dumps({"context": world.made}), file=out, flush=True)


if __name__ == "__main__":
    main()
