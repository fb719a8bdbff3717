"""The plan file: one SQLite file that `apply` executes verbatim.

A JSON header, one line per resource change, one line per row change; its size follows the changes. Written under a
temporary name and published whole.
"""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from hashlib import sha256
from pathlib import Path

from reconciler.errors import StateError
from reconciler.model.address import Address
from reconciler.model.json import canonical_json
from reconciler.plan.codec import decode_change, encode_change
from reconciler.plan.header import PlanHeader, decode_header, encode_header
from reconciler.plan.values import Action, Change, Reason, RowChange

_APPLICATION_ID = 0x7265706C  # "repl"
_SCHEMA = f"""
PRAGMA application_id = {_APPLICATION_ID};
CREATE TABLE header (value TEXT NOT NULL);
CREATE TABLE change (
    n INTEGER PRIMARY KEY, address TEXT NOT NULL UNIQUE, action TEXT NOT NULL, reason TEXT NOT NULL, value TEXT NOT NULL
);
CREATE TABLE row_change (
    n INTEGER PRIMARY KEY, change INTEGER NOT NULL REFERENCES change(n), key TEXT NOT NULL, action TEXT NOT NULL,
    reason TEXT NOT NULL, remote_id TEXT, previous_key TEXT, body TEXT, detail TEXT, drift INTEGER, files INTEGER,
    bytes INTEGER, context TEXT
);
CREATE INDEX row_change_order ON row_change (change, action, n);
"""
_ROW = "SELECT key, action, reason, remote_id, previous_key, body, detail, drift, files, bytes, context FROM row_change"


class PlanWriter:
    """Collects a plan in a file; `publish` gives it its name."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self.path = path
        self._temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
        self._temporary.unlink(missing_ok=True)
        self._db = sqlite3.connect(self._temporary, isolation_level=None)
        self._db.executescript(f"PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; {_SCHEMA} BEGIN;")
        self._numbers: dict[Address, int] = {}
        self._digest = sha256()

    def add_rows(self, address: Address, rows: Iterable[RowChange]) -> None:
        """Write row changes of a resource, in order; call before `add_change` of that resource."""
        number = self._number(address)
        self._db.executemany(
            "INSERT INTO row_change VALUES (NULL, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (self._values(number, row) for row in rows),
        )

    def add_change(self, change: Change) -> None:
        """Write a resource change; changes are executed in the order of these calls, deletes in reverse, last."""
        value = canonical_json(encode_change(change))
        self._digest.update(value.encode())
        self._db.execute(
            "INSERT INTO change VALUES (?, ?, ?, ?, ?)",
            [self._number(change.address), str(change.address), change.action.value, change.reason.value, value],
        )

    @property
    def plan_id(self) -> str:
        """Digest over everything added so far."""
        return self._digest.hexdigest()

    def publish(self, header: PlanHeader) -> None:
        """Finish and give the file its name, whole or not at all."""
        self._db.execute("INSERT INTO header VALUES (?)", [canonical_json(encode_header(header))])
        self._db.execute("COMMIT")
        self._db.close()
        with self._temporary.open("rb") as file:
            os.fsync(file.fileno())
        self._temporary.replace(self.path)

    def discard(self) -> None:
        """Give up; leaves nothing behind."""
        self._db.close()
        self._temporary.unlink(missing_ok=True)

    def _number(self, address: Address) -> int:
        return self._numbers.setdefault(address, len(self._numbers) + 1)

    def _values(self, number: int, row: RowChange) -> tuple[object, ...]:
        detail = json.dumps(row.detail, ensure_ascii=False) if row.detail else None
        context = canonical_json(dict(row.context)) if row.context else None
        values = (row.key, row.action.value, row.reason.value, row.remote_id, row.previous_key, row.body, detail)
        self._digest.update(repr((number, *values)).encode())
        return (number, *values, int(row.drift), row.files, row.bytes, context)


class PlanFile:
    """Reads a plan file. Raises StateError when it is not one, or of another format."""

    def __init__(self, path: Path) -> None:
        if not path.is_file():
            raise StateError(f"there is no plan file {path}", fix="make one: reconciler plan -o FILE")
        self.path = path
        try:
            self._db = sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True, isolation_level=None)
            (text,) = self._db.execute("SELECT value FROM header").fetchone()
            self.header: PlanHeader = decode_header(json.loads(text))
        except (sqlite3.Error, TypeError, KeyError, ValueError) as exc:
            message = f"{path.name} is not a plan file of this version"
            raise StateError(message, fix="make a new one: reconciler plan -o FILE") from exc

    def close(self) -> None:
        """Close the file."""
        self._db.close()

    def changes(self) -> tuple[Change, ...]:
        """Resource changes, in order."""
        rows = self._db.execute("SELECT value FROM change ORDER BY n").fetchall()
        return tuple(decode_change(json.loads(text)) for (text,) in rows)

    def rows(
        self, address: Address, actions: Sequence[Action] = (), *, limit: int = -1, drift: bool = False
    ) -> Iterator[RowChange]:
        """Row changes of a resource in key order: those of `actions` (default all); `drift`: only drifted ones."""
        marks = ",".join("?" * len(actions))
        chosen = f" AND action IN ({marks})" if actions else ""
        sql = f"{_ROW} WHERE change = (SELECT n FROM change WHERE address = ?){chosen}"
        sql += f"{' AND drift' if drift else ''} ORDER BY n LIMIT ?"
        values = [str(address), *(action.value for action in actions), limit]
        for row in self._db.execute(sql, values):
            yield _row_change(row)

    def query(self, sql: str) -> tuple[list[str], list[tuple[object, ...]]]:
        """Run a read-only query over `change` and `row_change`. Raises StateError with SQLite's message."""
        try:
            cursor = self._db.execute(sql)
            return [column[0] for column in cursor.description or ()], cursor.fetchall()
        except sqlite3.Error as exc:
            raise StateError(f"the query failed: {exc}", fix="tables: change, row_change, header") from exc


def _row_change(row: Sequence[object]) -> RowChange:
    key, action, reason, remote_id, previous_key, body, detail, drift, files, size, context = row
    lines = json.loads(str(detail)) if detail else []
    return RowChange(
        key=str(key),
        action=Action(str(action)),
        reason=Reason(str(reason)),
        remote_id=None if remote_id is None else str(remote_id),
        previous_key=None if previous_key is None else str(previous_key),
        body=None if body is None else str(body),
        detail=tuple((line[0], line[1], line[2]) for line in lines),
        drift=bool(drift),
        files=int(str(files)),
        bytes=int(str(size)),
        context=json.loads(str(context)) if context else {},
    )
