"""Desired resources as plain fields, in the vocabulary that providers report back. Pure.

A reference becomes `{"$ref": "Kind/name"}` or `{"$id": "123"}`; `resolve` puts remote ids in their place.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from reconciler.model.address import Address, parse_address
from reconciler.model.json import JSON, digest
from reconciler.model.kinds import OBJECT_KINDS, PRESENT
from reconciler.model.resource import (
    AnnotationProject,
    AssetSet,
    Collection,
    Existing,
    Export,
    External,
    FileSpecification,
    MetadataSource,
    Ref,
    Reference,
    RemoteObject,
    Resource,
    Splits,
    TaskSet,
)


def desired_fields(resource: Resource) -> dict[str, JSON]:
    """Return the declared fields of a resource; what the user did not write is left out.

    Row sets (AssetSet, TaskSet, Export) give the settings that bind them; their rows are compared elsewhere.
    """
    match resource:
        case Collection():
            fields = _collection(resource)
        case AnnotationProject():
            fields = _project(resource)
        case AssetSet():
            fields = {"collection": _reference(resource.collection), "existing": _existing(resource.existing)}
        case TaskSet():
            fields = {"project": _reference(resource.project), "assets": _reference(resource.assets)}
        case RemoteObject():
            fields = _remote_object(resource)
        case Export():
            fields = _export(resource)
        case MetadataSource():
            fields = {}
    return {key: value for key, value in fields.items() if value is not None}


# Stands in a plan for an id that only applying will give.
KNOWN_AFTER_APPLY = "(known after apply)"


def resolve(fields: Mapping[str, JSON], remote_id: Callable[[Address], str | None]) -> dict[str, JSON]:
    """Put remote ids in place of references; one whose target has no id yet becomes `KNOWN_AFTER_APPLY`."""

    def fill(value: JSON) -> JSON:
        if isinstance(value, Mapping):
            if value.keys() == {"$ref"}:
                found = remote_id(parse_address(value["$ref"]))
                return KNOWN_AFTER_APPLY if found is None else found
            if value.keys() == {"$id"}:
                return value["$id"]
            return {key: fill(item) for key, item in value.items()}
        return [fill(item) for item in value] if isinstance(value, (list, tuple)) else value

    return {key: fill(value) for key, value in fields.items()}


def declared_paths(*fields: Mapping[str, JSON] | None) -> frozenset[str]:
    """The top-level keys of these fields, and below mappings "key.inner"."""
    paths = set[str]()
    for each in fields:
        for key, value in (each or {}).items():
            paths.add(key)
            paths.update(f"{key}.{inner}" for inner in value) if isinstance(value, Mapping) else None
    return frozenset(paths)


def _reference(reference: Reference | None) -> JSON:
    match reference:
        case None:
            return None
        case External(id=remote_id):
            return {"$id": remote_id}
        case _:
            return {"$ref": str(reference.address)}


def _existing(existing: Existing | None) -> JSON:
    if existing is None:
        return None
    rule = existing.key_rule
    key = {"key": {"regex": rule.regex, "template": rule.template}} if rule else {}
    return {**key, "unmarked": existing.unmarked}


def _collection(resource: Collection) -> dict[str, JSON]:
    specs = resource.file_specifications
    return {
        "title": resource.title,
        "description": resource.description,
        "fileSpecifications": None if specs is None else [_specification(spec) for spec in specs],
        "unitMetaSchema": resource.unit_meta_schema,
        "meta": resource.meta,
        "parent": _reference(resource.parent),
        **{name: _collection_block(block) for name, block in resource.platform.items() if block},
    }


def _collection_block(block: Mapping[str, JSON]) -> dict[str, JSON]:
    """Settings of a collection, its groups by name, so that those which others made stay."""
    groups = {"groups": dict.fromkeys(block["groups"], PRESENT)} if "groups" in block else {}
    return {**block, **groups}


def _specification(spec: FileSpecification) -> dict[str, JSON]:
    fields: dict[str, JSON] = {
        "name": spec.name,
        "type": spec.type,
        "extensions": list(spec.extensions),
        "required": spec.required,
        "primary": spec.primary,
        "sequential": spec.sequential,
        "description": spec.description,
        "functionType": spec.function_type,
    }
    return {key: value for key, value in fields.items() if value is not None}


def _project(resource: AnnotationProject) -> dict[str, JSON]:
    classes = resource.classes
    return {
        "title": resource.title,
        "description": resource.description,
        "collection": _reference(resource.collection),
        "category": resource.category,
        "classes": None if classes is None else {tool: list(names) for tool, names in classes.items()},
        **{name: _project_block(block) for name, block in resource.platform.items() if block},
    }


def _project_block(block: Mapping[str, JSON]) -> dict[str, JSON]:
    """Settings of a project, its lists of tags and workshops by name, so that what others added stays."""
    fields = dict(block)
    if "tags" in block:
        tags: dict[str, dict[str, JSON]] = {}
        for tag in block["tags"]:
            members = {key: value for key, value in tag.items() if key not in ("name", "category")}
            tags.setdefault(tag.get("category", "project"), {})[tag["name"]] = members
        fields["tags"] = tags
    if "review_tags" in block:
        fields["review_tags"] = _by(block["review_tags"], "name")
    if "workshops" in block:
        fields["workshops"] = {name: _workshop(shop) for name, shop in _by(block["workshops"], "name").items()}
    return fields


def _workshop(shop: Mapping[str, JSON]) -> dict[str, JSON]:
    return {key: _by(value, "user") if key in ("workers", "reviewers") else value for key, value in shop.items()}


def _by(items: JSON, name: str) -> dict[str, dict[str, JSON]]:
    """Items by one of their members, the others as value."""
    return {str(item[name]): {key: value for key, value in item.items() if key != name} for item in items}


def _remote_object(resource: RemoteObject) -> dict[str, JSON]:
    """Fields as declared, but for references, and for sets of names, which become mappings: others may add theirs."""
    kind = OBJECT_KINDS[resource.head.address.kind]
    fields: dict[str, JSON] = {}
    for name, value in resource.fields.items():
        if name in kind.order_only:
            fields[name] = None
        else:
            names: JSON = value
            fields[name] = dict.fromkeys(names, kind.sets[name]) if name in kind.sets else _written(value)
    return fields


def _written(value: JSON | Reference) -> JSON:
    """A value with its references as `resolve` knows them."""
    if isinstance(value, (Ref, External)):
        return _reference(value)
    if isinstance(value, Mapping):
        return {key: _written(item) for key, item in value.items()}
    return [_written(item) for item in value] if isinstance(value, (list, tuple)) else value


def _export(resource: Export) -> dict[str, JSON]:
    if resource.collection is not None or resource.query is not None:
        return _download(resource)
    splits, truth = resource.splits, resource.ground_truth
    return {
        "project": _reference(resource.project),
        "groundTruth": None if truth is None else {"dataset": _reference(truth.dataset), "version": truth.version},
        "target": resource.target,
        "filter": dict(resource.filter),
        "format": resource.format,
        "options": dict(resource.options),
        "destination": _place(resource),
        "originals": resource.originals if isinstance(resource.originals, bool) else list(resource.originals),
        "splits": None if splits is None else _splits(splits),
        "classes": None if resource.classes is None else list(resource.classes),
        "geometry": {"mode": resource.geometry.mode, "tolerance": resource.geometry.tolerance},
        "retain": resource.retain,
        "card": {"contactSheet": resource.card.sheet} if resource.card.is_written else False,
    }


def _splits(splits: Splits) -> JSON:
    """A list can be as long as the data set: its digest stands for it."""
    if splits.by == "list":
        return {"by": splits.by, "list": digest(dict(splits.assigned))}
    return {"by": splits.by} if splits.by else {"ratios": dict(splits.ratios), "seed": splits.seed}


def _download(resource: Export) -> dict[str, JSON]:
    """Files or rows as they are: what concerns annotations has no say."""
    return {
        "collection": _reference(resource.collection),
        "query": resource.query,
        **({} if resource.table is None else {"table": _reference(resource.table)}),
        "format": resource.format,
        "options": dict(resource.options),
        "destination": _place(resource),
        "retain": resource.retain,
    }


def _place(resource: Export) -> JSON:
    place = resource.destination
    return place.url if place.url is not None else {"storage": place.storage, "path": place.path}
