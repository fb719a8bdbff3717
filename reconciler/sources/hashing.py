"""Gives checksums to the files of units: from the cache where nothing changed, else by reading, in parallel."""

from __future__ import annotations

import hashlib
import os
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass, replace
from itertools import islice

from reconciler.content.detect import HEAD_BYTES
from reconciler.content.inspection import Inspection
from reconciler.content.judging import Breach
from reconciler.errors import Problem, Severity, SourceError
from reconciler.execution.base import Executor, Task
from reconciler.execution.local import LocalExecutor
from reconciler.model.checksum import Algorithm, Checksum
from reconciler.model.resource import AssetSet
from reconciler.model.unit import FileRef, Unit
from reconciler.sources.account import MAX_FINDINGS
from reconciler.sources.assembly import ListedRef
from reconciler.sources.cache import DigestCache, Digested
from reconciler.sources.content import open_file
from reconciler.sources.file_rules import FileRules
from reconciler.sources.flaws import content_flaw, flaw_problem, is_checked
from reconciler.sources.location import Place, failure, locate
from reconciler.sources.remote import UNTRUSTED, version_token
from reconciler.sources.verdicts import Verdicts
from reconciler.sources.visibility import check_visible

_UNITS_PER_BATCH = 256
# Files that one task reads: a task per file would spend more on the queue than on small files.
_FILES_PER_TASK, _BYTES_PER_TASK = 64, 8 * 1024 * 1024
_CHUNK_BYTES = 1024 * 1024
# A file changed a moment ago may change again within one tick of the clock its filesystem keeps.
_SETTLED_NS, _SETTLED_COARSE_NS = 50_000_000, 2_000_000_000


@dataclass(frozen=True, slots=True)
class _Read:
    """What reading one file gave. stamp: "" when it must not be remembered. digested: None where it was not hashed."""

    digested: Digested | None
    size_bytes: int
    stamp: str
    breaches: tuple[Breach, ...] = ()


@dataclass(slots=True)
class _Batch:
    """Units on their way: what the cache knew, by (source, path), and the tasks that read the rest.

    breaches: of every file, when there are content rules.
    """

    units: list[Unit]
    known: dict[tuple[int, str], Digested]
    breaches: dict[tuple[int, str], tuple[Breach, ...]]
    reading: list[tuple[list[FileRef], Task[list[_Read | SourceError]]]]

    def cancel(self) -> None:
        """Begin none of its tasks any more."""
        for _, task in self.reading:
            task.cancel()


@dataclass(frozen=True, slots=True)
class _Reader:
    """Reads files; sent to where it is done.

    algorithm: None only judges. elsewhere: in another process, perhaps of another machine.
    """

    places: tuple[Place, ...]
    algorithm: Algorithm | None
    rules: FileRules | None
    elsewhere: bool

    def __call__(self, files: Sequence[FileRef]) -> list[_Read | SourceError]:
        if self.elsewhere:
            check_visible([self.places[number] for number in sorted({file.source for file in files})])
        return [_read_file(self.places[file.source], file, self.algorithm, self.rules) for file in files]


def hash_units(
    units: Iterator[Unit],
    asset_set: AssetSet,
    algorithm: Algorithm,
    cache: DigestCache,
    *,
    workers: int = 1,
    executor: Executor | None = None,
    progress: Callable[[int], None] | None = None,
    report: Callable[[Problem], None] | None = None,
    verdicts: Verdicts | None = None,
    unsettled: Callable[[FileRef], None] | None = None,
) -> Iterator[Unit]:
    """Yield the units with checksums, in the same order; reads ahead by a bounded number of units.

    A file whose size, mtime_ns and inode (or remote version token) are those of an earlier run is not read again.
    executor: what reads files; None for `workers` threads that end with the pass. progress: called with the size of
    each settled file, read or not. report: called with warnings about content, such as a `.json` file that is not JSON;
    also for files that were not read again. At most `MAX_FINDINGS` of them.
    verdicts: judges files by content rules while they are read, and is told of all; a file that is only judged is read
    no further than its rules need.
    unsettled: called with files that are to be read again next time, whatever their listing says then.

    Raises:
        SourceError: at the end, naming every file that could not be read; their units are left out.
    """
    with ExitStack() as stack:
        chosen = executor or stack.enter_context(closing(LocalExecutor(workers)))
        told = (progress or (lambda _: None), report or (lambda _: None), unsettled or (lambda _: None))
        run = _Run(asset_set, algorithm, cache, chosen, *told, verdicts)
        yield from run.hashed(units)
    run.report_rest()
    if run.problems:
        raise SourceError(run.problems)


