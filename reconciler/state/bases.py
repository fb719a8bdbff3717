"""The listings that populations were computed from, so that the next one is computed from what differs.

One basis per row set: that of its newest population that can be taken apart by units. It lies beside the populations
and goes with its own; losing it only costs time.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Generator, Iterable
from dataclasses import dataclass

from reconciler.model.address import Address
from reconciler.model.json import JSON
from reconciler.state.populations import Population, PopulationCache

_SCHEMA = """
CREATE TABLE IF NOT EXISTS basis (
    id INTEGER PRIMARY KEY, address TEXT NOT NULL UNIQUE, rules TEXT NOT NULL,
    population INTEGER NOT NULL UNIQUE REFERENCES population(id) ON DELETE CASCADE
);
CREATE TABLE IF NOT EXISTS listed (
    basis INTEGER NOT NULL REFERENCES basis(id) ON DELETE CASCADE,
    source INTEGER NOT NULL, prefix BLOB NOT NULL, rows BLOB NOT NULL, PRIMARY KEY (basis, source, prefix)
);
CREATE TEMP TABLE IF NOT EXISTS here (source INTEGER NOT NULL, prefix BLOB NOT NULL, PRIMARY KEY (source, prefix));
"""
_GONE = """
SELECT source, prefix, rows FROM listed l WHERE basis = ?
   AND NOT EXISTS (SELECT 1 FROM temp.here h WHERE h.source = l.source AND h.prefix = l.prefix)
"""
_KEYS_AT_ONCE = 400

# (source, prefix, rows) of a listed folder
Block = tuple[int, bytes, bytes]


@dataclass(frozen=True, slots=True)
class Basis:
    """What a population was computed from. rules: digest of all but the listing."""

    id: int
    rules: str
    population: Population


class BasisStore:
    """Bases in the file of a population cache."""

    def __init__(self, cache: PopulationCache) -> None:
        self._db = cache.connection
        self._db.executescript(_SCHEMA)

    def find(self, address: Address, rules: str) -> Basis | None:
        """The basis of that row set, if it has these rules."""
        row = self._db.execute(
            "SELECT b.id, p.id, p.name, p.summary FROM basis b JOIN population p ON p.id = b.population"
            " WHERE b.address = ? AND b.rules = ?",
            [str(address), rules],
        ).fetchone()
        return Basis(row[0], rules, Population(row[1], address, row[2], json.loads(row[3]))) if row else None

    def differing(self, basis: Basis, blocks: Iterable[Block]) -> Generator[tuple[int, bytes, bytes, bytes]]:
        """Yield (source, prefix, rows before, rows now) of the folders whose rows differ; b"" for none.

        To be closed; until then, what another run writes is not seen.
        """
        db = self._db
        with db:
            db.execute("BEGIN")
            db.execute("DELETE FROM temp.here")
            query = "SELECT rows FROM listed WHERE basis = ? AND source = ? AND prefix = ?"
            for source, prefix, rows in blocks:
                found = db.execute(query, [basis.id, source, prefix]).fetchone()
                db.execute("INSERT INTO temp.here VALUES (?, ?)", [source, prefix])
                if found is None or found[0] != rows:
                    yield source, prefix, found[0] if found else b"", rows
            for source, prefix, rows in db.execute(_GONE, [basis.id]):
                yield source, prefix, rows, b""

    def bodies(self, basis: Basis, keys: Collection[str], *, most_files: int) -> dict[str, JSON] | None:
        """The bodies of rows of the basis' population, by key; only of those that are there.

        None when they have more files than that, and would not be few.
        """
        files = 0
        wanted = sorted(keys)
        found: dict[str, JSON] = {}
        for start in range(0, len(wanted), _KEYS_AT_ONCE):
            some = wanted[start : start + _KEYS_AT_ONCE]
            where = f"WHERE population = ? AND key IN ({','.join('?' * len(some))})"
            values = [basis.population.id, *some]
            files += self._db.execute(f"SELECT coalesce(sum(files), 0) FROM desired {where}", values).fetchone()[0]
            if files > most_files:
                return None
            rows = self._db.execute(f"SELECT key, body FROM desired {where}", values)
            found |= {key: json.loads(body) for key, body in rows}
        return found

    def record(self, population: Population, rules: str, blocks: Iterable[Block]) -> None:
        """Make this listing the basis of the population's row set."""
        db = self._db
        with db:
            db.execute("BEGIN IMMEDIATE")
            db.execute("DELETE FROM basis WHERE address = ?", [str(population.address)])
            sql = "INSERT INTO basis (address, rules, population) SELECT ?, ?, id FROM population WHERE id = ?"
            cursor = db.execute(sql, [str(population.address), rules, population.id])
            if cursor.rowcount:  # else another run cleared the population away
                rows = ((cursor.lastrowid, *block) for block in blocks)
                db.executemany("INSERT INTO listed VALUES (?, ?, ?, ?)", rows)

    def forget(self, address: Address) -> None:
        """Drop the basis of a row set."""
        self._db.execute("DELETE FROM basis WHERE address = ?", [str(address)])

    def move(self, basis: Basis, population: Population, blocks: Iterable[Block]) -> None:
        """Make the basis that of a later population. blocks: the folders that differ; without rows for those gone."""
        db = self._db
        with db:
            db.execute("BEGIN IMMEDIATE")
            sql = "UPDATE basis SET population = ? WHERE id = ? AND population = ?"
            if db.execute(sql, [population.id, basis.id, basis.population.id]).rowcount == 0:
                return  # another run was quicker
            for source, prefix, rows in blocks:
                place = [basis.id, source, prefix]
                db.execute("DELETE FROM listed WHERE basis = ? AND source = ? AND prefix = ?", place)
                if rows:
                    db.execute("INSERT INTO listed VALUES (?, ?, ?, ?)", [*place, rows])
