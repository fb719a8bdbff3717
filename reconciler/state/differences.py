"""Which rows of a row set need a decision: SQL over desired (cache), owned (state) and observed (a refresh).

Only rows that differ become Python objects. What a difference means is decided by `plan.rows`.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass

from reconciler.model.json import JSON
from reconciler.plan.rows import Remote, RowDigests, Stray, settled_moves
from reconciler.state.populations import DesiredRow, Population, PopulationCache
from reconciler.state.store import StateStore

_TEMP = """
DROP TABLE IF EXISTS temp.seen;
DROP TABLE IF EXISTS temp.remote;
DROP TABLE IF EXISTS temp.stranger;
DROP TABLE IF EXISTS temp.move;
DROP TABLE IF EXISTS temp.twin;
CREATE TEMP TABLE seen (remote_id TEXT PRIMARY KEY) WITHOUT ROWID;
CREATE TEMP TABLE remote (key TEXT PRIMARY KEY, kind TEXT, content TEXT, fields TEXT, remote_id TEXT, meta TEXT);
CREATE TEMP TABLE stranger (content TEXT PRIMARY KEY, remote_id TEXT) WITHOUT ROWID;
CREATE TEMP TABLE twin (remote_id TEXT PRIMARY KEY, key TEXT, content TEXT, fields TEXT, meta TEXT, heir TEXT);
CREATE TEMP TABLE move (key TEXT PRIMARY KEY, previous TEXT UNIQUE) WITHOUT ROWID;
"""

# What somebody else put at a place concerns us only when we want that place.
_OF_CONCERN = (
    "(r.kind <> 'foreign' OR EXISTS (SELECT 1 FROM cache.desired x WHERE x.population = :desired AND x.key = r.key))"
)

# Rows in which two of the three sides differ. The refresh tables hold differences only.
_DIFFERING = f"""
SELECT d.key FROM cache.desired d LEFT JOIN main.row o ON o.resource_id = :owned AND o.key = d.key
 WHERE d.population = :desired AND (o.key IS NULL OR o.content <> d.content OR o.fields <> d.fields)
UNION
SELECT o.key FROM main.row o WHERE o.resource_id = :owned
 AND NOT EXISTS (SELECT 1 FROM cache.desired d WHERE d.population = :desired AND d.key = o.key)
UNION
SELECT r.key FROM temp.remote r WHERE {_OF_CONCERN}
"""
_ALL = f"""
SELECT key FROM cache.desired WHERE population = :desired
UNION SELECT key FROM main.row WHERE resource_id = :owned
UNION SELECT r.key FROM temp.remote r WHERE {_OF_CONCERN}
"""
_SIDES = """
SELECT k.key,
       d.content, d.fields, d.body, d.files, d.bytes,
       o.content, o.fields, o.remote_id, COALESCE(w.files, o.files),
       r.kind, r.content, r.fields, r.remote_id, r.meta,
       s.remote_id, m.previous, w.remote_id, p.body,
       EXISTS (SELECT 1 FROM temp.move x WHERE x.previous = k.key),
       h.value,
       EXISTS (SELECT 1 FROM temp.move x WHERE x.key = m.previous)
FROM ({keys}) k
LEFT JOIN cache.desired d ON d.population = :desired AND d.key = k.key
LEFT JOIN main.row o ON o.resource_id = :owned AND o.key = k.key
LEFT JOIN temp.remote r ON r.key = k.key
LEFT JOIN temp.stranger s ON o.key IS NULL AND r.key IS NULL AND s.content = d.content
LEFT JOIN temp.move m ON m.key = k.key
LEFT JOIN main.row w ON w.resource_id = :owned AND w.key = m.previous
LEFT JOIN main.shape h ON h.id = COALESCE(w.shape, o.shape)
LEFT JOIN cache.desired p ON p.population = :before AND p.key = COALESCE(w.key, o.key)
 AND p.fields = COALESCE(w.fields, o.fields)
