"""fsspec file systems as destinations: files go to their final names, the manifest follows, removals come last.

A store that swaps no folders cannot show a data set as one whole; who reads only what the manifest lists, with its
checksums, never takes a mixture for a data set. Bytes are checked in a local temporary file before anything is sent.
"""

from __future__ import annotations

import hashlib
import tempfile
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any, Final, TypeVar

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
from reconciler.destinations.manifest import (
    MANIFEST_PATH,
    FileState,
    Manifest,
    decode_manifest,
    encode_manifest,
    is_safe_path,
)
from reconciler.errors import Transient
from reconciler.model.checksum import Checksum

_BLOCK: Final = 1 << 20
_AT_ONCE: Final = 1000  # files that the store is asked to copy in one call
_VERSION_KEYS: Final = ("ETag", "etag", "md5Hash", "checksum", "mtime", "LastModified", "last_modified", "created")

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class RemoteDestination:
    """A folder on an fsspec file system. root: path as that file system writes it. place: URL without credentials."""

    fs: Any = field(repr=False)
    root: str
    place: str

    def below(self, name: str) -> RemoteDestination:
        """A folder in this one as a destination of its own."""
        return replace(self, root=f"{self.root}/{name}", place=f"{self.place}/{name}")

    def inspect(self, owner: str, stamps: Mapping[str, str]) -> Standing:
        """See `Destination.inspect`. A stamp is size and whatever version the store reports."""
        present = self._listing()
        text = self.read(MANIFEST_PATH)
        if text is None:
            if f"{LATEST}.json" in present:
                raise refuse_layout(self.place, owner, "versions of a data set", "retain")
            if present:
                raise refuse_foreign(self.place, present)
            return Standing()
        manifest = decode_manifest(text, self.place)
        if manifest.owner != owner:
            raise refuse_owner(self.place, manifest.owner, owner)
        return self._compare(manifest, present, stamps)

    def open_staging(self, owner: str, standing: Standing, base: RemoteDestination | None = None) -> RemoteStaging:
        """See `Destination.open_staging`; there is no lock on object stores, the state's lock must do.

        base: what `standing` tells of and kept files come from, when it is another place than this one.
        """
        staging = RemoteStaging(self, owner, standing, standing.sound, base)
        if standing.manifest is None or base is not None:
            staging.claim()
        return staging

    def read(self, path: str) -> bytes | None:
        """See `Destination.read`."""
        try:
            return bytes(self.reach(lambda: self.fs.cat_file(self.full(path))))
        except FileNotFoundError:
            return None

    def remove(self, owner: str, standing: Standing) -> None:
        """See `Destination.remove`: an empty publication first, the manifest last."""
        if standing.manifest is not None:
            self.open_staging(owner, standing).commit()
            self.reach(lambda: self.fs.rm_file(self.full(MANIFEST_PATH)))

    def write(self, path: str, content: bytes) -> None:
        """Send a small file."""
        with tempfile.NamedTemporaryFile(prefix="reconciler-") as local:
            local.write(content)
            local.flush()
            self.send(local.name, path)

    def send(self, local: str, path: str) -> None:
        """Send a local file."""
        target = self.full(path)
        self.reach(lambda: self.fs.makedirs(target.rpartition("/")[0], exist_ok=True))
        self.reach(lambda: self.fs.put_file(local, target))

    def delete(self, path: str) -> None:
        """Delete a file; fine when it is gone."""
        try:
            self.reach(lambda: self.fs.rm_file(self.full(path)))
        except FileNotFoundError:
            return

    def full(self, path: str) -> str:
        """The path below the root, as the file system writes it."""
        return f"{self.root}/{path}"

    def reach(self, call: Callable[[], T]) -> T:
        """Do one call to the store. Raises FileNotFoundError as it is, any other failure as Transient."""
        try:
            return call()
        except FileNotFoundError:
            raise
        except (OSError, TimeoutError) as exc:
            # The text of the store may hold signed addresses; its kind says enough.
            raise Transient(f"{self.place} does not work: {type(exc).__name__}", operation="export") from exc

    def _listing(self) -> dict[str, str]:
        """Path → stamp of every file below the root."""
        self.reach(self.fs.invalidate_cache)
        try:
            found = self.reach(lambda: self.fs.find(self.root, detail=True))
        except FileNotFoundError:
            return {}
        prefix = self.root.lstrip("/") + "/"
        rows = {name.lstrip("/").removeprefix(prefix): _stamp(row) for name, row in found.items()}
        return dict(sorted(rows.items()))

    def _compare(self, manifest: Manifest, present: Mapping[str, str], stamps: Mapping[str, str]) -> Standing:
        missing, altered = [], []
        now: dict[str, str] = {}
        hashed = 0
        for path, file in manifest.files.items():
            if path not in present:
                missing.append(path)
                continue
            if present[path] != stamps.get(path):
                hashed += 1
                if self._hash(path) != file.sha256:
                    altered.append(path)
                    continue
            now[path] = present[path]
        foreign = tuple(sorted(present.keys() - manifest.files.keys() - {MANIFEST_PATH}))
        return Standing(manifest, tuple(missing), tuple(altered), foreign, now, hashed)

    def _hash(self, path: str) -> str:
        def read() -> str:
            found = hashlib.sha256()
            with self.fs.open(self.full(path), "rb") as file:
                while block := file.read(_BLOCK):
                    found.update(block)
            return found.hexdigest()

        return self.reach(read)

    def copy(self, source: RemoteDestination, paths: Sequence[str], files: Mapping[str, FileState]) -> None:
        """Copy files from another place of the same store, by the store itself where it can.

        files: what they are. Raises Transient when one arrives with another size.
        """
        pairs = [(source.full(path), self.full(path)) for path in paths]
        for folder in sorted({target.rpartition("/")[0] for _, target in pairs}):
            self.reach(partial(self.fs.makedirs, folder, exist_ok=True))
        for start in range(0, len(pairs), _AT_ONCE):
            olds, news = zip(*pairs[start : start + _AT_ONCE], strict=True)
            self._copy_part(list(olds), list(news))
        there = self._listing()
        for path in paths:
            size = there.get(path, "").partition(":")[0]
            if path not in there or (size.isdigit() and int(size) != files[path].size_bytes):
                raise Transient(f"{self.place}/{path} did not arrive whole", operation="export")

    def _copy_part(self, olds: list[str], news: list[str]) -> None:
        try:
            self.fs.copy(olds, news)
        except Exception:  # noqa: BLE001 - each library has its own errors, also where there is no such call
            for old, new in zip(olds, news, strict=True):
                self.reach(partial(self._copy_through, old, new))

    def _copy_through(self, old: str, new: str) -> None:
        """Copy by way of this machine; it says what is wrong, too, when it is not that the store cannot copy."""
        with tempfile.NamedTemporaryFile(prefix="reconciler-") as local:
            self.fs.get_file(old, local.name)
            self.fs.put_file(local.name, new)

    def stamps(self, paths: Iterable[str]) -> dict[str, str]:
        """Stamps of these files now."""
        present = self._listing()
        return {path: present[path] for path in paths if path in present}


