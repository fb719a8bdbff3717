"""The rows of a Sage manifest for the units of an asset set."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from reconciler.errors import ConfigError, Problem
from reconciler.formats.manifest_cells import is_url
from reconciler.formats.manifest_writing import Unwritable
from reconciler.model.json import JSON
from reconciler.model.unit import Unit
from reconciler.sources.location import Place
from reconciler.sources.manifest_json import wire_of
from reconciler.sources.manifest_row import ENTITY, Link, LinkKind, ManifestRow


def manifest_rows(units: Iterable[Unit], places: Sequence[Place], parent: str, address: str) -> list[ManifestRow]:
    """One row per unit. places: roots of the set's sources. parent: id or name of its collection.

    Raises:
        ConfigError: with every unit that is no single local file, and every value that is no annotation.
    """
    problems: list[Problem] = []
    found = list(units)
    paths = {unit.key: _path(unit, places) for unit in found}
    rows = [row for unit in found if (row := _row(unit, paths, parent, address, problems)) is not None]
    if problems:
        raise ConfigError(problems)
    return rows


def _path(unit: Unit, places: Sequence[Place]) -> str:
    external = unit.attributes.get("externalURL")
    if external:
        return str(external)
    return places[unit.files[0].source].below(unit.files[0].path) if len(unit.files) == 1 else ""


def _row(
    unit: Unit, paths: Mapping[str, str], parent: str, address: str, problems: list[Problem]
) -> ManifestRow | None:
    where = f"{address}[{unit.key!r}]"
    if not paths[unit.key]:
        what = f"unit {unit.key!r} has {len(unit.files)} files"
        problems.append(Problem(what, None, "A row is one file.", "write sets of one file per unit", address=where))
        return None
    folder, _, name = unit.key.rpartition("/")
    provenance = unit.attributes.get("provenance") or {}
    try:
        annotations = {key: wire_of(value) for key, value in unit.meta.items()}
    except Unwritable as error:
        fix = "make it text, a number, a truth value, a time, or a list of one of them"
        what = f"metadata of {unit.key!r} cannot be annotations: {error}"
        problems.append(Problem(what, None, "", fix, address=where))
        return None
    return ManifestRow(
        line=0,
        path=paths[unit.key],
        parent=str(unit.attributes.get("parent") or folder or parent),
        name=str(unit.attributes.get("name") or name),
        is_external=is_url(paths[unit.key]),
        content_type=str(unit.attributes.get("contentType") or ""),
        used=_links(provenance.get("used"), paths),
        executed=_links(provenance.get("executed"), paths),
        activity_name=str(provenance.get("name") or ""),
        activity_description=str(provenance.get("description") or ""),
        annotations=annotations,
    )


def _links(items: JSON, paths: Mapping[str, str]) -> tuple[Link, ...]:
    return tuple(
        Link(LinkKind.FILE, paths[item]) if item in paths else outside_link(item) for item in map(str, items or ())
    )


def outside_link(text: str) -> Link:
    """An item of provenance that is no file of the manifest: a URL, or an entity with or without version."""
    if is_url(text):
        return Link(LinkKind.URL, text)
    entity = text.replace("@", ".")
    return Link(LinkKind.ENTITY if ENTITY.fullmatch(entity) else LinkKind.FILE, entity)
