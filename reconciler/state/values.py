"""What the state remembers, as values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from reconciler.model.address import Address
from reconciler.model.json import JSON


@dataclass(frozen=True, slots=True)
class Version:
    """Identity of one state history and its counter, raised by every real change."""

    lineage: str
    serial: int


@dataclass(frozen=True, slots=True)
class OwnedResource:
    """One resource we own. fields: declared fields as last applied, references unresolved.

    parent_id: the remote id its rows hang on. depends: what it needed, so that destroy works without documents.
    revision: serial at which its rows last changed.
    """

    address: Address
    backend: str
    remote_id: str | None
    fields: Mapping[str, JSON]
    parent_id: str | None = None
    etag: str | None = None
    protect: bool = False
    orphan_on_delete: bool = False
    depends: tuple[Address, ...] = ()
    revision: int = 0


@dataclass(frozen=True, slots=True)
class Shape:
    """Which metadata keys, which groups and which attributes of a row are ours."""

    keys: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    attributes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class OwnedRow:
    """One row we own. files: specification → checksum hex (joined by "," for several).

    attributes: digest of our attributes as the backend reported them after we wrote them (it may complete them, as with
    versions of what was used), "" when we wrote none.
    """

    key: str
    remote_id: str
    content: str
    fields: str
    shape: Shape
    files: Mapping[str, str]
    attributes: str = ""


@dataclass(frozen=True, slots=True)
class Intent:
    """Something begun: a call was about to be made for these rows (or, with no keys, for the resource itself)."""

    id: int
    address: Address
    action: str
    keys: tuple[str, ...]
    started: str
