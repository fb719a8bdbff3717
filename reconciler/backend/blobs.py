"""File contents on disk: staged uploads apart from finalized blobs, blobs named by the SHA-256 of their bytes.

    blobs/ab/cdef…      finalized, immutable
    staging/…           uploaded, not finalized; purged at start once older than `STAGING_LIFETIME_S`
    blobs.lock          held, shared, by whoever makes blobs that the database does not name yet

Bytes are streamed, hashed on the way, written under a temporary name and renamed, so that a reader never meets half a
file. A blob is linked into place before the database names it and unlinked from staging after the commit: killed
between any two steps, a repeated finalize still finds what it needs, and at worst an unnamed blob stays behind, which
`housekeeping` removes.
With `durable` the file and its folder are synced before that; otherwise the operating system writes them when it
likes, which survives the death of the process but not a power cut.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import secrets
import threading
from collections import OrderedDict
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

STAGING_LIFETIME_S: Final = 2 * 86_400  # twice the longest life of a presigned URL
CHUNK_BYTES: Final = 1 << 18
_REMEMBERED: Final = 20_000


class TooLarge(Exception):
    """More bytes came than were announced."""


class WrongChecksum(Exception):
    """Other bytes came than were announced."""


@dataclass(frozen=True, slots=True)
class Digests:
    """The three checksums of some bytes, lower-case hex, and how many bytes they are."""

    sha256: str
    sha1: str
    md5: str
    size: int

    def matches(self, checksum: str) -> bool:
        """Whether a checksum, told apart by its length, is one of these."""
        return checksum.lower() in (self.sha256, self.sha1, self.md5)


class _Hashing:
    """Feeds chunks to all three hashes while they pass through; of a part to MD5 alone, for the whole is hashed."""

    def __init__(self, *, is_part: bool = False) -> None:
        md5 = hashlib.md5(usedforsecurity=False)
        self._hashes = (md5,) if is_part else (hashlib.sha256(), hashlib.sha1(usedforsecurity=False), md5)
        self._size = 0

    def through(self, chunks: Iterable[bytes | memoryview]) -> Iterator[bytes | memoryview]:
        for chunk in chunks:
            for one in self._hashes:
                one.update(chunk)
            self._size += len(chunk)
            yield chunk

    def digests(self) -> Digests:
        *others, md5 = (one.hexdigest() for one in self._hashes)
        sha256, sha1 = others or ("", "")
        return Digests(sha256, sha1, md5, self._size)


class BlobStore:
    """root: the store's folder. Safe to use from several threads and processes at once."""

    def __init__(self, root: Path, *, durable: bool) -> None:
        self._blobs = str(root / "blobs")
        self._staging = str(root / "staging")
        self._lock_file = str(root / "blobs.lock")
        self._durable = durable
        self._known: OrderedDict[str, tuple[tuple[int, int, int], Digests]] = OrderedDict()
        self._lock = threading.Lock()
        for folder in (self._blobs, self._staging):
            os.makedirs(folder, mode=0o700, exist_ok=True)

    def stage(
        self,
        name: str,
        chunks: Iterable[bytes | memoryview],
        *,
        limit: int | None = None,
        is_part: bool = False,
        checksum: str | None = None,
    ) -> Digests:
        """Write chunks as a staged file, replacing one of the same name.

        is_part: it will be joined with others; then only its MD5 is known, and the other digests are empty. checksum:
        what the bytes must have, None for any. Raises TooLarge beyond `limit` bytes, WrongChecksum.
        """
        hashing = _Hashing(is_part=is_part)
        temporary = f"{self._staging}/{name}.{secrets.token_hex(4)}.tmp"
        try:
            self._write(temporary, hashing.through(chunks), limit)
            digests = hashing.digests()
            if checksum is not None and not digests.matches(checksum):
                raise WrongChecksum
            stamp = _stamp(os.stat(temporary))
            os.replace(temporary, f"{self._staging}/{name}")
        except BaseException:
            _remove(temporary)
            raise
        self._remember(name, stamp, digests)
        return digests

    def append(self, name: str, chunks: Iterable[bytes], *, offset: int, limit: int) -> int:
        """Add chunks to a staged file at `offset`, which must be its size; returns the new size.

        What came after `offset` in an attempt that broke off is cut away first.
        """
        descriptor = os.open(f"{self._staging}/{name}", os.O_WRONLY | os.O_CREAT, 0o600)
        with open(descriptor, "wb") as file:
            file.truncate(offset)
            file.seek(offset)
            size = _copy(chunks, file.write, limit)
            if self._durable:
                file.flush()
                os.fsync(descriptor)
        return offset + size

    def staged(self, name: str) -> Digests | None:
        """Checksums of a staged file, None when there is none. Reads it only if this process did not write it."""
        path = f"{self._staging}/{name}"
        try:
            stamp = _stamp(os.stat(path))
        except FileNotFoundError:
            return None
        with self._lock:
            known = self._known.get(name)
        if known is not None and known[0] == stamp:
            return known[1]
        try:
            digests = _hash(path)
        except FileNotFoundError:  # finalized by another request meanwhile
            return None
        self._remember(name, stamp, digests)
        return digests

    def staged_size(self, name: str) -> int | None:
        """Size of a staged file in bytes, None when there is none."""
        try:
            return os.stat(f"{self._staging}/{name}").st_size
        except FileNotFoundError:
            return None

    def join(self, name: str, parts: Iterable[str]) -> Digests:
        """Write the staged parts one after the other as one staged file; the parts stay."""
        return self.stage(name, (chunk for part in parts for chunk in read(f"{self._staging}/{part}")))

    @contextmanager
    def naming(self) -> Iterator[None]:
        """While this is held, blobs that are kept, and not named by the database yet, are not taken for left-overs."""
        with self._locked(fcntl.LOCK_SH):
            yield

    @contextmanager
    def alone(self) -> Iterator[bool]:
        """Hold off `naming`, in all processes. Gives False, at once, when some process is within it."""
        with ExitStack() as held:
            is_alone = False
            with suppress(BlockingIOError):
                held.enter_context(self._locked(fcntl.LOCK_EX | fcntl.LOCK_NB))
                is_alone = True
            yield is_alone

    def keep(self, name: str, digests: Digests) -> None:
        """Make a staged file a blob; it stays staged too, until `discard`. Keeping it twice is harmless.

        Only within `naming`, which lasts until the database names the blob.
        """
        target = self.path(digests.sha256)
        if os.path.exists(target):
            return
        try:
            self._link(f"{self._staging}/{name}", target)
        except FileNotFoundError:
            os.makedirs(os.path.dirname(target), mode=0o700, exist_ok=True)
            self._link(f"{self._staging}/{name}", target)

    def discard(self, name: str) -> None:
        """Remove a staged file; fine when it is gone."""
        with self._lock:
            self._known.pop(name, None)
        _remove(f"{self._staging}/{name}")

    def path(self, sha256: str) -> str:
        """Where a blob is, or would be."""
        return f"{self._blobs}/{sha256[:2]}/{sha256[2:]}"

    def older_than(self, moment: float) -> set[str]:
        """The blobs whose bytes were written before a moment, in seconds since 1970."""
        found: set[str] = set()
        for folder in os.listdir(self._blobs):
            with os.scandir(f"{self._blobs}/{folder}") as entries:
                found.update(folder + one.name for one in entries if one.stat(follow_symlinks=False).st_mtime < moment)
        return found

    def remove(self, sha256: str) -> bool:
        """Remove a blob, only while `alone`; gives whether it was there."""
        try:
            os.unlink(self.path(sha256))
        except FileNotFoundError:
            return False
        return True

    def purge(self, *, now: float) -> int:
        """Remove staged files that are too old to be finalized; returns how many."""
        gone = 0
        with os.scandir(self._staging) as entries:
            for entry in entries:
                try:
                    if entry.stat(follow_symlinks=False).st_mtime < now - STAGING_LIFETIME_S:
                        os.unlink(entry.path)
                        gone += 1
                except FileNotFoundError:
                    continue  # another process was faster
        return gone

    @contextmanager
    def _locked(self, kind: int) -> Iterator[None]:
        descriptor = os.open(self._lock_file, os.O_RDWR | os.O_CREAT, 0o600)  # one's own, or threads would share it
        try:
            fcntl.flock(descriptor, kind)
            yield
        finally:
            os.close(descriptor)

    def _write(self, path: str, chunks: Iterable[bytes | memoryview], limit: int | None) -> None:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with open(descriptor, "wb", buffering=0) as file:
            _copy(chunks, file.write, limit)
            if self._durable:
                os.fsync(descriptor)

    def _link(self, source: str, target: str) -> None:
        try:
            os.link(source, target)
        except FileExistsError:
            return
        except OSError as exc:
            if isinstance(exc, FileNotFoundError):
                raise
            self._duplicate(source, target)  # a file system without hard links
        if self._durable:
            _sync_folder(os.path.dirname(target))

    def _duplicate(self, source: str, target: str) -> None:
        temporary = f"{target}.{secrets.token_hex(4)}.tmp"
        try:
            self._write(temporary, read(source), None)
            os.replace(temporary, target)
        except BaseException:
            _remove(temporary)
            raise

    def _remember(self, name: str, stamp: tuple[int, int, int], digests: Digests) -> None:
        with self._lock:
            self._known[name] = (stamp, digests)
            while len(self._known) > _REMEMBERED:
                self._known.popitem(last=False)