class _Run:
    """The state of one pass."""

    def __init__(
        self,
        asset_set: AssetSet,
        algorithm: Algorithm,
        cache: DigestCache,
        executor: Executor,
        progress: Callable[[int], None],
        report: Callable[[Problem], None],
        unsettled: Callable[[FileRef], None],
        verdicts: Verdicts | None,
    ) -> None:
        folder = asset_set.head.folder
        self.problems: list[Problem] = []
        self._address = str(asset_set.head.address)
        self._places = tuple(locate(source.url, folder, source.options) for source in asset_set.sources)
        self._algorithm = algorithm
        self._cache = cache
        self._executor = executor
        self._progress = progress
        self._report = report
        self._unsettled = unsettled
        self._flaws = 0
        self._verdicts = verdicts
        rules = verdicts.rules if verdicts else None
        self._hashing = _Reader(self._places, algorithm, rules, elsewhere=executor.is_remote)
        self._judging = replace(self._hashing, algorithm=None)

    def hashed(self, units: Iterator[Unit]) -> Iterator[Unit]:
        """Keep a batch for every worker under way and finish them in order."""
        pending: deque[_Batch] = deque()
        ahead = max(2, self._executor.workers)
        try:
            while group := list(islice(units, _UNITS_PER_BATCH)):
                pending.append(self._start(group))
                if len(pending) >= ahead:
                    yield from self._finish(pending.popleft())
            while pending:
                yield from self._finish(pending.popleft())
        finally:
            for batch in pending:
                batch.cancel()

    def report_rest(self) -> None:
        """Say how many flawed files were not told one by one."""
        if self._flaws > MAX_FINDINGS:
            what = f"{self._flaws - MAX_FINDINGS:,} more files with faulty content are not listed"
            self._report(Problem(what, severity=Severity.WARNING, address=self._address))

    def _start(self, units: list[Unit]) -> _Batch:
        files = {(file.source, file.path): file for unit in units for file in unit.files}
        stamps = {key: _cache_stamp(self._places[file.source], file) for key, file in files.items()}
        known = self._known(stamps)
        breaches = self._verdicts.known(files, stamps) if self._verdicts else {}
        unread = [file for key, file in files.items() if key not in known]
        tasks = [(task, self._executor.submit(self._hashing, task)) for task in _tasks(unread)]
        if self._verdicts:
            unseen = [file for key, file in files.items() if key in known and key not in breaches]
            tasks += [(task, self._executor.submit(self._judging, task)) for task in _tasks(unseen)]
        return _Batch(units, known, breaches, tasks)

    def _known(self, stamps: Mapping[tuple[int, str], str]) -> dict[tuple[int, str], Digested]:
        by_source: dict[int, list[tuple[str, str]]] = {}
        for (source, path), stamp in stamps.items():
            if stamp:
                by_source.setdefault(source, []).append((path, stamp))
        return {
            (source, path): digested
            for source, stamps in by_source.items()
            for path, digested in self._cache.look_up(self._places[source].identity, self._algorithm, stamps).items()
        }

    def _finish(self, batch: _Batch) -> Iterator[Unit]:
        fresh: dict[int, dict[str, tuple[str, Digested]]] = {}
        judged: list[tuple[FileRef, str, tuple[Breach, ...]]] = []
        sizes: dict[tuple[int, str], int] = {}
        failed: set[tuple[int, str]] = set()
        for task, future in batch.reading:
            for file, read in zip(task, future.result(), strict=True):
                place = (file.source, file.path)
                if isinstance(read, SourceError):
                    self.problems += read.problems
                    failed.add(place)
                    continue
                batch.breaches[place] = read.breaches
                if read.stamp:
                    judged.append((file, read.stamp, read.breaches))
                else:
                    self._unsettled(file)
                if read.digested is None:
                    continue
                batch.known[place] = read.digested
                sizes[place] = read.size_bytes
                if read.stamp:
                    fresh.setdefault(file.source, {})[file.path] = (read.stamp, read.digested)
        for source, digests in fresh.items():
            self._cache.store(self._places[source].identity, self._algorithm, digests)
        if self._verdicts:
            self._verdicts.store(judged)
        for unit in batch.units:
            if not any((file.source, file.path) in failed for file in unit.files):
                self._tell(unit, batch.breaches)
                yield self._with_checksums(unit, batch.known, sizes)

    def _tell(self, unit: Unit, breaches: Mapping[tuple[int, str], tuple[Breach, ...]]) -> None:
        if self._verdicts:
            for file in unit.files:
                self._verdicts.tell(unit.key, file, breaches.get((file.source, file.path), ()))

    def _with_checksums(
        self, unit: Unit, known: dict[tuple[int, str], Digested], sizes: dict[tuple[int, str], int]
    ) -> Unit:
        files = []
        for file in unit.files:
            place = (file.source, file.path)
            digested, size = known[place], sizes.get(place, file.size_bytes)
            files.append(FileRef(file.spec, file.source, file.path, size, Checksum(self._algorithm, digested.hex)))
            self._progress(size)
            self._flaws += bool(digested.flaw)
            if digested.flaw and self._flaws <= MAX_FINDINGS:
                source = self._places[file.source]
                self._report(flaw_problem(source, file.path, file.spec, unit.key, digested.flaw, self._address))
        return replace(unit, files=tuple(files))