ORDER BY k.key
"""
_MOVES = """
INSERT INTO temp.move
SELECT n.key, l.key FROM
 (SELECT d.key, d.content, row_number() OVER (PARTITION BY d.content ORDER BY d.key) AS place
    FROM cache.desired d LEFT JOIN main.row o ON o.resource_id = :owned AND o.key = d.key
   WHERE d.population = :desired AND o.key IS NULL AND NOT EXISTS (SELECT 1 FROM temp.remote r WHERE r.key = d.key)) n
JOIN
 (SELECT o.key, o.content, row_number() OVER (PARTITION BY o.content ORDER BY o.key) AS place
    FROM main.row o LEFT JOIN cache.desired d ON d.population = :desired AND d.key = o.key
   WHERE o.resource_id = :owned AND d.key IS NULL
     AND NOT EXISTS (SELECT 1 FROM temp.remote r WHERE r.key = o.key AND r.kind = 'absent')) l
ON n.content = l.content AND n.place = l.place
"""
# The same where content changes in place: rows that stay under their key with other content take part.
_PLACE_MOVES = """
SELECT n.key, l.key, n.there, l.there FROM
 (SELECT d.key, d.content, o.key IS NOT NULL AS there,
         row_number() OVER (PARTITION BY d.content ORDER BY d.key) AS place
    FROM cache.desired d LEFT JOIN main.row o ON o.resource_id = :owned AND o.key = d.key
   WHERE d.population = :desired AND (o.key IS NULL OR o.content <> d.content)
     AND NOT EXISTS (SELECT 1 FROM temp.remote r WHERE r.key = d.key
                      AND (r.kind <> 'differs' OR r.content <> o.content))) n
JOIN
 (SELECT o.key, o.content, d.key IS NOT NULL AS there,
         row_number() OVER (PARTITION BY o.content ORDER BY o.key) AS place
    FROM main.row o LEFT JOIN cache.desired d ON d.population = :desired AND d.key = o.key
   WHERE o.resource_id = :owned AND (d.key IS NULL OR o.content <> d.content)
     AND NOT EXISTS (SELECT 1 FROM temp.remote r WHERE r.key = o.key
                      AND (r.kind <> 'differs' OR r.content <> o.content))) l
