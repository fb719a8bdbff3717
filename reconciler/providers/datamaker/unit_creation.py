"""Creates data units in bulk, so that one bad unit never costs the others and none is made twice.

`POST /v2/data-units/bulk-create/` takes at most 1000 units and persists nothing when one of them is wrong; a refused
batch is halved until the wrong ones stand alone. It reuses units of the same composition, which makes repeating it safe
and tells us about units that exist already.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from reconciler.errors import BackendError, Conflict, Denied, Invalid, ReconcilerError
from reconciler.model.json import JSON
from reconciler.model.unit import FileRef
from reconciler.providers.base import Content, RowOutcome, TransferNotes, UnitDraft, UnitEdit
from reconciler.providers.datamaker import units
from reconciler.providers.datamaker.envelope import Row, id_of, object_in
from reconciler.providers.datamaker.groups import Groups
from reconciler.providers.datamaker.marker import MARKER, unit_marker, unit_owner, without_marker
from reconciler.providers.datamaker.resuming import Memory
from reconciler.providers.datamaker.transfer import Stored, Transfer
from reconciler.providers.http import HttpClient
from reconciler.providers.pool import Pool

BATCH = 1000
_PATH = "/v2/data-units/bulk-create/"
_NAMED_UNIT = re.compile(r"\bunits?(?:\.|\[)(\d+)")


def create_units(
    client: HttpClient,
    pool: Pool,
    collection_id: str,
    drafts: Sequence[UnitDraft],
    content: Content,
    progress: Callable[[int], None],
    notes: TransferNotes | None = None,
) -> list[RowOutcome]:
    """Upload the bytes that are missing, then create the units; outcomes in the order of `drafts`.

    Raises Denied when the service refuses the credentials before anything was created.
    """
    memory = Memory(notes, f"{client.service.base_url} {collection_id}")
    transfer = Transfer(client, pool, collection_id, content, progress, memory)
    creation = _Creation(client, pool, collection_id, transfer)
    for start in range(0, len(drafts), BATCH):
        creation.run(range(start, min(start + BATCH, len(drafts))), drafts)
    return [creation.outcomes[index] for index in range(len(drafts))]


@dataclass(slots=True)
class _Creation:
    client: HttpClient
    pool: Pool
    collection_id: str
    transfer: Transfer
    outcomes: dict[int, RowOutcome] = field(default_factory=dict)

    def run(self, indexes: Sequence[int], drafts: Sequence[UnitDraft]) -> None:
        """Take one batch through: refuse what cannot be, upload, create."""
        for index in indexes:
            if error := _impossible(drafts[index]):
                self._fail(index, drafts[index], error)
        left = [index for index in indexes if index not in self.outcomes]
        stored = self.transfer.store(*_distinct([drafts[index] for index in left]))
        self._create(self._complete([(index, drafts[index]) for index in left], stored), stored)

    def _complete(self, batch: list[tuple[int, UnitDraft]], stored: Stored) -> list[tuple[int, UnitDraft]]:
        """Those whose files are all there; the others fail."""
        for index, draft in batch:
            errors = [stored.errors[hex] for hex in map(_hex, draft.files) if hex in stored.errors]
            if errors:
                self._fail(index, draft, errors[0])
        return [(index, draft) for index, draft in batch if index not in self.outcomes]

    def _create(self, batch: list[tuple[int, UnitDraft]], stored: Stored) -> None:
        """Create a batch; on refusal set apart the units that the answer names, else halve it."""
        if not batch:
            return
        wanted = [_to_wire(draft, stored) for _, draft in batch]
        body = {"data_collection": _number(self.collection_id), "units": wanted}
        try:
            answer = object_in(self.client.call("POST", _PATH, body=body, repeatable=True), f"POST {_PATH}")
            results = _results(answer, len(batch))
        except Invalid as error:
            if not self._sent_again(batch, stored):
                self._set_apart(batch, stored, error)
        except ReconcilerError as error:
            if isinstance(error, Denied) and not any(outcome.remote_id for outcome in self.outcomes.values()):
                raise
            for index, draft in batch:
                self._fail(index, draft, error)
        else:
            self._settle(batch, results)

    def _sent_again(self, batch: list[tuple[int, UnitDraft]], stored: Stored) -> bool:
        """Send what was thought to have arrived in an earlier run, for the service may have lost it, and try again.

        Gives False when there is no such file.
        """
        files = {_hex(ref): ref for _, draft in batch for ref in draft.files if _hex(ref) in stored.recalled}
        if not files:
            return False
        self.transfer.memory.forget(files)
        stored.recalled.difference_update(files)
        for hex in files:
            del stored.checksums[hex]
        again = self.transfer.store(files, frozenset())
        stored.checksums.update(again.checksums)
        stored.errors.update(again.errors)
        self._create(self._complete(batch, stored), stored)
        return True

    def _set_apart(self, batch: list[tuple[int, UnitDraft]], stored: Stored, error: Invalid) -> None:
        if len(batch) == 1:
            self._fail(*batch[0], error)
            return
        named = {int(m[1]) for p in error.problems for m in [_NAMED_UNIT.search(p.address)] if m}
        named &= set(range(len(batch)))
        if not named or len(named) == len(batch):
            named = set(range(len(batch) // 2))
        # The named ones are asked about once more by themselves, for the answer may have blamed them wrongly.
        first = [item for place, item in enumerate(batch) if place in named]
        second = [item for place, item in enumerate(batch) if place not in named]
        self._create(first, stored)
        self._create(second, stored)

    def _settle(self, batch: list[tuple[int, UnitDraft]], results: list[Row]) -> None:
        existing = []
        for (index, draft), result in zip(batch, results, strict=True):
            remote_id = id_of(result, f"POST {_PATH}", "data_unit_id")
            if result.get("created"):
                self.outcomes[index] = RowOutcome(draft.address.key or "", remote_id)
            else:
                existing.append((index, draft, remote_id))
        groups = Groups(self.client, self.collection_id)
        outcomes = self.pool.map(lambda item: self._existing(item[1], item[2], groups), existing)
        self.outcomes.update((item[0], outcome) for item, outcome in zip(existing, outcomes, strict=True))

    def _existing(self, draft: UnitDraft, remote_id: str, groups: Groups) -> RowOutcome:
        """A unit of this composition was there: ours from an earlier attempt, or somebody's."""
        key = draft.address.key or ""
        try:
            there = units.detail(self.client, remote_id)
            owner = unit_owner(there.get("meta"))
            if owner != draft.address and (owner is not None or not draft.adopt):
                return RowOutcome(key, error=_taken(remote_id, owner))
            edit = UnitEdit(remote_id, draft.address, draft.meta, groups=draft.groups or None)
            units.write_meta(self.client, there, edit, groups)
        except ReconcilerError as error:
            return RowOutcome(key, error=error)
        return RowOutcome(key, remote_id, adopted=True)

    def _fail(self, index: int, draft: UnitDraft, error: ReconcilerError) -> None:
        self.outcomes[index] = RowOutcome(draft.address.key or "", error=error)


