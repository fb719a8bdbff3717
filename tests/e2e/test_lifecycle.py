"""Protect, adopt, orphan, destroy, targets, saved plans, environments, interrupts, partial failure, lost state."""

from __future__ import annotations

import json
import shutil

import pytest

from reconciler.engine.applying import apply_plan
from reconciler.engine.context import PlanOptions, Refresh
from reconciler.engine.events import Progress
from reconciler.engine.importing import import_object
from reconciler.engine.planning import make_plan
from reconciler.engine.running import Control
from reconciler.errors import BlockedPlan, ConfigError, ExitCode, PolicyViolation, StalePlan, UnsafePlan, UsageError
from reconciler.model.address import Address, parse_address
from reconciler.plan.guard import DeleteLimit
from reconciler.state.planfile import PlanFile
from tests.support.cutting import Cutter
from tests.support.workspace import Bench, make_bench

SET = "AssetSet/pics-2026"
PICS = Address("Collection", "pics")


@pytest.fixture
def bench(tmp_path):
    return make_bench(tmp_path)


@pytest.fixture
def applied(bench):
    assert bench.apply().exit_code is ExitCode.OK
    return bench


def units_there(bench: Bench) -> int:
    return len(bench.pages("/v2/data-units/?per_page=200"))


def collections_there(bench: Bench) -> list[str]:
    return [row["name"] for row in bench.pages("/v2/data-collections/")]


def test_protect_is_remembered_when_the_document_is_gone(applied):
    applied.set("AssetSet", "pics-2026", lifecycle={"protect": True})
    applied.apply()
    applied.remove("AssetSet", "pics-2026")
    with pytest.raises(PolicyViolation, match="protected"):
        applied.apply(PlanOptions(delete_limit=DeleteLimit(fraction=1.0)))
    assert units_there(applied) == 3


def test_destroy_of_a_protected_resource_is_refused_and_nothing_is_destroyed(applied):
    applied.set("Collection", "pics", lifecycle={"protect": True})
    applied.apply()
    with pytest.raises(PolicyViolation):
        applied.apply(PlanOptions(destroy=True))
    assert units_there(applied) == 3


def test_destroy_removes_everything_we_own_and_nothing_else(applied):
    applied.call(
        "POST", "/v2/data-collections/", json={"name": "theirs", "category": "image", "file_specifications": []}
    )
    assert applied.apply(PlanOptions(destroy=True)).exit_code is ExitCode.OK
    assert (units_there(applied), collections_there(applied), applied.owned()) == (0, ["theirs"], {})


def test_orphan_is_forgotten_and_left(applied):
    applied.set("AssetSet", "pics-2026", lifecycle={"onDelete": "orphan"})
    applied.apply()
    applied.remove("AssetSet", "pics-2026")
    assert applied.plan().changes[SET] == ("forget", "orphaned")
    assert applied.apply().exit_code is ExitCode.OK
    assert (units_there(applied), SET in applied.owned()) == (3, False)


def test_existing_object_of_that_name_blocks_until_adopted(bench):
    body = {"name": "Pictures", "category": "image", "description": "For tests", "file_specifications": []}
    made = bench.call("POST", "/v2/data-collections/", json=body)["data"]
    assert bench.plan().changes["Collection/pics"] == ("blocked", "exists_foreign")
    with pytest.raises(BlockedPlan, match="onExists: adopt"):
        bench.apply()
    bench.set("Collection", "pics", lifecycle={"onExists": "adopt"})
    assert bench.plan().changes["Collection/pics"] == ("adopt", "exists")
    assert bench.apply().exit_code is ExitCode.OK
    assert len(collections_there(bench)) == 1
    with bench.session() as session:
        assert session.open_state(read_only=True).resource(PICS).remote_id == str(made["id"])


def test_import_puts_one_object_under_ownership(bench):
    body = {"name": "Other name", "category": "image", "file_specifications": []}
    made = bench.call("POST", "/v2/data-collections/", json=body)["data"]
    with bench.session() as session:
        import_object(session, session.open_state(), PICS, str(made["id"]))
    assert bench.plan().changes["Collection/pics"] == ("update", "fields_differ")
    assert bench.apply().exit_code is ExitCode.OK
    assert collections_there(bench) == ["Pictures"]


@pytest.mark.parametrize("address", ["AssetSet/pics-2026", "MetadataSource/ages"])
def test_import_of_what_has_no_id_is_refused_with_another_way(applied, address):
    with applied.session() as session, pytest.raises(UsageError, match="is not one remote object") as caught:
        import_object(session, session.open_state(), parse_address(address), "1")
    assert caught.value.fix


def test_import_all_rebuilds_a_lost_state(applied):
    before = applied.owned()
    (applied.root / ".reconciler/state.db").unlink()
    report = applied.import_all(write=False)
    assert (report.rows, report.failures) == (3, ())
    assert applied.owned() == before
    assert applied.plan().is_empty