ON n.content = l.content AND n.place = l.place
"""


@dataclass(frozen=True, slots=True)
class RowSides:
    """The three sides of one differing row, and what is needed to explain it.

    previous_key: the owned row of the same content that left the source: a move; moved_away: this is that row.
    before_body: desired body as it was when last applied, if the cache still has it. observed_meta: as reported, if it
    differs. owned_files: specification → checksums, owned_keys: metadata keys we wrote, owned_attributes: names of
    attributes we wrote; of the row it moves from, for a move. is_swapped: the place it moves from is taken by another.
    """

    key: str
    desired: DesiredRow | None
    owned: RowDigests | None
    remote: RowDigests | Remote | Stray
    owned_files: dict[str, str]
    observed_meta: JSON
    previous_key: str | None
    previous_remote_id: str | None
    before_body: str | None
    moved_away: bool
    owned_keys: tuple[str, ...]
    owned_attributes: tuple[str, ...] = ()
    is_swapped: bool = False


class RowDifferences:
    """Collects what a refresh saw for one row set, then yields the rows that differ.

    by_place: rows are known by their key, and content changes in place.
    """

    def __init__(
        self, store: StateStore, cache: PopulationCache, resource_id: int | None, *, by_place: bool = False
    ) -> None:
        self._db = store.connection
        self._by_place = by_place
        self._owned = resource_id or 0
        self._cache = cache
        attached = {name for _, name, _ in self._db.execute("PRAGMA database_list")}
        if "cache" not in attached:
            self._db.execute("ATTACH DATABASE ? AS cache", [str(cache.path)])
        self._db.executescript(_TEMP)

    def saw(self, remote_ids: Iterable[str]) -> None:
        """These remote rows exist."""
        self._db.executemany("INSERT OR IGNORE INTO temp.seen VALUES (?)", ((i,) for i in remote_ids))

    def saw_changed(self, key: str, digests: RowDigests, meta: JSON) -> None:
        """An owned row is there with other digests than recorded."""
        self._remember(key, "differs", digests, meta)

    def saw_unrecorded(self, key: str, digests: RowDigests, meta: JSON) -> None:
        """A remote row carries our marker for this key, and the state does not know it."""
        self._remember(key, "ours", digests, meta)

    def saw_twin(self, key: str, digests: RowDigests, meta: JSON) -> None:
        """A second remote row carries our marker for a key that we own: a replacement that was cut half-way."""
        self._remember_twin(key, "heir", digests, meta)

    def saw_foreign(self, key: str, digests: RowDigests, meta: JSON) -> None:
        """Somebody else's row is at the place of this key, and the state knows no row there."""
        self._remember(key, "foreign", digests, meta)

    def saw_occupant(self, key: str, digests: RowDigests, meta: JSON, *, ours: bool) -> None:
        """At the place of a row that we own is another one; ours: a call of ours that was cut made it."""
        self._remember_twin(key, "heir" if ours else "foreign", digests, meta)

    def wanted(self, population: Population | None, keys: Collection[str]) -> set[str]:
        """Those of the keys that are desired or owned."""
        marks = ",".join("?" * len(keys))
        found = self._db.execute(
            f"SELECT key FROM cache.desired WHERE population = ? AND key IN ({marks})"
            f" UNION SELECT key FROM main.row WHERE resource_id = ? AND key IN ({marks})",
            [population.id if population else 0, *keys, self._owned, *keys],
        )
        return {key for (key,) in found}

    def saw_stranger(self, content: str, remote_id: str) -> None:
        """A remote row of somebody else has this content."""
        self._db.execute("INSERT OR IGNORE INTO temp.stranger VALUES (?, ?)", [content, remote_id])

    def finish_refresh(self) -> None:
        """The listing was complete: owned rows that it did not show are absent (or replaced by their twin)."""
        self._db.execute(
            "INSERT OR REPLACE INTO temp.remote (key, kind) SELECT o.key, 'absent' FROM main.row o"
            " WHERE o.resource_id = ? AND NOT EXISTS (SELECT 1 FROM temp.seen s WHERE s.remote_id = o.remote_id)",
            [self._owned],
        )
        self._db.execute(
            "INSERT OR REPLACE INTO temp.remote SELECT t.key, t.heir, t.content, t.fields, t.remote_id, t.meta"
            " FROM temp.twin t JOIN temp.remote r ON r.key = t.key AND r.kind = 'absent'"
        )
        self._db.execute("DELETE FROM temp.twin WHERE remote_id IN (SELECT remote_id FROM temp.remote)")

    def leftover_twins(self, population: Population | None) -> list[tuple[str, str]]:
        """(key, remote id) of cut replacements that are not what is desired now, and must be deleted."""
        if self._by_place:
            return []  # nothing is replaced there, so a second row at a place is never ours to delete
        return self._db.execute(
            "SELECT t.key, t.remote_id FROM temp.twin t LEFT JOIN cache.desired d"
            " ON d.population = ? AND d.key = t.key WHERE d.content IS NULL OR d.content <> t.content ORDER BY 1, 2",
            [population.id if population else 0],
        ).fetchall()

    @property
    def found_any(self) -> bool:
        """True when the refresh saw anything that is not exactly as recorded (strangers aside)."""
        sql = "SELECT EXISTS (SELECT 1 FROM temp.remote WHERE kind <> 'foreign') OR EXISTS (SELECT 1 FROM temp.twin)"
        return bool(self._db.execute(sql).fetchone()[0])

    def rows(self, population: Population | None, *, everything: bool = False) -> Iterator[RowSides]:
        """Rows that differ, in key order; with `everything`, all rows of both sides."""
        values = {
            "desired": population.id if population else 0,
            "owned": self._owned,
            "before": self._cache.before(population) if population else 0,
        }
        self._db.execute("DELETE FROM temp.move")
        self._find_moves(values)
        keys = _ALL if everything else _DIFFERING
        yield from map(_sides, self._db.execute(_SIDES.format(keys=keys), values))

    def _find_moves(self, values: dict[str, int]) -> None:
        if not self._by_place:
            self._db.execute(_MOVES, values)
            return
        found = self._db.execute(_PLACE_MOVES, values).fetchall()
        rewritten = {new for new, _, there, _ in found if there} | {old for _, old, _, there in found if there}
        moves = settled_moves({new: old for new, old, _, _ in found}, rewritten)
        self._db.executemany("INSERT INTO temp.move VALUES (?, ?)", moves.items())

    def counts(self, population: Population | None) -> tuple[int, int]:
        """How many rows are desired, and how many owned."""
        desired = self._db.execute(
            "SELECT count(*) FROM cache.desired WHERE population = ?", [population.id if population else 0]
        ).fetchone()[0]
        owned = self._db.execute("SELECT count(*) FROM main.row WHERE resource_id = ?", [self._owned]).fetchone()[0]
        return int(desired), int(owned)

    def _remember_twin(self, key: str, kind: str, digests: RowDigests, meta: JSON) -> None:
        self._db.execute(
            "INSERT OR REPLACE INTO temp.twin VALUES (?, ?, ?, ?, ?, ?)",
            [digests.remote_id, key, digests.content, digests.fields, json.dumps(meta, ensure_ascii=False), kind],
        )

    def _remember(self, key: str, kind: str, digests: RowDigests, meta: JSON) -> None:
        self._db.execute(
            "INSERT OR REPLACE INTO temp.remote VALUES (?, ?, ?, ?, ?, ?)",
            [key, kind, digests.content, digests.fields, digests.remote_id, json.dumps(meta, ensure_ascii=False)],
        )


