"""Numbered upgrades of the state file. Each runs once, in its own transaction, after a backup copy was made.

Never edit a migration that was released: add the next one.
"""

from __future__ import annotations

MIGRATIONS: tuple[str, ...] = (
    # 1: first version
    """
    CREATE TABLE header (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;

    -- One line per resource we own. fields: declared fields as last applied, references unresolved.
    -- parent_id: remote id that rows hang on (collection, project). depends: addresses it needed, for destroy order.
    -- revision: serial at which its rows last changed.
    CREATE TABLE resource (
        id INTEGER PRIMARY KEY,
        address TEXT NOT NULL UNIQUE,
        backend TEXT NOT NULL,
        remote_id TEXT,
        parent_id TEXT,
        fields TEXT NOT NULL,
        etag TEXT,
        protect INTEGER NOT NULL DEFAULT 0,
        on_delete TEXT NOT NULL DEFAULT 'delete',
        depends TEXT NOT NULL DEFAULT '[]',
        revision INTEGER NOT NULL DEFAULT 0
    );

    -- Which metadata keys and groups a row has from us; shared by many rows.
    CREATE TABLE shape (id INTEGER PRIMARY KEY, value TEXT NOT NULL UNIQUE);

    -- One line per owned row. content, fields: digests; files: JSON, specification -> checksums.
    CREATE TABLE row (
        resource_id INTEGER NOT NULL REFERENCES resource(id) ON DELETE CASCADE,
        key TEXT NOT NULL,
        remote_id TEXT NOT NULL,
        content TEXT NOT NULL,
        fields TEXT NOT NULL,
        shape INTEGER NOT NULL REFERENCES shape(id),
        files TEXT NOT NULL,
        PRIMARY KEY (resource_id, key)
    ) WITHOUT ROWID;
    CREATE INDEX row_remote ON row (resource_id, remote_id);

    -- Write-ahead journal: what was begun and is not known to have ended. Emptied by outcomes.
    CREATE TABLE intent (
        id INTEGER PRIMARY KEY,
        address TEXT NOT NULL,
        action TEXT NOT NULL,
        keys TEXT NOT NULL,
        started TEXT NOT NULL
    );
    """,
    # 2: what the backend reported of a row's attributes when we wrote them, as a digest; '' when we wrote none
    """
    ALTER TABLE row ADD COLUMN attributes TEXT NOT NULL DEFAULT ''
    """,
)

VERSION = len(MIGRATIONS)
