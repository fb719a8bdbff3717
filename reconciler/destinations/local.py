"""Local folders as destinations: a complete new tree is built beside the old one and takes its place in one step.

A reader sees the old data set or the new one. Unchanged files are hard links to the published ones, so they keep inode
and modification time. Whatever is cut leaves the old or the new tree whole; leftovers go at the next start.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import IO

from reconciler.destinations.base import (
    LATEST,
    Published,
    Standing,
    blocks,
    checked,
    refuse_foreign,
    refuse_layout,
    refuse_owner,
)
from reconciler.destinations.cloning import clone
from reconciler.destinations.manifest import (
    MANIFEST_PATH,
    FileState,
    Manifest,
    decode_manifest,
    encode_manifest,
    is_safe_path,
)
from reconciler.destinations.swap import exchange, flush_filesystem, flush_folder
from reconciler.errors import ConfigError, LockHeld, Problem
from reconciler.model.checksum import Checksum


@dataclass(frozen=True, slots=True)
class LocalDestination:
    """A folder. root: absolute; it and its parents need not exist yet. lock: file that is locked while publishing, one
    beside the folder unless another is given."""

    root: Path
    lock: Path | None = None

    @property
    def place(self) -> str:
        """The folder's path."""
        return str(self.root)

    def inspect(self, owner: str, stamps: Mapping[str, str]) -> Standing:
        """See `Destination.inspect`. Reads only files whose size or time differs from the stamp."""
        root = Places(self.root).standing_root()
        present = dict(_walk(root)) if root is not None else {}
        text = self._read(root, MANIFEST_PATH) if root is not None else None
        if text is None:
            if root is not None and (root / LATEST).is_symlink():
                raise refuse_layout(self.place, owner, "versions of a data set", "retain")
            if present:
                raise refuse_foreign(self.place, present)
            return Standing()
        manifest = decode_manifest(text, self.place)
        if manifest.owner != owner:
            raise refuse_owner(self.place, manifest.owner, owner)
        assert root is not None
        return _compare(root, manifest, present, stamps)

    def open_staging(self, owner: str, standing: Standing, base: Path | None = None) -> LocalStaging:
        """See `Destination.open_staging`; the lock is the process's and ends with it.

        base: the folder that `standing` tells of and kept files come from, when it is another than this one.
        """
        places = Places(self.root, self.lock)
        if os.path.ismount(places.root):
            raise _mounted(self.place)
        try:
            places.new.parent.mkdir(parents=True, exist_ok=True)
            lock = _lock(places)
            places.recover()
            places.new.mkdir()
        except OSError as exc:
            raise unwritable(self.place, exc) from exc
        foreign = frozenset(standing.foreign if base is None else ())
        return LocalStaging(places, owner, standing, lock, standing.sound, foreign, base)

    def read(self, path: str) -> bytes | None:
        """See `Destination.read`."""
        root = Places(self.root).standing_root()
        return self._read(root, path) if root is not None else None

    def remove(self, owner: str, standing: Standing) -> None:
        """See `Destination.remove`: an empty publication first, so that after a cut the manifest tells the truth."""
        if standing.manifest is None:
            return
        self.open_staging(owner, standing).commit()
        root = Places(self.root).root
        manifest = root / MANIFEST_PATH
        manifest.unlink()
        for folder in (manifest.parent, root):
            if not any(folder.iterdir()):
                folder.rmdir()

    def _read(self, root: Path, path: str) -> bytes | None:
        try:
            return (root / path).read_bytes()
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as exc:
            raise _unreadable(str(root / path), exc) from exc


@dataclass(frozen=True, slots=True)
class Places:
    """The folder and its neighbours while a publication is under way. A link is followed, never replaced."""

    given: Path
    locked: Path | None = None

    @property
    def root(self) -> Path:
        return Path(os.path.realpath(self.given))

    @property
    def new(self) -> Path:
        """Where the new tree grows; after an exchange, the old one until it is removed."""
        return self.root.with_name(f".{self.root.name}.new")

    @property
    def old(self) -> Path:
        """The old tree between the two renames, where there is no exchange."""
        return self.root.with_name(f".{self.root.name}.old")

    @property
    def lock(self) -> Path:
        return self.locked or self.root.with_name(f".{self.root.name}.lock")

    def standing_root(self) -> Path | None:
        """The tree that counts: after a cut between the two renames it is the old one under its other name."""
        if self.root.exists():
            if not self.root.is_dir():
                raise _not_a_folder(str(self.root))
            return self.root
        return self.old if self.old.exists() else None

    def recover(self) -> None:
        """Undo what a cut publication left: one whole tree stays, under the right name."""
        if not self.root.exists() and self.old.exists():
            self.old.rename(self.root)
        for leftover in (self.new, self.old):
            _remove(leftover)

    def swap(self) -> None:
        """Put the new tree in place of the old one."""
        if not self.root.exists():
            self.new.rename(self.root)
        elif not exchange(self.new, self.root):
            self.root.rename(self.old)
            self.new.rename(self.root)
        flush_folder(self.root.parent)


