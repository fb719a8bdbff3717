"""The Datamaker provider against the embedded backend: the contract, and what is particular to this service."""

import pytest

from reconciler.errors import Conflict, Denied
from reconciler.model.workspace import BackendSettings
from reconciler.providers.base import Desired, UnitEdit
from reconciler.providers.registry import open_provider
from reconciler.testing.provider import (
    CHEST,
    COLLECTION,
    LABELS,
    PAYLOAD,
    SCANS,
    SPECS,
    AnnotationContract,
    ResourceContract,
    differences,
    draft,
    hexes,
    listed,
    read,
)


class Stranger:
    """Writes to the service without the provider."""

    def __init__(self, client):
        self.client = client

    def _change(self, path, change):
        meta = dict(self.client.get(path).value["data"]["meta"] or {})
        change(meta)
        self.client.call("PATCH", path, body={"meta": meta})

    def set_collection_meta(self, remote_id, key, value):
        self._change(f"/v2/data-collections/{remote_id}/", lambda meta: meta.update({key: value}))

    def set_unit_meta(self, remote_id, key, value):
        self._change(f"/v2/data-units/{remote_id}/", lambda meta: meta.update({key: value}))

    def drop_marker(self, remote_id):
        self._change(f"/v2/data-units/{remote_id}/", lambda meta: meta.pop("reconciler"))

    def rename_collection(self, remote_id, title):
        self.client.call("PATCH", f"/v2/data-collections/{remote_id}/", body={"name": title})

    def create_collection(self, title):
        body = {"name": title, "category": "image", "file_specifications": []}
        return str(self.client.call("POST", "/v2/data-collections/", body=body).value["data"]["id"])


@pytest.fixture
def stranger(client):
    return Stranger(client)


class TestDatamaker(ResourceContract, AnnotationContract):
    @pytest.fixture
    def provider(self, embedded):
        return embedded

    @pytest.fixture
    def stranger(self, client):
        return Stranger(client)


@pytest.fixture
def content():
    from reconciler.testing.content import MemoryContent

    return MemoryContent()


@pytest.fixture
def collection(embedded):
    return embedded.create(COLLECTION)


def detail(client, path):
    return client.get(path).value["data"]


@pytest.mark.every_database
def test_marker_and_schema_live_in_the_meta_of_the_service(embedded, client):
    schema = {"type": "object", "properties": {"age": {}}, "additionalProperties": False}
    found = embedded.create(Desired(CHEST, {"title": "t", "unitMetaSchema": schema, "meta": {"owner": "x"}}))
    meta = detail(client, f"/v2/data-collections/{found.remote_id}/")["meta"]
    assert meta["reconciler"] == {"address": "Collection/chest-ct", "version": 1, "widened": True}
    assert meta["data_unit_meta_schema"]["properties"].keys() == {"age", "reconciler"}
    assert found.fields["meta"] == {"owner": "x"}


@pytest.mark.every_database
def test_category_not_declared_is_that_of_the_primary_specification(embedded):
    specs = [{**SPECS[1]}, {**SPECS[0], "name": "pcd_1", "type": "pcd"}]
    specs = [{**specs[0], "primary": False}, {**specs[1], "primary": True}]
    found = embedded.create(Desired(CHEST, {"title": "t", "fileSpecifications": specs}))
    assert found.fields["datamaker"]["category"] == "pcd"


@pytest.mark.every_database
def test_platform_block_is_written_as_it_is(embedded):
    desired = Desired(CHEST, {"title": "t", "datamaker": {"category": "audio", "access_level": "partially_public"}})
    assert differences(desired, embedded.create(desired)) == ()


@pytest.mark.every_database
def test_update_writes_only_what_changes(embedded, client, collection):
    """A foreign setting in a specification's configuration survives a change of the specification."""
    path = f"/v2/data-collections/{collection.remote_id}/"
    specs = detail(client, path)["file_specifications"]
    specs[0]["configuration"]["theirs"] = [1]
    client.call("PATCH", path, body={"file_specifications": specs})
    observed = read(embedded, CHEST, collection.remote_id)
    desired = Desired(CHEST, {**COLLECTION.fields, "fileSpecifications": [{**SPECS[0], "required": False}, SPECS[1]]})
    embedded.update(desired, observed, differences(desired, observed))
    after = detail(client, path)["file_specifications"]
    assert after[0]["configuration"]["theirs"] == [1]
    assert [spec["id"] for spec in after] == [spec["id"] for spec in specs]


@pytest.mark.every_database
def test_class_ids_are_stable_and_kept(embedded, client, collection):
    def desired(*names):
        fields = {"title": "p", "category": "image", "collection": collection.remote_id}
        return Desired(LABELS, {**fields, "classes": {"bounding_box": list(names)}})

    def classes(remote_id):
        block = detail(client, f"/v2/projects/{remote_id}/")["configuration"]["classification"]["bounding_box"]
        return {entry["name"]: entry["id"] for entry in block["classification_schema"]}

    project = embedded.create(desired("nodule", "vessel"))
    before = classes(project.remote_id)
    wanted = desired("rib", "vessel")
    embedded.update(wanted, project, differences(wanted, project))
    after = classes(project.remote_id)
    assert list(after) == ["rib", "vessel"]
    assert after["vessel"] == before["vessel"]


