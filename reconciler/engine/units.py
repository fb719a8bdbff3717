"""Plan the units of asset sets."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial

from reconciler.diff.desired import desired_fields
from reconciler.engine.context import Planning, Refresh
from reconciler.engine.existing import plan_existing
from reconciler.engine.origins import unit_levels
from reconciler.engine.places import misplaced
from reconciler.engine.populate import unit_population
from reconciler.engine.refresh import refresh_units
from reconciler.engine.rowplan import Explanation
from reconciler.engine.rowsets import RowSet, add_row_set, is_rebound, row_differences
from reconciler.engine.unit_rows import UnitRules
from reconciler.errors import ConfigError, Problem
from reconciler.model.address import Address
from reconciler.model.body import holds
from reconciler.model.json import JSON
from reconciler.model.observed import Found
from reconciler.model.resource import AssetSet, Collection, FileSpecification, Layout, MetadataSource, OnExists, Ref
from reconciler.plan.header import decode_problem
from reconciler.plan.rows import RowDigests, RowRules, Stray
from reconciler.plan.values import Action, Change, RowCounts
from reconciler.providers.base import Capabilities, Provider
from reconciler.state.differences import RowDifferences, RowSides
from reconciler.state.populations import DesiredRow, Population
from reconciler.state.values import OwnedResource

# What a unit holds where every file is one.
FILE_UNITS = (FileSpecification("file", "file", required=True, primary=True),)


def plan_units(planning: Planning, asset_set: AssetSet) -> Change:
    """Compare the units of a source with the state and the backend, and add the decisions."""
    head = asset_set.head
    provider = planning.session.provider(head.backend)
    metadata = [planning.declared[ref.address] for ref in asset_set.metadata]
    sources = [source for source in metadata if isinstance(source, MetadataSource)]
    rules = _unit_rules(planning, asset_set, provider)
    if asset_set.existing is not None:
        return plan_existing(planning, asset_set, sources, rules, explain_unit)
    if provider.capabilities.file_units:
        asset_set = replace(asset_set, layout=_file_layout(asset_set, provider.capabilities))
    population, problems = unit_population(planning.session, asset_set, sources, rules)
    planning.problems.extend(problems)
    planning.refused.extend(decode_problem(value) for value in population.summary.get("refused", ()))
    planning.populations[head.address] = population

    record = planning.owned.get(head.address)
    parent = planning.resolve(asset_set.collection)
    row_rules = RowRules(
        prune=asset_set.prune,
        adopt=head.lifecycle.on_exists is OnExists.ADOPT or planning.takes_over(provider),
        rebound=is_rebound(record, parent, desired_fields(asset_set)),
        versions_content=provider.capabilities.versions_content,
    )
    differences = row_differences(planning, head.address, provider)
    if _must_list(planning, record, parent, differences, population):
        listed = record or OwnedResource(head.address, head.backend, parent, {}, parent_id=parent)
        refresh_units(planning.session, provider, planning.store, listed, differences, population)
    elif record is not None and parent is None and not row_rules.rebound:
        differences.finish_refresh()  # the collection is made again, so every unit is gone
    notes = partial(_notes, population.summary, provider.capabilities.trash)
    levels = _levels(planning, head.address, population, provider.capabilities)
    rows = RowSet(population, differences, row_rules, partial(_explain_in_order, levels), notes)
    return add_row_set(planning, head, desired_fields(asset_set), rows)


def _levels(planning: Planning, address: Address, population: Population, capabilities: Capabilities) -> dict[str, int]:
    """Units that name others of the set, with the number of steps before them. Raises ConfigError for wrong names."""
    if capabilities.is_outside is None or not population.summary.get("refers"):
        return {}
    levels, problems = unit_levels(planning.session.cache.rows(population), address, capabilities.is_outside)
    if problems:
        raise ConfigError(problems)
    return levels


def _explain_in_order(levels: Mapping[str, int], sides: RowSides, action: Action) -> Explanation:
    why = explain_unit(sides, action)
    level = levels.get(sides.key, 0)
    return replace(why, context={**why.context, "level": level}) if level else why


def _file_layout(asset_set: AssetSet, capabilities: Capabilities) -> Layout:
    """Where every file is a unit, its key is its path, or its name when folders are not mirrored."""
    block = asset_set.platform.get(capabilities.platform, {})
    return Layout.NAMES if block.get("folders") == "flat" else Layout.PATHS


def _notes(summary: Mapping[str, JSON], trash: bool, counts: RowCounts, drift: int) -> tuple[str, ...]:
    del drift  # shown apart
    notes = [_source_note(summary["account"]), *summary.get("content", ())]
    if trash and counts.delete:
        notes.append("what is deleted goes to the trash, from where it can be restored for a while")
    if counts.kept:
        notes.append(f"{counts.kept} units left the source and are kept (prune: false)")
    if counts.blocked:
        notes.append(f"{counts.blocked} units cannot be carried out; see their reasons")
    return tuple(note for note in notes if note)


def _source_note(account: Mapping[str, JSON]) -> str:
    """Where scanned files went that are in no unit; "" when all of them are."""
    parts = [_tallied(name, account[name]) for name in ("excluded", "unmatched") if account[name]]
    parts += [f"folder left out: {sample}" for tally in account["not_searched"] for sample in tally["samples"][:1]]
    return f"of {account['scanned']:,} files {account['used']:,} are used, " + ", ".join(parts) if parts else ""


def _tallied(name: str, tallies: Sequence[Mapping[str, JSON]]) -> str:
    why = ", ".join(f"{tally['label']}: {tally['count']:,}" for tally in tallies)
    return f"{sum(tally['count'] for tally in tallies):,} {name} ({why})"


def _must_list(
    planning: Planning,
    record: OwnedResource | None,
    parent: str | None,
    differences: RowDifferences,
    population: Population,
) -> bool:
    """Whether the backend's units have to be looked at."""
    if parent is None:
        return False
    if record is not None and planning.was_cut(record.address):
        return True  # only the backend knows how far it came
    if planning.options.refresh is Refresh.NONE:
        return False
    if planning.options.refresh is Refresh.CHANGED and record is not None:
        return next(differences.rows(population), None) is not None
    return True