def test_lost_state_is_also_healed_by_a_plain_apply(applied):
    (applied.root / ".reconciler/state.db").unlink()
    planned = applied.plan()
    assert planned.changes["Collection/pics"] == ("adopt", "marked_as_ours")
    assert set(planned.rows[SET].values()) == {("adopt", "marked_as_ours")}
    assert applied.apply().exit_code is ExitCode.OK
    assert (units_there(applied), applied.plan().is_empty) == (3, True)


def test_import_all_writes_documents_for_what_nobody_declared(applied):
    body = {
        "name": "Their Things",
        "category": "text",
        "file_specifications": [{"name": "text_1", "file_type": "text"}],
    }
    applied.call("POST", "/v2/data-collections/", json=body)
    report = applied.import_all()
    assert [path.name for path in report.written] == ["collection-their-things.yaml"]
    planned = applied.plan()
    assert planned.is_empty, planned.text


def test_saved_plan_is_refused_when_the_state_moved_on(bench):
    path = bench.root / "saved.plan"
    with bench.session() as session:
        make_plan(session, PlanOptions(), path).close()
    bench.apply()
    with bench.session() as session, pytest.raises(StalePlan, match="another state"):
        apply_plan(session, session.open_state(), PlanFile(path))


def test_saved_plan_is_refused_when_the_configuration_changed(bench):
    path = bench.root / "saved.plan"
    with bench.session() as session:
        make_plan(session, PlanOptions(), path).close()
    bench.set("Collection", "pics", title="Other")
    with bench.session() as session, pytest.raises(StalePlan, match="configuration changed"):
        apply_plan(session, session.open_state(), PlanFile(path))


def test_saved_plan_applies_verbatim_and_a_changed_file_fails_only_its_unit(bench):
    path = bench.root / "saved.plan"
    with bench.session() as session:
        make_plan(session, PlanOptions(), path).close()
    (bench.root / "data/b.jpg").write_bytes(b"\xff\xd8\xff changed after the plan!")
    with bench.session() as session:
        report = apply_plan(session, session.open_state(), PlanFile(path))
    assert report.exit_code is ExitCode.PARTLY_APPLIED
    assert [problem.address for problem in report.failures] == ['AssetSet/pics-2026["b"]']
    assert sorted(bench.owned()[SET]) == ["a", "c"]
    assert bench.apply().exit_code is ExitCode.OK
    assert bench.plan().is_empty


def test_interrupted_apply_keeps_what_is_done_and_the_next_finishes(tmp_path):
    bench = make_bench(tmp_path, [f"u{number}" for number in range(40)], batch_rows=1)
    control = Control()

    def stop_early(event):
        if isinstance(event, Progress) and event.rows >= 5:
            control.stop()

    with bench.session() as session, session.lock("apply"):
        session.events = stop_early
        store = session.open_state()
        plan = make_plan(session, PlanOptions(), tmp_path / "x.plan", store=store)
        report = apply_plan(session, store, plan, control)
    assert report.exit_code is ExitCode.INTERRUPTED
    done = len(bench.owned()[SET])
    assert done == units_there(bench) < 40
    assert bench.apply().exit_code is ExitCode.OK
    assert (units_there(bench), bench.plan().is_empty) == (40, True)


def test_target_limits_the_plan_to_what_it_needs(bench):
    bench.set("Collection", "other", title="Other")
    planned = bench.plan(PlanOptions(targets=(Address("AssetSet", "pics-2026"),)))
    assert sorted(planned.changes) == ["AssetSet/pics-2026", "Collection/pics"]


def test_target_unit_touches_only_that_unit(bench):
    target = Address("AssetSet", "pics-2026", "b")
    assert bench.apply(PlanOptions(targets=(target,))).exit_code is ExitCode.OK
    assert sorted(bench.owned()[SET]) == ["b"]


def test_target_that_is_not_declared_is_a_usage_error(bench):
    with pytest.raises(UsageError, match="Collection/nothing"):
        bench.plan(PlanOptions(targets=(Address("Collection", "nothing"),)))


def test_refresh_none_trusts_the_state_and_full_sees_drift(applied):
    remote_id = applied.owned()[SET]["a"]
    applied.call("DELETE", f"/v2/data-units/{remote_id}/")
    assert applied.plan(PlanOptions(refresh=Refresh.NONE)).is_empty
    assert applied.plan(PlanOptions(refresh=Refresh.CHANGED)).is_empty
    assert applied.plan().rows[SET] == {"a": ("create", "deleted_outside")}


@pytest.mark.parametrize(
    ("break_source", "message"),
    [
        (lambda root: shutil.rmtree(root / "data"), "data"),
        (lambda root: [path.unlink() for path in (root / "data").iterdir()], "no file"),
    ],
    ids=["missing", "empty"],
)
def test_source_missing_or_empty_is_an_error_and_never_a_delete(applied, break_source, message):
    applied.set("AssetSet", "pics-2026", prune=True)
    break_source(applied.root)
    with pytest.raises(ConfigError, match=message):
        applied.apply(PlanOptions(delete_limit=DeleteLimit(fraction=1.0)))
    assert units_there(applied) == 3


