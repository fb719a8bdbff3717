"""Write documents for remote objects, in the language that `config` reads."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from reconciler.engine.meta_tables import MetaTable
from reconciler.errors import ReconcilerError
from reconciler.model.address import Address
from reconciler.model.json import JSON
from reconciler.model.kinds import OBJECT_KINDS, ObjectKind
from reconciler.model.observed import Found

_API_VERSION = "reconciler.dev/v1"
_NAME = re.compile(r"[a-z0-9](?:[a-z0-9._-]{0,98}[a-z0-9])?")


@dataclass(frozen=True, slots=True)
class Written:
    """A document that was made. remote_id: of the object that it declares; None for a set of rows. table: the file that
    it reads, when it was made with it."""

    address: Address
    path: Path
    remote_id: str | None = None
    table: Path | None = None

    @property
    def files(self) -> tuple[Path, ...]:
        """Everything that was written."""
        return (self.path,) if self.table is None else (self.path, self.table)


@dataclass(slots=True)
class DocumentWriter:
    """Writes documents into a folder. Existing files are never touched, and every name is given once.

    taken: addresses that are declared. names: kind → remote id → name of what is declared, for references. platform:
    the name of the backend's block in documents.
    """

    folder: Path
    taken: set[Address]
    names: dict[str, dict[str, str]]
    platform: str

    def write_object(self, kind: str, found: Found, name: str | None = None) -> Written:
        """Write the document of a remote object, protected: it was not made by this workspace.

        name: of the document; None takes the one in its marker, else one made of the title.
        """
        wish = name or _owner_name(kind, found) or _name(str(found.fields.get("title", "")), found.remote_id)
        address = self.free_address(kind, wish, found.remote_id.lower())
        self.names.setdefault(kind, {})[found.remote_id] = address.name
        spec = _spec(kind, found, self.names, self.platform) | {"lifecycle": {"protect": True}}
        return Written(address, self._write(address, spec), found.remote_id)

    def write_set(self, address: Address, spec: Mapping[str, JSON]) -> Written:
        """Write the document of a set of rows."""
        self.taken.add(address)
        return Written(address, self._write(address, spec))

    def write_table(self, wish: str, table: MetaTable) -> Written:
        """Write a table of metadata, and the document that reads it."""
        address = self.free_address("MetadataSource", wish, table.suffix.removeprefix("."))
        file = self._free_file(address, (table.suffix, ".yaml"))
        _write_whole(file, table.text)
        columns = {name: {"type": kind} for name, kind in table.columns.items()}
        spec = {"url": file.name, "key": table.key} | ({"columns": columns} if columns else {})
        return Written(address, self._write(address, {"table": spec}), None, file)

    def free_address(self, kind: str, wish: str, suffix: str) -> Address:
        """An address that nothing has; one that is taken gets the suffix, then a number."""
        names = (wish, f"{wish}-{suffix}", *(f"{wish}-{suffix}-{number}" for number in range(2, 1000)))
        address = next(found for found in (Address(kind, name) for name in names) if found not in self.taken)
        self.taken.add(address)
        return address

    def _write(self, address: Address, spec: Mapping[str, JSON]) -> Path:
        import yaml

        document = {
            "apiVersion": _API_VERSION,
            "kind": address.kind,
            "metadata": {"name": address.name},
            "spec": dict(spec),
        }
        text = yaml.safe_dump(document, sort_keys=False, allow_unicode=True, width=120)
        path = self._free_file(address, (".yaml",))
        _write_whole(path, text)
        return path

    def _free_file(self, address: Address, suffixes: tuple[str, ...]) -> Path:
        """The first path for a file of an address, with the first suffix, that no file has with any of them."""
        stem = f"{address.kind.lower()}-{address.name}"
        names = (stem, *(f"{stem}-{number}" for number in range(2, 1000)))
        free = (name for name in names if not any((self.folder / f"{name}{end}").exists() for end in suffixes))
        return self.folder / f"{next(free)}{suffixes[0]}"


def _write_whole(path: Path, text: str) -> None:
    """Write a new file under a name that no workspace reads, then rename it. Raises ReconcilerError."""
    draft = path.with_name(f".{path.name}.draft")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        draft.write_text(text, encoding="utf-8")
        draft.rename(path)
    except OSError as exc:
        draft.unlink(missing_ok=True)
        fix = "check the folder's rights and the free space"
        raise ReconcilerError(f"cannot write {path}: {exc.strerror}", fix=fix) from exc


def _owner_name(kind: str, found: Found) -> str | None:
    """The name in the marker of an object of ours."""
    owned, _, name = (found.owner or "").partition("/")
    return name if owned == kind and _NAME.fullmatch(name) else None


def _spec(kind: str, found: Found, names: Mapping[str, Mapping[str, str]], platform: str) -> dict[str, JSON]:
    spec = {key: value for key, value in found.fields.items() if value not in (None, {}, [], "")}
    if kind == "Collection" and "parent" in spec:
        parent = _reference(("Collection",), str(spec.pop("parent")), names)
        spec[platform] = {**spec.get(platform, {}), "parent": parent}
    if kind == "Collection" and isinstance(spec.get(platform), Mapping):  # said once, as meta
        spec[platform] = {key: value for key, value in spec[platform].items() if key != "annotations"}
    known = OBJECT_KINDS.get(kind) or ObjectKind(kind, references={"collection": "Collection"})
    for name in known.files:
        spec.pop(name, None)
    for name, target in known.references.items():
        kinds, first = (target, *known.others.get(name, ())), name.removesuffix(".*")
        if isinstance(spec.get(first), str):
            spec[first] = _reference(kinds, spec[first], names)
        elif first != name and isinstance(spec.get(first), list):
            spec[first] = [_reference(kinds, str(one), names) for one in spec[first]]
    for name in known.sets:
        if name in spec:
            spec[name] = list(spec[name])
    if isinstance(spec.get(platform), Mapping):
        spec[platform] = _listed(spec[platform])
    return spec


def _reference(kinds: tuple[str, ...], remote_id: str, names: Mapping[str, Mapping[str, str]]) -> JSON:
    """How documents name an object of one of these kinds, of which a plain name means the first."""
    for kind in kinds:
        if name := names.get(kind, {}).get(remote_id):
            return name if kind == kinds[0] else {"kind": kind, "name": name}
    return {"id": remote_id}


def _listed(block: Mapping[str, JSON]) -> dict[str, JSON]:
    """A block with its mappings of groups, tags and workshops as lists; what is empty is left out."""
    result = {key: value for key, value in block.items() if value not in ({}, None)}
    if "groups" in result:
        result["groups"] = list(block["groups"])
    if "tags" in result:
        tags = [(category, name, tag) for category, named in block["tags"].items() for name, tag in named.items()]
        result["tags"] = [{"name": name, "category": category, **_filled(tag)} for category, name, tag in tags]
    if "review_tags" in result:
        result["review_tags"] = [{"name": name, **_filled(tag)} for name, tag in block["review_tags"].items()]
    if "workshops" in result:
        result["workshops"] = [_workshop(name, shop) for name, shop in block["workshops"].items()]
    return result


def _workshop(name: str, shop: Mapping[str, JSON]) -> dict[str, JSON]:
    seats = {
        role: [{"user": int(user) if user.isdigit() else user, **seat} for user, seat in shop[role].items()]
        for role in ("workers", "reviewers")
        if shop.get(role)
    }
    return {"name": name, **_filled(shop), **seats}


def _filled(fields: Mapping[str, JSON]) -> dict[str, JSON]:
    return {key: value for key, value in fields.items() if value not in (None, {}, [], "")}


def _name(title: str, remote_id: str) -> str:
    """A valid `metadata.name`: ASCII letters and digits of the title, else the id."""
    plain = unicodedata.normalize("NFKD", title).encode("ascii", "ignore").decode().lower()
    name = re.sub(r"[^a-z0-9._-]+", "-", plain).strip("-._")
    return name or f"id-{_name(remote_id, '0')}"
