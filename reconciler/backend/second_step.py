"""The second step of the store's schema: members with ids, groups, grants, workshops, ground truth, plugins, jobs."""

from __future__ import annotations

from typing import Final

SECOND_STEP: Final = """
CREATE TABLE members (
    id INTEGER PRIMARY KEY AUTOINCREMENT, user_id INTEGER NOT NULL REFERENCES users ON DELETE CASCADE,
    tenant_id INTEGER NOT NULL REFERENCES tenants ON DELETE CASCADE,
    role TEXT NOT NULL DEFAULT 'owner', UNIQUE (user_id, tenant_id));
CREATE INDEX members_by_tenant ON members (tenant_id, id);
INSERT INTO members (user_id, tenant_id, role) SELECT user_id, tenant_id, role FROM memberships;
DROP TABLE memberships;

CREATE TABLE workspace_groups (
    id INTEGER PRIMARY KEY AUTOINCREMENT, tenant_id INTEGER NOT NULL REFERENCES tenants ON DELETE CASCADE,
    name TEXT NOT NULL, description TEXT NOT NULL DEFAULT '', created TEXT NOT NULL);
CREATE INDEX workspace_groups_by_tenant ON workspace_groups (tenant_id, id);

-- kind, target_id: a collection or project. Who: a member or a group, never both.
CREATE TABLE grants (
    id INTEGER PRIMARY KEY AUTOINCREMENT, kind TEXT NOT NULL, target_id INTEGER NOT NULL,
    member_id INTEGER REFERENCES members ON DELETE CASCADE,
    group_id INTEGER REFERENCES workspace_groups ON DELETE CASCADE, role TEXT NOT NULL);
CREATE UNIQUE INDEX grants_by_target
    ON grants (kind, target_id, coalesce(member_id, 0), coalesce(group_id, 0), role);

CREATE TABLE join_requests (
    id INTEGER PRIMARY KEY AUTOINCREMENT, kind TEXT NOT NULL, target_id INTEGER NOT NULL,
    tenant_id INTEGER NOT NULL REFERENCES tenants ON DELETE CASCADE,
    user_id INTEGER NOT NULL REFERENCES users ON DELETE CASCADE, status TEXT NOT NULL DEFAULT 'stand_by',
    role TEXT NOT NULL DEFAULT '', created TEXT NOT NULL, accepted TEXT, rejected TEXT);
CREATE INDEX join_requests_by_target ON join_requests (kind, target_id, id);

CREATE TRIGGER collection_grants AFTER DELETE ON collections BEGIN
    DELETE FROM grants WHERE kind = 'collection' AND target_id = old.id;
    DELETE FROM join_requests WHERE kind = 'collection' AND target_id = old.id;
END;
CREATE TRIGGER project_grants AFTER DELETE ON projects BEGIN
    DELETE FROM grants WHERE kind = 'project' AND target_id = old.id;
    DELETE FROM join_requests WHERE kind = 'project' AND target_id = old.id;
END;

CREATE TABLE validation_scripts (
    id INTEGER PRIMARY KEY AUTOINCREMENT, tenant_id INTEGER NOT NULL REFERENCES tenants ON DELETE CASCADE,
    name TEXT NOT NULL, description TEXT NOT NULL DEFAULT '', code TEXT NOT NULL, is_active INTEGER NOT NULL,
    timeout INTEGER NOT NULL, created TEXT NOT NULL, updated TEXT NOT NULL,
    created_by INTEGER REFERENCES users ON DELETE SET NULL);

CREATE TABLE workshops (
    id INTEGER PRIMARY KEY AUTOINCREMENT, project_id INTEGER NOT NULL REFERENCES projects ON DELETE CASCADE,
    name TEXT NOT NULL, visibility TEXT NOT NULL, access_code TEXT NOT NULL, status INTEGER NOT NULL,
    level_distribution INTEGER NOT NULL, is_reviewable INTEGER NOT NULL,
    can_skip_labeler INTEGER NOT NULL, count_max_skippable_labeler INTEGER, timeout_skip_labeler TEXT NOT NULL,
    can_skip_reviewer INTEGER NOT NULL, count_max_skippable_reviewer INTEGER, timeout_skip_reviewer TEXT NOT NULL,
    configuration TEXT NOT NULL, created TEXT NOT NULL, UNIQUE (project_id, name));

CREATE TABLE project_workers (
    id INTEGER PRIMARY KEY AUTOINCREMENT, project_id INTEGER NOT NULL REFERENCES projects ON DELETE CASCADE,
    user_id INTEGER NOT NULL REFERENCES users ON DELETE CASCADE, UNIQUE (project_id, user_id));

-- role: labeler or reviewer.
CREATE TABLE participations (
    id INTEGER PRIMARY KEY AUTOINCREMENT, workshop_id INTEGER NOT NULL REFERENCES workshops ON DELETE CASCADE,
    worker_id INTEGER NOT NULL REFERENCES project_workers ON DELETE CASCADE, role TEXT NOT NULL,
    count_max_tasks INTEGER NOT NULL DEFAULT 0, can_self_review INTEGER NOT NULL DEFAULT 0,
    UNIQUE (workshop_id, role, worker_id));

-- A ground truth is the present content for one unit in one data set; events are its history, and never change.
CREATE TABLE truths (
    id INTEGER PRIMARY KEY AUTOINCREMENT, dataset_id INTEGER NOT NULL REFERENCES truth_datasets ON DELETE CASCADE,
    unit_id INTEGER NOT NULL REFERENCES units ON DELETE CASCADE,
    project_id INTEGER NOT NULL REFERENCES projects ON DELETE CASCADE,
    task_id INTEGER REFERENCES tasks ON DELETE SET NULL, category TEXT NOT NULL, classes TEXT NOT NULL DEFAULT '[]',
    data TEXT NOT NULL, created TEXT NOT NULL, UNIQUE (dataset_id, unit_id));
CREATE INDEX truths_by_unit ON truths (unit_id);
CREATE INDEX truths_by_project ON truths (project_id);

CREATE TABLE truth_events (
    id INTEGER PRIMARY KEY AUTOINCREMENT, truth_id INTEGER NOT NULL REFERENCES truths ON DELETE CASCADE,
    label TEXT NOT NULL, category TEXT NOT NULL, classes TEXT NOT NULL, data TEXT NOT NULL, created TEXT NOT NULL);
CREATE INDEX truth_events_by_truth ON truth_events (truth_id, id);

CREATE TABLE truth_version_events (
    version_id INTEGER NOT NULL REFERENCES truth_versions ON DELETE CASCADE,
    event_id INTEGER NOT NULL REFERENCES truth_events ON DELETE CASCADE, PRIMARY KEY (version_id, event_id))
    WITHOUT ROWID;
CREATE INDEX truth_version_events_by_event ON truth_version_events (event_id);

CREATE TABLE plugins (
    id INTEGER PRIMARY KEY AUTOINCREMENT, tenant_id INTEGER NOT NULL REFERENCES tenants ON DELETE CASCADE,
    code TEXT NOT NULL UNIQUE, name TEXT NOT NULL, category TEXT NOT NULL, description TEXT NOT NULL DEFAULT '',
    is_active INTEGER NOT NULL DEFAULT 1, created TEXT NOT NULL, UNIQUE (tenant_id, name));

CREATE TABLE plugin_releases (
    id INTEGER PRIMARY KEY AUTOINCREMENT, plugin_id INTEGER NOT NULL REFERENCES plugins ON DELETE CASCADE,
    version TEXT NOT NULL, readme TEXT NOT NULL DEFAULT '', meta TEXT NOT NULL DEFAULT 'null',
    debug INTEGER NOT NULL DEFAULT 0, is_released INTEGER NOT NULL DEFAULT 0,
    author_id INTEGER NOT NULL REFERENCES users, created TEXT NOT NULL, UNIQUE (plugin_id, version));

CREATE TABLE jobs (
    id INTEGER PRIMARY KEY AUTOINCREMENT, uuid TEXT NOT NULL UNIQUE,
    tenant_id INTEGER NOT NULL REFERENCES tenants ON DELETE CASCADE, user_id INTEGER NOT NULL REFERENCES users,
    release_id INTEGER NOT NULL REFERENCES plugin_releases, status TEXT NOT NULL DEFAULT 'PENDING',
    action TEXT NOT NULL, params TEXT NOT NULL DEFAULT '{}', progress_record TEXT NOT NULL DEFAULT '{}',
    metrics_record TEXT NOT NULL DEFAULT '{}', result TEXT NOT NULL DEFAULT '{}', meta TEXT NOT NULL DEFAULT '{}',
    console TEXT NOT NULL DEFAULT '', created TEXT NOT NULL, modified TEXT NOT NULL, completed TEXT);
CREATE INDEX jobs_by_tenant ON jobs (tenant_id, id);
CREATE INDEX jobs_by_release ON jobs (release_id);

CREATE TABLE job_logs (
    id INTEGER PRIMARY KEY AUTOINCREMENT, job_id INTEGER NOT NULL REFERENCES jobs ON DELETE CASCADE,
    event TEXT NOT NULL, step TEXT NOT NULL, level TEXT NOT NULL, data TEXT NOT NULL, datetime TEXT NOT NULL,
    created TEXT NOT NULL);
CREATE INDEX job_logs_by_job ON job_logs (job_id, id);

-- kind: upload or export; target: what an export reads, '' for uploads.
CREATE TABLE runs (
    id INTEGER PRIMARY KEY AUTOINCREMENT, kind TEXT NOT NULL, job_id INTEGER NOT NULL REFERENCES jobs ON DELETE CASCADE,
    storage_id INTEGER, collection_id INTEGER, project_id INTEGER, target TEXT NOT NULL DEFAULT '',
    path TEXT NOT NULL, name TEXT NOT NULL, description TEXT NOT NULL, flag INTEGER NOT NULL,
    filter TEXT NOT NULL DEFAULT '{}', extra_params TEXT NOT NULL, created TEXT NOT NULL);
CREATE INDEX runs_by_job ON runs (job_id);

CREATE TABLE async_jobs (
    id INTEGER PRIMARY KEY AUTOINCREMENT, uuid TEXT NOT NULL UNIQUE,
    tenant_id INTEGER NOT NULL REFERENCES tenants ON DELETE CASCADE, user_id INTEGER NOT NULL REFERENCES users,
    status TEXT NOT NULL, type TEXT NOT NULL, total INTEGER NOT NULL DEFAULT 0, processed INTEGER NOT NULL DEFAULT 0,
    data TEXT NOT NULL DEFAULT 'null', ray_job_id TEXT, created TEXT NOT NULL, started TEXT, finished TEXT);
CREATE INDEX async_jobs_by_user ON async_jobs (tenant_id, user_id, id);
"""
