"""What a destination is: it says what stands there, takes new files, and publishes them as one whole."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Protocol

from reconciler.destinations.manifest import FileState, Manifest
from reconciler.errors import ConfigError, Problem, Transient
from reconciler.model.checksum import Checksum

_BLOCK: Final = 1 << 20
LATEST: Final = "latest"
"""Name of the pointer to the latest of several versions; a file of that name and `.json` where there are no links."""


@dataclass(frozen=True, slots=True)
class Standing:
    """What is at a destination now.

    manifest: of the last publication, None when nothing was published. missing, altered: paths of ours that are gone or
    have other bytes. foreign: paths that are not ours. stamps: path → text that changes when the file does (size and
    time, or the store's version); the caller keeps it, and unchanged stamps spare reading the bytes next time.
    hashed: how many files had to be read.
    """

    manifest: Manifest | None = None
    missing: tuple[str, ...] = ()
    altered: tuple[str, ...] = ()
    foreign: tuple[str, ...] = ()
    stamps: Mapping[str, str] = field(default_factory=dict)
    hashed: int = 0

    @property
    def is_intact(self) -> bool:
        """Everything of ours is there as published."""
        return self.manifest is not None and not self.missing and not self.altered

    @property
    def sound(self) -> dict[str, FileState]:
        """Files of ours that are as published."""
        files = self.manifest.files if self.manifest else {}
        lost = {*self.missing, *self.altered}
        return {path: file for path, file in files.items() if path not in lost}


@dataclass(frozen=True, slots=True)
class Published:
    """What a publication did. files: the new manifest's; written, kept, removed: counts; bytes: written."""

    manifest: Manifest
    stamps: Mapping[str, str]
    written: int = 0
    kept: int = 0
    removed: int = 0
    bytes: int = 0
    foreign: tuple[str, ...] = ()


class Staging(Protocol):
    """A publication under way. Nothing is visible before `commit` (on object stores: nothing is listed in the
    manifest before it). `put` may be called from several threads."""

    @property
    def files(self) -> Mapping[str, FileState]:
        """Everything that was put or kept so far."""

    def put(self, path: str, chunks: Iterable[bytes], expected: Checksum | None = None) -> FileState:
        """Take the bytes of one file; when they stand there already, this is `keep`.

        Raises Transient when they do not have the expected checksum.
        """

    def put_file(self, path: str, source: Path, expected: Checksum | None = None) -> FileState:
        """Take the bytes of a local file, which stays and shares nothing with what is published. Raises as `put`."""

    def keep(self, path: str) -> None:
        """Carry one file over from the last publication, untouched (same bytes, same modification time)."""

    def commit(self) -> Published:
        """Make exactly the files that were put or kept the published ones; ours that were not are removed."""

    def abandon(self) -> None:
        """Forget everything that was put; what was published stays."""


class Destination(Protocol):
    """A place for one export."""

    @property
    def place(self) -> str:
        """For people: the URL without credentials."""

    def inspect(self, owner: str, stamps: Mapping[str, str]) -> Standing:
        """Compare what is there with its manifest.

        owner: address of the export. stamps: as the last `Standing` or `Published` gave them, {} to read every file.

        Raises:
            ConfigError: the place holds files and no manifest of ours, or that of another export, or a damaged one.
            Transient: the place does not answer.
        """

    def open_staging(self, owner: str, standing: Standing) -> Staging:
        """Start a publication. Whoever opens it must end it with `commit` or `abandon`.

        Raises:
            LockHeld: another one is under way here. ConfigError: the place cannot be written.
        """

    def read(self, path: str) -> bytes | None:
        """Bytes of a small published file, None when it is not there."""

    def remove(self, owner: str, standing: Standing) -> None:
        """Take away everything we published; foreign files stay. Raises as `open_staging` does."""


def refuse_foreign(place: str, examples: Iterable[str]) -> ConfigError:
    """The error for a destination that holds files and is not ours."""
    names = ", ".join(sorted(examples)[:3])
    return ConfigError(
        [
            Problem(
                f"{place} is not empty and was not written by an export",
                detail=f"It holds {names}. Publishing would mix these with the data set, or replace them.",
                fix="choose another destination, or empty this one",
            )
        ]
    )


def refuse_owner(place: str, theirs: str, ours: str) -> ConfigError:
    """The error for a destination that another export writes."""
    return ConfigError(
        [
            Problem(
                f"{place} belongs to {theirs}",
                detail="Two exports to one destination would remove each other's files.",
                fix=f"give {ours} a destination of its own",
                address=ours,
            )
        ]
    )


def refuse_layout(place: str, owner: str, found: str, setting: str) -> ConfigError:
    """The error for a destination that was written with `retain` and is used without, or the other way round."""
    return ConfigError(
        [
            Problem(
                f"{place} holds {found}",
                detail=f"Readers find the files elsewhere with {setting} than without.",
                fix="choose another destination, or remove this one; it will be written anew",
                address=owner,
            )
        ]
    )


def blocks(file: Path) -> Iterator[bytes]:
    """The bytes of a local file."""
    with file.open("rb", buffering=0) as stream:
        while block := stream.read(_BLOCK):
            yield block


def checked(chunks: Iterable[bytes], path: str, expected: Checksum | None) -> Iterator[bytes]:
    """Pass bytes on and compare their checksum at the end. Raises Transient when it differs; never reads ahead."""
    found = hashlib.new(expected.algorithm, usedforsecurity=False) if expected else None
    for chunk in chunks:
        if found is not None:
            found.update(chunk)
        yield chunk
    if found is not None and expected is not None and found.hexdigest() != expected.hex:
        raise Transient(
            f"{path}: the bytes have checksum {expected.algorithm}:{found.hexdigest()}, expected {expected}"
        )
