"""A store: one folder with a database, blobs and staged uploads, and what is true for the store as a whole.

    store.db, store.db-wal, …   everything but bytes of files, unless that is in PostgreSQL
    blobs/, staging/            bytes of files, see `blobs`
    store-id, swept             which database the bytes belong to, and when left-overs were looked for
    local-token                 the token of whoever may read this folder (mode 0600)

Identifiers begin at a number drawn when the store is made, because clients cache by them: two stores at one address
do not use the same numbers. All stay below 2^31.
"""

from __future__ import annotations

import hashlib
import json
import os
import secrets
import time
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from reconciler.backend.blobs import BlobStore
from reconciler.backend.database import Connection, Database, DatabaseError, SqliteDatabase, scalar
from reconciler.backend.housekeeping import ForeignFolder, claim, is_sweep_due, sweep
from reconciler.backend.migrations import NewerStore, migrate
from reconciler.backend.signing import Signer
from reconciler.errors import StateError

DEFAULT_MULTIPART_THRESHOLD: Final = 64 << 20
_TOKEN_FILE: Final = "local-token"
_DATABASE_FILE: Final = "store.db"


@dataclass(frozen=True, slots=True)
class Settings:
    """What a seed document may set for the whole store.

    sdk_compat: emit 0 instead of null for optional ids, which the typed official client refuses as null.
    multipart_threshold: files larger than this many bytes are presigned in parts.
    storage_provider: what the default storage of every tenant says it is.
    """

    sdk_compat: bool = True
    multipart_threshold: int = DEFAULT_MULTIPART_THRESHOLD
    storage_provider: str = "minio"


