"""What another client uploaded is taken over: nothing is sent again, nothing is doubled, and the next plan is empty."""

from __future__ import annotations

import hashlib
import json

import pytest
import yaml

from reconciler.backend.app import create_app
from reconciler.backend.store import open_store
from reconciler.engine.context import PlanOptions
from reconciler.engine.importing import import_object
from reconciler.errors import ExitCode, UsageError
from reconciler.model.address import Address
from reconciler.providers.registry import open_provider
from tests.support.workspace import Bench, document

UNITS = 40


@pytest.fixture
def bench(tmp_path):
    """A collection and its units, made by plain requests as any other client makes them; the files lie here too."""
    made = Bench(tmp_path)
    keys = [f"u{number:03}" for number in range(UNITS)]
    made.units(keys)
    specifications = [
        {"name": "image_1", "file_type": "image", "is_required": True, "is_primary": True, "function_type": "main"},
        {"name": "label_1", "file_type": "data", "function_type": "sub", "index": 1},
    ]
    body = {"name": "Theirs", "category": "image", "file_specifications": specifications}
    collection = made.call("POST", "/v2/data-collections/", json=body)["data"]["id"]
    units = [
        {
            "data_collection": collection,
            "files": {name: upload(made, f"{key}.{end}") for name, end in (("image_1", "jpg"), ("label_1", "json"))},
            "meta": {"origin_file_stem": key},
            "groups": None,
        }
        for key in keys
    ]
    assert len(made.call("POST", "/data_units/", json=units)) == UNITS
    return made


def upload(bench, name):
    path = bench.root / "data" / name
    answer = bench.call("POST", "/data_files/", files={"file": (name, path.read_bytes())})
    assert answer["checksum"] in (hashlib.new(a, path.read_bytes()).hexdigest() for a in ("sha1", "md5"))
    return {"checksum": answer["checksum"], "path": name}


def there(bench):
    return {unit["id"]: unit["meta"] for unit in bench.pages("/data_units/?page_size=100")}


def written(report):
    return sorted(path.name for path in report.written)


def test_undeclared_units_get_a_compact_document_and_are_not_touched(bench):
    before = there(bench)
    report = bench.import_all()
    assert written(report) == ["assetset-theirs.yaml", "collection-theirs.yaml"]
    assert (report.rows, report.failures, report.notes) == (UNITS, (), ())
    assert (bench.root / "imported/assetset-theirs.yaml").read_text() == (
        "apiVersion: reconciler.dev/v1\nkind: AssetSet\nmetadata:\n  name: theirs\n"
        "spec:\n  collection: theirs\n  existing: {}\n"
    )
    assert bench.plan().is_empty
    assert there(bench) == before
    assert sorted(bench.owned()["AssetSet/theirs"])[:2] == ["u000", "u001"]


def test_import_and_plan_only_read(bench):
    methods = set()

    def counted(settings, root, parallelism):
        store = open_store(root / ".reconciler/backend", first_id=1000)
        app = create_app(store)

        def watching(environ, start_response):
            methods.add(environ["REQUEST_METHOD"])
            return app(environ, start_response)

        provider = open_provider(settings, wsgi=(watching, store.local_token()), parallelism=parallelism)
        return provider, lambda: (provider.close(), store.close())

    bench.open_backend = counted
    bench.import_all(str(bench.root / "data"))
    assert bench.plan().is_empty
    assert methods == {"GET"}


def test_second_import_writes_nothing(bench):
    bench.import_all()
    again = bench.import_all()
    assert (again.written, again.rows, again.resources) == ((), 0, ())


def test_import_without_documents_takes_only_what_is_declared(bench):
    assert bench.import_all(write=False).written == ()
    assert not (bench.root / "imported").exists()


def test_source_that_has_the_units_is_declared_and_nothing_is_sent(bench):
    before = there(bench)
    report = bench.import_all(str(bench.root / "data"))
    assert (report.rows, report.notes) == (UNITS, ())
    document = yaml.safe_load((bench.root / "imported/assetset-theirs.yaml").read_text())
    assert document["spec"] == {
        "collection": "theirs",
        "source": {"url": "../data"},
        "units": {"layout": "stems"},
        "lifecycle": {"onExists": "adopt", "onDelete": "orphan"},
    }
    planned = bench.plan()
    assert planned.is_empty, planned.text
    assert there(bench) == before