def _unit_rules(planning: Planning, asset_set: AssetSet, provider: Provider) -> UnitRules:
    specifications, schema = _collection_of(planning, asset_set, provider)
    capabilities = provider.capabilities
    form = provider.name if capabilities.fit else ""
    return UnitRules(
        specifications,
        schema,
        capabilities.checksum,
        capabilities.unique_content,
        form,
        capabilities.is_outside,
        capabilities.fit,
    )


def _collection_of(
    planning: Planning, asset_set: AssetSet, provider: Provider
) -> tuple[tuple[FileSpecification, ...], JSON]:
    reference = asset_set.collection
    declared = planning.declared.get(reference.address) if isinstance(reference, Ref) else None
    if provider.capabilities.file_units:
        return FILE_UNITS, declared.unit_meta_schema if isinstance(declared, Collection) else None
    if isinstance(declared, Collection) and declared.file_specifications is not None:
        return declared.file_specifications, declared.unit_meta_schema
    remote_id = planning.resolve(reference)
    address = reference.address if isinstance(reference, Ref) else Address("Collection", f"id-{reference.id.lower()}")
    found = provider.read(address, remote_id) if remote_id else None
    if not isinstance(found, Found):
        where = asset_set.head.location
        problem = Problem(
            f"the collection of {asset_set.head.address} declares no fileSpecifications and is not there yet",
            where,
            fix="declare spec.fileSpecifications in the Collection",
        )
        raise ConfigError([problem])
    return observed_specifications(found), found.fields.get("unitMetaSchema")


def observed_specifications(collection: Found) -> tuple[FileSpecification, ...]:
    """The file specifications of a collection as the backend has it."""
    return tuple(_specification(value) for value in collection.fields.get("fileSpecifications", ()))


def _specification(value: JSON) -> FileSpecification:
    return FileSpecification(
        name=value["name"],
        type=value["type"],
        extensions=tuple(value.get("extensions") or ()),
        required=bool(value.get("required")),
        primary=bool(value.get("primary")),
        sequential=bool(value.get("sequential")),
    )


