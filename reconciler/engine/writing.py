"""Write documents for remote objects, in the language that `config` reads."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from pathlib import Path

from reconciler.model.address import Address
from reconciler.model.json import JSON
from reconciler.model.kinds import OBJECT_KINDS
from reconciler.model.observed import Found

_API_VERSION = "reconciler.dev/v1"


def write_document(kind: str, found: Found, folder: Path) -> tuple[Path, Address]:
    """Write one document and return its path and address; existing files are never touched.

    The name is made of the title, with the remote id added when it is taken.
    """
    import yaml

    folder.mkdir(parents=True, exist_ok=True)
    name = _name(str(found.fields.get("title", "")), found.remote_id)
    path = folder / f"{kind.lower()}-{name}.yaml"
    if path.exists():
        name = f"{name}-{found.remote_id.lower()}"
        path = folder / f"{kind.lower()}-{name}.yaml"
    document = {"apiVersion": _API_VERSION, "kind": kind, "metadata": {"name": name}, "spec": _spec(kind, found)}
    text = yaml.safe_dump(document, sort_keys=False, allow_unicode=True, width=120)
    with path.open("x", encoding="utf-8") as file:
        file.write(text)
    return path, Address(kind, name)


def _spec(kind: str, found: Found) -> dict[str, JSON]:
    spec = {key: value for key, value in found.fields.items() if value not in (None, {}, [], "")}
    if kind == "Collection" and "parent" in spec:
        spec["sage"] = {**spec.get("sage", {}), "parent": {"id": spec.pop("parent")}}
    known = OBJECT_KINDS.get(kind)
    for reference in known.references if known else ("collection",):
        if isinstance(spec.get(reference), str):
            spec[reference] = {"id": spec[reference]}
    for name in known.sets if known else ():
        if name in spec:
            spec[name] = list(spec[name])
    if isinstance(spec.get("datamaker"), Mapping):
        spec["datamaker"] = _listed(spec["datamaker"])
    return spec


def _listed(block: Mapping[str, JSON]) -> dict[str, JSON]:
    """A project's block with its mappings of tags and workshops as lists; what is empty is left out."""
    result = {key: value for key, value in block.items() if value not in ({}, None)}
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
    return name or f"id-{remote_id.lower()}"
