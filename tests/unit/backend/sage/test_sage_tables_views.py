"""Views of entities, datasets, defined views and JSON schemas of the Sage dialect."""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.backend.sage.conftest import P, Sage
from tests.unit.backend.sage.table_session import append, column, job, query, table, transact, values


@pytest.fixture
def project(sage: Sage) -> str:
    return str(sage.owner.entity("Project", "atlas")["id"])


def annotate(sage: Sage, entity: str, **texts: str) -> None:
    etag = sage.owner.ok("GET", f"/entity/{entity}")["etag"]
    listed = {key: {"type": "STRING", "value": [text]} for key, text in texts.items()}
    sage.owner.ok("PUT", f"/entity/{entity}/annotations2", json={"id": entity, "etag": etag, "annotations": listed})


@pytest.fixture
def file(sage: Sage, project: str) -> str:
    handle = sage.owner.upload(b"hello")
    made = sage.owner.entity("FileEntity", "one", parentId=project, dataFileHandleId=handle)
    annotate(sage, made["id"], species="mouse")
    return str(made["id"])


@pytest.fixture
def view(sage: Sage, project: str, file: str) -> str:
    columns = [
        column(sage.owner, "id", "ENTITYID"),
        column(sage.owner, "species"),
        column(sage.owner, "dataFileMD5Hex"),
    ]
    made = sage.owner.entity(
        "table.EntityView", "view", parentId=project, scopeIds=[project], viewTypeMask=1,
        columnIds=[one["id"] for one in columns],
    )  # fmt: skip
    return str(made["id"])


def test_view_shows_fields_and_annotations_of_its_scope(sage: Sage, view: str, file: str) -> None:
    expected = [[file, "mouse", "5d41402abc4b2a76b9719d911017c592"]]
    assert values(sage.owner, f"SELECT * FROM {view}", view) == expected


def test_view_hides_what_is_in_the_trash(sage: Sage, view: str, file: str) -> None:
    sage.owner.ok("DELETE", f"/entity/{file}", 204)
    assert values(sage.owner, f"SELECT * FROM {view}", view) == []


def test_view_hides_rows_that_the_caller_may_not_read(sage: Sage, project: str, view: str, file: str) -> None:
    grants = [{"principalId": 3000002, "accessType": ["READ"]}]
    own = sage.owner.ok("GET", f"/entity/{project}/acl")["resourceAccess"]
    sage.owner.ok("POST", f"/entity/{view}/acl", 201, json={"id": view, "resourceAccess": own + grants})
    assert values(sage.other, f"SELECT * FROM {view}", view) == []
    assert values(sage.owner, f"SELECT COUNT(*) FROM {view}", view) == [["1"]]


def test_cell_written_through_a_view_becomes_an_annotation(sage: Sage, view: str, file: str) -> None:
    species = column(sage.owner, "species")["id"]
    row = {"rowId": int(file[3:]), "cells": {species: "rat"}}
    assert append(sage.owner, view, [row])["updateResults"] == [{"entityId": file}]
    found = sage.owner.ok("GET", f"/entity/{file}/annotations2")["annotations"]
    assert found["species"] == {"type": "STRING", "value": ["rat"]}


def test_row_of_a_view_with_an_old_etag_is_refused_alone(sage: Sage, view: str, file: str) -> None:
    species = column(sage.owner, "species")["id"]
    row = {"rowId": int(file[3:]), "etag": "0" * 8, "cells": {species: "rat"}}
    (result,) = append(sage.owner, view, [row])["updateResults"]
    assert result["failureCode"] == "CONCURRENT_UPDATE"
    assert values(sage.owner, f"SELECT species FROM {view}", view) == [["mouse"]]


def test_entity_outside_the_scope_is_not_written_through_a_view(sage: Sage, view: str) -> None:
    other = sage.owner.entity("Project", "elsewhere")["id"]
    species = column(sage.owner, "species")["id"]
    (result,) = append(sage.owner, view, [{"rowId": int(other[3:]), "cells": {species: "x"}}])["updateResults"]
    assert result["failureCode"] == "NOT_FOUND"