def explain_unit(sides: RowSides, action: Action) -> Explanation:
    """Say which files and metadata of a unit change, and what must be sent."""
    desired = sides.desired
    if desired is None:
        return Explanation()
    if action is Action.CREATE:
        return Explanation(files=desired.files, bytes=desired.bytes)
    if action is Action.ADOPT and isinstance(sides.remote, Stray):
        return _taken_over(sides, desired, sides.remote.digests)
    if action not in (Action.UPDATE, Action.REPLACE, Action.MOVE):
        return Explanation()
    body = json.loads(desired.body)
    held = {checksum for joined in sides.owned_files.values() for checksum in joined.split(",")}
    rewritten = action is Action.REPLACE or (action is Action.UPDATE and _is_rewritten(sides, desired))
    sent = [file for file in body["files"] if rewritten and file[4] not in held]
    detail = (
        *_place_lines(sides),
        *_file_lines(sides, body),
        *_meta_lines(sides, body),
        *_attribute_lines(sides, body),
    )
    context: dict[str, JSON] = {"held": sorted(held)} if rewritten else {}
    if action is not Action.REPLACE:
        context |= {"keys": list(sides.owned_keys)}
        context |= {"content": True} if rewritten else {}
        context |= {"attributes": list(sides.owned_attributes)} if sides.owned_attributes else {}
        context |= {"park": True} if sides.is_swapped else {}
    return Explanation(detail, len(sent), sum(file[3] for file in sent), context)


def _taken_over(sides: RowSides, desired: DesiredRow, found: RowDigests) -> Explanation:
    """What taking over a row writes. found: also kept, for an import records what is there and writes nothing."""
    rewritten = bool(found.content) and found.content != desired.content
    edit = rewritten or found.fields != desired.fields
    agrees = not edit or (not rewritten and holds(desired.body, sides.observed_meta))
    context: dict[str, JSON] = {"edit": edit, "agrees": agrees} | ({"found": found.content} if edit else {})
    if not rewritten:
        return Explanation(context=context)
    return Explanation((), desired.files, desired.bytes, context | {"content": True})


def _is_rewritten(sides: RowSides, desired: DesiredRow) -> bool:
    there = sides.remote if isinstance(sides.remote, RowDigests) else sides.owned
    return there is not None and there.content != desired.content


def _place_lines(sides: RowSides) -> list[tuple[str, JSON, JSON]]:
    there = sides.remote.fields if isinstance(sides.remote, RowDigests) else ""
    return [("place", place, sides.key)] if (place := misplaced(there)) is not None and not sides.previous_key else []


def _attribute_lines(sides: RowSides, body: JSON) -> list[tuple[str, JSON, JSON]]:
    now = body.get("attributes") or {}
    before = (json.loads(sides.before_body).get("attributes") or {}) if sides.before_body else {}
    names = sorted(name for name in {*now, *before} if now.get(name) != before.get(name))
    return [(name, before.get(name), now.get(name)) for name in names] if sides.before_body else []


def _file_lines(sides: RowSides, body: JSON) -> list[tuple[str, JSON, JSON]]:
    now: dict[str, str] = {}
    for spec, _, _, _, checksum in body["files"]:
        now[spec] = f"{now[spec]},{checksum}" if spec in now else checksum
    before = sides.owned_files
    specs = sorted({*before, *now})
    return [(spec, before.get(spec), now.get(spec)) for spec in specs if before.get(spec) != now.get(spec)]


def _meta_lines(sides: RowSides, body: JSON) -> list[tuple[str, JSON, JSON]]:
    now = body["meta"]
    if sides.observed_meta is not None and sides.previous_key is None:
        before = sides.observed_meta
        keys = set(now)
    elif sides.before_body is not None:
        before = json.loads(sides.before_body)["meta"]
        keys = {*now, *before}
    else:
        return []
    return [(f"meta.{key}", before.get(key), now.get(key)) for key in sorted(keys) if before.get(key) != now.get(key)]
