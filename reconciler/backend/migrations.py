"""The schema of a store, as numbered steps; a store made by an older version is brought up to date when opened.

Steps are never edited once released: a change is a new step. Identifiers of all tables continue from a number that
is drawn when the store is made, see `store`. The steps are written as SQLite has them; `postgres` translates them.
"""

from __future__ import annotations

import sqlite3
from typing import Final

from reconciler.backend.database import Connection
from reconciler.backend.sage_community_step import COMMUNITY_STEP
from reconciler.backend.sage_step import SAGE_STEP
from reconciler.backend.sage_tables_step import SAGE_TABLES_STEP
from reconciler.backend.second_step import SECOND_STEP

_V1: Final = """
CREATE TABLE settings (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;

CREATE TABLE tenants (
    id INTEGER PRIMARY KEY AUTOINCREMENT, code TEXT NOT NULL UNIQUE, name TEXT NOT NULL, slug TEXT NOT NULL,
    is_active INTEGER NOT NULL DEFAULT 1, created TEXT NOT NULL);

CREATE TABLE users (
    id INTEGER PRIMARY KEY AUTOINCREMENT, email TEXT NOT NULL UNIQUE, name TEXT NOT NULL, password TEXT,
    is_admin INTEGER NOT NULL DEFAULT 0, created TEXT NOT NULL);

CREATE TABLE memberships (
    user_id INTEGER NOT NULL REFERENCES users ON DELETE CASCADE,
    tenant_id INTEGER NOT NULL REFERENCES tenants ON DELETE CASCADE,
    role TEXT NOT NULL DEFAULT 'owner', PRIMARY KEY (user_id, tenant_id)) WITHOUT ROWID;

-- hash: SHA-256 of the token. tenant_id: null for tokens that a login gave, which need a tenant header.
CREATE TABLE tokens (
    id INTEGER PRIMARY KEY AUTOINCREMENT, hash TEXT NOT NULL UNIQUE,
    user_id INTEGER NOT NULL REFERENCES users ON DELETE CASCADE,
    tenant_id INTEGER REFERENCES tenants ON DELETE CASCADE,
    description TEXT NOT NULL DEFAULT '', last_used TEXT, created TEXT NOT NULL);
CREATE INDEX tokens_by_user ON tokens (user_id);

CREATE TABLE storages (
    id INTEGER PRIMARY KEY AUTOINCREMENT, tenant_id INTEGER NOT NULL UNIQUE REFERENCES tenants ON DELETE CASCADE,
    name TEXT NOT NULL, provider TEXT NOT NULL);

-- revision, stamp: name the state of the listing of units; see `revisions`.
CREATE TABLE collections (
    id INTEGER PRIMARY KEY AUTOINCREMENT, tenant_id INTEGER NOT NULL REFERENCES tenants ON DELETE CASCADE,
    name TEXT NOT NULL, category TEXT NOT NULL, description TEXT NOT NULL DEFAULT '', meta TEXT NOT NULL DEFAULT 'null',
    caution TEXT NOT NULL, access_level TEXT NOT NULL, is_archived INTEGER NOT NULL DEFAULT 0, created TEXT NOT NULL,
    revision INTEGER NOT NULL DEFAULT 0, stamp TEXT NOT NULL DEFAULT (lower(hex(randomblob(8)))));
CREATE INDEX collections_by_tenant ON collections (tenant_id, id);

CREATE TABLE specifications (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    collection_id INTEGER NOT NULL REFERENCES collections ON DELETE CASCADE,
    name TEXT NOT NULL, file_type TEXT NOT NULL, description TEXT NOT NULL DEFAULT '',
    configuration TEXT NOT NULL DEFAULT 'null', is_sequential INTEGER NOT NULL DEFAULT 0,
    is_required INTEGER NOT NULL DEFAULT 0, is_primary INTEGER NOT NULL DEFAULT 0,
    function_type TEXT NOT NULL DEFAULT '', position INTEGER NOT NULL DEFAULT 0, UNIQUE (collection_id, name));

CREATE TABLE unit_groups (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    collection_id INTEGER NOT NULL REFERENCES collections ON DELETE CASCADE,
    parent_id INTEGER REFERENCES unit_groups ON DELETE CASCADE, name TEXT NOT NULL);
CREATE UNIQUE INDEX unit_groups_by_name ON unit_groups (collection_id, coalesce(parent_id, 0), name);
CREATE INDEX unit_groups_by_parent ON unit_groups (parent_id);

CREATE TABLE files (
    id INTEGER PRIMARY KEY AUTOINCREMENT, tenant_id INTEGER NOT NULL REFERENCES tenants ON DELETE CASCADE,
    sha256 TEXT NOT NULL, sha1 TEXT NOT NULL, md5 TEXT NOT NULL, size INTEGER NOT NULL, name TEXT NOT NULL,
    meta TEXT NOT NULL DEFAULT 'null', created TEXT NOT NULL, UNIQUE (tenant_id, sha256));
CREATE INDEX files_by_sha1 ON files (tenant_id, sha1);
CREATE INDEX files_by_md5 ON files (tenant_id, md5);

-- received: bytes stored so far. file_id: what became of it, so that asking twice gives the same file.
CREATE TABLE chunked_uploads (
    id TEXT PRIMARY KEY, tenant_id INTEGER NOT NULL REFERENCES tenants ON DELETE CASCADE, name TEXT NOT NULL,
    received INTEGER NOT NULL, total INTEGER NOT NULL, created TEXT NOT NULL, completed TEXT,
    file_id INTEGER REFERENCES files) WITHOUT ROWID;

-- checksum: SHA-1 over the composition, '' for a unit without files.
CREATE TABLE units (
    id INTEGER PRIMARY KEY AUTOINCREMENT, collection_id INTEGER NOT NULL REFERENCES collections ON DELETE CASCADE,
    group_id INTEGER REFERENCES unit_groups ON DELETE SET NULL, checksum TEXT NOT NULL, created TEXT NOT NULL,
    meta TEXT NOT NULL);
CREATE INDEX units_by_collection ON units (collection_id, id);
CREATE UNIQUE INDEX units_by_composition ON units (collection_id, checksum) WHERE checksum <> '';
CREATE INDEX units_by_group ON units (group_id);

CREATE TABLE unit_files (
    unit_id INTEGER NOT NULL REFERENCES units ON DELETE CASCADE,
    specification_id INTEGER NOT NULL REFERENCES specifications, file_id INTEGER NOT NULL REFERENCES files,
    path TEXT NOT NULL, PRIMARY KEY (unit_id, specification_id)) WITHOUT ROWID;
CREATE INDEX unit_files_by_specification ON unit_files (specification_id);
CREATE INDEX unit_files_by_file ON unit_files (file_id);

CREATE TABLE projects (
    id INTEGER PRIMARY KEY AUTOINCREMENT, tenant_id INTEGER NOT NULL REFERENCES tenants ON DELETE CASCADE,
    collection_id INTEGER REFERENCES collections, title TEXT NOT NULL, category TEXT NOT NULL,
    description TEXT NOT NULL DEFAULT '', configuration TEXT NOT NULL, caution TEXT NOT NULL,
    access_level TEXT NOT NULL, max_assignments INTEGER NOT NULL, can_discard INTEGER NOT NULL,
    enable_workforce INTEGER NOT NULL, is_archived INTEGER NOT NULL DEFAULT 0, created TEXT NOT NULL,
    revision INTEGER NOT NULL DEFAULT 0, stamp TEXT NOT NULL DEFAULT (lower(hex(randomblob(8)))));
CREATE INDEX projects_by_tenant ON projects (tenant_id, id);
CREATE INDEX projects_by_collection ON projects (collection_id);

CREATE TABLE task_tags (
    id INTEGER PRIMARY KEY AUTOINCREMENT, project_id INTEGER NOT NULL REFERENCES projects ON DELETE CASCADE,
    name TEXT NOT NULL, category TEXT NOT NULL, description TEXT NOT NULL DEFAULT '',
    meta TEXT NOT NULL DEFAULT 'null', created TEXT NOT NULL, UNIQUE (project_id, category, name));

CREATE TABLE review_tags (
    id INTEGER PRIMARY KEY AUTOINCREMENT, project_id INTEGER NOT NULL REFERENCES projects ON DELETE CASCADE,
    name TEXT NOT NULL, background_color TEXT NOT NULL DEFAULT '', description TEXT NOT NULL DEFAULT '',
    created TEXT NOT NULL, UNIQUE (project_id, name));

CREATE TABLE tasks (
    id INTEGER PRIMARY KEY AUTOINCREMENT, project_id INTEGER NOT NULL REFERENCES projects ON DELETE CASCADE,
    unit_id INTEGER NOT NULL REFERENCES units ON DELETE CASCADE, workshop_id INTEGER, schema TEXT NOT NULL,
    is_discarded INTEGER NOT NULL DEFAULT 0, has_data INTEGER NOT NULL DEFAULT 0, created TEXT NOT NULL,
    meta TEXT NOT NULL DEFAULT 'null', data TEXT, UNIQUE (project_id, unit_id));
CREATE INDEX tasks_by_project ON tasks (project_id, id);
CREATE INDEX tasks_by_unit ON tasks (unit_id);

CREATE TABLE assignments (
    id INTEGER PRIMARY KEY AUTOINCREMENT, project_id INTEGER NOT NULL REFERENCES projects ON DELETE CASCADE,
    task_id INTEGER NOT NULL REFERENCES tasks ON DELETE CASCADE, user_id INTEGER NOT NULL REFERENCES users,
    reviewer_id INTEGER REFERENCES users, status_label TEXT NOT NULL, status_review TEXT NOT NULL,
    is_confirmed INTEGER NOT NULL DEFAULT 0, is_discarded INTEGER NOT NULL DEFAULT 0, created TEXT NOT NULL,
    label_submitted TEXT, last_labeled TEXT, data TEXT, UNIQUE (task_id, user_id));
CREATE INDEX assignments_by_project ON assignments (project_id, id);

CREATE TABLE tagged_tasks (
    task_id INTEGER NOT NULL REFERENCES tasks ON DELETE CASCADE,
    tag_id INTEGER NOT NULL REFERENCES task_tags ON DELETE CASCADE, PRIMARY KEY (task_id, tag_id)) WITHOUT ROWID;
CREATE INDEX tagged_tasks_by_tag ON tagged_tasks (tag_id);

CREATE TABLE tagged_assignments (
    assignment_id INTEGER NOT NULL REFERENCES assignments ON DELETE CASCADE,
    tag_id INTEGER NOT NULL REFERENCES task_tags ON DELETE CASCADE,
    PRIMARY KEY (assignment_id, tag_id)) WITHOUT ROWID;
CREATE INDEX tagged_assignments_by_tag ON tagged_assignments (tag_id);

CREATE TABLE truth_datasets (
    id INTEGER PRIMARY KEY AUTOINCREMENT, tenant_id INTEGER NOT NULL REFERENCES tenants ON DELETE CASCADE,
    name TEXT NOT NULL, description TEXT NOT NULL DEFAULT '', created TEXT NOT NULL);

CREATE TABLE truth_versions (
    id INTEGER PRIMARY KEY AUTOINCREMENT, dataset_id INTEGER NOT NULL REFERENCES truth_datasets ON DELETE CASCADE,
    version TEXT NOT NULL, description TEXT NOT NULL DEFAULT '', is_archived INTEGER NOT NULL DEFAULT 0,
    created TEXT NOT NULL, UNIQUE (dataset_id, version));
"""