@pytest.mark.every_database
def test_snapshot_of_a_view_keeps_its_rows(sage: Sage, view: str, file: str) -> None:
    assert transact(sage.owner, view, createSnapshot=True)["snapshotVersionNumber"] == 1
    annotate(sage, file, species="rat")
    assert values(sage.owner, f"SELECT species FROM {view}.1", view) == [["mouse"]]
    assert values(sage.owner, f"SELECT species FROM {view}", view) == [["rat"]]


def test_snapshot_of_a_view_without_a_scope_is_refused(sage: Sage, project: str) -> None:
    made = sage.owner.entity("table.EntityView", "empty", parentId=project, viewTypeMask=1)["id"]
    found = transact(sage.owner, made, createSnapshot=True, status=400)
    assert found["reason"].startswith("You cannot create a version of a view that has no scope.")


def test_columns_are_suggested_from_annotations(sage: Sage, project: str, file: str) -> None:
    body = {
        "concreteType": f"{P}.table.ViewColumnModelRequest",
        "viewScope": {"scope": [project], "viewEntityType": "entityview", "viewTypeMask": 1},
    }
    found = job(sage.owner, "/column/view/scope/async", body)["results"]
    assert found == [{"name": "species", "columnType": "STRING", "maximumSize": 5}]


def test_default_columns_depend_on_the_mask(sage: Sage) -> None:
    path = "/column/tableview/defaults?viewEntityType=entityview&viewTypeMask="
    names = [one["name"] for one in sage.owner.ok("GET", f"{path}8")["list"]]
    assert names[:3] == ["id", "name", "description"]
    assert "dataFileMD5Hex" in [one["name"] for one in sage.owner.ok("GET", f"{path}1")["list"]]


def test_dataset_shows_its_items_and_knows_their_size(sage: Sage, project: str, file: str) -> None:
    columns = [column(sage.owner, "id", "ENTITYID")["id"]]
    items = [{"entityId": file, "versionNumber": 1}]
    made = sage.owner.entity("table.Dataset", "set", parentId=project, items=items, columnIds=columns)
    assert (made["count"], made["size"]) == (1, 5)
    assert values(sage.owner, f"SELECT * FROM {made['id']}", made["id"]) == [[file]]


def test_dataset_refuses_what_is_no_file_version(sage: Sage, project: str, file: str) -> None:
    for item in ({"entityId": project, "versionNumber": 1}, {"entityId": file, "versionNumber": 9}):
        body = {"concreteType": f"{P}.table.Dataset", "parentId": project, "items": [item]}
        sage.owner.fails("POST", "/entity", 400, json=body)


def two_tables(sage: Sage, project: str) -> tuple[str, str]:
    key, city = column(sage.owner, "key"), column(sage.owner, "city")
    first = str(table(sage.owner, project, key, name="first")["id"])
    second = str(table(sage.owner, project, key, city, name="second")["id"])
    append(sage.owner, first, [{"cells": {key["id"]: text}} for text in ("a", "b")])
    append(sage.owner, second, [{"cells": {key["id"]: "a", city["id"]: "Oslo"}}])
    return first, second


DEFINED = (
    ("SELECT x.key AS k, y.city AS c FROM {0} x JOIN {1} y ON (x.key = y.key)", [["a", "Oslo"]]),
    ("SELECT x.key AS k, y.city AS c FROM {0} x LEFT JOIN {1} y ON x.key = y.key", [["a", "Oslo"], ["b", None]]),
    ("SELECT key FROM {0} UNION ALL SELECT key FROM {1}", [["a"], ["b"], ["a"]]),
    ("SELECT key FROM {0} UNION SELECT key FROM {1}", [["a"], ["b"]]),
)


