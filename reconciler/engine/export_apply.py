"""Carry out an export: convert what changed, keep the rest, publish all of it as one."""

from __future__ import annotations

import os
from collections.abc import Container, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from reconciler.destinations.base import Destination, Staging, Standing
from reconciler.destinations.opening import open_destination, shown
from reconciler.engine.apply_objects import owned_resource
from reconciler.engine.events import Progress
from reconciler.engine.export_items import CLASSES_PATH, SourceItem, export_items, record_scope, sized, writer_for
from reconciler.engine.exports import basis_of, destination_url
from reconciler.engine.report import Outcome
from reconciler.engine.running import Applying
from reconciler.errors import Conflict, Problem, ReconcilerError
from reconciler.formats.account import Account
from reconciler.formats.items import Fragment, ItemOutput, Writer
from reconciler.formats.writers import build_summary
from reconciler.model.address import Address
from reconciler.model.checksum import Checksum
from reconciler.model.json import canonical_json
from reconciler.model.resource import Export, External, Reference
from reconciler.plan.values import Action, Change, RowCounts
from reconciler.providers.base import NotModified, Provider
from reconciler.state.fragments import FragmentCache
from reconciler.state.values import OwnedRow, Shape

_PART = 64  # items converted between two looks at the stop sign
SUMMARY_PATH = "metadata/export_summary.json"


def apply_export(run: Applying, change: Change) -> Outcome:
    """Bring one export up to date, or end it."""
    export = run.declared.get(change.address)
    if change.action is Action.NO_OP:
        return Outcome(change.address, change.action)
    if change.action in (Action.DELETE, Action.FORGET) or not isinstance(export, Export):
        return _end(run, change)
    destination = open_destination(destination_url(export), export.destination.options, folder=export.head.folder)
    provider = run.session.provider(change.backend)
    with run.session.open_fragments() as fragments:
        standing = destination.inspect(str(change.address), fragments.stamps(change.address))
        writer = writer_for(export, run.declared, destination.read(CLASSES_PATH))
        items = _items(run, change, export, provider, writer)
        job = _Job(run, export, provider, destination, standing, writer, fragments)
        return job.publish(change, items)


def _items(run: Applying, change: Change, export: Export, provider: Provider, writer: Writer) -> list[SourceItem]:
    listing = provider.records(export.target, record_scope(export, partial(_resolve, run)), export.filter)
    assert not isinstance(listing, NotModified)  # no etag was sent
    items = export_items(listing.records, export, writer)
    if change.basis is not None and basis_of(items) != change.basis:
        raise Conflict("the annotations changed since the plan was made", fix="plan again")
    return items


