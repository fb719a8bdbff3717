"""The kinds of tables on Sage keep the contract of objects."""

from __future__ import annotations

from dataclasses import replace

import pytest

from reconciler.errors import Invalid
from reconciler.model.address import Address
from reconciler.model.change import MISSING, FieldChange
from reconciler.model.kinds import SNAPSHOT
from reconciler.providers.base import Desired
from reconciler.testing.objects import ObjectContract, Sample
from reconciler.testing.provider import differences, read
from tests.support.sage_tables import add_rows, clients_of, make, sage_provider

PATIENT = {"name": "patient", "type": "STRING", "maximumSize": 20}
AGE = {"name": "age", "type": "INTEGER"}
TABLE = Address("Table", "visits")
VIEW = Address("EntityView", "scans")


@pytest.fixture
def provider(tmp_path):
    with sage_provider(tmp_path) as opened:
        yield opened


@pytest.fixture
def project(provider):
    return make(clients_of(provider), "Project", "Lung")


@pytest.fixture
def table(project):
    fields = {"title": "Visits", "parent": project, "description": "All.", "columns": [PATIENT, AGE]}
    return Desired(TABLE, {**fields, "annotations": {"site": "a", "year": 2026}, "snapshots": {"v1": SNAPSHOT}})


@pytest.fixture
def view(provider, project):
    folder = make(clients_of(provider), "Folder", "scans", parentId=project)
    fields = {"title": "Scans", "parent": project, "scope": [folder], "include": ["files", "folders"]}
    return Desired(VIEW, {**fields, "columns": [{"name": "name", "type": "STRING", "maximumSize": 256}]})


class TestTables(ObjectContract):
    @pytest.fixture
    def provider(self, tmp_path):
        with sage_provider(tmp_path) as opened:
            yield opened

    @pytest.fixture(params=["title", "columns", "annotations", "snapshots"])
    def sample(self, request, table):
        changes = {
            "title": {"title": "Visits 2", "description": "More."},
            "columns": {"columns": [{"name": "years", "type": "DOUBLE"}, {**PATIENT, "maximumSize": 30}]},
            "annotations": {"annotations": {"site": ["a", "b"], "year": 2026}},
            "snapshots": {"snapshots": {"v1": SNAPSHOT, "v2": SNAPSHOT}},
        }
        return Sample(table, changes[request.param], absent="syn999999")


class TestEntityViews(ObjectContract):
    @pytest.fixture
    def provider(self, tmp_path):
        with sage_provider(tmp_path) as opened:
            yield opened

    @pytest.fixture(params=["title", "scope", "columns", "snapshots"])
    def sample(self, request, view, project):
        changes = {
            "title": {"title": "Scans 2"},
            "scope": {"scope": [project]},
            "columns": {"columns": [{"name": "id", "type": "ENTITYID"}, {"name": "site", "type": "STRING"}]},
            "snapshots": {"snapshots": {"v1": SNAPSHOT}},
        }
        return Sample(view, changes[request.param], absent="syn999999")


def _settled(provider, desired, found):
    settled = provider.settle(desired, found)
    return replace(desired, fields=settled.fields), settled.notes


def test_renamed_column_keeps_its_values(provider, table):
    clients, found = clients_of(provider), provider.create(table)
    ids = [row["id"] for row in clients.repo.get(f"/entity/{found.remote_id}/column").value["results"]]
    add_rows(clients, found.remote_id, [{ids[0]: "p1", ids[1]: "44"}])
    found = read(provider, TABLE, found.remote_id)
    renamed = {"name": "years", "type": "INTEGER", "previousName": "age"}
    wanted, notes = _settled(provider, replace(table, fields={**table.fields, "columns": [renamed, PATIENT]}), found)
    found = provider.update(wanted, found, differences(wanted, found))
    assert notes == ("column 'age' is renamed to 'years'; its values stay",)
    answer, _ = _settled(provider, wanted, found)
    assert differences(answer, found) == ()
    from reconciler.providers.sage.queries import download, query_csv

    result = query_csv(clients, f"select * from {found.remote_id}")
    assert b"".join(download(clients.file, result.file)) == b'"years","patient"\n"44","p1"\n'


@pytest.mark.parametrize(
    ("columns", "notes"),
    [
        pytest.param([PATIENT], ("danger: column 'age' goes; 1 row has a value there",), id="removed"),
        pytest.param(
            [{**PATIENT, "type": "INTEGER"}, AGE],
            ("danger: column 'patient' changes its type from STRING to INTEGER; 2 rows have a value there",),
            id="narrower type",
        ),
        pytest.param(
            [{**PATIENT, "maximumSize": 10}, AGE],
            ("danger: column 'patient' admits at most 10 characters instead of 20; 2 rows have a value there",),
            id="shorter",
        ),
        pytest.param([PATIENT, {"name": "age", "type": "DOUBLE"}], (), id="wider type"),
        pytest.param([{"name": "patient", "type": "LARGETEXT"}, AGE], (), id="wider text"),
    ],
)
def test_change_of_columns_says_what_is_lost(provider, table, columns, notes):
    clients, found = clients_of(provider), provider.create(table)
    ids = [row["id"] for row in clients.repo.get(f"/entity/{found.remote_id}/column").value["results"]]
    add_rows(clients, found.remote_id, [{ids[0]: "p1", ids[1]: "44"}, {ids[0]: "p2"}])
    _, said = _settled(provider, replace(table, fields={**table.fields, "columns": columns}), found)
    assert said == notes


def test_type_that_cannot_change_is_refused_while_planning(provider, table):
    found = provider.create(table)
    columns = [PATIENT, {"name": "age", "type": "JSON"}]
    with pytest.raises(Invalid, match="cannot change its type from INTEGER to JSON"):
        provider.settle(replace(table, fields={**table.fields, "columns": columns}), found)


def test_snapshot_cannot_be_removed(provider, table):
    found = provider.create(table)
    change = FieldChange(("snapshots", "v1"), SNAPSHOT, MISSING)
    with pytest.raises(Invalid, match="snapshots cannot be deleted: v1"):
        provider.update(table, found, (change,))


def test_view_without_columns_gets_those_that_the_service_suggests(provider, view):
    fields = {name: value for name, value in view.fields.items() if name != "columns"}
    found = provider.create(replace(view, fields=fields))
    assert [column["name"] for column in found.fields["columns"]][:3] == ["id", "name", "description"]
    assert differences(replace(view, fields=fields), found) == ()


def test_entity_of_another_type_at_the_place_is_refused(provider, table, project):
    make(clients_of(provider), "Folder", "Visits", parentId=project)
    with pytest.raises(Invalid, match="is there and is a Folder"):
        provider.find(table)
