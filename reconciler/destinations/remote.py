"""fsspec file systems as destinations: files go to their final names, the manifest follows, removals come last.

A store that swaps no folders cannot show a data set as one whole; who reads only what the manifest lists, with its
checksums, never takes a mixture for a data set. Bytes are checked in a local temporary file before anything is sent.
"""

from __future__ import annotations

import hashlib
import tempfile
import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, TypeVar

from reconciler.destinations.base import Published, Standing, checked, refuse_foreign, refuse_owner
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
_VERSION_KEYS: Final = ("ETag", "etag", "md5Hash", "checksum", "mtime", "LastModified", "last_modified", "created")

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class RemoteDestination:
    """A folder on an fsspec file system. root: path as that file system writes it. place: URL without credentials."""

    fs: Any = field(repr=False)
    root: str
    place: str

    def inspect(self, owner: str, stamps: Mapping[str, str]) -> Standing:
        """See `Destination.inspect`. A stamp is size and whatever version the store reports."""
        present = self._listing()
        text = self.read(MANIFEST_PATH)
        if text is None:
            if present:
                raise refuse_foreign(self.place, present)
            return Standing()
        manifest = decode_manifest(text, self.place)
        if manifest.owner != owner:
            raise refuse_owner(self.place, manifest.owner, owner)
        return self._compare(manifest, present, stamps)

    def open_staging(self, owner: str, standing: Standing) -> RemoteStaging:
        """See `Destination.open_staging`; there is no lock on object stores, the state's lock must do."""
        staging = RemoteStaging(self, owner, standing, standing.sound)
        if standing.manifest is None:
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
                self._send(local.name, path)
        with self.guard:
            self.files[path] = state
            (self.kept.add if is_same else self.kept.discard)(path)
        return state

    def claim(self) -> None:
        """List nothing as ours, so that what a cut first publication leaves behind is not taken for someone else's."""
        self._send_manifest(Manifest(self.owner))

    def _send_manifest(self, manifest: Manifest) -> None:
        with tempfile.NamedTemporaryFile(prefix="reconciler-") as local:
            local.write(encode_manifest(manifest))
            local.flush()
            self._send(local.name, MANIFEST_PATH)

    def _send(self, local: str, path: str) -> None:
        fs, target = self.destination.fs, self.destination.full(path)
        self.destination.reach(lambda: fs.makedirs(target.rpartition("/")[0], exist_ok=True))
        self.destination.reach(lambda: fs.put_file(local, target))

    def keep(self, path: str) -> None:
        """See `Staging.keep`. Raises KeyError when the path is not among the sound files of the last publication."""
        with self.guard:
            self.files[path] = self.sound[path]
            self.kept.add(path)

    def commit(self) -> Published:
        """See `Staging.commit`: manifest, then removals."""
        manifest = Manifest(self.owner, dict(sorted(self.files.items())))
        self._send_manifest(manifest)
        before = self.standing.manifest.files if self.standing.manifest else {}
        gone = sorted(before.keys() - manifest.files.keys() - set(self.standing.missing))
        for path in gone:
            self._remove(path)
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

    def _remove(self, path: str) -> None:
        try:
            self.destination.reach(lambda: self.destination.fs.rm_file(self.destination.full(path)))
        except FileNotFoundError:
            return

    def abandon(self) -> None:
        """See `Staging.abandon`. Files sent so far stay and are not listed; the next publication overwrites them."""
        self.files.clear()


def _stamp(row: Mapping[str, Any]) -> str:
    version = next((str(row[key]) for key in _VERSION_KEYS if row.get(key) is not None), "")
    return f"{row.get('size')}:{version}" if version else ""
