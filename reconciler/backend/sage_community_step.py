"""A step of the store's schema: what people do together in the Sage dialect — teams, evaluations, submissions, wikis.

What a team is beside its name is in the `profile` of its principal. Times and etags are as in `sage_step`.
"""

from __future__ import annotations

from typing import Final

COMMUNITY_STEP: Final = """
-- One of invitee_id and invitee_email is set. kind: invitation, or request by the user who wants to join.
CREATE TABLE sage_invitations (
    id INTEGER PRIMARY KEY AUTOINCREMENT, kind TEXT NOT NULL,
    team_id INTEGER NOT NULL REFERENCES sage_principals ON DELETE CASCADE,
    user_id INTEGER REFERENCES sage_principals ON DELETE CASCADE, email TEXT, message TEXT,
    created_by INTEGER NOT NULL, created_on TEXT NOT NULL, expires_on TEXT);
CREATE INDEX sage_invitations_by_team ON sage_invitations (team_id, id);
CREATE INDEX sage_invitations_by_user ON sage_invitations (user_id, id);

-- batch_token: names the state of its submissions between two batches of statuses, null when none is expected.
CREATE TABLE sage_evaluations (
    id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL UNIQUE, etag TEXT NOT NULL, description TEXT,
    owner_id INTEGER NOT NULL, content_source INTEGER NOT NULL, instructions TEXT, receipt TEXT,
    batch_token TEXT, created_on TEXT NOT NULL);
CREATE INDEX sage_evaluations_by_source ON sage_evaluations (content_source, id);

-- body: what never changes, as the wire has it. bundle: the entity as it was, as JSON. score, report: outdated.
-- annotations, old_annotations: of the status, in the two shapes that exist, as JSON.
CREATE TABLE sage_submissions (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    evaluation_id INTEGER NOT NULL REFERENCES sage_evaluations ON DELETE CASCADE, user_id INTEGER NOT NULL,
    team_id INTEGER, entity_id INTEGER NOT NULL, version INTEGER NOT NULL, body TEXT NOT NULL, bundle TEXT,
    file_handle_id INTEGER, created_on TEXT NOT NULL, etag TEXT NOT NULL, status TEXT NOT NULL,
    status_version INTEGER NOT NULL, modified_on TEXT NOT NULL, can_cancel INTEGER NOT NULL DEFAULT 0,
    cancel_requested INTEGER NOT NULL DEFAULT 0, score DOUBLE PRECISION, report TEXT,
    annotations TEXT, old_annotations TEXT);
CREATE INDEX sage_submissions_by_evaluation ON sage_submissions (evaluation_id, id);
CREATE INDEX sage_submissions_by_user ON sage_submissions (user_id, evaluation_id);
CREATE INDEX sage_submissions_by_file ON sage_submissions (file_handle_id);
CREATE INDEX sage_submissions_by_team ON sage_submissions (team_id);
CREATE TABLE sage_contributors (
    submission_id INTEGER NOT NULL REFERENCES sage_submissions ON DELETE CASCADE, user_id INTEGER NOT NULL,
    created_on TEXT NOT NULL, PRIMARY KEY (submission_id, user_id)) WITHOUT ROWID;
CREATE INDEX sage_contributors_by_user ON sage_contributors (user_id);

-- owner_kind: ENTITY, EVALUATION or ACCESS_REQUIREMENT. The page without a parent is the root, one per owner.
CREATE TABLE sage_wiki_pages (
    id INTEGER PRIMARY KEY AUTOINCREMENT, owner_kind TEXT NOT NULL, owner_id INTEGER NOT NULL,
    parent_id INTEGER REFERENCES sage_wiki_pages ON DELETE CASCADE, etag TEXT NOT NULL, version INTEGER NOT NULL,
    created_by INTEGER NOT NULL, created_on TEXT NOT NULL);
CREATE UNIQUE INDEX sage_wiki_roots ON sage_wiki_pages (owner_kind, owner_id) WHERE parent_id IS NULL;
CREATE INDEX sage_wiki_pages_by_owner ON sage_wiki_pages (owner_kind, owner_id, id);
CREATE INDEX sage_wiki_pages_by_parent ON sage_wiki_pages (parent_id);
CREATE TABLE sage_wiki_versions (
    page_id INTEGER NOT NULL REFERENCES sage_wiki_pages ON DELETE CASCADE, version INTEGER NOT NULL, title TEXT,
    markdown_id INTEGER NOT NULL, modified_by INTEGER NOT NULL, modified_on TEXT NOT NULL,
    PRIMARY KEY (page_id, version)) WITHOUT ROWID;
CREATE TABLE sage_wiki_attachments (
    page_id INTEGER NOT NULL, version INTEGER NOT NULL, file_handle_id INTEGER NOT NULL,
    PRIMARY KEY (page_id, version, file_handle_id),
    FOREIGN KEY (page_id, version) REFERENCES sage_wiki_versions ON DELETE CASCADE) WITHOUT ROWID;
CREATE INDEX sage_wiki_attachments_by_file ON sage_wiki_attachments (file_handle_id);
CREATE INDEX sage_wiki_markdown_by_file ON sage_wiki_versions (markdown_id);
CREATE TABLE sage_wiki_orders (
    root_id INTEGER PRIMARY KEY REFERENCES sage_wiki_pages ON DELETE CASCADE, etag TEXT NOT NULL,
    page_ids TEXT) WITHOUT ROWID;

CREATE TABLE sage_docker_commits (
    entity_id INTEGER NOT NULL REFERENCES sage_entities ON DELETE CASCADE, tag TEXT NOT NULL, digest TEXT NOT NULL,
    created_on TEXT NOT NULL, PRIMARY KEY (entity_id, tag)) WITHOUT ROWID;

CREATE TABLE sage_inbox (
    message_id INTEGER NOT NULL REFERENCES sage_messages ON DELETE CASCADE,
    user_id INTEGER NOT NULL REFERENCES sage_principals ON DELETE CASCADE, status TEXT NOT NULL,
    PRIMARY KEY (user_id, message_id)) WITHOUT ROWID;
"""