class WholeFile:
    """A file as chunks; who serves them in the same process may take it by its path."""

    __slots__ = ("path",)

    def __init__(self, path: str) -> None:
        self.path = path

    def __iter__(self) -> Iterator[bytes]:
        return read(self.path)


def read(path: str, start: int = 0, size: int | None = None) -> Iterator[bytes]:
    """Yield a file, or `size` bytes of it from `start`, in chunks."""
    with open(path, "rb", buffering=0) as file:
        file.seek(start)
        left = size if size is not None else 1 << 62
        while left > 0 and (chunk := file.read(min(CHUNK_BYTES, left))):
            left -= len(chunk)
            yield chunk


def _hash(path: str) -> Digests:
    hashing = _Hashing()
    for _ in hashing.through(read(path)):
        pass
    return hashing.digests()


def _copy(chunks: Iterable[bytes | memoryview], write: object, limit: int | None) -> int:
    assert callable(write)
    size = 0
    for chunk in chunks:
        size += len(chunk)
        if limit is not None and size > limit:
            raise TooLarge
        view = memoryview(chunk)
        while view:
            view = view[write(view) :]
    return size


def _stamp(status: os.stat_result) -> tuple[int, int, int]:
    return status.st_ino, status.st_mtime_ns, status.st_size


def _remove(path: str) -> None:
    with suppress(FileNotFoundError):
        os.unlink(path)


def _sync_folder(path: str) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