@pytest.mark.every_database
def test_groups_are_made_once_and_units_put_into_the_last(embedded, client, collection, content):
    drafts = [draft(k, content.add("image_1", k, k.encode())) for k in "ab"]
    made = embedded.create_units(collection.remote_id, drafts, content, lambda _: None)
    edits = [UnitEdit(o.remote_id, SCANS.row(o.key), {}, groups=("site", "batch-7")) for o in made]
    embedded.update_units(collection.remote_id, edits)
    ids = {detail(client, f"/v2/data-units/{outcome.remote_id}/")["group_id"] for outcome in made}
    names = [row["name"] for row in detail(client, f"/v2/data-collections/{collection.remote_id}/groups/")]
    assert (len(ids), names.count("batch-7")) == (1, 1)


@pytest.mark.every_database
def test_creating_units_costs_calls_per_batch_not_per_unit(app, content):
    calls = []

    def counting(environ, start_response):
        calls.append(f"{environ['REQUEST_METHOD']} {environ['PATH_INFO']}")
        return app(environ, start_response)

    token = app.store.local_token()
    provider = open_provider(BackendSettings("local", "embedded"), wsgi=(counting, token), parallelism=4)
    found = provider.create(COLLECTION)
    drafts = [draft(f"{n:03}", content.add("image_1", f"{n}.png", bytes([n]))) for n in range(200)]
    calls.clear()
    provider.create_units(found.remote_id, drafts, content, lambda _: None)
    assert len([call for call in calls if not call.startswith("PUT")]) == 3
    calls.clear()
    assert len(listed(provider, found)) == 200
    assert len(calls) == 2
    provider.close()


@pytest.mark.every_database
def test_wrong_token_is_denied_with_a_fix(app):
    provider = open_provider(BackendSettings("local", "embedded"), wsgi=(app, "syn_wrongwrongwrong"))
    with pytest.raises(Denied) as raised:
        provider.check()
    assert raised.value.fix
    assert "wrongwrong" not in str(raised.value)
    provider.close()


@pytest.mark.every_database
def test_create_units_with_refused_credentials_raises_denied(app, embedded, collection, content):
    provider = open_provider(BackendSettings("local", "embedded"), wsgi=(app, "syn_wrongwrongwrong"))
    with pytest.raises(Denied):
        provider.create_units(
            collection.remote_id, [draft("a", content.add("image_1", "a.png", b"a"))], content, lambda _: None
        )
    provider.close()


@pytest.mark.every_database
def test_duplicate_content_names_the_owner(embedded, collection, content):
    image = content.add("image_1", "a.png", b"a")
    outcomes = embedded.create_units(
        collection.remote_id, [draft("a", image), draft("b", image)], content, lambda _: None
    )
    assert isinstance(outcomes[1].error, Conflict)
    assert 'AssetSet/scans["a"]' in str(outcomes[1].error)


@pytest.mark.every_database
def test_large_files_already_there_are_not_sent_again(embedded, collection, content):
    large = content.add("image_1", "large.png", b"\0" * (9 * 1024 * 1024))
    embedded.create_units(collection.remote_id, [draft("a", large)], content, lambda _: None)
    content.opened.clear()
    label = content.add("data_1", "b.json", b"{}")
    [outcome] = embedded.create_units(collection.remote_id, [draft("b", large, label)], content, lambda _: None)
    assert (outcome.error, content.opened) == (None, ["b.json"])


def test_large_files_go_in_parts_and_arrive_whole(tmp_path, content):
    from reconciler.backend.app import create_app

    app = create_app(tmp_path / "parts", seed={"datamaker": {"multipartThreshold": 1024 * 1024}})
    provider = open_provider(BackendSettings("b", "embedded"), wsgi=(app, app.store.local_token()))
    found, sent = provider.create(COLLECTION), []
    large = content.add("image_1", "large.png", bytes(range(256)) * 4096 * 20 + b"end")
    [outcome] = provider.create_units(found.remote_id, [draft("a", large)], content, sent.append)
    assert (outcome.error, sum(sent)) == (None, large.size_bytes)
    assert listed(provider, found)[0].checksums == {"image_1": hexes(large)}
    assert content.opened == ["large.png"]
    provider.close()
    app.close()


@pytest.mark.every_database
def test_assignment_records_come_with_their_unit(embedded, client, collection, content):
    project = embedded.create(Desired(LABELS, {"title": "p", "category": "image", "collection": collection.remote_id}))
    image = content.add("image_1", "p1/img.png", b"bytes")
    [made] = embedded.create_units(collection.remote_id, [draft("p1", image)], content, lambda _: None)
    tasks = embedded.create_tasks(project.remote_id, [made.remote_id])
    embedded.annotate(tasks[made.remote_id], PAYLOAD, submit=True)
    listing = embedded.records("assignment", {"project": project.remote_id}, {"status_label": ["completed"]})
    [record] = listing.records
    assert (record.key, record.data, record.unit_id) == ("p1", PAYLOAD, made.remote_id)
    assert [file.checksum for file in record.files] == [hexes(image)]
    none = embedded.records("assignment", {"project": project.remote_id}, {"status_label": ["skipped"]})
    assert list(none.records) == []
