"""The third step of the store's schema: the tables of the Sage dialect, all named `sage_…`.

Texts that are compared without case are kept a second time in lower case (`…_key`); etags are random; times are ISO
8601 in UTC with milliseconds, so that they sort as text.
"""

from __future__ import annotations

from typing import Final

SAGE_STEP: Final = """
-- Users, teams and groups share one space of ids and names. kind: user, team or group.
CREATE TABLE sage_principals (
    id INTEGER PRIMARY KEY AUTOINCREMENT, kind TEXT NOT NULL, name TEXT NOT NULL, name_key TEXT NOT NULL UNIQUE,
    email TEXT NOT NULL DEFAULT '', certified INTEGER NOT NULL DEFAULT 0, is_admin INTEGER NOT NULL DEFAULT 0,
    etag TEXT NOT NULL, profile TEXT NOT NULL DEFAULT '{}', created TEXT NOT NULL);

-- Who manages a team is in its access list.
CREATE TABLE sage_team_members (
    team_id INTEGER NOT NULL REFERENCES sage_principals ON DELETE CASCADE,
    user_id INTEGER NOT NULL REFERENCES sage_principals ON DELETE CASCADE,
    PRIMARY KEY (team_id, user_id)) WITHOUT ROWID;
CREATE INDEX sage_team_members_by_user ON sage_team_members (user_id, team_id);

-- hash: SHA-256 of the token. scopes: separated by spaces.
CREATE TABLE sage_tokens (
    id INTEGER PRIMARY KEY AUTOINCREMENT, hash TEXT NOT NULL UNIQUE,
    user_id INTEGER NOT NULL REFERENCES sage_principals ON DELETE CASCADE, name TEXT NOT NULL, scopes TEXT NOT NULL,
    created TEXT NOT NULL);
CREATE INDEX sage_tokens_by_user ON sage_tokens (user_id, id);

-- trash_root: the deleted entity that took this one along, null for what is not in the trash.
-- benefactor_id: the nearest ancestor, itself included, that has an access list.
CREATE TABLE sage_entities (
    id INTEGER PRIMARY KEY AUTOINCREMENT, type TEXT NOT NULL, name TEXT NOT NULL, parent_id INTEGER NOT NULL,
    benefactor_id INTEGER NOT NULL, etag TEXT NOT NULL, version INTEGER NOT NULL, max_version INTEGER NOT NULL,
    alias TEXT, alias_key TEXT, created_by INTEGER NOT NULL, created_on TEXT NOT NULL, trash_root INTEGER);
CREATE UNIQUE INDEX sage_entities_by_name ON sage_entities (parent_id, name) WHERE trash_root IS NULL;
CREATE UNIQUE INDEX sage_entities_by_alias ON sage_entities (alias_key) WHERE trash_root IS NULL;
CREATE INDEX sage_entities_by_parent ON sage_entities (parent_id, trash_root, type);
CREATE INDEX sage_entities_by_benefactor ON sage_entities (benefactor_id);
CREATE INDEX sage_entities_by_trash ON sage_entities (trash_root);

-- fields: what only some types have, as JSON. annotations: key to type and values, as JSON.
CREATE TABLE sage_versions (
    entity_id INTEGER NOT NULL REFERENCES sage_entities ON DELETE CASCADE, number INTEGER NOT NULL,
    label TEXT NOT NULL, label_key TEXT NOT NULL, comment TEXT, description TEXT, file_handle_id INTEGER,
    activity_id INTEGER, fields TEXT NOT NULL DEFAULT '{}', annotations TEXT NOT NULL DEFAULT '{}',
    modified_by INTEGER NOT NULL, modified_on TEXT NOT NULL, PRIMARY KEY (entity_id, number)) WITHOUT ROWID;
CREATE UNIQUE INDEX sage_versions_by_label ON sage_versions (entity_id, label_key);
CREATE INDEX sage_versions_by_file ON sage_versions (file_handle_id);
CREATE INDEX sage_versions_by_activity ON sage_versions (activity_id);

CREATE TABLE sage_trash (
    entity_id INTEGER PRIMARY KEY REFERENCES sage_entities ON DELETE CASCADE, parent_id INTEGER NOT NULL,
    deleted_by INTEGER NOT NULL, deleted_on TEXT NOT NULL) WITHOUT ROWID;
CREATE INDEX sage_trash_by_user ON sage_trash (deleted_by, entity_id);

-- owner_kind: ENTITY, EVALUATION, TEAM, ORGANIZATION. A list without grants is a list all the same.
CREATE TABLE sage_acls (
    owner_kind TEXT NOT NULL, owner_id INTEGER NOT NULL, etag TEXT NOT NULL, created_on TEXT NOT NULL,
    PRIMARY KEY (owner_kind, owner_id)) WITHOUT ROWID;
CREATE TABLE sage_grants (
    owner_kind TEXT NOT NULL, owner_id INTEGER NOT NULL, principal_id INTEGER NOT NULL, access TEXT NOT NULL,
    PRIMARY KEY (owner_kind, owner_id, principal_id, access),
    FOREIGN KEY (owner_kind, owner_id) REFERENCES sage_acls ON DELETE CASCADE) WITHOUT ROWID;
CREATE INDEX sage_grants_by_principal ON sage_grants (principal_id);

CREATE TABLE sage_activities (
    id INTEGER PRIMARY KEY AUTOINCREMENT, etag TEXT NOT NULL, name TEXT, description TEXT, used TEXT NOT NULL,
    created_by INTEGER NOT NULL, created_on TEXT NOT NULL, modified_by INTEGER NOT NULL, modified_on TEXT NOT NULL);

-- sha256: names the bytes, null when they are elsewhere. details: what only some kinds have, as JSON.
CREATE TABLE sage_file_handles (
    id INTEGER PRIMARY KEY AUTOINCREMENT, kind TEXT NOT NULL, etag TEXT NOT NULL, file_name TEXT NOT NULL,
    content_type TEXT NOT NULL, md5 TEXT, size INTEGER, storage_location_id INTEGER, sha256 TEXT,
    details TEXT NOT NULL DEFAULT '{}', created_by INTEGER NOT NULL, created_on TEXT NOT NULL);
CREATE INDEX sage_file_handles_by_md5 ON sage_file_handles (md5);

-- source_id: the file handle that a copying upload copies.
CREATE TABLE sage_uploads (
    id INTEGER PRIMARY KEY AUTOINCREMENT, user_id INTEGER NOT NULL, request_hash TEXT NOT NULL, name TEXT NOT NULL,
    content_type TEXT NOT NULL, md5 TEXT NOT NULL, size INTEGER NOT NULL, part_size INTEGER NOT NULL,
    storage_location_id INTEGER NOT NULL, source_id INTEGER, result_id INTEGER, started_on TEXT NOT NULL,
    updated_on TEXT NOT NULL, UNIQUE (user_id, request_hash));
CREATE TABLE sage_upload_parts (
    upload_id INTEGER NOT NULL REFERENCES sage_uploads ON DELETE CASCADE, number INTEGER NOT NULL, md5 TEXT NOT NULL,
    PRIMARY KEY (upload_id, number)) WITHOUT ROWID;

CREATE TABLE sage_storage_locations (
    id INTEGER PRIMARY KEY AUTOINCREMENT, created_by INTEGER NOT NULL, content_hash TEXT NOT NULL, body TEXT NOT NULL,
    etag TEXT NOT NULL, created_on TEXT NOT NULL, UNIQUE (created_by, content_hash));

CREATE TABLE sage_project_settings (
    id INTEGER PRIMARY KEY AUTOINCREMENT, entity_id INTEGER NOT NULL REFERENCES sage_entities ON DELETE CASCADE,
    type TEXT NOT NULL, etag TEXT NOT NULL, locations TEXT NOT NULL, UNIQUE (entity_id, type));

-- response: null while the job failed or was cancelled; error: status and reason of a failed one, as JSON.
CREATE TABLE sage_jobs (
    id INTEGER PRIMARY KEY AUTOINCREMENT, user_id INTEGER NOT NULL, kind TEXT NOT NULL, state TEXT NOT NULL,
    request TEXT NOT NULL, response TEXT, error TEXT, started_on TEXT NOT NULL, changed_on TEXT NOT NULL);

CREATE TABLE sage_messages (
    id INTEGER PRIMARY KEY AUTOINCREMENT, created_by INTEGER NOT NULL, created_on TEXT NOT NULL,
    subject TEXT, file_handle_id INTEGER NOT NULL, recipients TEXT NOT NULL, in_reply_to INTEGER);

-- version: 0 for whichever is current.
CREATE TABLE sage_download_lists (
    user_id INTEGER NOT NULL, entity_id INTEGER NOT NULL REFERENCES sage_entities ON DELETE CASCADE,
    version INTEGER NOT NULL, PRIMARY KEY (user_id, entity_id, version)) WITHOUT ROWID;

CREATE TABLE sage_form_groups (
    id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL UNIQUE, created_by INTEGER NOT NULL,
    created_on TEXT NOT NULL);
CREATE TABLE sage_form_data (
    id INTEGER PRIMARY KEY AUTOINCREMENT, group_id INTEGER NOT NULL REFERENCES sage_form_groups ON DELETE CASCADE,
    name TEXT NOT NULL, etag TEXT NOT NULL, file_handle_id INTEGER NOT NULL, state TEXT NOT NULL, reason TEXT,
    submitted_on TEXT, reviewed_on TEXT, reviewed_by INTEGER, created_by INTEGER NOT NULL, created_on TEXT NOT NULL,
    modified_on TEXT NOT NULL);
CREATE INDEX sage_form_data_by_group ON sage_form_data (group_id, id);

CREATE TABLE sage_locks (
    id INTEGER PRIMARY KEY AUTOINCREMENT, entity_id INTEGER NOT NULL REFERENCES sage_entities ON DELETE CASCADE,
    created_by INTEGER NOT NULL, created_on TEXT NOT NULL, UNIQUE (entity_id));
"""
