"""Data units: one record with one file (or an ordered list) per specification."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from reconciler.model.address import Address, parse_address
from reconciler.model.checksum import Checksum
from reconciler.model.json import JSONObject, digest


@dataclass(frozen=True, slots=True)
class FileRef:
    """One source file of a unit.

    spec: name of the file specification. source: index into `AssetSet.sources`. path: below the source root,
    "/"-separated, exact spelling. checksum: None until hashed.
    """

    spec: str
    source: int
    path: str
    size_bytes: int
    checksum: Checksum | None = None


@dataclass(frozen=True, slots=True)
class Unit:
    """A desired unit. key: NFC. files: sorted by (spec, path). meta: merged and typed. groups: top level first.

    attributes: what else can change in place, where the backend has it; absent means not declared. Strings
    `contentType`, `description`, `versionLabel`, `externalURL`; `provenance`: {name, description, used, executed}, the
    last two lists of texts: an id, `id@version`, a URL, the key of another unit of the set, or
    `AssetSet/name["key"]`.
    """

    key: str
    files: tuple[FileRef, ...]
    meta: JSONObject
    groups: tuple[str, ...] = ()
    attributes: JSONObject = field(default_factory=dict)


def content_digest(checksums: Mapping[str, str]) -> str:
    """Digest of a unit's composition: specification name → checksum hex in the backend's algorithm.

    A sequential specification joins its checksums in order with ",".
    """
    return digest(dict(checksums))


def unit_address(text: str) -> Address | None:
    """The unit that a text names as `AssetSet/name["key"]`; None for any other text."""
    if not text.startswith("AssetSet/"):
        return None
    try:
        found = parse_address(text)
    except ValueError:
        return None
    return found if found.key is not None else None


def fields_digest(meta: JSONObject, groups: tuple[str, ...], attributes: str = "") -> str:
    """Digest of what can change in place: metadata and groups, and behind "/" that of the attributes, if any."""
    own = digest({"meta": dict(meta), "groups": list(groups)})
    return f"{own}/{attributes}" if attributes else own


def attributes_digest(attributes: JSONObject) -> str:
    """Digest of attributes; "" when there are none."""
    return digest(dict(attributes)) if attributes else ""
