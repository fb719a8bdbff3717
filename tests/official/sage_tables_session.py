"""Calls of the unmodified official Sage client for tables, views and schemas, one JSON line on stdout for each."""

import json
import logging
import sys
import warnings
from pathlib import Path

import pandas as pd
import synapseclient
from sage_session import Recorder
from synapseclient.models import (
    Column,
    ColumnType,
    Dataset,
    EntityRef,
    EntityView,
    File,
    JSONSchema,
    MaterializedView,
    Project,
    SchemaOrganization,
    Table,
    ViewTypeMask,
    VirtualTable,
)

warnings.simplefilter("ignore")

SCHEMA = {"type": "object", "properties": {"species": {"type": "string"}}}


def models(call, folder):
    project = call("Project.store", lambda: Project(name="tables").store())
    path = folder / "one.txt"
    path.write_text("one")
    file = call(
        "File.store", lambda: File(path=str(path), parent_id=project.id, annotations={"species": ["rat"]}).store()
    )
    columns = [Column(name="name", column_type=ColumnType.STRING), Column(name="age", column_type=ColumnType.INTEGER)]
    table = call("Table.store", lambda: Table(name="t", parent_id=project.id, columns=columns).store())
    rows = pd.DataFrame({"name": ["Ann", "Bob"], "age": [30, 20]})
    call("Table.store_rows", lambda: table.store_rows(values=rows))
    asked = f"SELECT * FROM {table.id} WHERE age > 25"
    call("Table.query", lambda: table.query(asked), lambda found: list(found["name"]) == ["Ann"])
    call("Table.query_part_mask", lambda: table.query_part_mask(asked, part_mask=3), lambda found: found.count == 1)
    changed = pd.DataFrame({"name": ["Bob", "Eve"], "age": [21, 5]})
    call("Table.upsert_rows", lambda: table.upsert_rows(values=changed, primary_keys=["name"]))
    ages = f"SELECT age FROM {table.id} ORDER BY age"
    call("Table.query upserted", lambda: table.query(ages), lambda found: list(found["age"]) == [5, 21, 30])
    call(
        "Table.snapshot",
        lambda: table.snapshot(comment="c", label="one"),
        lambda found: found["snapshotVersionNumber"] == 1,
    )
    call(
        "Table.delete_rows",
        lambda: table.delete_rows(query=f"SELECT ROW_ID, ROW_VERSION FROM {table.id} WHERE age = 5"),
    )
    call("Table.query version", lambda: table.query(f"SELECT * FROM {table.id}.1"), lambda found: len(found) == 3)
    table.add_column(Column(name="city", column_type=ColumnType.STRING))
    call("Table.add_column", table.store, lambda made: "city" in made.columns)
    table.delete_column(name="city")
    call("Table.delete_column", table.store, lambda made: "city" not in made.columns)
    call("Table.get", lambda: Table(id=table.id).get(include_columns=True), lambda found: len(found.columns) == 2)
    view = call(
        "EntityView.store",
        lambda: EntityView(
            name="v", parent_id=project.id, scope_ids={project.id}, view_type_mask=ViewTypeMask.FILE
        ).store(),
    )
    seen = f"SELECT * FROM {view.id}"
    call("EntityView.query", lambda: view.query(seen), lambda found: list(found["id"]) == [file.id])
    call("EntityView.snapshot", lambda: view.snapshot(label="s"), lambda found: found.snapshot_version_number == 1)
    call("EntityView.get", lambda: EntityView(id=view.id).get(), lambda found: found.scope_ids == {project.id})
    item = EntityRef(id=file.id, version=1)
    dataset = call("Dataset.store", lambda: Dataset(name="d", parent_id=project.id, items=[item]).store())
    call("Dataset.query", lambda: dataset.query(f"SELECT * FROM {dataset.id}"), lambda found: len(found) == 1)
    call("Dataset.get", lambda: Dataset(id=dataset.id).get(), lambda found: found.items == [item])
    sql = f"SELECT name FROM {table.id}"
    mv = call(
        "MaterializedView.store", lambda: MaterializedView(name="m", parent_id=project.id, defining_sql=sql).store()
    )
    call("MaterializedView.query", lambda: mv.query(f"SELECT * FROM {mv.id}"), lambda found: len(found) == 2)
    vt = call("VirtualTable.store", lambda: VirtualTable(name="x", parent_id=project.id, defining_sql=sql).store())
    call("VirtualTable.query", lambda: vt.query(f"SELECT * FROM {vt.id}"), lambda found: len(found) == 2)
    call("VirtualTable.delete", vt.delete)
    organization = call("SchemaOrganization.store", lambda: SchemaOrganization(name="my.official").store())
    schema = call(
        "JSONSchema.store", lambda: JSONSchema("mouse", "my.official").store(schema_body=SCHEMA, version="0.0.1")
    )
    call("JSONSchema.get_body", lambda: schema.get_body(version="0.0.1"), lambda found: found["type"] == "object")
    call("SchemaOrganization.get", lambda: SchemaOrganization(name="my.official").get())
    call("File.bind_schema", lambda: file.bind_schema(json_schema_uri="my.official-mouse-0.0.1"))
    call("File.validate_schema", file.validate_schema, lambda found: found.is_valid)
    call("File.unbind_schema", file.unbind_schema)
    call("JSONSchema.delete", schema.delete)
    call("SchemaOrganization.delete", organization.delete)
    return table


def legacy(call, syn, table):
    call("getColumns", lambda: list(syn.getTableColumns(table.id)), lambda found: len(found) == 2)
    call(
        "tableQuery csv",
        lambda: syn.tableQuery(f"SELECT * FROM {table.id}").asDataFrame(),
        lambda found: len(found) == 2,
    )
    asked = f"SELECT name FROM {table.id} ORDER BY name"
    call(
        "tableQuery rowset",
        lambda: list(syn.tableQuery(asked, resultsAs="rowset")),
        lambda found: len(found) == 2 and "Ann" in str(found[0]),
    )
    call("create_snapshot_version", lambda: syn.create_snapshot_version(table.id), lambda found: found == 2)


def main():
    given = json.load(sys.stdin)
    out, sys.stdout = sys.stdout, sys.stderr
    logging.disable(logging.CRITICAL)
    syn = synapseclient.Synapse(silent=True, skip_checks=True)
    syn.login(silent=True)
    call = Recorder("tables", out)
    legacy(call, syn, models(call, Path(given["folder"])))


if __name__ == "__main__":
    main()