@pytest.mark.parametrize(("sql", "expected"), DEFINED)
def test_materialized_view_shows_what_it_is_defined_by(sage: Sage, project: str, sql: str, expected: list[Any]) -> None:
    defined = sql.format(*two_tables(sage, project))
    made = sage.owner.entity("table.MaterializedView", "both", parentId=project, definingSQL=defined)["id"]
    assert values(sage.owner, f"SELECT * FROM {made}", made) == expected


def test_materialized_view_does_not_open_tables_to_others(sage: Sage, project: str) -> None:
    first, _ = two_tables(sage, project)
    made = sage.owner.entity("table.MaterializedView", "mv", parentId=project, definingSQL=f"SELECT * FROM {first}")[
        "id"
    ]
    own = sage.owner.ok("GET", f"/entity/{project}/acl")["resourceAccess"]
    grants = [*own, {"principalId": 3000002, "accessType": ["READ", "DOWNLOAD"]}]
    sage.owner.ok("POST", f"/entity/{made}/acl", 201, json={"id": made, "resourceAccess": grants})
    query(sage.other, made, f"SELECT * FROM {made}", 403)


def test_virtual_table_keeps_the_order_of_its_definition(sage: Sage, project: str) -> None:
    first, _ = two_tables(sage, project)
    sql = f"SELECT * FROM {first} ORDER BY key DESC"
    made = sage.owner.entity("table.VirtualTable", "vt", parentId=project, definingSQL=sql)["id"]
    assert values(sage.owner, f"SELECT * FROM {made}", made) == [["b"], ["a"]]


@pytest.mark.parametrize("sql", ["", "INVALID SQL", "SELECT * FROM sage_tokens", "SELECT nope FROM {0}"])
def test_wrong_definition_is_refused_and_makes_nothing(sage: Sage, project: str, sql: str) -> None:
    first, _ = two_tables(sage, project)
    body = {"concreteType": f"{P}.table.MaterializedView", "name": "mv", "parentId": project}
    sage.owner.fails("POST", "/entity", 400, json=body | {"definingSQL": sql.format(first)})
    sage.owner.fails("POST", "/entity/child", 404, json={"parentId": project, "entityName": "mv"})


SCHEMA = {
    "$id": "my.atlas-Mouse-1.0.0",
    "type": "object",
    "properties": {"species": {"type": "string", "const": "mouse"}, "lab": {"type": "string", "const": "north"}},
    "required": ["species"],
}


def register(sage: Sage, status: int = 201, **more: Any) -> Any:
    body = {"concreteType": f"{P}.schema.CreateSchemaRequest", "schema": {**SCHEMA, **more}}
    return job(sage.owner, "/schema/type/create/async", body, status)


@pytest.fixture
def organization(sage: Sage) -> str:
    return str(sage.owner.ok("POST", "/schema/organization", 201, json={"organizationName": "my.atlas"})["id"])


def test_organization_is_found_in_any_case_and_not_made_twice(sage: Sage, organization: str) -> None:
    assert sage.other.ok("GET", "/schema/organization?name=MY.Atlas")["id"] == organization
    sage.owner.fails("POST", "/schema/organization", 409, json={"organizationName": "My.Atlas"})
    reason = sage.owner.fails("GET", "/schema/organization?name=nobody", 404)
    assert reason == "Organization with name: 'nobody' not found"


def test_same_schema_is_one_version_and_another_body_is_refused(sage: Sage, organization: str) -> None:
    first, second = register(sage), register(sage)
    assert first["newVersionInfo"]["versionId"] == second["newVersionInfo"]["versionId"]
    register(sage, 409, title="other")


def test_only_members_of_an_organization_make_schemas(sage: Sage, organization: str) -> None:
    body = {"concreteType": f"{P}.schema.CreateSchemaRequest", "schema": SCHEMA}
    job(sage.other, "/schema/type/create/async", body, 403)