def test_shrunken_source_over_the_limit_needs_to_be_raised(tmp_path):
    keys = [f"u{number:02}" for number in range(10)]
    bench = make_bench(tmp_path, keys)
    bench.set("AssetSet", "pics-2026", prune=True)
    bench.apply()
    for key in keys[:4]:
        (tmp_path / f"data/{key}.jpg").unlink()
        (tmp_path / f"data/{key}.json").unlink()
    with pytest.raises(UnsafePlan, match="4 of 10"):
        bench.apply()
    assert units_there(bench) == 10
    assert bench.apply(PlanOptions(delete_limit=DeleteLimit(rows=4))).exit_code is ExitCode.OK
    assert units_there(bench) == 6


def test_duplicate_content_is_told_and_can_be_left_out(bench):
    shutil.copy(bench.root / "data/a.jpg", bench.root / "data/copy.jpg")
    shutil.copy(bench.root / "data/a.json", bench.root / "data/copy.json")
    with pytest.raises(ConfigError, match="unit 'copy' has exactly the files of unit 'a'"):
        bench.plan()
    bench.set("AssetSet", "pics-2026", duplicates="skip")
    assert bench.apply().exit_code is ExitCode.OK
    assert sorted(bench.owned()[SET]) == ["a", "b", "c"]


def test_environment_has_a_state_of_its_own(bench):
    bench.documents["Workspace", "w"] = {"environments": {"prod": {"variables": {}}}}
    bench.write()
    (bench.root / "main.yaml").rename(bench.root / "reconciler.yaml")
    with bench.session(environment="prod") as session:
        assert session.state_path.name == "state.prod.db"
    with bench.session() as session:
        assert session.state_path.name == "state.db"


def test_collection_of_a_set_changes_and_its_units_are_made_again_there(applied):
    applied.set("Collection", "other", **applied.documents["Collection", "pics"] | {"title": "Other"})
    applied.set("AssetSet", "pics-2026", collection="other")
    planned = applied.plan(PlanOptions(delete_limit=DeleteLimit(fraction=1.0)))
    assert planned.changes["Collection/other"][0] == "create"
    assert applied.apply(PlanOptions(delete_limit=DeleteLimit(fraction=1.0))).exit_code is ExitCode.OK
    again = applied.plan()
    assert again.is_empty, again.text
    assert units_there(applied) == 3


def test_lost_state_never_overwrites_what_annotators_did(applied):
    payload = {"annotations": {"image_1": []}, "annotationsData": {"image_1": []}}
    coco = {"images": [{"id": 1, "file_name": "a.jpg", "width": 9, "height": 9}], "annotations": [], "categories": []}
    (applied.root / "coco.json").write_text(json.dumps(coco))
    applied.set("AnnotationProject", "objects", title="Objects", collection="pics", category="image")
    annotations = {"format": "coco", "url": "coco.json", "specification": "image_1"}
    applied.set("TaskSet", "tasks", project="objects", assets="pics-2026", annotations=annotations)
    applied.apply()
    before = applied.owned()
    path = f"/v2/tasks/{before['TaskSet/tasks']['a']}/"
    applied.call("PUT", f"{path}annotate-task-data/?schema=any", json={"action": "submit", "data": payload})
    (applied.root / ".reconciler/state.db").unlink()
    assert applied.apply().exit_code is ExitCode.OK
    assert applied.owned() == before
    assert applied.call("GET", path)["data"]["data"] == payload
    assert applied.plan().is_empty


def test_state_move_takes_rows_and_references_along(applied):
    with applied.session() as session:
        session.open_state().move_resource(PICS, Address("Collection", "photos"))
    spec = applied.documents.pop(("Collection", "pics"))
    applied.set("Collection", "photos", **spec)
    applied.set("AssetSet", "pics-2026", collection="photos")
    planned = applied.plan()
    assert planned.is_empty, planned.text


def test_plan_says_where_files_went_that_are_in_no_unit(bench):
    (bench.root / "data/.hidden").write_text("x")
    (bench.root / "data/readme.md").write_text("x")
    assert "of 8 files 6 are used, 1 excluded (" in bench.plan().text


def test_file_types_of_the_older_vocabulary_leave_no_difference(bench):
    specs = [
        {"name": "image_1", "type": "image", "extensions": [".jpg"], "required": True, "primary": True},
        {"name": "label_1", "type": "document", "extensions": [".json"], "required": True},
        {"name": "dicom_1", "type": "medical", "extensions": [".dcm"]},
    ]
    bench.set("Collection", "pics", fileSpecifications=specs)
    assert bench.apply().exit_code is ExitCode.OK
    planned = bench.plan()
    assert planned.is_empty, planned.text


def test_apply_looks_at_what_arrived_so_that_the_next_plan_lists_nothing(bench):
    counter = Cutter()
    bench.apply()
    bench.open_backend = counter.open
    assert bench.plan().is_empty
    assert counter.requests == 2  # the collection, and one listing that answers "not modified"
