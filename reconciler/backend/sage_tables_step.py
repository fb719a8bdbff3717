"""The step of the store's schema with columns, tables, views and JSON schemas of the Sage dialect."""

from __future__ import annotations

from typing import Final

SAGE_TABLES_STEP: Final = """
-- hash: SHA-256 of the definition. name_key: the name in lower case.
CREATE TABLE sage_columns (
    id INTEGER PRIMARY KEY AUTOINCREMENT, hash TEXT NOT NULL UNIQUE, name_key TEXT NOT NULL, body TEXT NOT NULL);
CREATE INDEX sage_columns_by_name ON sage_columns (name_key, id);

-- change: number of the last change of rows. slots: column id to the key that its cells have in rows, as JSON; a column
-- that comes back after it was removed gets another key, so that old cells stay hidden.
CREATE TABLE sage_tables (
    entity_id INTEGER PRIMARY KEY REFERENCES sage_entities ON DELETE CASCADE, etag TEXT NOT NULL,
    change INTEGER NOT NULL DEFAULT 0, next_row INTEGER NOT NULL DEFAULT 1, next_slot INTEGER NOT NULL DEFAULT 1,
    slots TEXT NOT NULL DEFAULT '{}', changed_on TEXT NOT NULL) WITHOUT ROWID;

-- A row is there from change `version` until before change `ended`. cells: key to value, as JSON.
CREATE TABLE sage_table_rows (
    table_id INTEGER NOT NULL REFERENCES sage_entities ON DELETE CASCADE, row_id INTEGER NOT NULL,
    version INTEGER NOT NULL, ended INTEGER NOT NULL, etag TEXT, benefactor_id INTEGER, row_version INTEGER,
    cells TEXT NOT NULL, PRIMARY KEY (table_id, row_id, version)) WITHOUT ROWID;
CREATE INDEX sage_table_rows_by_end ON sage_table_rows (table_id, ended);

-- What a version of a table or view shows: its rows at `change`, its cells by `slots`.
CREATE TABLE sage_snapshots (
    entity_id INTEGER NOT NULL REFERENCES sage_entities ON DELETE CASCADE, number INTEGER NOT NULL,
    change INTEGER NOT NULL, slots TEXT NOT NULL, PRIMARY KEY (entity_id, number)) WITHOUT ROWID;

-- Files that are, or once were, in cells of a table.
CREATE TABLE sage_table_files (
    table_id INTEGER NOT NULL REFERENCES sage_entities ON DELETE CASCADE, file_handle_id INTEGER NOT NULL,
    PRIMARY KEY (table_id, file_handle_id)) WITHOUT ROWID;
CREATE INDEX sage_table_files_by_file ON sage_table_files (file_handle_id);

CREATE TABLE sage_data_types (
    entity_id INTEGER PRIMARY KEY REFERENCES sage_entities ON DELETE CASCADE, data_type TEXT NOT NULL) WITHOUT ROWID;

CREATE TABLE sage_organizations (
    id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL, name_key TEXT NOT NULL UNIQUE,
    created_by INTEGER NOT NULL, created_on TEXT NOT NULL);

CREATE TABLE sage_schemas (
    id INTEGER PRIMARY KEY AUTOINCREMENT, organization_id INTEGER NOT NULL REFERENCES sage_organizations,
    name TEXT NOT NULL, name_key TEXT NOT NULL, created_by INTEGER NOT NULL, created_on TEXT NOT NULL,
    latest_id INTEGER, UNIQUE (organization_id, name_key));

-- semantic: null for versions without a number, of which the last is what the schema's name alone means.
CREATE TABLE sage_schema_versions (
    id INTEGER PRIMARY KEY AUTOINCREMENT, schema_id INTEGER NOT NULL REFERENCES sage_schemas ON DELETE CASCADE,
    semantic TEXT, content_hash TEXT NOT NULL, body TEXT NOT NULL, created_by INTEGER NOT NULL,
    created_on TEXT NOT NULL,
    UNIQUE (schema_id, semantic));

-- version_id: null when the binding follows the schema's latest version.
CREATE TABLE sage_schema_bindings (
    entity_id INTEGER PRIMARY KEY REFERENCES sage_entities ON DELETE CASCADE,
    schema_id INTEGER NOT NULL REFERENCES sage_schemas, version_id INTEGER REFERENCES sage_schema_versions,
    derives INTEGER NOT NULL, created_by INTEGER NOT NULL, created_on TEXT NOT NULL) WITHOUT ROWID;
CREATE INDEX sage_schema_bindings_by_schema ON sage_schema_bindings (schema_id);
CREATE INDEX sage_schema_bindings_by_version ON sage_schema_bindings (version_id);
"""