def _cache_stamp(place: Place, file: FileRef) -> str:
    """The stamp to look a file up by, "" when its content cannot be recognised."""
    if isinstance(file, ListedRef) and file.stamp:
        return "" if file.stamp.startswith(UNTRUSTED) else f"{file.size_bytes}/{file.stamp}"
    try:
        return _local_stamp(os.stat(place.below(file.path))) if place.is_local else _remote_stamp(place, file.path)
    except OSError:
        return ""


def _local_stamp(found: os.stat_result) -> str:
    return f"{found.st_size}/{found.st_mtime_ns}.{found.st_ino}"


def _remote_stamp(place: Place, path: str) -> str:
    info = place.filesystem.info(place.below(path))
    token = version_token(info)
    return f"{info.get('size')}/{token}" if token else ""


def _tasks(files: Sequence[FileRef]) -> Iterator[list[FileRef]]:
    """Cut the work so that a task has many small files or a few large ones."""
    task: list[FileRef] = []
    size = 0
    for file in files:
        task.append(file)
        size += file.size_bytes
        if len(task) == _FILES_PER_TASK or size >= _BYTES_PER_TASK:
            yield task
            task, size = [], 0
    if task:
        yield task


def _read_file(
    place: Place, file: FileRef, algorithm: Algorithm | None, rules: FileRules | None
) -> _Read | SourceError:
    """Read, hash and judge one file; returns why it could not be read. algorithm: None only judges it."""
    inspection = rules.inspection(file) if rules else None
    try:
        read = _read_local if place.is_local else _read_remote if algorithm else _look_at_remote
        found = read(place, file, algorithm, inspection)
        return replace(found, breaches=rules.finish(place, file, inspection)) if rules and inspection else found
    except SourceError as error:
        return error
    except Exception as error:  # noqa: BLE001 - every remote filesystem has an error tree of its own
        what = "is gone" if isinstance(error, FileNotFoundError) else "cannot be read"
        return SourceError([failure(place, file.path, what, error)])


