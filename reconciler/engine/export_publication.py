"""One publication of an export: convert what changed, keep the rest, publish all of it as one, account for all of it.

Items pass by in parts: a part is in memory, nothing else of them.
"""

from __future__ import annotations

import hashlib
from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import chain, islice

from reconciler.destinations.base import Destination, Staging, Standing
from reconciler.destinations.manifest import FileState
from reconciler.engine.events import Progress
from reconciler.engine.export_card import ClassCounts, card_facts, card_files, draw_sheets
from reconciler.engine.export_conversion import Converter, Outputs, open_converter
from reconciler.engine.export_items import ItemSet, SourceItem, sized, unreadable_item
from reconciler.engine.provenance import provenance_of, standing_provenance
from reconciler.engine.running import Applying
from reconciler.errors import ItemRefused, Problem, ReconcilerError
from reconciler.execution.base import Task
from reconciler.formats.card import Facts, is_about
from reconciler.formats.conversion import UnreadItem
from reconciler.formats.csv_rows import RowMeter
from reconciler.formats.items import Fragment, ItemOutput, OutputFile, Writer
from reconciler.formats.writers import build_summary, left_out
from reconciler.model.address import Address
from reconciler.model.checksum import Checksum
from reconciler.model.json import JSONObject, canonical_json
from reconciler.model.observed import RemoteFile
from reconciler.model.resource import Export
from reconciler.plan.values import RowCounts
from reconciler.providers.base import HasLocalFiles, Provider
from reconciler.state.fragments import FragmentCache, StoredFragment
from reconciler.state.values import OwnedRow, Shape

SUMMARY_PATH = "metadata/export_summary.json"
_PART = 64  # items converted between two looks at the stop sign
_EXAMPLES = 20
_COUNTED = {"collection": "entities", "query": "rows"}  # target → what the account counts


@dataclass(slots=True)
class Done:
    """What a publication did. intent: of the journal, None when nothing was published.

    rows: to record; gone: (key, remote id) to forget. failures: what the report says went wrong.
    note: how many annotations the format could not hold.
    """

    counts: RowCounts = field(default_factory=RowCounts)
    rows: Iterable[OwnedRow] = ()
    gone: Sequence[tuple[str, str]] = ()
    failures: list[Problem] = field(default_factory=list)
    intent: int | None = None
    was_stopped: bool = False
    note: str = ""


@dataclass(slots=True)
class _Tally:
    """What happened to items so far. splits: items per split. kept: unreadable ones whose old files stay."""

    new: int = 0
    changed: int = 0
    unchanged: int = 0
    read: int = 0
    splits: dict[str, int] = field(default_factory=dict)
    without_split: int = 0
    unreadable: list[JSONObject] = field(default_factory=list)
    unreadable_count: int = 0
    left_out: set[str] = field(default_factory=set)
    kept: set[str] = field(default_factory=set)

    def meet(self, source: SourceItem, owned: OwnedRow | None) -> None:
        """Count an item that is written."""
        self.new += owned is None
        self.changed += owned is not None and owned.content != source.content
        self.unchanged += owned is not None and owned.content == source.content

    def lose(self, source: SourceItem) -> None:
        """Note an item that could not be read."""
        self.unreadable_count += 1
        if len(self.unreadable) < _EXAMPLES:
            row = {"key": source.item.key, "record": source.item.record_id, "reason": source.fault}
            self.unreadable.append(row)

    @property
    def items(self) -> dict[str, int]:
        """Counts for the summary."""
        written = self.new + self.changed + self.unchanged + len(self.kept)
        lost = {"unreadable": self.unreadable_count} if self.unreadable_count else {}
        splits = {f"split:{name}": count for name, count in self.splits.items()}
        without = {"without_split": self.without_split} if self.without_split else {}
        return {"read": self.read, "written": written, **lost, **splits, **without}


@dataclass(frozen=True, slots=True)
class _Step:
    """One item on its way. output: None when it need not be made again. owned: as recorded."""

    source: SourceItem
    owned: OwnedRow | None
    output: ItemOutput | ReconcilerError | None = None