class Store:
    """An open store; made by `open_store`. Safe to use from several threads. Close it when done."""

    def __init__(self, root: Path, database: Database[Any], *, durable: bool, clock: Callable[[], float]) -> None:
        self.root = root
        self.blobs = BlobStore(root, durable=durable)
        self.clock = clock
        self._database = database
        with database.reading() as db:
            self.signer = Signer(bytes.fromhex(scalar(db, "SELECT value FROM settings WHERE key = 'signing_key'")))
            self.settings = load_settings(db)

    def reading(self) -> AbstractContextManager[Connection]:
        """A read transaction."""
        return self._database.reading()

    def writing(self, *, commit: bool = True) -> AbstractContextManager[Connection]:
        """The write transaction; one at a time."""
        return self._database.writing(commit=commit)

    def now(self) -> str:
        """The time now as ISO 8601 in UTC, with microseconds."""
        return datetime.fromtimestamp(self.clock(), UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")

    def reload_settings(self) -> None:
        """Take over settings that were written to the database."""
        with self.reading() as db:
            self.settings = load_settings(db)

    def has_local_token(self) -> bool:
        """Whether a local token was generated before."""
        return (self.root / _TOKEN_FILE).exists()

    def local_token(self) -> str:
        """The token for use by whoever may read the store's folder; generated, with tenant and user, when missing.

        It is good for both dialects: a tenant's on the one side, an administrator's on the other.
        The plain token is in the file `local-token` (mode 0600); the database has only its hash.
        """
        with self.writing() as db:
            token = self._stored_token(db)
            if token is None:
                token = new_token()
                tenant, user = _local_account(db, self.now())
                add_token(db, token, user=user, tenant=tenant, description="local", now=self.now())
                self._write_token(token)
            _add_sage_account(db, token, self.clock)
            return token

    def purge(self) -> None:
        """Remove uploads that were never finalized and, once a day, blobs that no row names."""
        now = self.clock()
        self.blobs.purge(now=now)
        if is_sweep_due(self.root, now=now):
            sweep(self.blobs, self.reading, now=now)

    def close(self) -> None:
        """Close the database connections."""
        self._database.close()

    def _stored_token(self, db: Connection) -> str | None:
        try:
            token = (self.root / _TOKEN_FILE).read_text().strip()
        except FileNotFoundError:
            return None
        known = scalar(db, "SELECT 1 FROM tokens WHERE hash = ?", (token_hash(token),))
        return token if known else None

    def _write_token(self, token: str) -> None:
        temporary = self.root / f"{_TOKEN_FILE}.{secrets.token_hex(4)}"
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with open(descriptor, "w") as file:
            file.write(token + "\n")
        os.replace(temporary, self.root / _TOKEN_FILE)


def open_store(
    path: Path,
    *,
    database: str | None = None,
    seed: Mapping[str, Any] | None = None,
    first_id: int | None = None,
    durable: bool = False,
    clock: Callable[[], float] = time.time,
) -> Store:
    """Open a store, making it when it does not exist, applying the seed, purging stale uploads.

    database: the URL of one in PostgreSQL, see `postgres`; None is a file in the store's folder.
    seed: a seed document (see `seed`), applied every time; None leaves what is there. first_id: where identifiers of a
    new store begin, drawn at random when None. durable: also survive a power cut, at the cost of a disk sync per write.

    Raises ConfigError for a bad seed, StateError when the folder holds something that is no store of ours or the
    database cannot be reached, MissingExtra without the driver for PostgreSQL.
    """
    if seed is not None:
        from reconciler.backend.seed import parse_seed

        parsed = parse_seed(seed)
    root = path.resolve()
    try:
        root.mkdir(mode=0o700, parents=True, exist_ok=True)
        store = _open(root, _database(root, database, durable=durable), first_id, durable=durable, clock=clock)
    except (OSError, DatabaseError, NewerStore, ForeignFolder) as exc:
        raise StateError(f"{path} cannot be opened as a store: {exc}") from exc
    try:
        if seed is not None:
            from reconciler.backend.seed import apply_seed

            apply_seed(store, parsed)
        store.purge()
    except BaseException:
        store.close()
        raise
    return store


def _database(root: Path, url: str | None, *, durable: bool) -> Database[Any]:
    if url is None:
        return SqliteDatabase(root / _DATABASE_FILE, durable=durable)
    if (root / _DATABASE_FILE).exists():
        raise ForeignFolder(f"it has a database of its own, {_DATABASE_FILE}")
    from reconciler.backend.postgres import PostgresDatabase

    return PostgresDatabase(url)


def _open(
    root: Path, database: Database[Any], first_id: int | None, *, durable: bool, clock: Callable[[], float]
) -> Store:
    try:
        with database.writing() as db:
            migrate(db, first_id=first_id or draw_first_id())
            _add_principals(db, clock)
            sql = "INSERT INTO settings VALUES ('signing_key', ?) ON CONFLICT DO NOTHING"
            db.execute(sql, (secrets.token_hex(32),))
        with database.reading() as db:
            claim(root, db)
        return Store(root, database, durable=durable, clock=clock)
    except BaseException:
        database.close()
        raise


def _add_principals(db: Connection, clock: Callable[[], float]) -> None:
    from reconciler.backend.sage.call import iso
    from reconciler.backend.sage.principals import add_well_known

    add_well_known(db, iso(clock()))


def draw_first_id() -> int:
    """Draw where identifiers begin: a multiple of a million between 1 and 1000 million."""
    return 1_000_000 * (1 + secrets.randbelow(1000))


def load_settings(db: Connection) -> Settings:
    """Read the settings, defaults where none was set."""
    text = scalar(db, "SELECT value FROM settings WHERE key = 'datamaker'")
    return Settings(**json.loads(text)) if text else Settings()


def write_setting(db: Connection, key: str, value: str) -> None:
    """Set a setting, replacing its former value."""
    sql = "INSERT INTO settings VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value"
    db.execute(sql, (key, value))


def new_token() -> str:
    """Generate an access token, `syn_` and 40 hex digits."""
    return f"syn_{secrets.token_hex(20)}"


def token_hash(token: str) -> str:
    """What the database keeps of a token. Tokens are long and random, so one plain hash suffices."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()


def add_token(db: Connection, token: str, *, user: int, tenant: int | None, description: str, now: str) -> int | None:
    """Register a token; returns its id, None when it is registered already."""
    made: int | None = scalar(
        db,
        "INSERT INTO tokens (hash, user_id, tenant_id, description, created) VALUES (?, ?, ?, ?, ?)"
        " ON CONFLICT (hash) DO NOTHING RETURNING id",
        (token_hash(token), user, tenant, description, now),
    )
    return made


def add_tenant(db: Connection, code: str, name: str, now: str) -> int:
    """Get or create a tenant by its code, with its default storage."""
    db.execute(
        "INSERT INTO tenants (code, name, slug, created) VALUES (?, ?, ?, ?)"
        " ON CONFLICT (code) DO UPDATE SET name = excluded.name",
        (code, name, code, now),
    )
    tenant = int(scalar(db, "SELECT id FROM tenants WHERE code = ?", (code,)))
    provider = load_settings(db).storage_provider
    db.execute(
        "INSERT INTO storages (tenant_id, name, provider) VALUES (?, 'Default storage', ?)"
        " ON CONFLICT (tenant_id) DO UPDATE SET provider = excluded.provider",
        (tenant, provider),
    )
    return tenant


def add_user(db: Connection, email: str, name: str, now: str) -> int:
    """Get or create a user by e-mail."""
    db.execute(
        "INSERT INTO users (email, name, created) VALUES (?, ?, ?)"
        " ON CONFLICT (email) DO UPDATE SET name = excluded.name",
        (email, name, now),
    )
    return int(scalar(db, "SELECT id FROM users WHERE email = ?", (email,)))


def add_membership(db: Connection, *, user: int, tenant: int) -> None:
    """Make a user a member of a tenant."""
    db.execute("INSERT INTO members (user_id, tenant_id) VALUES (?, ?) ON CONFLICT DO NOTHING", (user, tenant))


def _add_sage_account(db: Connection, token: str, clock: Callable[[], float]) -> None:
    from reconciler.backend.sage.call import iso
    from reconciler.backend.sage.principals import add_local

    add_local(db, token_hash(token), iso(clock()))


def _local_account(db: Connection, now: str) -> tuple[int, int]:
    """The tenant and user of the local token: the first tenant there is, or one of our own."""
    tenant = scalar(db, "SELECT id FROM tenants ORDER BY id LIMIT 1")
    if tenant is None:
        tenant = add_tenant(db, "local", "Local", now)
    user = add_user(db, "local@localhost", "Local user", now)
    add_membership(db, user=user, tenant=tenant)
    return int(tenant), user
