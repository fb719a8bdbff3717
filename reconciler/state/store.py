"""The state file: what we own. SQLite, one writer, every change in one transaction that raises the serial.

Holds remote ids, digests, etags and declared fields; never secrets, never file bytes.
"""

from __future__ import annotations

import json
import shutil
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from reconciler.errors import StateError
from reconciler.model.address import Address, parse_address
from reconciler.model.json import canonical_json
from reconciler.state.migrations import MIGRATIONS, VERSION
from reconciler.state.values import Intent, OwnedResource, OwnedRow, Shape, Version

_APPLICATION_ID = 0x7265636E  # "recn": tells our files from other SQLite databases
_SERIAL = "(SELECT CAST(value AS INTEGER) FROM header WHERE key = 'serial')"
_SELECT_ROW = (
    "SELECT row.*, shape.value AS shape_value FROM row JOIN shape ON shape.id = row.shape WHERE resource_id = ?"
)


class StateStore:
    """Reads and writes one state file.

    A store opened with `read_only` sees an empty state when the file does not exist, and never creates it.
    """

    def __init__(self, path: Path, *, new_lineage: Callable[[], str], read_only: bool = False) -> None:
        self.path = path
        self._shapes: dict[Shape, int] = {}
        self._db = _open(path, read_only)
        self._db.row_factory = sqlite3.Row
        with _state_errors(path):
            self._prepare(new_lineage, read_only and path.exists())

    def close(self) -> None:
        """Close the file."""
        self._db.close()

    @property
    def connection(self) -> sqlite3.Connection:
        """The open database, for joins with other tables of this package."""
        return self._db

    # -- header ----------------------------------------------------------------------------------------------------

    @property
    def version(self) -> Version:
        """Lineage and serial as of now."""
        rows = dict(self._db.execute("SELECT key, value FROM header").fetchall())
        return Version(rows["lineage"], int(rows["serial"]))

    def _prepare(self, new_lineage: Callable[[], str], read_only: bool) -> None:
        found = self._db.execute("PRAGMA user_version").fetchone()[0]
        if found > VERSION:
            raise StateError(
                f"{self.path.name} was written by a newer version (format {found}, this one knows {VERSION})",
                fix="upgrade reconciler",
            )
        application = self._db.execute("PRAGMA application_id").fetchone()[0]
        if found and application != _APPLICATION_ID:
            raise StateError(f"{self.path.name} is not a state file of reconciler", fix="check spec.state.url")
        if found == VERSION or (read_only and found):
            return
        if found:
            shutil.copy2(self.path, self.path.with_name(f"{self.path.name}.v{found}.backup"))
        for number in range(found, VERSION):
            born = "" if number else f"INSERT INTO header VALUES ('lineage', '{new_lineage()}'), ('serial', '0');"
            self._db.executescript(
                f"BEGIN IMMEDIATE; {MIGRATIONS[number]}; {born} PRAGMA application_id = {_APPLICATION_ID};"
                f" PRAGMA user_version = {number + 1}; COMMIT;"
            )

    @contextmanager
    def _change(self) -> Iterator[sqlite3.Connection]:
        """One transaction that raises the serial."""
        with _state_errors(self.path), self._db:
            self._db.execute("BEGIN IMMEDIATE")
            yield self._db
            self._db.execute("UPDATE header SET value = CAST(value AS INTEGER) + 1 WHERE key = 'serial'")

    # -- resources -------------------------------------------------------------------------------------------------

    def resources(self) -> dict[Address, OwnedResource]:
        """All owned resources, sorted by address."""
        rows = self._db.execute("SELECT * FROM resource ORDER BY address").fetchall()
        return {resource.address: resource for resource in map(_resource, rows)}

    def resource(self, address: Address) -> OwnedResource | None:
        """One owned resource."""
        row = self._db.execute("SELECT * FROM resource WHERE address = ?", [str(address)]).fetchone()
        return _resource(row) if row else None

    def save_resource(self, resource: OwnedResource, *, intent: int | None = None) -> None:
        """Record a resource as owned, and in the same step the end of `intent`."""
        with self._change() as db:
            _upsert_resource(db, resource)
            _end_intent(db, intent)

    def drop_resource(self, address: Address, *, intent: int | None = None) -> None:
        """Forget a resource with all its rows."""
        with self._change() as db:
            db.execute("DELETE FROM resource WHERE address = ?", [str(address)])
            _end_intent(db, intent)

    def move_resource(self, source: Address, target: Address) -> None:
        """Give a resource another address, rows and references to it included.

        Raises StateError when there is nothing at `source` or something at `target`.
        """
        if not self.resource(source):
            raise StateError(f"{source} is not in the state", fix="reconciler state list")
        if self.resource(target):
            raise StateError(f"{target} is in the state already", fix=f"reconciler state rm {target}")
        with self._change() as db:
            db.execute("UPDATE resource SET address = ? WHERE address = ?", [str(target), str(source)])
            for column in ("depends", "fields"):
                db.execute(f"UPDATE resource SET {column} = replace({column}, ?, ?)", [f'"{source}"', f'"{target}"'])

    # -- rows ------------------------------------------------------------------------------------------------------

    def resource_id(self, address: Address) -> int | None:
        """Internal number of a resource, for joins."""
        row = self._db.execute("SELECT id FROM resource WHERE address = ?", [str(address)]).fetchone()
        return row[0] if row else None

    def row_count(self, address: Address) -> int:
        """How many rows of a resource we own."""
        count = self._db.execute("SELECT count(*) FROM row WHERE resource_id = ?", [self.resource_id(address)])
        return int(count.fetchone()[0])

    def rows(self, address: Address, keys: Iterable[str] | None = None) -> Iterator[OwnedRow]:
        """Owned rows in key order; with `keys`, those of them that exist, in the order given."""
        sql = (
            "SELECT row.*, shape.value AS shape_value FROM row JOIN shape ON shape.id = row.shape WHERE resource_id = ?"
        )
        number = self.resource_id(address)
        if keys is None:
            yield from map(_row, self._db.execute(f"{sql} ORDER BY key", [number]))
            return
        for key in keys:
            yield from map(_row, self._db.execute(f"{sql} AND key = ?", [number, key]))

    def rows_by_remote_id(self, address: Address, remote_ids: Iterable[str]) -> dict[str, OwnedRow]:
        """Owned rows by remote id, for those that exist."""
        ids = list(remote_ids)
        marks = ",".join("?" * len(ids))
        found = self._db.execute(
            # Without the hint SQLite walks all rows of the resource: it takes the primary key for the better index.
            f"{_SELECT_ROW.replace('FROM row', 'FROM row INDEXED BY row_remote')} AND remote_id IN ({marks})",
            [self.resource_id(address), *ids],
        )
        return {row.remote_id: row for row in map(_row, found)}

    def save_rows(
        self,
        address: Address,
        rows: Iterable[OwnedRow],
        *,
        drop: Iterable[tuple[str, str]] = (),
        intent: int | None = None,
    ) -> None:
        """Record rows as owned, forget those in `drop` (key, remote id), and end `intent`, all in one step."""
        with self._change() as db:
            number = self.resource_id(address)
            db.executemany(
                "DELETE FROM row WHERE resource_id = ? AND key = ? AND remote_id = ?",
                [(number, key, remote_id) for key, remote_id in drop],
            )
            db.executemany(
                "INSERT OR REPLACE INTO row VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                [self._row_values(number, row) for row in rows],
            )
            db.execute(f"UPDATE resource SET revision = {_SERIAL} + 1 WHERE id = ?", [number])
            _end_intent(db, intent)

    def _row_values(self, number: int | None, row: OwnedRow) -> tuple[object, ...]:
        files = canonical_json(dict(row.files))
        return (
            number,
            row.key,
            row.remote_id,
            row.content,
            row.fields,
            self._shape_id(row.shape),
            files,
            row.attributes,
        )

    def _shape_id(self, shape: Shape) -> int:
        if shape not in self._shapes:
            parts = {"keys": list(shape.keys), "groups": list(shape.groups)}
            value = canonical_json(parts | ({"attributes": list(shape.attributes)} if shape.attributes else {}))
            self._db.execute("INSERT OR IGNORE INTO shape (value) VALUES (?)", [value])
            found = self._db.execute("SELECT id FROM shape WHERE value = ?", [value]).fetchone()
            self._shapes[shape] = found[0]
        return self._shapes[shape]

    # -- journal ---------------------------------------------------------------------------------------------------

    def begin(self, address: Address, action: str, keys: Iterable[str], *, now: str) -> int:
        """Write an intent before the call that it announces; returns its id. On disk when this returns."""
        with self._change() as db:
            cursor = db.execute(
                "INSERT INTO intent (address, action, keys, started) VALUES (?, ?, ?, ?)",
                [str(address), action, json.dumps(list(keys), ensure_ascii=False), now],
            )
            return int(cursor.lastrowid or 0)

    def intents(self) -> tuple[Intent, ...]:
        """Everything begun whose end is not known, oldest first."""
        rows = self._db.execute("SELECT * FROM intent ORDER BY id").fetchall()
        return tuple(
            Intent(r["id"], parse_address(r["address"]), r["action"], tuple(json.loads(r["keys"])), r["started"])
            for r in rows
        )

    def end(self, *intents: int) -> None:
        """Remove intents whose outcome is settled and changed nothing."""
        if not intents:
            return
        with self._change() as db:
            db.executemany("DELETE FROM intent WHERE id = ?", [(number,) for number in intents])