def _sides(row: sqlite3.Row) -> RowSides:
    (key, content, fields, body, files, size, owned_content, owned_fields, owned_id, owned_files) = row[:10]
    kind, remote_content, remote_fields, remote_id, meta, stranger, previous, previous_id, before, away = row[10:20]
    shape, swapped = row[20:]
    ours = json.loads(shape) if shape else {}
    desired = None if content is None else DesiredRow(key, content, fields, body, files, size)
    owned = None if owned_content is None else RowDigests(owned_content, owned_fields, owned_id)
    remote: RowDigests | Remote | Stray = Remote.AS_OWNED if owned else Remote.ABSENT
    match kind:
        case "differs":
            remote = RowDigests(remote_content, remote_fields, remote_id)
        case "absent":
            remote = Remote.ABSENT
        case "heir":  # the owned row was deleted after its replacement was made
            owned, remote = None, Stray(RowDigests(remote_content, remote_fields, remote_id), ours=True)
        case "ours":
            remote = Stray(RowDigests(remote_content, remote_fields, remote_id), ours=True)
        case "foreign" if desired is None:
            remote = Remote.ABSENT
        case "foreign":
            owned, remote = None, Stray(RowDigests(remote_content, remote_fields, remote_id), ours=False)
        case None if stranger is not None and desired is not None:
            remote = Stray(RowDigests(desired.content, "", stranger), ours=False)
    return RowSides(
        key,
        desired,
        owned,
        remote,
        json.loads(owned_files) if owned_files else {},
        json.loads(meta) if meta else None,
        previous,
        previous_id,
        before,
        bool(away),
        tuple(ours.get("keys", ())),
        tuple(ours.get("attributes", ())),
        bool(swapped),
    )
