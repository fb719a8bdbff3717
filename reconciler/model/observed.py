"""What a backend reported just now: found, or absent. What it could not say is an error, never absence."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from reconciler.model.address import Address
from reconciler.model.json import JSON


@dataclass(frozen=True, slots=True)
class Found:
    """A remote object. fields: in our vocabulary (the keys of `desired_fields`), everything the backend reports.

    owner: the address in its ownership marker, as text, or None. etag: version token, compared for equality only.
    """

    remote_id: str
    fields: Mapping[str, JSON] = field(default_factory=dict)
    etag: str | None = None
    owner: str | None = None


@dataclass(frozen=True, slots=True)
class Absent:
    """The backend answered, and the object is not there."""


@dataclass(frozen=True, slots=True)
class RemoteFile:
    """A file the backend can hand out. name: leaf of the original path. checksum: in the backend's algorithm."""

    spec: str
    name: str
    url: str = field(repr=False)
    size_bytes: int | None = None
    checksum: str | None = None
    is_primary: bool = False


@dataclass(frozen=True, slots=True)
class ObservedUnit:
    """A remote data unit. owner: the AssetSet address and key in its marker, when it has one.

    checksums: specification → checksum hex as the backend reports it, {} when it does not. meta: without the marker.
    name: the best name the backend has for it, the key of a unit that nobody named. files: as far as they are told.
    attributes: as `Unit.attributes`, references as ids. key: its place, where the place is what identifies a unit.
    token: changes when anything of it may have changed; a listing in outline gives remote_id, key and token alone.
    """

    remote_id: str
    owner: Address | None
    checksums: Mapping[str, str]
    meta: Mapping[str, JSON]
    attributes: Mapping[str, JSON] = field(default_factory=dict)
    key: str | None = None
    token: str | None = None
    name: str = field(default="", compare=False)
    files: tuple[RemoteFile, ...] = field(default=(), compare=False)


@dataclass(frozen=True, slots=True)
class ObservedTask:
    """A remote task. data_digest: `digest` of its annotation payload, None when it has none."""

    remote_id: str
    unit_id: str
    data_digest: str | None


@dataclass(frozen=True, slots=True)
class ObservedRow:
    """A row of a remote table. cells: column → value in its one form, None for none."""

    remote_id: str
    cells: Mapping[str, str | None]


@dataclass(frozen=True, slots=True)
class AnnotationRecord:
    """One exported record: an assignment, a task or a ground truth event.

    key: the unit's key from its marker, or the best name the backend has. data: the raw annotation payload (None
    when there is none). unit_meta: without the marker. category: ground truth split, if any. fault: why the payload
    cannot be had, None when it could.
    """

    remote_id: str
    unit_id: str
    key: str
    data: JSON
    files: tuple[RemoteFile, ...]
    unit_meta: Mapping[str, JSON] = field(default_factory=dict)
    tags: tuple[int, ...] = ()
    category: str | None = None
    fault: str | None = None