def _open(path: Path, read_only: bool) -> sqlite3.Connection:
    try:
        if read_only and not path.exists():
            return sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False)
        path.parent.mkdir(parents=True, exist_ok=True)
        mode = "ro" if read_only else "rwc"
        db = sqlite3.connect(f"{path.resolve().as_uri()}?mode={mode}", uri=True, isolation_level=None, timeout=30)
        if not read_only:
            db.execute("PRAGMA journal_mode = WAL")
        db.execute("PRAGMA synchronous = FULL")
        db.execute("PRAGMA foreign_keys = ON")
    except (sqlite3.Error, OSError) as exc:
        raise _damaged(path, exc) from exc
    return db


@contextmanager
def _state_errors(path: Path) -> Iterator[None]:
    try:
        yield
    except sqlite3.Error as exc:
        raise _damaged(path, exc) from exc


def _damaged(path: Path, exc: Exception) -> StateError:
    return StateError(
        f"cannot use the state file {path.name}: {exc}",
        fix="restore a backup, or move the file away and run `reconciler import --all` to rebuild it from the backend",
    )


def _upsert_resource(db: sqlite3.Connection, resource: OwnedResource) -> None:
    values: Mapping[str, object] = {
        "address": str(resource.address),
        "backend": resource.backend,
        "remote_id": resource.remote_id,
        "parent_id": resource.parent_id,
        "fields": canonical_json(dict(resource.fields)),
        "etag": resource.etag,
        "protect": int(resource.protect),
        "on_delete": "orphan" if resource.orphan_on_delete else "delete",
        "depends": json.dumps([str(address) for address in resource.depends]),
    }
    names = ", ".join(values)
    updates = ", ".join(f"{name} = excluded.{name}" for name in values if name != "address")
    db.execute(
        f"INSERT INTO resource ({names}) VALUES ({', '.join(':' + name for name in values)})"
        f" ON CONFLICT (address) DO UPDATE SET {updates}",
        values,
    )


def _end_intent(db: sqlite3.Connection, intent: int | None) -> None:
    if intent is not None:
        db.execute("DELETE FROM intent WHERE id = ?", [intent])


def _resource(row: sqlite3.Row) -> OwnedResource:
    return OwnedResource(
        address=parse_address(row["address"]),
        backend=row["backend"],
        remote_id=row["remote_id"],
        fields=json.loads(row["fields"]),
        parent_id=row["parent_id"],
        etag=row["etag"],
        protect=bool(row["protect"]),
        orphan_on_delete=row["on_delete"] == "orphan",
        depends=tuple(parse_address(text) for text in json.loads(row["depends"])),
        revision=row["revision"],
    )


def _row(row: sqlite3.Row) -> OwnedRow:
    shape = json.loads(row["shape_value"])
    return OwnedRow(
        row["key"],
        row["remote_id"],
        row["content"],
        row["fields"],
        Shape(tuple(shape["keys"]), tuple(shape["groups"]), tuple(shape.get("attributes", ()))),
        json.loads(row["files"]),
        row["attributes"],
    )
