from __future__ import annotations

from dataclasses import replace

import pytest

from reconciler.errors import Invalid, NotFound, Transient
from reconciler.providers.sage.queries import download, last_update, queried_entity, queried_version, query_csv
from tests.support.sage_tables import add_rows, clients_of, make, make_columns, sage_provider


@pytest.fixture
def clients(tmp_path):
    with sage_provider(tmp_path) as provider:
        yield clients_of(provider)


@pytest.fixture
def columns(clients):
    return make_columns(clients, {"name": "patient", "columnType": "STRING"}, {"name": "visited", "columnType": "DATE"})


@pytest.fixture
def table(clients, columns):
    parent = make(clients, "Project", "Lung")
    made = make(clients, "table.TableEntity", "Visits", parentId=parent, columnIds=columns)
    add_rows(clients, made, [{columns[0]: 'a "b",c', columns[1]: "1577836800000"}, {columns[0]: "d\ne\\"}])
    return made


def test_query_gives_csv_with_its_md5_and_types(clients, table):
    result = query_csv(clients, f"select patient, visited from {table}")
    text = b"".join(download(clients.file, result.file)).decode()
    assert text == '"patient","visited"\n"a ""b"",c","1577836800000"\n"d\ne\\",\n'
    assert (result.file.size_bytes, result.headers) == (len(text), (("patient", "STRING"), ("visited", "DATE")))


def test_query_with_row_ids_begins_with_them(clients, table):
    result = query_csv(clients, f"SELECT count(*) FROM {table}", row_ids=True)
    assert b"".join(download(clients.file, result.file)).splitlines()[1] == b'"2"'
    result = query_csv(clients, f"SELECT patient FROM {table} where visited is null", row_ids=True)
    assert b"".join(download(clients.file, result.file)).splitlines()[0] == b'"ROW_ID","ROW_VERSION","patient"'


def test_query_that_makes_no_sense_is_refused_by_the_service(clients, table):
    with pytest.raises(Invalid):
        query_csv(clients, f"select nothing_there from {table}")


def test_query_of_a_table_that_is_not_there_is_not_found(clients):
    with pytest.raises(NotFound):
        query_csv(clients, "select * from syn999999999")


def test_download_of_other_bytes_is_an_error(clients, table):
    file = replace(query_csv(clients, f"select * from {table}").file, checksum="0" * 32)
    with pytest.raises(Transient, match="damaged"):
        b"".join(download(clients.file, file))


@pytest.mark.parametrize(
    ("sql", "entity"), [("select * from syn12", "syn12"), ('SELECT "from" FROM SYN7.3 where x = 1', "syn7")]
)
def test_queried_entity_is_the_one_that_is_read(sql, entity):
    assert queried_entity(sql) == entity


def test_query_without_a_table_is_refused():
    with pytest.raises(Invalid, match="names no table"):
        queried_entity("select 1")


def test_last_update_changes_with_the_rows_alone(clients, table, columns):
    before = last_update(clients.repo, table)
    assert last_update(clients.repo, table) == before
    add_rows(clients, table, [{columns[0]: "f"}])
    assert last_update(clients.repo, table) != before


@pytest.mark.parametrize(("sql", "version"), [("select * from syn12", None), ("select * FROM syn12.3", 3)])
def test_queried_version_is_the_one_that_is_named(sql, version):
    assert queried_version(sql) == version


def test_last_update_looks_through_a_query(clients, table):
    assert last_update(clients.repo, table, sql=f"select patient from {table}") == last_update(clients.repo, table)
    with pytest.raises(Invalid, match="nothing_there"):
        last_update(clients.repo, table, sql=f"select nothing_there from {table}")