@dataclass(frozen=True, slots=True)
class _Job:
    run: Applying
    export: Export
    provider: Provider
    destination: Destination
    standing: Standing
    writer: Writer
    fragments: FragmentCache

    @property
    def address(self) -> Address:
        return self.export.head.address

    def publish(self, change: Change, items: list[SourceItem]) -> Outcome:
        """Write items and shared files, then publish and record them. A failed item keeps the old publication."""
        owned = {row.key: row for row in self.run.store.rows(self.address)}
        counts = _count(items, owned)
        staging = self.destination.open_staging(str(self.address), self.standing)
        try:
            failures = self._stage_items(staging, items, owned)
            if failures or self.run.control.is_stopping:
                staging.abandon()
                skipped = not failures
                return Outcome(self.address, change.action, failures=tuple(failures), skipped=skipped)
            self._stage_shared(staging, items)
            intent = self.run.store.begin(self.address, change.action.value, (), now=self.run.timestamp())
            published = staging.commit()
        except BaseException:
            staging.abandon()
            raise
        self.fragments.keep_only(self.address, (source.item.key for source in items))
        self.fragments.save_stamps(self.address, published.stamps)
        self._record(change, items, owned, intent)
        return Outcome(self.address, change.action, counts)

    def _stage_items(self, staging: Staging, items: list[SourceItem], owned: Mapping[str, OwnedRow]) -> list[Problem]:
        failures: list[Problem] = []
        done = sent = 0
        with ThreadPoolExecutor(self.run.session.parallelism, thread_name_prefix="export") as pool:
            for start in range(0, len(items), _PART):
                if self.run.control.is_stopping:
                    break
                part = items[start : start + _PART]
                outputs = list(pool.map(self._output, part, [self._is_cached(source) for source in part]))
                failures += [p for source, out in zip(part, outputs, strict=True) for p in self._failures(source, out)]
                if not failures:
                    for source, output in zip(part, outputs, strict=True):
                        self._remember(source, output)
                    stage = partial(self._stage, staging, owned)
                    sent += sum(pool.map(stage, part, outputs))
                done += len(part)
                self.run.session.events(Progress(self.address, done, sent))
        return failures

    def _is_cached(self, source: SourceItem) -> bool:
        """Whether neither the fragment nor the item's own file has to be made again."""
        annotation = self.writer.paths(source.item).annotation
        stands = annotation is None or annotation in self.standing.sound
        return stands and self.fragments.fragment(self.address, source.item.key, source.content) is not None

    def _output(self, source: SourceItem, cached: bool) -> ItemOutput | ReconcilerError | None:
        """What an item became; None when it need not be made again. Called from worker threads."""
        try:
            return None if cached else self.writer.write_item(sized(source, self.provider))
        except ReconcilerError as error:
            return error

    def _failures(self, source: SourceItem, output: ItemOutput | ReconcilerError | None) -> list[Problem]:
        where = str(self.address.row(source.item.key))
        if isinstance(output, ReconcilerError):
            return [Problem(output.message, address=where, fix=output.fix)]
        if output is None or not output.account.failed:
            return []
        text = f"{output.account.failed} annotations break geometry: fail"
        return [Problem(text, address=where, fix="repair them, or choose geometry: clip, keep or drop")]

    def _remember(self, source: SourceItem, output: ItemOutput | ReconcilerError | None) -> None:
        if isinstance(output, ItemOutput):
            item = source.item
            self.fragments.save_fragment(self.address, item.key, source.content, item.split, output.fragment)

    def _stage(
        self,
        staging: Staging,
        owned: Mapping[str, OwnedRow],
        source: SourceItem,
        output: ItemOutput | ReconcilerError | None,
    ) -> int:
        """Put or keep the files of one item; returns the bytes of originals that travelled."""
        paths = self.writer.paths(source.item)
        if isinstance(output, ItemOutput):
            for path, content in output.files.items():
                staging.put(path, [content])
        elif paths.annotation is not None:
            staging.keep(paths.annotation)
        row = owned.get(source.item.key)
        before = row.files if row else {}
        sent = 0
        for file in source.files:
            target = paths.originals.get(file.spec)
            if target is None:
                continue
            if target in self.standing.sound and file.checksum and before.get(file.spec) == file.checksum:
                staging.keep(target)
                continue
            algorithm = self.provider.capabilities.checksum
            expected = Checksum(algorithm, file.checksum) if file.checksum else None
            sent += staging.put(target, self.provider.fetch(file), expected).size_bytes
        return sent

    def _stage_shared(self, staging: Staging, items: list[SourceItem]) -> None:
        fragments = partial(self._fragments, {source.item.key for source in items})
        for shared in self.writer.assemble(fragments):
            staging.put(shared.path, shared.chunks)
        accounts: list[Account] = [self.writer.account(fragment.text) for fragment in fragments()]
        counts = {"read": len(items), "written": len(items)}
        for source in items:
            if source.item.split is not None:
                name = f"split:{source.item.split}"
                counts[name] = counts.get(name, 0) + 1
        provenance = {"configuration": self.run.session.configuration.digest}
        summary = build_summary(self.export, accounts, items=counts, provenance=provenance)
        staging.put(SUMMARY_PATH, [(canonical_json(summary) + "\n").encode()])

    def _fragments(self, keys: Container[str]) -> Iterator[Fragment]:
        for key, split, text in self.fragments.fragments(self.address):
            if key in keys:
                yield Fragment(key, split, text)

    def _record(self, change: Change, items: list[SourceItem], owned: Mapping[str, OwnedRow], intent: int) -> None:
        run = self.run
        parent = _resolve(run, self.export.project)
        place = _place(run, self.export)
        run.store.save_resource(
            owned_resource(self.export, self.address, change.backend, change.desired or {}, place, parent_id=parent),
            intent=intent,
        )
        rows = [OwnedRow(s.item.key, s.item.record_id, s.content, "", Shape(), s.checksums) for s in items]
        keys = {row.key for row in rows}
        gone = [(key, row.remote_id) for key, row in owned.items() if key not in keys]
        run.store.save_rows(self.address, rows, drop=gone)


def _end(run: Applying, change: Change) -> Outcome:
    """Remove what we published (unless it is to be left behind), then forget the export."""
    owned = run.store.resource(change.address)
    if change.action is Action.DELETE and owned and owned.remote_id:
        folder = run.session.configuration.workspace.root
        destination = open_destination(owned.remote_id, {}, folder=folder)
        standing = destination.inspect(str(change.address), {})
        destination.remove(str(change.address), standing)
    run.store.drop_resource(change.address)
    return Outcome(change.address, change.action)


def _place(run: Applying, export: Export) -> str:
    """The destination as the state names it: a URL without credentials, or a path from the workspace's root."""
    url = destination_url(export)
    if "://" in url:
        return shown(url)
    return os.path.relpath(export.head.folder / Path(url).expanduser(), run.session.configuration.workspace.root)


def _resolve(run: Applying, reference: Reference | None) -> str | None:
    if reference is None or isinstance(reference, External):
        return reference.id if reference else None
    return run.remote_id(reference.address)


def _count(items: list[SourceItem], owned: Mapping[str, OwnedRow]) -> RowCounts:
    keys = {source.item.key for source in items}
    new = sum(source.item.key not in owned for source in items)
    changed = sum(source.item.key in owned and owned[source.item.key].content != source.content for source in items)
    return RowCounts(create=new, replace=changed, delete=len(owned.keys() - keys), unchanged=len(items) - new - changed)
