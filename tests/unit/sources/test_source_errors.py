"""Broken sources and tables, each with the exact text people see.

RECONCILER_REWRITE_GOLDENS=1 writes the files again; review the difference.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from reconciler.errors import ReconcilerError, problem_order
from reconciler.model.resource import (
    ColumnRule,
    FileRule,
    KeyRule,
    Layout,
    PathMetadata,
    Policy,
    SidecarMetadata,
    SourceLocation,
)
from tests.support.golden import assert_file_holds

_GOLDEN = Path(__file__).parents[2] / "golden" / "source_errors"
_BOOKS = Path(__file__).parents[2] / "data" / "excel"
Case = Callable[[Any], Any]


def _units(ws: Any, *keys: str) -> None:
    for key in keys:
        ws.write_all(f"data/{key}.png", f"data/{key}.json")


def missing_and_empty_sources(ws: Any) -> Any:
    (ws.root / "empty").mkdir()
    return ws.assemble(sources=(SourceLocation("./scans"), SourceLocation("empty")))


def source_is_a_file(ws: Any) -> Any:
    ws.write_all("data.zip")
    return ws.assemble(sources=(SourceLocation("data.zip"),))


def everything_excluded(ws: Any) -> Any:
    _units(ws, "1")
    return ws.assemble(sources=(SourceLocation("data", exclude=("**/*.png", "**/*.json")),))


def broken_links(ws: Any) -> Any:
    _units(ws, "1")
    for name in ("a", "b"):
        (ws.root / f"data/{name}.png").symlink_to("/nowhere")
    return ws.assemble()


def incomplete_units(ws: Any) -> Any:
    ws.write_all("data/1.png", "data/2.json")
    ws.write("data/3.png", b"")
    ws.write_all("data/3.json")
    return ws.assemble()


def two_files_claim_one_place(ws: Any) -> Any:
    ws.write_all("data/a/1.png", "data/b/1.png", "data/1.json")
    return ws.assemble()


def extension_of_two_specifications(ws: Any) -> Any:
    ws.write_all("data/1.png", "data/2.png", "data/1.json", "data/2.json")
    return ws.assemble((ws.image, ws.label, ws.mask))


def unmatched_files_forbidden(ws: Any) -> Any:
    _units(ws, "1")
    ws.write_all("data/README.md", "data/a.txt", "data/b.txt")
    return ws.assemble(unmatched=Policy.FAIL)


def files_at_the_top_of_folder_units(ws: Any) -> Any:
    ws.write_all("data/p/image.png", "data/p/label.json", "data/stray.png")
    return ws.assemble(layout=Layout.DIRECTORIES, unmatched=Policy.FAIL)


def file_over_the_limit(ws: Any) -> Any:
    ws.write("data/1.png", b"x" * 2000)
    ws.write_all("data/1.json")
    return ws.assemble(max_file_size_bytes=1000)


def unusable_rules(ws: Any) -> Any:
    _units(ws, "1")
    return ws.assemble(files=(FileRule("**/*.png", "imgae_1"), FileRule("{a", "label_1")))


def key_template_without_its_group(ws: Any) -> Any:
    _units(ws, "1")
    return ws.assemble(key_rule=KeyRule(r"(?P<patient>p\d+)", "{case}"))


def name_that_is_no_text(ws: Any) -> Any:
    _units(ws, "1")
    Path(os.fsdecode(os.fsencode(ws.root) + b"/data/caf\xe9.png")).write_bytes(b"x")
    return ws.assemble()


def missing_table(ws: Any) -> Any:
    _units(ws, "1")
    return ws.assemble(metadata=(ws.table("patients.xlsx"),))


def protected_workbook(ws: Any) -> Any:
    _units(ws, "1")
    ws.write("patients.xlsx", (_BOOKS / "calamine/pass_protected.xlsx").read_bytes())
    return ws.assemble(metadata=(ws.table("patients.xlsx"),))


def table_without_key_column(ws: Any) -> Any:
    _units(ws, "1")
    ws.write("patients.csv", "patient,age\n1,4\n")
    return ws.assemble(metadata=(ws.table("patients.csv", "patient_id"),))


def table_in_another_encoding(ws: Any) -> Any:
    _units(ws, "1")
    ws.write("patients.csv", "unit,name\n1,Zoë\n".encode("cp1252"))
    return ws.assemble(metadata=(ws.table("patients.csv"),))


def table_rows_wrong(ws: Any) -> Any:
    """Repeated key, repeated header, wrong type, row without unit."""
    _units(ws, "1", "2")
    ws.write("patients.csv", "unit,age,age\n1,four,4\n1,5,5\n2,6,6\nghost,7,7\n")
    columns = (ColumnRule("years", "age", "integer"),)
    return ws.assemble(metadata=(ws.table("patients.csv", columns=columns),))


def metadata_against_the_schema(ws: Any) -> Any:
    _units(ws, "1", "2")
    ws.write("patients.csv", "unit,age\n1,four\n2,5\n")
    properties = {"age": {"type": "integer", "minimum": 6}, "sex": {"enum": ["f", "m"]}}
    schema = {"type": "object", "required": ["sex"], "properties": properties}
    return ws.assemble(metadata=(ws.table("patients.csv"),), schema=schema)


def paths_that_disagree(ws: Any) -> Any:
    ws.write_all("data/a/1.png", "data/b/1.json")
    return ws.assemble(metadata=(ws.metadata(PathMetadata(r"^(?P<site>\w)/", {})),))


def broken_sidecar(ws: Any) -> Any:
    _units(ws, "1")
    ws.write("data/1.meta.json", '{"age": 4,}')
    return ws.assemble(metadata=(ws.metadata(SidecarMetadata("{key}.meta.json")),))


_CASES: tuple[Case, ...] = (
    missing_and_empty_sources, source_is_a_file, everything_excluded, broken_links, incomplete_units,
    two_files_claim_one_place, extension_of_two_specifications, unmatched_files_forbidden,
    files_at_the_top_of_folder_units, file_over_the_limit, unusable_rules, key_template_without_its_group,
    name_that_is_no_text, missing_table, protected_workbook, table_without_key_column, table_in_another_encoding,
    table_rows_wrong, metadata_against_the_schema, paths_that_disagree, broken_sidecar,
)  # fmt: skip


def _text(ws: Any, case: Case) -> str:
    try:
        problems = case(ws).problems
    except ReconcilerError as error:
        problems = error.problems
    return "".join(f"{p.severity}: {p}\n  concerns: {p.address}\n" for p in sorted(problems, key=problem_order))


@pytest.mark.parametrize("case", _CASES, ids=lambda case: case.__name__)
def test_broken_source_gives_the_golden_text(ws: Any, case: Case) -> None:
    text, golden = _text(ws, case), _GOLDEN / f"{case.__name__}.txt"
    assert_file_holds(golden, text)


@pytest.mark.parametrize("case", _CASES, ids=lambda case: case.__name__)
def test_golden_text_has_an_error_with_a_fix_and_no_absolute_path(case: Case, tmp_path: Path) -> None:
    text = (_GOLDEN / f"{case.__name__}.txt").read_text("utf-8")
    assert "error: " in text
    assert "fix: " in text
    assert str(tmp_path.parent.parent) not in text


def test_golden_folder_holds_nothing_else() -> None:
    assert {path.stem for path in _GOLDEN.iterdir()} == {case.__name__ for case in _CASES}