@pytest.mark.parametrize("schema", [{"type": "nope"}, {"$id": "x"}, {"properties": []}])
def test_wrong_schema_is_refused(sage: Sage, organization: str, schema: dict[str, Any]) -> None:
    register(sage, 400, **schema)


def test_dry_run_keeps_nothing(sage: Sage, organization: str) -> None:
    body = {"concreteType": f"{P}.schema.CreateSchemaRequest", "schema": SCHEMA, "dryRun": True}
    assert job(sage.owner, "/schema/type/create/async", body)["newVersionInfo"]["$id"] == SCHEMA["$id"]
    assert sage.owner.ok("POST", "/schema/list", json={"organizationName": "my.atlas"})["page"] == []


def test_bound_schema_validates_what_is_below_and_cannot_be_deleted(
    sage: Sage, organization: str, project: str, file: str
) -> None:
    register(sage)
    assert "No JSON schema found for" in sage.owner.fails("GET", f"/entity/{file}/schema/binding", 404)
    bound = {"entityId": project, "schema$id": SCHEMA["$id"], "enableDerivedAnnotations": True}
    sage.owner.ok("PUT", f"/entity/{project}/schema/binding", json=bound)
    assert sage.owner.ok("GET", f"/entity/{file}/schema/validation")["isValid"] is True
    assert sage.owner.ok("GET", f"/entity/{file}/derivedKeys") == {"keys": ["lab"]}
    annotate(sage, file, species="rat")
    assert sage.owner.ok("GET", f"/entity/{file}/schema/validation")["isValid"] is False
    statistics = sage.owner.ok("GET", f"/entity/{project}/schema/validation/statistics")
    assert (statistics["numberOfInvalidChildren"], statistics["totalNumberOfChildren"]) == (1, 1)
    sage.owner.fails("DELETE", f"/schema/type/registered/{SCHEMA['$id']}", 400)
    sage.owner.ok("DELETE", f"/entity/{project}/schema/binding", 204)
    sage.owner.ok("DELETE", f"/schema/type/registered/{SCHEMA['$id']}", 204)
    sage.owner.ok("DELETE", f"/schema/organization/{organization}")


def test_schema_is_bound_by_who_may_update_only(sage: Sage, organization: str, project: str) -> None:
    register(sage)
    sage.other.fails("PUT", f"/entity/{project}/schema/binding", 403, json={"schema$id": SCHEMA["$id"]})


def test_derived_annotations_come_only_when_asked_for(sage: Sage, organization: str, project: str, file: str) -> None:
    extra = {"lots": {"const": [1, 2]}, "share": {"default": 0.5}, "nested": {"const": {"a": 1}}}
    register(sage, properties={**SCHEMA["properties"], **extra})
    bound = {"entityId": project, "schema$id": SCHEMA["$id"], "enableDerivedAnnotations": True}
    sage.owner.ok("PUT", f"/entity/{project}/schema/binding", json=bound)
    path = f"/entity/{file}/annotations2"
    plain = sage.owner.ok("GET", path)["annotations"]
    found = sage.owner.ok("GET", f"{path}?includeDerived=true")["annotations"]
    assert {key: found[key] for key in plain} == plain
    assert (found["lots"], found["share"]) == (
        {"type": "LONG", "value": ["1", "2"]},
        {"type": "DOUBLE", "value": ["0.5"]},
    )
    assert "lots" not in plain
    assert "nested" not in found  # no annotation can hold an object


def test_nulls_of_a_schema_are_values_in_results_of_jobs(sage: Sage, organization: str) -> None:
    made = register(sage, properties={"gone": {"const": None}})
    body = {"concreteType": f"{P}.schema.GetValidationSchemaRequest", "$id": SCHEMA["$id"]}
    read = job(sage.owner, "/schema/type/validation/async", body)
    assert made["validationSchema"]["properties"] == {"gone": {"const": None}} == read["validationSchema"]["properties"]