STEPS: Final[tuple[str, ...]] = (_V1, SECOND_STEP, SAGE_STEP, COMMUNITY_STEP, SAGE_TABLES_STEP)
VERSION: Final = len(STEPS)


class NewerStore(Exception):
    """The store was written by a later version of this program."""


def migrate(db: Connection, *, first_id: int) -> None:
    """Bring a store up to date within the caller's write transaction. first_id: where identifiers of new tables begin.

    Raises NewerStore when the store has steps that we do not know.
    """
    done = db.format()
    if done > VERSION:
        raise NewerStore(f"the store has format {done}, this version knows {VERSION}")
    for number, step in enumerate(STEPS[done:], start=done + 1):
        for statement in _statements(step):
            db.define(statement)
        # Step by step, so that the tables of one step begin where they always did, whatever later steps add.
        _start_counters(db, first_id)
        db.set_format(number)


def _start_counters(db: Connection, first_id: int) -> None:
    """Let identifiers of tables without rows begin at `first_id`, or above all that an older store has used.

    Every table begins elsewhere, so that an id taken for one of another kind shows.
    """
    counters = db.counters()
    used = max(counters.values(), default=0)
    fresh = sorted(table for table, last in counters.items() if not last)
    for position, table in enumerate(fresh, start=1):
        db.set_counter(table, (used or first_id) + 1009 * position)


def _statements(script: str) -> list[str]:
    """Split a script at the ends of its statements (`executescript` would commit on its own)."""
    statements, current = [], ""
    for line in script.splitlines(keepends=True):
        current += line
        if sqlite3.complete_statement(current):
            statements.append(current)
            current = ""
    return statements
