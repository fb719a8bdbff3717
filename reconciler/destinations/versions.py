"""Destinations that keep versions: every data set in a folder of its own, beside a pointer to the latest.

    v1/ v2/ v3/    whole data sets, each with its manifest
    latest         a link to the latest, on a local disk; elsewhere the file latest.json

A version counts once its manifest lists something, which is the last thing that is written of it; the pointer follows.
Data that equals the latest version makes no new one: what is damaged of it is repaired in place.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final, Protocol

from reconciler.destinations.base import (
    Destination,
    Published,
    Staging,
    Standing,
    refuse_foreign,
    refuse_layout,
)
from reconciler.destinations.manifest import MANIFEST_PATH, FileState, Manifest, decode_manifest
from reconciler.model.checksum import Checksum

_VERSION: Final = re.compile(r"v([1-9][0-9]{0,8})")


class VersionStaging(Staging, Protocol):
    """A publication of one version, whose kept files come from another."""

    def publish_over(self, name: str) -> None:
        """Take the place of the version of that name instead: that which `standing` tells of."""


class Shelf(Protocol):
    """Where versions stand side by side."""

    @property
    def place(self) -> str:
        """For people: the URL without credentials."""

    @property
    def pointer(self) -> str:
        """Name of the pointer."""

    def entries(self) -> list[str]:
        """Names of what is there, without what only a publication under way needs."""

    def version(self, number: int) -> Destination:
        """One version as a destination of its own."""

    def open_staging(self, owner: str, standing: Standing, number: int, base: int) -> VersionStaging:
        """Start a version; kept files come from the version `base` (0: there is none), of which `standing` tells."""

    def pointed(self) -> str | None:
        """The version that the pointer names, None without a pointer of ours."""

    def point(self, name: str | None) -> None:
        """Let the pointer name a version, in one step; None takes it away."""


@dataclass(frozen=True, slots=True)
class VersionedDestination:
    """See `Destination`. retain: how many versions stay."""

    shelf: Shelf
    retain: int

    @property
    def place(self) -> str:
        """See `Destination.place`."""
        return self.shelf.place

    def inspect(self, owner: str, stamps: Mapping[str, str]) -> Standing:
        """See `Destination.inspect`: the latest version. A pointer that does not name it counts as missing."""
        entries = self.shelf.entries()
        latest = self._latest(entries)
        if not latest:
            self._refuse_others(entries, owner)
            return Standing()
        standing = self.shelf.version(latest).inspect(owner, stamps)
        if self.shelf.pointed() == _name(latest):
            return standing
        return replace(standing, missing=(*standing.missing, self.shelf.pointer))

    def open_staging(self, owner: str, standing: Standing) -> Staging:
        """See `Destination.open_staging`."""
        latest = self._latest(self.shelf.entries())
        inner = self.shelf.open_staging(owner, standing, latest + 1, latest)
        return _Staging(self, owner, standing, inner, latest)

    def read(self, path: str) -> bytes | None:
        """See `Destination.read`: of the latest version."""
        latest = self._latest(self.shelf.entries())
        return self.shelf.version(latest).read(path) if latest else None

    def remove(self, owner: str, standing: Standing) -> None:
        """See `Destination.remove`: every version of ours, the oldest first."""
        del standing  # of the latest alone
        self._drop(owner, keep=0)
        self.shelf.point(None)

    def prune(self, owner: str) -> None:
        """Take away the oldest versions of ours beyond those that stay."""
        self._drop(owner, keep=self.retain)

    def _drop(self, owner: str, keep: int) -> None:
        ours = [number for number, manifest in self._versions(self.shelf.entries()) if manifest.owner == owner]
        for number in sorted(ours)[: max(0, len(ours) - keep)]:
            version = self.shelf.version(number)
            version.remove(owner, Standing(_manifest(version)))

    def _latest(self, entries: Iterable[str]) -> int:
        """The highest number of a whole version, 0 without one."""
        return next((number for number, manifest in self._versions(entries) if manifest.files), 0)

    def _versions(self, entries: Iterable[str]) -> Iterator[tuple[int, Manifest]]:
        """Number and manifest of each, the highest first."""
        found = (_VERSION.fullmatch(entry) for entry in entries)
        for number in sorted({int(name[1]) for name in found if name}, reverse=True):
            manifest = _manifest(self.shelf.version(number))
            if manifest is not None:
                yield number, manifest

    def _refuse_others(self, entries: list[str], owner: str) -> None:
        """Raise ConfigError when what is there is not what a cut first publication leaves."""
        if MANIFEST_PATH.partition("/")[0] in entries:
            raise refuse_layout(self.place, owner, "one data set without versions", "retain")
        foreign = [entry for entry in entries if not _VERSION.fullmatch(entry)]
        if foreign:
            raise refuse_foreign(self.place, foreign)
        for entry in entries:
            self.shelf.version(int(entry[1:])).inspect(owner, {})


@dataclass(frozen=True, slots=True)
class _Staging:
    """See `Staging`."""

    destination: VersionedDestination
    owner: str
    standing: Standing
    inner: VersionStaging
    latest: int

    @property
    def files(self) -> Mapping[str, FileState]:
        """See `Staging.files`."""
        return self.inner.files

    def put(self, path: str, chunks: Iterable[bytes], expected: Checksum | None = None) -> FileState:
        """See `Staging.put`."""
        return self.inner.put(path, chunks, expected)

    def put_file(self, path: str, source: Path, expected: Checksum | None = None) -> FileState:
        """See `Staging.put_file`."""
        return self.inner.put_file(path, source, expected)

    def keep(self, path: str) -> None:
        """See `Staging.keep`."""
        self.inner.keep(path)

    def commit(self) -> Published:
        """See `Staging.commit`: a new version, unless this data is that of the latest; then the pointer, then what
        is too old."""
        before = self.standing.manifest
        is_same = before is not None and dict(self.inner.files) == dict(before.files)
        published = self._settle(before) if is_same and before is not None else self.inner.commit()
        self.destination.shelf.point(_name(self.latest if is_same else self.latest + 1))
        self.destination.prune(self.owner)
        return published

    def abandon(self) -> None:
        """See `Staging.abandon`."""
        self.inner.abandon()

    def _settle(self, before: Manifest) -> Published:
        """The latest version stays; what is damaged of it is written again."""
        lost = {*self.standing.missing, *self.standing.altered} - {self.destination.shelf.pointer}
        if lost:
            self.inner.publish_over(_name(self.latest))
            return self.inner.commit()
        self.inner.abandon()
        return Published(before, self.standing.stamps, kept=len(before.files), foreign=self.standing.foreign)


def _name(number: int) -> str:
    return f"v{number}"


def _manifest(version: Destination) -> Manifest | None:
    text = version.read(MANIFEST_PATH)
    return decode_manifest(text, version.place) if text is not None else None
