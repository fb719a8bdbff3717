"""Looks at units that are known by their place: only those are read in full that may have changed."""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping, Sequence

from reconciler.engine.session import Session
from reconciler.model.address import Address
from reconciler.model.json import JSON
from reconciler.model.observed import ObservedUnit
from reconciler.model.unit import attributes_digest, content_digest, fields_digest
from reconciler.plan.rows import RowDigests
from reconciler.providers.base import Provider
from reconciler.state.differences import RowDifferences
from reconciler.state.populations import Population, PopulationCache
from reconciler.state.store import StateStore
from reconciler.state.values import OwnedRow

_MISPLACED = "at "


def misplaced(fields: str) -> str | None:
    """The place where others put a row, when that is what its digest of fields says."""
    return fields.removeprefix(_MISPLACED) if fields.startswith(_MISPLACED) else None


def proof_of(row: OwnedRow) -> str:
    """What the state says of a row, as one text: what a look at the backend confirmed."""
    return "|".join((row.key, row.content, row.fields, row.attributes))


class PlaceLook:
    """Notes units that are known by their place. Only those are read in full that may have changed."""

    def __init__(
        self,
        session: Session,
        provider: Provider,
        store: StateStore,
        address: Address,
        differences: RowDifferences,
        population: Population | None,
    ) -> None:
        self._session, self._provider, self._store = session, provider, store
        self._address, self._differences, self._population = address, differences, population
        begun = [i for i in store.intents() if i.address == address and i.action in ("create", "adopt", "replace")]
        self._begun = {key for intent in begun for key in intent.keys}

    def note(self, page: list[ObservedUnit]) -> None:
        """Take a page of a listing in outline."""
        ids = [unit.remote_id for unit in page]
        recorded = self._store.rows_by_remote_id(self._address, ids)
        self._differences.saw(recorded)
        confirmed = self._session.cache.confirmed(self._address, ids)
        wanted = self._differences.wanted(self._population, [unit.key or "" for unit in page]) | self._begun
        unsure = [unit for unit in page if self._must_read(unit, recorded, confirmed, wanted)]
        equal = [
            (unit.remote_id, unit.token, proof_of(recorded[unit.remote_id]))
            for unit in (self._provider.read_units(unsure) if unsure else ())
            if self._equals(unit, recorded.get(unit.remote_id)) and unit.token is not None
        ]
        if equal:
            self._session.cache.confirm(self._address, equal)

    def _must_read(
        self,
        unit: ObservedUnit,
        recorded: Mapping[str, OwnedRow],
        confirmed: Mapping[str, tuple[str, str]],
        wanted: Container[str],
    ) -> bool:
        row = recorded.get(unit.remote_id)
        if row is None:
            return unit.key in wanted
        return confirmed.get(unit.remote_id) != (unit.token, proof_of(row)) or unit.key != row.key

    def _equals(self, unit: ObservedUnit, row: OwnedRow | None) -> bool:
        """Note one unit; says whether it is exactly as recorded."""
        if row is None:
            self._note_unrecorded(unit, unit.key or "")
            return False
        digests = digests_of(unit, row)
        equal = unit.key == row.key and (digests.content, digests.fields) == (row.content, row.fields)
        if not equal:
            found = (
                digests
                if unit.key == row.key
                else RowDigests(digests.content, f"{_MISPLACED}{unit.key}", row.remote_id)
            )
            self._differences.saw_changed(row.key, found, dict(unit.meta))
        return equal

    def _note_unrecorded(self, unit: ObservedUnit, key: str) -> None:
        digests = RowDigests(content_digest(unit.checksums), self._declared_fields(unit, key), unit.remote_id)
        ours = key in self._begun
        if next(self._store.rows(self._address, [key]), None) is not None:
            self._differences.saw_occupant(key, digests, dict(unit.meta), ours=ours)
        elif ours:
            self._differences.saw_unrecorded(key, digests, dict(unit.meta))
        else:
            self._differences.saw_foreign(key, digests, dict(unit.meta))

    def _declared_fields(self, unit: ObservedUnit, key: str) -> str:
        """Digest of what is declared of a unit, as it is there; attributes must be written to be known."""
        body = self._differences.desired_body(self._population, key)
        if body is None:
            return fields_digest(unit.meta, (), attributes_digest(unit.attributes))
        meta = {name: unit.meta[name] for name in body["meta"] if name in unit.meta}
        return fields_digest(meta, tuple(body["groups"]), "unknown" if body.get("attributes") else "")


class ExistingLook:
    """Completes units that a listing gives in outline; what is known to equal its recorded row is not read again."""

    def __init__(self, provider: Provider, cache: PopulationCache, address: Address) -> None:
        self._provider, self._cache, self._address = provider, cache, address

    def split(
        self, page: Sequence[ObservedUnit], recorded: Mapping[str, OwnedRow]
    ) -> tuple[list[ObservedUnit], list[ObservedUnit]]:
        """Units that are as recorded, in outline, and the others, complete."""
        confirmed = self._cache.confirmed(self._address, [unit.remote_id for unit in page])
        same: list[ObservedUnit] = []
        unsure: list[ObservedUnit] = []
        for unit in page:
            row = recorded.get(unit.remote_id)
            proven = row is not None and confirmed.get(unit.remote_id) == (unit.token, proof_of(row))
            (same if proven and row is not None and row.key == unit.key else unsure).append(unit)
        return same, self._provider.read_units(unsure) if unsure else []

    def confirm(self, units: Iterable[tuple[ObservedUnit, OwnedRow]]) -> None:
        """Remember units that were found to be as recorded."""
        rows = [(unit.remote_id, unit.token, proof_of(row)) for unit, row in units if unit.token is not None]
        if rows:
            self._cache.confirm(self._address, rows)


def digests_of(unit: ObservedUnit, row: OwnedRow) -> RowDigests:
    """Digests of what is ours of an observed unit; those of attributes are compared with what we last saw."""
    content = content_digest(unit.checksums) if unit.checksums else row.content
    declared = row.fields.partition("/")[2]
    there = {name: unit.attributes[name] for name in row.shape.attributes if name in unit.attributes}
    attributes = declared if attributes_digest(there) == row.attributes else "changed"
    fields = fields_digest(_ours(unit.meta, row), row.shape.groups, attributes)
    return RowDigests(content, fields, row.remote_id)


def _ours(meta: Mapping[str, JSON], row: OwnedRow) -> dict[str, JSON]:
    """The part of the observed metadata that we wrote."""
    return {key: meta[key] for key in row.shape.keys if key in meta}