def _read_local(place: Place, file: FileRef, algorithm: Algorithm | None, inspection: Inspection | None) -> _Read:
    """Read with bare system calls: for small files the file objects of the library cost more than the hash."""
    descriptor = os.open(place.below(file.path), os.O_RDONLY | os.O_CLOEXEC)
    try:
        before = os.fstat(descriptor)
        # A buffer far larger than the file costs more than reading it.
        chunk_bytes = min(_CHUNK_BYTES, before.st_size + 1)
        digested, size = _digest(lambda: os.read(descriptor, chunk_bytes), file, algorithm, inspection)
        return _Read(digested, size, _settled_stamp(before, os.fstat(descriptor)))
    finally:
        os.close(descriptor)


def _read_remote(place: Place, file: FileRef, algorithm: Algorithm | None, inspection: Inspection | None) -> _Read:
    with open_file(place, file.path) as stream:
        digested, size = _digest(lambda: stream.read(_CHUNK_BYTES), file, algorithm, inspection)
    return _Read(digested, size, _listed_stamp(file, size))


def _look_at_remote(place: Place, file: FileRef, _: Algorithm | None, inspection: Inspection | None) -> _Read:
    """Ask for the first bytes alone; a stream would fetch ahead. The rest is read where a rule needs it."""
    assert inspection is not None
    if inspection.wants_more:
        inspection.feed(place.filesystem.cat_file(place.below(file.path), start=0, end=HEAD_BYTES))
    if inspection.wants_more and file.size_bytes > HEAD_BYTES:
        with open_file(place, file.path) as stream:
            stream.seek(HEAD_BYTES)
            _look(lambda: stream.read(_CHUNK_BYTES), inspection)
    return _Read(None, file.size_bytes, _listed_stamp(file, file.size_bytes))


def _look(read: Callable[[], bytes], inspection: Inspection) -> None:
    while inspection.wants_more and (chunk := read()):
        inspection.feed(chunk)


def _digest(
    read: Callable[[], bytes], file: FileRef, algorithm: Algorithm | None, inspection: Inspection | None
) -> tuple[Digested | None, int]:
    """Hash all that is read, and let it be judged on the way; without an algorithm, only as far as that needs."""
    if algorithm is None:
        if inspection is not None:
            _look(read, inspection)
        return None, file.size_bytes
    hasher = hashlib.new(algorithm, usedforsecurity=False)
    checked = is_checked(file.path, file.size_bytes)
    kept: list[bytes] = []
    size = 0
    while chunk := read():
        hasher.update(chunk)
        size += len(chunk)
        if inspection is not None and inspection.wants_more:
            inspection.feed(chunk)
        if checked:
            kept.append(chunk)
    flaw = content_flaw(b"".join(kept)) if checked else ""
    return Digested(hasher.hexdigest(), flaw), size


def _settled_stamp(before: os.stat_result, after: os.stat_result) -> str:
    """The stamp to remember a local file by, "" when it changed while it was read or only just before."""
    if _local_stamp(before) != _local_stamp(after) or not is_settled(before.st_mtime_ns, now_ns=time.time_ns()):
        return ""
    return _local_stamp(after)


def is_settled(mtime_ns: int, *, now_ns: int) -> bool:
    """True when a change from now on would show in the time of change.

    Whole seconds suggest a filesystem that keeps no finer time.
    """
    needed = _SETTLED_NS if mtime_ns % 1_000_000_000 else _SETTLED_COARSE_NS
    return not 0 <= now_ns - mtime_ns < needed


def _listed_stamp(file: FileRef, size: int) -> str:
    if not isinstance(file, ListedRef) or file.stamp.startswith(UNTRUSTED) or size != file.size_bytes:
        return ""
    return f"{size}/{file.stamp}" if file.stamp else ""
