"""Metadata of units: matching rows, merging, sidecars, paths, schema."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from reconciler.errors import Severity, SourceError
from reconciler.model.resource import (
    ConstantMetadata,
    Layout,
    PathMetadata,
    Policy,
    SidecarMetadata,
)
from reconciler.sources import Fault


def _meta(assembly: Any) -> dict[str, dict[str, Any]]:
    return {unit.key: dict(unit.meta) for unit in assembly.units()}


@pytest.fixture
def pairs(ws: Any) -> Any:
    """Two flat units, "1" and "2"."""
    ws.write_all("data/1.png", "data/1.json", "data/2.png", "data/2.json")
    return ws


def test_row_matches_the_unit_of_exactly_its_key(pairs: Any) -> None:
    pairs.write("m.csv", "unit,age\n1,4\n12,9\n")
    assembly = pairs.assemble(metadata=(pairs.table("m.csv"),))
    assert _meta(assembly) == {"1": {"age": "4"}, "2": {}}


def test_row_matches_by_file_name_when_no_unit_has_its_key(pairs: Any) -> None:
    pairs.write("m.csv", "file,age\n1.png,4\n2.json,5\n")
    assembly = pairs.assemble(metadata=(pairs.table("m.csv", "file"),))
    assert _meta(assembly) == {"1": {"age": "4"}, "2": {"age": "5"}}


def test_row_whose_file_name_several_units_have_matches_none(ws: Any) -> None:
    ws.write_all("data/p/image.png", "data/p/label.json", "data/q/image.png", "data/q/label.json")
    ws.write("m.csv", "file,age\nimage.png,4\np/label.json,5\n")
    assembly = ws.assemble(metadata=(ws.table("m.csv", "file"),), layout=Layout.DIRECTORIES)
    assert _meta(assembly) == {"p": {"age": "5"}, "q": {}}


def test_row_in_composed_form_matches_decomposed_name(ws: Any) -> None:
    ws.write_all("data/cafe\u0301.png", "data/cafe\u0301.json")
    ws.write("m.csv", "unit,age\ncaf\u00e9,4\n")
    assert _meta(ws.assemble(metadata=(ws.table("m.csv"),))) == {"caf\u00e9": {"age": "4"}}


@pytest.mark.parametrize(
    ("content", "lines", "reason"),
    [
        ("unit,age\n1,4\n1,5\n", "rows 2 and 3", "same key"),
        ("unit,age\n1,4\n1.png,5\n", "rows 2 and 3", "key and file name of one unit"),
        ("unit,age\nx,4\n1,1\nx,5\n", "rows 2 and 4", "same key without unit"),
    ],
)
def test_rows_that_describe_one_unit_twice_are_an_error(pairs: Any, content: str, lines: str, reason: str) -> None:
    pairs.write("m.csv", content)
    found = [f for f in pairs.assemble(metadata=(pairs.table("m.csv"),)).findings if f.fault is Fault.TABLE]
    assert [f.problem.summary[: len(lines)] for f in found] == [lines], reason
    assert found[0].problem.severity is Severity.ERROR


@pytest.mark.parametrize(
    ("policy", "severities"),
    [(Policy.FAIL, [Severity.ERROR]), (Policy.WARN, [Severity.WARNING]), (Policy.SKIP, [])],
)
def test_unmatched_rows_are_told_by_policy(pairs: Any, policy: Policy, severities: list[Severity]) -> None:
    pairs.write("m.csv", "unit,age\n1,4\n2,5\nghost,6\n,7\n")
    source = pairs.metadata(pairs.table("m.csv").origin, unmatched_rows=policy)
    assembly = pairs.assemble(metadata=(source,))
    assert [p.severity for p in assembly.problems] == severities
    (tally,) = assembly.account.unmatched_rows
    assert tally.samples == ("row 4 'ghost'", "row 5 without key")


def test_units_without_row_are_counted(pairs: Any) -> None:
    pairs.write("m.csv", "unit,age\n1,4\n")
    (tally,) = pairs.assemble(metadata=(pairs.table("m.csv"),)).account.units_without_row
    assert (tally.label, tally.count, tally.samples) == ("MetadataSource/patients", 1, ("2",))


def test_later_sources_win_key_by_key(pairs: Any) -> None:
    first = pairs.metadata(ConstantMetadata({"a": 1, "b": 1}), "first")
    second = pairs.metadata(ConstantMetadata({"b": 2}), "second")
    assembly = pairs.assemble(metadata=(first, second), meta={"a": 0, "c": 0})
    assert _meta(assembly)["1"] == {"a": 1, "b": 2, "c": 0}


def test_metadata_sources_that_are_not_named_are_passed_over(pairs: Any) -> None:
    from reconciler.sources import survey

    stray = pairs.metadata(ConstantMetadata({"a": 1}))
    found = survey(pairs.asset_set(), (pairs.image, pairs.label), (stray,))
    assert _meta(found.assemble())["1"] == {}


def test_path_groups_become_typed_values(ws: Any) -> None:
    ws.write_all("data/P7_45_male.png", "data/P7_45_male.json")
    origin = PathMetadata(r"(?P<patient_id>P\d+)_(?P<age>\d+)_(?P<sex>male|female)", {"age": "integer"})
    assembly = ws.assemble(metadata=(ws.metadata(origin),))
    assert _meta(assembly)["P7_45_male"] == {"patient_id": "P7", "age": 45, "sex": "male"}


def test_path_regex_falls_back_to_the_key(ws: Any) -> None:
    ws.write_all("data/a-7/image.png", "data/a-7/label.json")
    origin = PathMetadata(r"^(?P<site>\w)-\d$", {})
    assembly = ws.assemble(metadata=(ws.metadata(origin),), layout=Layout.DIRECTORIES)
    assert _meta(assembly) == {"a-7": {"site": "a"}}


def test_path_groups_that_disagree_are_an_error_naming_both_files(ws: Any) -> None:
    ws.write_all("data/a/1.png", "data/b/1.json")
    assembly = ws.assemble(metadata=(ws.metadata(PathMetadata(r"^(?P<site>\w)/", {})),))
    (finding,) = assembly.findings
    assert (finding.fault, finding.paths) == (Fault.CONFLICT, ("data/a/1.png", "data/b/1.json"))


def test_path_value_of_wrong_type_is_an_error(pairs: Any) -> None:
    assembly = pairs.assemble(metadata=(pairs.metadata(PathMetadata(r"(?P<n>\w+)\.", {"n": "date"})),))
    assert [f.fault for f in assembly.findings] == [Fault.VALUE, Fault.VALUE]


def test_path_regex_without_named_group_is_refused(pairs: Any) -> None:
    with pytest.raises(SourceError, match="no named group"):
        pairs.assemble(metadata=(pairs.metadata(PathMetadata(r"\d", {})),))


@pytest.mark.parametrize(
    ("pattern", "path", "content"),
    [
        ("{key}.meta.json", "data/1.meta.json", '{"age": 4}'),
        ("{stem}.meta.yaml", "data/1.meta.yaml", "age: 4\n"),
        ("meta/{key}.json", "data/meta/1.json", '{"age": 4}'),
    ],
)
def test_sidecar_beside_the_files_is_read(pairs: Any, pattern: str, path: str, content: str) -> None:
    pairs.write(path, content)
    assembly = pairs.assemble(metadata=(pairs.metadata(SidecarMetadata(pattern)),))
    assert _meta(assembly) == {"1": {"age": 4}, "2": {}}
    assert assembly.account.metadata_files == 1


def test_sidecar_in_the_unit_folder_is_read(ws: Any) -> None:
    ws.write_all("data/p/img/a.png", "data/p/json/a.json")
    ws.write("data/p/meta.json", '{"age": 4}')
    assembly = ws.assemble(metadata=(ws.metadata(SidecarMetadata("meta.json")),), layout=Layout.DIRECTORIES)
    assert _meta(assembly) == {"p": {"age": 4}}


def test_sidecar_of_no_unit_is_unmatched(pairs: Any) -> None:
    pairs.write("data/9.meta.json", "{}")
    assembly = pairs.assemble(metadata=(pairs.metadata(SidecarMetadata("{key}.meta.json")),))
    assert [(t.label, t.samples) for t in assembly.account.unmatched] == [("sidecar of no unit", ("data/9.meta.json",))]
    assert [f.fault for f in assembly.findings] == [Fault.SIDECAR]


@pytest.mark.parametrize(
    ("name", "content", "part"),
    [
        ("1.meta.json", "[1]", "does not hold an object"),
        ("1.meta.json", "{", "cannot be used as metadata"),
        ("1.meta.yaml", "a: 1\na: 2\n", "cannot be used as metadata"),
    ],
)
def test_broken_sidecar_is_an_error(pairs: Any, name: str, content: str, part: str) -> None:
    pairs.write(f"data/{name}", content)
    pattern = name.replace("1", "{key}", 1)
    (problem,) = pairs.assemble(metadata=(pairs.metadata(SidecarMetadata(pattern)),)).problems
    assert part in str(problem)


def test_second_sidecar_is_an_error_naming_both(ws: Any) -> None:
    ws.write_all("data/a/1.png", "data/b/1.json")
    ws.write("data/a/1.m.json", "{}")
    ws.write("data/b/1.m.json", "{}")
    (finding,) = ws.assemble(metadata=(ws.metadata(SidecarMetadata("{key}.m.json")),)).findings
    assert finding.paths == ("a/1.m.json", "b/1.m.json")


_SCHEMA = {"type": "object", "required": ["id"], "properties": {"id": {"type": "string"}, "age": {"type": "integer"}}}


def test_schema_violation_names_unit_field_and_row(pairs: Any) -> None:
    pairs.write("m.csv", "unit,id,age\n1,a,old\n2,b,5\n")
    (problem,) = pairs.assemble(metadata=(pairs.table("m.csv"),), schema=_SCHEMA).problems
    assert str(problem.at) == "m.csv:2"
    assert problem.summary.startswith("meta.age of unit '1'")
    assert "row 2" in problem.detail


def test_schema_types_shape_text_from_tables(pairs: Any) -> None:
    pairs.write("m.csv", "unit,id,age\n1,007,4\n2,8,5\n")
    assembly = pairs.assemble(metadata=(pairs.table("m.csv"),), schema=_SCHEMA)
    assert assembly.problems == ()
    assert _meta(assembly) == {"1": {"id": "007", "age": 4}, "2": {"id": "8", "age": 5}}


def test_missing_required_field_is_told_for_every_unit(pairs: Any) -> None:
    assembly = pairs.assemble(schema=_SCHEMA)
    assert [f.key for f in assembly.findings if f.fault is Fault.SCHEMA] == ["1", "2"]


def test_invalid_schema_is_refused(pairs: Any) -> None:
    with pytest.raises(SourceError, match="not a valid JSON Schema"):
        pairs.assemble(schema={"type": "nonsense"})


def test_schema_that_points_outside_is_refused(pairs: Any) -> None:
    with pytest.raises(SourceError, match="not a valid JSON Schema"):
        pairs.assemble(schema={"$ref": "https://example.org/unit.json"})


# -- sources that disagree


@pytest.mark.parametrize(
    ("policy", "severities"),
    [(Policy.FAIL, [Severity.ERROR]), (Policy.WARN, [Severity.WARNING]), (Policy.SKIP, [])],
)
def test_value_that_an_earlier_source_gives_otherwise_is_told_by_policy(
    pairs: Any, policy: Policy, severities: list[Severity]
) -> None:
    pairs.write("a.csv", "unit,age,sex\n1,4,f\n2,5,m\n")
    pairs.write("b.csv", "unit,age\n2,5\n1,6\n")
    first = pairs.metadata(pairs.table("a.csv").origin, "first")
    second = dataclasses.replace(pairs.metadata(pairs.table("b.csv").origin, "second"), conflicts=policy)
    assembly = pairs.assemble(metadata=(first, second))
    assert [p.severity for p in assembly.problems] == severities
    assert _meta(assembly) == {"1": {"age": "6", "sex": "f"}, "2": {"age": "5", "sex": "m"}}


def test_conflict_names_both_values_with_their_places(pairs: Any) -> None:
    import openpyxl

    book = openpyxl.Workbook()
    book.active.title = "Visits"
    for row in (["unit", "age"], ["1", 6], ["2", 7]):
        book.active.append(row)
    book.save(pairs.root / "b.xlsx")
    pairs.write("a.csv", "unit,age\n1,4\n2,5\n")
    sources = (pairs.metadata(pairs.table("a.csv").origin, "a"), pairs.metadata(pairs.table("b.xlsx").origin, "b"))
    (problem,) = pairs.assemble(metadata=sources).problems
    assert str(problem.at) == "b.xlsx[Visits]:2"
    assert problem.summary == "'age' of 2 units is not what MetadataSource/a says"
    assert problem.detail.startswith("unit '1' has 6 of b.xlsx[Visits]:2, not \"4\" of a.csv:2; unit '2' has 7")


def test_conflicts_of_many_units_are_one_finding(ws: Any) -> None:
    for number in range(20):
        ws.write_all(f"data/{number}.png", f"data/{number}.json")
    rows = "".join(f"{number},x\n" for number in range(20))
    ws.write("a.csv", f"unit,age\n{rows}")
    ws.write("b.csv", f"unit,age\n{rows.replace('x', 'y')}")
    sources = (ws.metadata(ws.table("a.csv").origin, "a"), ws.metadata(ws.table("b.csv").origin, "b"))
    (problem,) = ws.assemble(metadata=sources).problems
    assert problem.summary.startswith("'age' of 20 units")
    assert problem.detail.count("unit ") == 3


def test_defaults_may_be_overruled_without_a_word(pairs: Any) -> None:
    pairs.write("m.csv", "unit,a,b\n1,4,5\n2,4,5\n")
    sources = (pairs.metadata(ConstantMetadata({"a": 0}), "first"), pairs.table("m.csv"))
    assembly = pairs.assemble(metadata=sources, meta={"b": 0})
    assert assembly.problems == ()


def test_repeated_rows_name_file_sheet_and_rows(pairs: Any) -> None:
    import openpyxl

    book = openpyxl.Workbook()
    for row in (["unit"], ["1"], ["2"], ["1"]):
        book.active.append(row)
    book.save(pairs.root / "m.xlsx")
    (problem,) = pairs.assemble(metadata=(pairs.table("m.xlsx"),)).problems
    assert str(problem).startswith("m.xlsx[Sheet]:4: rows 2 and 4 both describe '1'")


@pytest.mark.parametrize(
    ("schema", "at", "reason"),
    [
        ({"properties": {"scan.kv": {"type": "integer"}}}, "a.csv:2", "a name with a dot"),
        ({"properties": {"lens": {"properties": {"f": {"type": "integer"}}}}}, "data/1.m.json", "inside an object"),
        ({"properties": {"lens": {}, "scan.kv": {}}, "additionalProperties": False}, "c.csv:2", "not foreseen"),
    ],
)
def test_violation_is_told_where_the_value_comes_from(ws: Any, schema: Any, at: str, reason: str) -> None:
    ws.write_all("data/1.png", "data/1.json")
    ws.write("a.csv", "unit,scan.kv\n1,high\n")
    ws.write("data/1.m.json", '{"lens": {"f": "long"}}')
    ws.write("c.csv", "unit,color\n1,red\n")
    sources = (
        ws.metadata(ws.table("a.csv").origin, "a"),
        ws.metadata(SidecarMetadata("{key}.m.json"), "b"),
        ws.metadata(ws.table("c.csv").origin, "c"),
        ws.metadata(ConstantMetadata({}), "d"),
    )
    (problem,) = ws.assemble(metadata=sources, schema=schema).problems
    assert str(problem.at).endswith(at), reason


def test_violations_beyond_a_thousand_are_counted(ws: Any) -> None:
    for number in range(1002):
        ws.write_all(f"data/{number}.png", f"data/{number}.json")
    assembly = ws.assemble(schema={"required": ["age"]})
    told = [f for f in assembly.findings if f.fault is Fault.SCHEMA]
    assert len(told) == 1001
    assert told[-1].problem.summary == "2 more of the kind 'schema' are not listed"