def test_source_that_differs_in_part_is_declared_and_the_difference_is_told(bench):
    (bench.root / "data/u000.json").write_text("{}")
    report = bench.import_all(str(bench.root / "data"))
    assert written(report) == ["assetset-theirs-existing.yaml", "assetset-theirs.yaml", "collection-theirs.yaml"]
    assert "1 units of" in report.notes[0].summary
    assert "'u000'" in report.notes[0].summary
    assert bench.plan().rows["AssetSet/theirs"] == {"u000": ("create", "not_remote")}


def test_source_whose_extensions_do_not_tell_gets_rules(tmp_path):
    made = Bench(tmp_path)
    specifications = [
        {"name": "image_1", "file_type": "image", "is_required": True, "is_primary": True, "function_type": "main"},
        {"name": "left_1", "file_type": "data", "function_type": "sub", "index": 1},
        {"name": "right_1", "file_type": "data", "function_type": "sub", "index": 2},
    ]
    body = {"name": "Theirs", "category": "image", "file_specifications": specifications}
    collection = made.call("POST", "/v2/data-collections/", json=body)["data"]["id"]
    names = {"image_1": "pictures/{}.jpg", "left_1": "l/{}.json", "right_1": "r/{}.json"}
    for key in ("a", "b"):
        files = {}
        for specification, name in names.items():
            path = tmp_path / "data" / name.format(key)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(f'{{"{specification}": "{key}"}}' + " " * len(specification))
            files[specification] = upload(made, name.format(key))
        unit = {"data_collection": collection, "files": files, "meta": {}, "groups": None}
        made.call("POST", "/data_units/", json=[unit])
    assert made.import_all(str(tmp_path / "data")).notes == ()
    spec = yaml.safe_load((tmp_path / "imported/assetset-theirs.yaml").read_text())["spec"]
    assert {rule["specification"] for rule in spec["files"]} == set(names)
    assert made.plan().is_empty


def test_source_of_other_files_is_not_declared(bench):
    other = bench.root / "other"
    other.mkdir()
    (other / "x.jpg").write_bytes(b"\xff\xd8\xff other")
    report = bench.import_all(str(other))
    assert "no unit of Collection/theirs has the files" in report.notes[0].summary
    assert "existing" in (bench.root / "imported/assetset-theirs.yaml").read_text()
    assert bench.plan().is_empty


def test_folder_that_the_workspace_does_not_read_is_refused_without_a_trace(bench):
    (bench.root / "reconciler.yaml").write_text(
        json.dumps(document("Workspace", "w", {"documents": ["documents/*.yaml"]}))
    )
    with pytest.raises(UsageError, match="does not read documents"):
        bench.import_all()
    assert list((bench.root / "imported").iterdir()) == []
    assert bench.owned() == {}


def test_lost_state_is_rebuilt_with_the_written_documents(bench):
    bench.import_all()
    owned, before = bench.owned(), there(bench)
    (bench.root / ".reconciler/state.db").unlink()
    collection = next(iter(bench.pages("/v2/data-collections/")))["id"]
    with bench.session() as session:
        import_object(session, session.open_state(), Address("Collection", "theirs"), str(collection))
    report = bench.import_all()
    assert (report.rows, report.written) == (UNITS, ())
    assert (bench.owned(), there(bench)) == (owned, before)
    assert bench.plan().is_empty


def test_declared_set_takes_units_over_and_apply_marks_them(bench):
    bench.import_all()
    (bench.root / "imported/assetset-theirs.yaml").unlink()
    bench.set("AssetSet", "mine", collection="theirs", source={"url": "data"}, lifecycle={"onExists": "adopt"})
    planned = bench.plan()
    assert {action for action, _ in planned.rows["AssetSet/mine"].values()} == {"adopt"}
    assert planned.summary["bytes"] == 0
    assert bench.apply().exit_code is ExitCode.OK
    assert all(meta["origin_file_stem"] == meta["reconciler"]["key"] for meta in there(bench).values())
    assert bench.plan().is_empty


def test_adopted_units_are_changed_in_place_afterwards(bench):
    bench.import_all(str(bench.root / "data"))
    path = bench.root / "imported/assetset-theirs.yaml"
    path.write_text(path.read_text() + "  meta: {site: a}\n")
    planned = bench.plan()
    assert {action for action, _ in planned.rows["AssetSet/theirs"].values()} == {"update"}
    assert bench.apply().exit_code is ExitCode.OK
    assert bench.plan().is_empty
    assert all(meta["site"] == "a" for meta in there(bench).values())


def test_destroy_leaves_what_was_imported(bench):
    bench.import_all()
    planned = bench.plan(PlanOptions(destroy=True))
    assert planned.changes == {
        "AssetSet/theirs": ("forget", "orphaned"),
        "Collection/theirs": ("blocked", "protected"),
    }
