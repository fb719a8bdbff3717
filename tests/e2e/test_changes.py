"""Change something, look at the plan, apply it, and see that nothing is left to do.

Every case has a golden plan in tests/golden/plans/.
"""

from __future__ import annotations

import os
from collections.abc import Callable

import pytest

from reconciler.errors import ExitCode
from reconciler.model.address import Address
from reconciler.plan.values import Action
from reconciler.providers.base import UnitEdit
from tests.support.golden import assert_golden
from tests.support.workspace import COLLECTION, Bench, make_bench

SET = "AssetSet/pics-2026"
KEYS = [f"unit_{number:02}" for number in range(12)]


@pytest.fixture
def bench(tmp_path):
    made = make_bench(tmp_path, KEYS)
    assert made.apply().exit_code is ExitCode.OK
    assert made.plan().is_empty
    return made


def change_file(bench: Bench) -> None:
    (bench.root / "data/unit_03.jpg").write_bytes(b"\xff\xd8\xff another picture")


def change_label(bench: Bench) -> None:
    (bench.root / "data/unit_03.json").write_text('{"label": "other"}')


def add_files(bench: Bench) -> None:
    (bench.root / "data/unit_99.jpg").write_bytes(b"\xff\xd8\xff new picture")


def add_second_file(bench: Bench) -> None:
    (bench.root / "data/unit_98.jpg").write_bytes(b"\xff\xd8\xff lonely")


def remove_files(bench: Bench) -> None:
    for suffix in ("jpg", "json"):
        (bench.root / f"data/unit_05.{suffix}").unlink()


def remove_files_prune(bench: Bench) -> None:
    remove_files(bench)
    bench.set("AssetSet", "pics-2026", prune=True)


def rename_files(bench: Bench) -> None:
    for suffix in ("jpg", "json"):
        (bench.root / f"data/unit_05.{suffix}").rename(bench.root / f"data/zebra.{suffix}")


def move_to_folder(bench: Bench) -> None:
    (bench.root / "data/sub").mkdir()
    for suffix in ("jpg", "json"):
        (bench.root / f"data/unit_05.{suffix}").rename(bench.root / f"data/sub/unit_05.{suffix}")


def touch_files(bench: Bench) -> None:
    for path in (bench.root / "data").iterdir():
        os.utime(path, ns=(1, 1))


def edit_metadata(bench: Bench) -> None:
    table = bench.root / "ages.csv"
    table.write_text(table.read_text().replace("unit_03,23", "unit_03,99"))


def drop_metadata_column(bench: Bench) -> None:
    bench.set("AssetSet", "pics-2026", metadata=None)


def edit_title(bench: Bench) -> None:
    bench.set("Collection", "pics", title="Photographs")


def drop_description(bench: Bench) -> None:
    bench.set("Collection", "pics", description=None)


def add_specification(bench: Bench) -> None:
    specs = [*COLLECTION["fileSpecifications"], {"name": "notes_1", "type": "text", "extensions": [".txt"]}]
    bench.set("Collection", "pics", fileSpecifications=specs)


def remove_set(bench: Bench) -> None:
    bench.remove("AssetSet", "pics-2026")


def outside_edits_meta(bench: Bench) -> None:
    _edit_unit(bench, "unit_02", {"age": 1000})


def outside_adds_meta(bench: Bench) -> None:
    _edit_unit(bench, "unit_02", {"review_note": "looks fine"})


def outside_deletes_unit(bench: Bench) -> None:
    remote_id = bench.owned()[SET]["unit_02"]
    bench.with_provider(lambda provider: provider.delete_units({"unit_02": remote_id}))


def outside_edits_title(bench: Bench) -> None:
    _patch_collection(bench, {"name": "Renamed by hand"})


def outside_edits_undeclared(bench: Bench) -> None:
    _patch_collection(bench, {"access_level": "public"})


def outside_deletes_everything(bench: Bench) -> None:
    owned = bench.owned()
    bench.with_provider(lambda provider: provider.delete_units(owned[SET]))
    collection = _collection_id(bench)
    bench.with_provider(lambda provider: provider.delete(Address("Collection", "pics"), collection))


def _edit_unit(bench: Bench, key: str, meta: dict[str, object]) -> None:
    remote_id = bench.owned()[SET][key]
    edit = UnitEdit(remote_id, Address("AssetSet", "pics-2026", key), meta)
    bench.with_provider(lambda provider: provider.update_units(_collection_id(bench), [edit]))