@dataclass(slots=True)
class LocalStaging:
    """See `Staging`."""

    places: Places
    owner: str
    standing: Standing
    lock: IO[str]
    sound: Mapping[str, FileState]
    foreign: frozenset[str]
    base: Path | None = None
    files: dict[str, FileState] = field(default_factory=dict)
    kept: set[str] = field(default_factory=set)
    folders: set[Path] = field(default_factory=set)
    guard: threading.Lock = field(default_factory=threading.Lock)

    def put(self, path: str, chunks: Iterable[bytes], expected: Checksum | None = None) -> FileState:
        """See `Staging.put`. One block is in memory at a time; bytes that stand there already keep their file."""
        return self._take(path, lambda target: _write(target, checked(chunks, path, expected)))

    def put_file(self, path: str, source: Path, expected: Checksum | None = None) -> FileState:
        """See `Staging.put_file`. What arrived is read once, to check it."""
        return self._take(path, lambda target: _clone(target, source, path, expected))

    def _take(self, path: str, write: Callable[[Path], FileState]) -> FileState:
        target = self._target(path)
        try:
            self._make_folder(target.parent)
            state = write(target)
            if is_same := self.sound.get(path) == state:
                target.unlink()
        except OSError as exc:
            raise unwritable(str(self.places.root / path), exc) from exc
        with self.guard:
            self.files[path] = state
            (self.kept.add if is_same else self.kept.discard)(path)
        return state

    def keep(self, path: str) -> None:
        """See `Staging.keep`. Raises KeyError when the path is not among the sound files of the last publication."""
        state = self.sound[path]
        with self.guard:
            self.files[path] = state
            self.kept.add(path)

    def commit(self) -> Published:
        """See `Staging.commit`."""
        manifest = Manifest(self.owner, dict(sorted(self.files.items())))
        try:
            foreign = self._carry_over()
            self._write_manifest(manifest)
            flush_filesystem(self.places.new)
            self.places.swap()
            _remove(self.places.new)
            _remove(self.places.old)
            stamps = {path: _stamp(self.places.root / path) for path in manifest.files}
        except OSError as exc:
            raise unwritable(self.places.root.as_posix(), exc) from exc
        finally:
            self.lock.close()
        before = self.standing.manifest.files if self.standing.manifest else {}
        written = [f for p, f in manifest.files.items() if p not in self.kept]
        return Published(
            manifest,
            stamps,
            written=len(written),
            kept=len(self.kept),
            removed=len(before.keys() - manifest.files.keys()),
            bytes=sum(f.size_bytes for f in written),
            foreign=foreign,
        )

    def abandon(self) -> None:
        """See `Staging.abandon`."""
        _remove(self.places.new)
        self.lock.close()

    def _make_folder(self, folder: Path) -> None:
        """Make a folder of the new tree, once: there may be a hundred thousand files in it."""
        if folder not in self.folders:
            folder.mkdir(parents=True, exist_ok=True)
            self.folders.add(folder)

    def publish_over(self, name: str) -> None:
        """Take the place of the folder of that name beside instead: that which `standing` tells of."""
        places = replace(self.places, given=self.places.given.with_name(name))
        _remove(places.new)
        self.places.new.rename(places.new)
        self.places = places

    def _write_manifest(self, manifest: Manifest) -> None:
        path = self.places.new / MANIFEST_PATH
        if self.standing.manifest == manifest:
            _link((self.base or self.places.root) / MANIFEST_PATH, path)
        else:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(encode_manifest(manifest))

    def _target(self, path: str) -> Path:
        if not is_safe_path(path) or path == MANIFEST_PATH:
            raise ValueError(f"{path!r} does not name a file below the destination")
        if path in self.foreign:
            raise _in_the_way(str(self.places.root / path))
        return self.places.new / path

    def _carry_over(self) -> tuple[str, ...]:
        """Link kept files and, so that nothing of others is lost, foreign ones that do not stand in the way."""
        root = self.places.root
        origin = self.base or root
        if not origin.exists():
            return ()
        shutil.copymode(origin, self.places.new)
        ours = self.standing.manifest.files if self.standing.manifest else {}
        there = _walk(root) if root.exists() else ()
        present = [path for path, _ in there if path not in ours and path != MANIFEST_PATH]
        foreign = tuple(sorted(path for path in present if path not in self.files))
        for path in sorted(self.kept):
            _link(origin / path, self.places.new / path)
        for path in foreign:
            _link(root / path, self.places.new / path)
        return foreign