def _impossible(draft: UnitDraft) -> ReconcilerError | None:
    """What the service could not do with this draft, found before it is asked."""
    specs = [ref.spec for ref in draft.files]
    several = sorted({spec for spec in specs if specs.count(spec) > 1})
    if several:
        count, name = specs.count(several[0]), several[0]
        text = f"{count} files for the sequential specification {name!r}, which this service cannot "
        return Invalid(text + "create in bulk", fix="take sequential out, and give it one file per unit")
    if not draft.files:
        return Invalid("a unit without files", fix="give it at least the primary file")
    unhashed = next((ref for ref in draft.files if ref.checksum is None), None)
    return Invalid(f"{unhashed.path} has no checksum") if unhashed else None


def _distinct(drafts: Sequence[UnitDraft]) -> tuple[dict[str, FileRef], frozenset[str]]:
    """Files by checksum, each once, and the checksums that need no upload."""
    files = {_hex(ref): ref for draft in drafts for ref in draft.files}
    return files, frozenset[str]().union(*(draft.known for draft in drafts))


def _to_wire(draft: UnitDraft, stored: Stored) -> Row:
    files = {ref.spec: {"checksum": stored.checksums[_hex(ref)], "path": ref.path} for ref in draft.files}
    wire: Row = {"files": files, "meta": {**without_marker(draft.meta), MARKER: unit_marker(draft.address)}}
    return wire | ({"groups": list(draft.groups)} if draft.groups else {})


def _results(answer: Row, count: int) -> list[Row]:
    results = answer.get("results")
    if not isinstance(results, list) or len(results) != count:
        raise BackendError("the answer does not match the units asked for", operation=f"POST {_PATH}")
    return results


def _taken(remote_id: str, owner: object) -> Conflict:
    if owner is None:
        fix = "set lifecycle.onExists: adopt to take it over"
        return Conflict(f"a unit with the same files exists already (id {remote_id}) and is nobody's", fix=fix)
    fix = "a collection holds the same files only once: drop one of the two"
    return Conflict(f"a unit with the same files exists already (id {remote_id}): it is {owner}", fix=fix)


def _hex(ref: FileRef) -> str:
    return ref.checksum.hex if ref.checksum else ""


def _number(remote_id: str) -> JSON:
    return int(remote_id) if remote_id.isdigit() else remote_id