@dataclass(frozen=True, slots=True)
class _Begun:
    """A part on its way. owned: by key. stale: key → what is converted, or why it cannot be. task: their outputs."""

    part: list[SourceItem]
    owned: Mapping[str, OwnedRow]
    stale: Mapping[str, UnreadItem | ReconcilerError]
    task: Task[Outputs]

    def steps(self) -> list[_Step]:
        """A step for each item that can be read; waits for the outputs."""
        outputs = iter(self.task.result())
        found: list[_Step] = []
        for source in self.part:
            if source.fault is None:
                stale = self.stale.get(source.item.key)
                output = next(outputs) if isinstance(stale, UnreadItem) else stale
                found.append(_Step(source, self.owned.get(source.item.key), output))
        return found


@dataclass(slots=True)
class Publication:
    """Everything one publication needs; used once. scope: where its records are."""

    run: Applying
    export: Export
    provider: Provider
    destination: Destination
    standing: Standing
    writer: Writer
    fragments: FragmentCache
    items: ItemSet
    scope: Mapping[str, str]
    sound: Mapping[str, FileState] = field(init=False)
    was_cut: bool = field(init=False)
    left_out: str = ""
    meter: RowMeter = field(default_factory=RowMeter)
    tally: _Tally = field(default_factory=_Tally)
    failures: list[Problem] = field(default_factory=list)
    refused: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.sound = self.standing.sound
        self.was_cut = any(intent.address == self.address for intent in self.run.store.intents())

    @property
    def address(self) -> Address:
        """Of the export."""
        return self.export.head.address

    def publish(self, action: str) -> Done:
        """Write items and shared files, then publish.

        An item that fails to be converted keeps the old publication whole; one that cannot be read costs only itself.
        """
        staging = self.destination.open_staging(str(self.address), self.standing)
        try:
            lost = self._stage_items(staging)
            if self.failures or self.run.control.is_stopping:
                staging.abandon()
                return Done(failures=self.failures, was_stopped=not self.failures)
            self.fragments.keep_only(self.address, self._written_keys())
            self._stage_shared(staging)
            intent = self.run.store.begin(self.address, action, (), now=self.run.timestamp())
            published = staging.commit()
        except BaseException:
            staging.abandon()
            raise
        self.fragments.save_stamps(self.address, published.stamps)
        gone = [(row.key, row.remote_id) for row in self.run.store.rows(self.address) if not self._stays(row.key)]
        tally = self.tally
        counts = RowCounts(create=tally.new, replace=tally.changed, delete=len(gone), unchanged=tally.unchanged)
        return Done(counts, self._rows(), gone, lost, intent, note=self.left_out)

    def _stays(self, key: str) -> bool:
        return self.items.has(key) and key not in self.tally.left_out

    def _written_keys(self) -> Iterator[str]:
        return (source.item.key for source in self.items.heads() if source.item.key not in self.tally.left_out)

    def _rows(self) -> Iterator[OwnedRow]:
        for source in self.items.heads():
            if source.fault is None and source.item.key not in self.refused:
                item = source.item
                yield OwnedRow(item.key, item.record_id, source.content, "", Shape(), source.checksums)

    def _stage_items(self, staging: Staging) -> list[Problem]:
        """Returns the problems of items that could not be read; other failures are in `failures`."""
        lost: list[Problem] = []
        done = sent = 0
        session = self.run.session
        with (
            open_converter(session, self.writer, len(self.items)) as converter,
            ThreadPoolExecutor(session.parallelism, thread_name_prefix="export") as pool,
        ):
            for begun in self._begun_parts(converter, pool):
                if self.run.control.is_stopping:
                    break
                steps = begun.steps()
                for source in begun.part:
                    if source.fault is not None:
                        steps += self._lose(source, begun.owned.get(source.item.key))
                        lost.append(unreadable_item(str(self.address.row(source.item.key)), source))
                steps = [kept for step in steps for kept in self._judged(step, lost)]
                if not self.failures:
                    sent += self._stage_part(staging, pool, steps)
                done += len(begun.part)
                session.events(Progress(self.address, done, sent))
        return lost

    def _begun_parts(self, converter: Converter, pool: ThreadPoolExecutor) -> Iterator[_Begun]:
        """All parts in order; while one is staged, the next ones are converted."""
        waiting: deque[_Begun] = deque()
        try:
            for part in parts(self.items, _PART):
                waiting.append(self._begin(part, converter, pool))
                if len(waiting) > converter.ahead:
                    yield waiting.popleft()
            while waiting:
                yield waiting.popleft()
        finally:
            for begun in waiting:
                begun.task.cancel()

    def _begin(self, part: list[SourceItem], converter: Converter, pool: ThreadPoolExecutor) -> _Begun:
        """Begin to convert the items whose fragment or own file has to be made again."""
        owned = {row.key: row for row in self.run.store.rows(self.address, [s.item.key for s in part])}
        stale = [s for s in part if s.fault is None and not self._stands(s, s.content)]
        # Sizes of pictures are asked for over the network, hence in threads; a failure is that of the item.
        found = list(pool.map(self._unread, stale))
        task = converter.begin([one for one in found if isinstance(one, UnreadItem)])
        return _Begun(part, owned, {s.item.key: one for s, one in zip(stale, found, strict=True)}, task)

    def _unread(self, source: SourceItem) -> UnreadItem | ReconcilerError:
        try:
            return UnreadItem(replace(sized(source, self.provider), data=None), source.text)
        except ReconcilerError as error:
            return error

    def _stands(self, source: SourceItem, content: str) -> bool:
        """Whether the item was converted from that content and its own file is the published one.

        Both matter: a run that is cut has converted what it never publishes.
        """
        made = self.fragments.own_file(self.address, source.item.key, content)
        path = self.writer.paths(source.item).annotation
        if made is None or path is None:
            return made is not None
        return path in self.sound and self.sound[path].sha256 == made

    def _lose(self, source: SourceItem, owned: OwnedRow | None) -> list[_Step]:
        """An item that cannot be read stays as it was published, if all of it is still at hand."""
        self.tally.read += 1
        self.tally.lose(source)
        if owned is None or not self._stands(source, owned.content):
            self.tally.left_out.add(source.item.key)
            return []
        self.tally.kept.add(source.item.key)
        return [_Step(source, owned)]

    def _judged(self, step: _Step, lost: list[Problem]) -> list[_Step]:
        """The step, unless it failed; an item that the writer refused is lost like one that cannot be read."""
        error, source = step.output, step.source
        if not isinstance(error, ItemRefused):
            self.failures += self._failures(step)
            return [step]
        refused = replace(source, fault=error.message)
        lost.append(unreadable_item(str(self.address.row(source.item.key)), refused, fix=error.fix))
        self.refused.add(source.item.key)
        return self._lose(refused, step.owned)

    def _failures(self, step: _Step) -> list[Problem]:
        where = str(self.address.row(step.source.item.key))
        if isinstance(step.output, ReconcilerError):
            return [Problem(step.output.message, address=where, fix=step.output.fix)]
        if step.output is None or not step.output.account.failed:
            return []
        text = f"{step.output.account.failed} annotations break geometry: fail"
        return [Problem(text, address=where, fix="repair them, or choose geometry: clip, keep or drop")]

    def _stage_part(self, staging: Staging, pool: ThreadPoolExecutor, steps: Sequence[_Step]) -> int:
        for step in steps:
            item = step.source.item
            if step.source.fault is None:
                self.tally.read += 1
                self.tally.meet(step.source, step.owned)
            if item.split is not None:
                self.tally.splits[item.split] = self.tally.splits.get(item.split, 0) + 1
            elif self.export.splits is not None:
                self.tally.without_split += 1
        made = [(step.source, step.output) for step in steps if isinstance(step.output, ItemOutput)]
        self.fragments.save_fragments(self.address, (self._stored(*one) for one in made))
        return sum(pool.map(partial(self._stage, staging), steps))

    def _stored(self, source: SourceItem, output: ItemOutput) -> StoredFragment:
        path = self.writer.paths(source.item).annotation
        file = "" if path is None else hashlib.sha256(output.files[path]).hexdigest()
        return StoredFragment(source.item.key, source.content, source.item.split, output.fragment, file)

    def _stage(self, staging: Staging, step: _Step) -> int:
        """Put or keep the files of one item; returns the bytes of originals that travelled."""
        source = step.source
        paths = self.writer.paths(source.item)
        if isinstance(step.output, ItemOutput):
            for path, content in step.output.files.items():
                staging.put(path, [content])
        elif paths.annotation is not None:
            staging.keep(paths.annotation)
        # After a cut the originals may be of that publication, of which the state knows nothing.
        before = step.owned.files if step.owned and not self.was_cut else {}
        sent = 0
        for file in source.files:
            target = paths.originals.get(file.spec)
            if target is None:
                continue
            if target in self.sound and file.checksum and before.get(file.spec) == file.checksum:
                staging.keep(target)
                continue
            algorithm = self.provider.capabilities.checksum
            expected = Checksum(algorithm, file.checksum) if file.checksum else None
            sent += self._bring(staging, target, file, expected).size_bytes
        return sent

    def _bring(self, staging: Staging, target: str, file: RemoteFile, expected: Checksum | None) -> FileState:
        """Bring an original over; what lies on this machine is not streamed."""
        if isinstance(self.provider, HasLocalFiles):
            source = self.provider.local_file(file)
            if source is not None:
                return staging.put_file(target, source, expected)
        chunks = self.provider.fetch(file)
        return staging.put(target, self.meter.watch(chunks) if self.export.query is not None else chunks, expected)

    def _stage_shared(self, staging: Staging) -> None:
        shared = {}
        for file in self.writer.assemble(self._fragments):
            state = self._stage_file(staging, file)
            if not file.is_of_item:
                shared[file.path] = (state.size_bytes, state.sha256)
        summary, classes = self._summary(staging)
        self.left_out = left_out(summary)
        staging.put(SUMMARY_PATH, [(canonical_json(summary) + "\n").encode()])
        if self.export.card.is_written:
            facts = card_facts(self.export, self.run.declared, summary)
            self._stage_card(staging, replace(facts, classes=classes, shared=shared))

    def _stage_file(self, staging: Staging, file: OutputFile) -> FileState:
        """Write a shared file. There can be one for every item, so one of a single piece that stands is not written
        first to be compared."""
        begin = list(islice(file.chunks, 2))
        state = self.sound.get(file.path)
        if len(begin) == 1 and state is not None and state.sha256 == hashlib.sha256(begin[0]).hexdigest():
            staging.keep(file.path)
            return state
        return staging.put(file.path, chain(begin, file.chunks))

    def _stage_card(self, staging: Staging, facts: Facts) -> None:
        sheets = draw_sheets(self.export, self.items, self.provider)
        facts = replace(facts, sheets=tuple(sheets.files), unsheeted=sheets.missing)
        for path, content in {**sheets.files, **card_files(facts)}.items():
            staging.put(path, [content])

    def _summary(self, staging: Staging) -> tuple[JSONObject, Mapping[str, Mapping[str, int]]]:
        """What goes into the summary, and how many objects of each class there are in each split.

        As long as the data is that which stands there, so is what is said of its making: it was made then.
        """
        is_query = self.export.query is not None
        counts = ClassCounts()
        accounts = [self.meter.account()] if is_query else counts.watch(self._fragments(), self.writer)
        summary = build_summary(
            self.export,
            accounts,
            items=self.tally.items,
            provenance=provenance_of(self.run.session, self.export, self.scope, self.items.basis),
            unreadable=self.tally.unreadable,
            counted=_COUNTED.get(self.export.target, "annotations"),
            result=self.meter.result(self._fragments) if is_query else None,
            classes=lambda: counts.found,
        )
        if self._is_standing(staging):
            before = standing_provenance(self.destination.read(SUMMARY_PATH), summary)
            summary = {**summary, "provenance": before or summary["provenance"]}
        return summary, counts.found

    def _is_standing(self, staging: Staging) -> bool:
        """Whether the data that was staged is that which was published last, no matter what was damaged of it."""
        before = self.standing.manifest.files if self.standing.manifest else {}
        data = dict(staging.files)
        about = before.keys() - data.keys()
        return (
            SUMMARY_PATH in self.sound
            and all(map(is_about, about))
            and data == {p: before[p] for p in before.keys() - about}
        )

    def _fragments(self) -> Iterator[Fragment]:
        for key, split, text in self.fragments.fragments(self.address):
            yield Fragment(key, split, text)


def parts(items: Iterable[SourceItem], size: int) -> Iterator[list[SourceItem]]:
    """Items in lists of at most `size`."""
    part: list[SourceItem] = []
    for item in items:
        part.append(item)
        if len(part) >= size:
            yield part
            part = []
    if part:
        yield part
