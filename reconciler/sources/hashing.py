"""Gives checksums to the files of units: from the cache where nothing changed, else by reading, in parallel."""

from __future__ import annotations

import hashlib
import os
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass, replace
from itertools import islice

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
from reconciler.sources.flaws import content_flaw, flaw_problem, is_checked
from reconciler.sources.location import Place, failure, locate
from reconciler.sources.remote import UNTRUSTED, version_token
from reconciler.sources.visibility import check_visible

_UNITS_PER_BATCH = 256
# Files that one task reads: a task per file would spend more on the queue than on small files.
_FILES_PER_TASK, _BYTES_PER_TASK = 64, 8 * 1024 * 1024
_CHUNK_BYTES = 1024 * 1024
# A file changed a moment ago may change again within one tick of the clock its filesystem keeps.
_SETTLED_NS, _SETTLED_COARSE_NS = 50_000_000, 2_000_000_000


@dataclass(frozen=True, slots=True)
class _Read:
    """What reading one file gave. stamp: "" when the digest must not be remembered."""

    digested: Digested
    size_bytes: int
    stamp: str


@dataclass(slots=True)
class _Batch:
    """Units on their way: what the cache knew, by (source, path), and the tasks that read the rest."""

    units: list[Unit]
    known: dict[tuple[int, str], Digested]
    reading: list[tuple[list[FileRef], Task[list[_Read | SourceError]]]]

    def cancel(self) -> None:
        """Begin none of its tasks any more."""
        for _, task in self.reading:
            task.cancel()


@dataclass(frozen=True, slots=True)
class _Reader:
    """Reads and hashes files; sent to where it is done. elsewhere: in another process, perhaps of another machine."""

    places: tuple[Place, ...]
    algorithm: Algorithm
    elsewhere: bool

    def __call__(self, files: Sequence[FileRef]) -> list[_Read | SourceError]:
        if self.elsewhere:
            check_visible([self.places[number] for number in sorted({file.source for file in files})])
        return [_read_file(self.places[file.source], file, self.algorithm) for file in files]


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
) -> Iterator[Unit]:
    """Yield the units with checksums, in the same order; reads ahead by a bounded number of units.

    A file whose size, mtime_ns and inode (or remote version token) are those of an earlier run is not read again.
    executor: what reads files; None for `workers` threads that end with the pass. progress: called with the size of
    each settled file, read or not. report: called with warnings about content, such as a `.json` file that is not JSON;
    also for files that were not read again. At most `MAX_FINDINGS` of them.

    Raises:
        SourceError: at the end, naming every file that could not be read; their units are left out.
    """
    with ExitStack() as stack:
        chosen = executor or stack.enter_context(closing(LocalExecutor(workers)))
        run = _Run(asset_set, algorithm, cache, chosen, progress or (lambda _: None), report or (lambda _: None))
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
    ) -> None:
        folder = asset_set.head.folder
        self.problems: list[Problem] = []
        self._address = str(asset_set.head.address)
        self._places = tuple(locate(source.url, folder, source.options) for source in asset_set.sources)
        self._algorithm = algorithm
        self._cache = cache
        self._executor = executor
        self._read_files = _Reader(self._places, algorithm, elsewhere=executor.is_remote)
        self._progress = progress
        self._report = report
        self._flaws = 0

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
        known = self._known(list(files.values()))
        unknown = [file for place, file in files.items() if place not in known]
        tasks = [(task, self._executor.submit(self._read_files, task)) for task in _tasks(unknown)]
        return _Batch(units, known, tasks)

    def _known(self, files: Sequence[FileRef]) -> dict[tuple[int, str], Digested]:
        by_source: dict[int, list[tuple[str, str]]] = {}
        for file in files:
            stamp = _cache_stamp(self._places[file.source], file)
            if stamp:
                by_source.setdefault(file.source, []).append((file.path, stamp))
        return {
            (source, path): digested
            for source, stamps in by_source.items()
            for path, digested in self._cache.look_up(self._places[source].identity, self._algorithm, stamps).items()
        }

    def _finish(self, batch: _Batch) -> Iterator[Unit]:
        fresh: dict[int, dict[str, tuple[str, Digested]]] = {}
        sizes: dict[tuple[int, str], int] = {}
        failed: set[tuple[int, str]] = set()
        for task, future in batch.reading:
            for file, read in zip(task, future.result(), strict=True):
                place = (file.source, file.path)
                if isinstance(read, SourceError):
                    self.problems += read.problems
                    failed.add(place)
                    continue
                batch.known[place] = read.digested
                sizes[place] = read.size_bytes
                if read.stamp:
                    fresh.setdefault(file.source, {})[file.path] = (read.stamp, read.digested)
        for source, digests in fresh.items():
            self._cache.store(self._places[source].identity, self._algorithm, digests)
        for unit in batch.units:
            if not any((file.source, file.path) in failed for file in unit.files):
                yield self._with_checksums(unit, batch.known, sizes)

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


def _read_file(place: Place, file: FileRef, algorithm: Algorithm) -> _Read | SourceError:
    """Read and hash one file; returns why it could not be read."""
    try:
        return _read_local(place, file, algorithm) if place.is_local else _read_remote(place, file, algorithm)
    except SourceError as error:
        return error
    except Exception as error:  # noqa: BLE001 - every remote filesystem has an error tree of its own
        what = "is gone" if isinstance(error, FileNotFoundError) else "cannot be read"
        return SourceError([failure(place, file.path, what, error)])


def _read_local(place: Place, file: FileRef, algorithm: Algorithm) -> _Read:
    """Read with bare system calls: for small files the file objects of the library cost more than the hash."""
    descriptor = os.open(place.below(file.path), os.O_RDONLY | os.O_CLOEXEC)
    try:
        before = os.fstat(descriptor)
        # A buffer far larger than the file costs more than reading it.
        chunk_bytes = min(_CHUNK_BYTES, before.st_size + 1)
        digested, size = _digest(lambda: os.read(descriptor, chunk_bytes), file, algorithm)
        return _Read(digested, size, _settled_stamp(before, os.fstat(descriptor)))
    finally:
        os.close(descriptor)


def _read_remote(place: Place, file: FileRef, algorithm: Algorithm) -> _Read:
    with open_file(place, file.path) as stream:
        digested, size = _digest(lambda: stream.read(_CHUNK_BYTES), file, algorithm)
    return _Read(digested, size, _listed_stamp(file, size))


def _digest(read: Callable[[], bytes], file: FileRef, algorithm: Algorithm) -> tuple[Digested, int]:
    hasher = hashlib.new(algorithm, usedforsecurity=False)
    checked = is_checked(file.path, file.size_bytes)
    kept: list[bytes] = []
    size = 0
    while chunk := read():
        hasher.update(chunk)
        size += len(chunk)
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