@dataclass(slots=True)
class RemoteStaging:
    """See `Staging`."""

    destination: RemoteDestination
    owner: str
    standing: Standing
    sound: Mapping[str, FileState]
    base: RemoteDestination | None = None
    files: dict[str, FileState] = field(default_factory=dict)
    kept: set[str] = field(default_factory=set)
    guard: threading.Lock = field(default_factory=threading.Lock)

    def put(self, path: str, chunks: Iterable[bytes], expected: Checksum | None = None) -> FileState:
        """See `Staging.put`. The bytes are complete and checked on the local disk before they are sent, and not
        sent when they stand there already."""
        if not is_safe_path(path) or path == MANIFEST_PATH:
            raise ValueError(f"{path!r} does not name a file below the destination")
        found = hashlib.sha256()
        size = 0
        with tempfile.NamedTemporaryFile(prefix="reconciler-") as local:
            for chunk in checked(chunks, path, expected):
                local.write(chunk)
                found.update(chunk)
                size += len(chunk)
            local.flush()
            state = FileState(size, found.hexdigest())
            is_same = self.sound.get(path) == state
            if not is_same:
                self.destination.send(local.name, path)
        with self.guard:
            self.files[path] = state
            (self.kept.add if is_same else self.kept.discard)(path)
        return state

    def put_file(self, path: str, source: Path, expected: Checksum | None = None) -> FileState:
        """See `Staging.put_file`."""
        return self.put(path, blocks(source), expected)

    def claim(self) -> None:
        """List nothing as ours, so that what a cut first publication leaves behind is not taken for someone else's."""
        self.destination.write(MANIFEST_PATH, encode_manifest(Manifest(self.owner)))

    def keep(self, path: str) -> None:
        """See `Staging.keep`. Raises KeyError when the path is not among the sound files of the last publication."""
        with self.guard:
            self.files[path] = self.sound[path]
            self.kept.add(path)

    def commit(self) -> Published:
        """See `Staging.commit`: manifest, then removals."""
        manifest = Manifest(self.owner, dict(sorted(self.files.items())))
        if self.base is not None:
            self.destination.copy(self.base, sorted(self.kept), self.files)
        self.destination.write(MANIFEST_PATH, encode_manifest(manifest))
        before = self.standing.manifest.files if self.standing.manifest else {}
        stays = self.base is not None  # what is left of another version is that version
        gone = () if stays else sorted(before.keys() - manifest.files.keys() - set(self.standing.missing))
        for path in gone:
            self.destination.delete(path)
        written = [f for p, f in manifest.files.items() if p not in self.kept]
        return Published(
            manifest,
            self.destination.stamps(manifest.files),
            written=len(written),
            kept=len(self.kept),
            removed=len(before.keys() - manifest.files.keys()),
            bytes=sum(f.size_bytes for f in written),
            foreign=tuple(path for path in self.standing.foreign if path not in manifest.files),
        )

    def abandon(self) -> None:
        """See `Staging.abandon`. Files sent so far stay and are not listed, and the next publication overwrites them;
        those of a version that never was are taken away."""
        if self.base is not None:
            for path in (*sorted(self.files.keys() - self.kept), MANIFEST_PATH):
                self.destination.delete(path)
        self.files.clear()

    def publish_over(self, name: str) -> None:
        """Take the place of the folder of that name beside instead: that which `standing` tells of."""
        begun, sent = self.destination, sorted(self.files.keys() - self.kept)
        assert self.base is not None
        assert self.base.root.rpartition("/")[2] == name
        self.base.copy(begun, sent, self.files)
        for path in (*sent, MANIFEST_PATH):
            begun.delete(path)
        self.destination, self.base = self.base, None


def _stamp(row: Mapping[str, Any]) -> str:
    version = next((str(row[key]) for key in _VERSION_KEYS if row.get(key) is not None), "")
    return f"{row.get('size')}:{version}" if version else ""