def _write(target: Path, chunks: Iterable[bytes]) -> FileState:
    """Write one file of the new tree; a file that could not be written wholly is taken away again."""
    found = hashlib.sha256()
    size = 0
    whole = False
    try:
        with target.open("wb") as out:
            for chunk in chunks:
                out.write(chunk)
                found.update(chunk)
                size += len(chunk)
        whole = True
    finally:
        if not whole:
            target.unlink(missing_ok=True)
    return FileState(size, found.hexdigest())


def _clone(target: Path, source: Path, path: str, expected: Checksum | None) -> FileState:
    """As `_write`, from a local file."""
    whole = False
    try:
        clone(source, target)
        found, size = hashlib.sha256(), 0
        for chunk in checked(blocks(target), path, expected):
            found.update(chunk)
            size += len(chunk)
        whole = True
    finally:
        if not whole:
            target.unlink(missing_ok=True)
    return FileState(size, found.hexdigest())


def _link(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        os.link(source, target, follow_symlinks=False)
    except OSError:
        shutil.copy2(source, target, follow_symlinks=False)  # file systems without hard links; times are kept


def _remove(folder: Path) -> None:
    if folder.exists():
        shutil.rmtree(folder)


def _lock(places: Places) -> IO[str]:
    handle = places.lock.open("w")
    try:
        import fcntl

        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except ImportError:
        return handle
    except BlockingIOError as exc:
        handle.close()
        raise LockHeld(
            f"another run is publishing to {places.root}", fix="wait until it ends; the lock ends with its process"
        ) from exc
    return handle


def _walk(root: Path) -> Iterator[tuple[str, os.stat_result]]:
    """Every file and link below, "/"-separated path and stat, in sorted order. Links are not followed."""
    waiting = [""]
    while waiting:
        prefix = waiting.pop()
        try:
            with os.scandir(root / prefix) as entries:
                found = sorted(entries, key=lambda e: e.name)
        except OSError as exc:
            raise _unreadable(str(root / prefix), exc) from exc
        for entry in found:
            if entry.is_dir(follow_symlinks=False):
                waiting.append(f"{prefix}{entry.name}/")
            else:
                yield prefix + entry.name, entry.stat(follow_symlinks=False)


def _compare(
    root: Path, manifest: Manifest, present: Mapping[str, os.stat_result], stamps: Mapping[str, str]
) -> Standing:
    missing, altered = [], []
    now: dict[str, str] = {}
    hashed = 0
    for path, file in manifest.files.items():
        stat = present.get(path)
        if stat is None:
            missing.append(path)
            continue
        stamp = _stamp_of(stat)
        if stamp != stamps.get(path):
            same_size = stat.st_size == file.size_bytes
            hashed += same_size
            if not same_size or _hash(root / path) != file.sha256:
                altered.append(path)
                continue
        now[path] = stamp
    foreign = tuple(sorted(present.keys() - manifest.files.keys() - {MANIFEST_PATH}))
    return Standing(manifest, tuple(missing), tuple(altered), foreign, now, hashed)


def _stamp(path: Path) -> str:
    return _stamp_of(path.stat(follow_symlinks=False))


def _stamp_of(stat: os.stat_result) -> str:
    return f"{stat.st_size}:{stat.st_mtime_ns}"


def _hash(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as exc:
        raise _unreadable(str(path), exc) from exc


def _unreadable(place: str, exc: OSError) -> ConfigError:
    return ConfigError([Problem(f"{place} cannot be read: {exc.strerror}", fix="check its permissions")])


def unwritable(place: str, exc: OSError) -> ConfigError:
    """The error for a place that cannot be written."""
    return ConfigError([Problem(f"{place} cannot be written: {exc.strerror}", fix="check permissions and free space")])


def _not_a_folder(place: str) -> ConfigError:
    return ConfigError([Problem(f"{place} is a file; a destination is a folder", fix="choose another destination")])


def _in_the_way(place: str) -> ConfigError:
    return ConfigError(
        [Problem(f"{place} is not ours and stands where the export writes", fix="move it away, or rename the unit")]
    )


def _mounted(place: str) -> ConfigError:
    problem = Problem(
        f"{place} is the root of a file system",
        detail="A whole data set is published by replacing its folder, which a mount point does not allow.",
        fix=f"use a folder in it, such as {place.rstrip('/')}/export",
    )
    return ConfigError([problem])