def _collection_id(bench: Bench) -> str:
    with bench.session() as session:
        owned = session.open_state(read_only=True).resource(Address("Collection", "pics"))
        return owned.remote_id


def _patch_collection(bench: Bench, body: dict[str, object]) -> None:
    bench.call("PATCH", f"/v2/data-collections/{_collection_id(bench)}/", json=body)


# case, what is done, resource changes (others are no-op), unit rows, files to upload
CASES: list[tuple[Callable[[Bench], None], dict[str, tuple[str, str]], dict[str, tuple[str, str]], int]] = [
    (change_file, {SET: ("update", "fields_differ")}, {"unit_03": ("replace", "content_differs")}, 1),
    (change_label, {SET: ("update", "fields_differ")}, {"unit_03": ("replace", "content_differs")}, 1),
    (add_files, {SET: ("update", "fields_differ")}, {"unit_99": ("create", "not_remote")}, 1),
    (remove_files, {}, {}, 0),
    (remove_files_prune, {SET: ("update", "fields_differ")}, {"unit_05": ("delete", "left_source")}, 0),
    (rename_files, {SET: ("update", "fields_differ")}, {"zebra": ("move", "renamed")}, 0),
    (move_to_folder, {}, {}, 0),
    (touch_files, {}, {}, 0),
    (edit_metadata, {SET: ("update", "fields_differ")}, {"unit_03": ("update", "fields_differ")}, 0),
    (drop_metadata_column, {SET: ("update", "fields_differ")}, dict.fromkeys(KEYS, ("update", "fields_differ")), 0),
    (edit_title, {"Collection/pics": ("update", "fields_differ")}, {}, 0),
    (drop_description, {"Collection/pics": ("update", "fields_differ")}, {}, 0),
    (add_specification, {"Collection/pics": ("update", "fields_differ")}, {}, 0),
    (outside_edits_meta, {SET: ("update", "changed_outside")}, {"unit_02": ("update", "changed_outside")}, 0),
    (outside_adds_meta, {}, {}, 0),
    (outside_deletes_unit, {SET: ("update", "changed_outside")}, {"unit_02": ("create", "deleted_outside")}, 2),
    (outside_edits_title, {"Collection/pics": ("update", "changed_outside")}, {}, 0),
    (outside_edits_undeclared, {}, {}, 0),
    (
        outside_deletes_everything,
        {"Collection/pics": ("create", "deleted_outside"), SET: ("update", "changed_outside")},
        dict.fromkeys(KEYS, ("create", "deleted_outside")),
        24,
    ),
]


@pytest.mark.parametrize(("change", "changes", "rows", "files"), CASES, ids=[case[0].__name__ for case in CASES])
def test_change_is_planned_exactly_applied_and_gone(bench, change, changes, rows, files):
    change(bench)
    planned = bench.plan()
    assert_golden(f"plans/{change.__name__}.txt", planned.text)
    assert {a: c for a, c in planned.changes.items() if c[0] != Action.NO_OP} == changes
    assert planned.rows.get(SET, {}) == rows
    assert planned.summary["files"] == files
    assert bench.apply().exit_code is ExitCode.OK
    again = bench.plan()
    assert again.is_empty, again.text


def test_undeclared_metadata_survives_our_update(bench):
    outside_adds_meta(bench)
    edit_metadata(bench)
    (bench.root / "ages.csv").write_text((bench.root / "ages.csv").read_text().replace("unit_02,22", "unit_02,77"))
    assert bench.apply().exit_code is ExitCode.OK
    assert _unit_meta(bench, "unit_02") == {"age": 77, "review_note": "looks fine"}


def test_removed_set_over_the_limit_is_stopped_and_nothing_is_done(bench):
    from reconciler.errors import UnsafePlan

    remove_set(bench)
    with pytest.raises(UnsafePlan, match="12 of 12 units"):
        bench.apply()
    assert len(bench.owned()[SET]) == 12


def _unit_meta(bench: Bench, key: str) -> dict[str, object]:
    def read(provider):
        listing = provider.list_units(_collection_id(bench))
        return {unit.owner.key: dict(unit.meta) for page in listing.pages for unit in page}

    return bench.with_provider(read)[key]
