"""References between resources, and the order that follows from them. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from reconciler.errors import ConfigError, Problem
from reconciler.model.address import Address
from reconciler.model.kinds import OBJECT_KINDS
from reconciler.model.resource import (
    AnnotationProject,
    AssetSet,
    Collection,
    Export,
    MetadataSource,
    Ref,
    RemoteObject,
    Resource,
    TaskSet,
)
from reconciler.model.unit import unit_address


def references(resource: Resource) -> tuple[Address, ...]:
    """Return the addresses that a resource names, without repeats, in document order."""
    match resource:
        case Collection():
            found: tuple[object, ...] = (resource.parent,)
        case MetadataSource():
            found = ()
        case AssetSet():
            found = (resource.collection, *resource.metadata, *_used(resource))
        case AnnotationProject():
            found = (resource.collection,)
        case TaskSet():
            found = (resource.project, resource.assets)
        case Export():
            truth = resource.ground_truth.dataset if resource.ground_truth else None
            found = (resource.project, truth, resource.collection, resource.table)
        case RemoteObject():
            found = tuple(_inside(resource.fields))
    return tuple(dict.fromkeys(ref.address.resource for ref in found if isinstance(ref, Ref)))


def _inside(value: object) -> Iterator[object]:
    """Everything that is no mapping and no list, however deep."""
    if isinstance(value, Mapping):
        value = tuple(value.values())
    if isinstance(value, (list, tuple)):
        for item in value:
            yield from _inside(item)
    else:
        yield value


def _used(resource: AssetSet) -> Iterator[Ref]:
    """Other asset sets whose files the provenance names."""
    for name in ("used", "executed"):
        for text in resource.provenance.get(name) or ():
            address = unit_address(text)
            if address is not None and address.resource != resource.head.address:
                yield Ref(address.resource)


def edges(resources: Iterable[Resource]) -> dict[Address, tuple[Address, ...]]:
    """Return, for every resource, what must be settled before it.

    Beyond its references an Export, or an object that says so, waits for every TaskSet of its project, since those
    put annotations there; and an Export of a collection, or of a view on one, for everything declared below that.
    """
    known = {r.head.address: r for r in resources}
    feeders: dict[Address, list[Address]] = {}
    for resource in known.values():
        if isinstance(resource, TaskSet) and isinstance(resource.project, Ref):
            feeders.setdefault(resource.project.address, []).append(resource.head.address)
    result = {}
    for address, resource in known.items():
        needs = [a for a in references(resource) if a in known]
        project = _annotated(resource)
        if isinstance(project, Ref):
            needs += sorted(feeders.get(project.address, []))
        if isinstance(resource, Export) and isinstance(resource.collection, Ref):
            needs += _below(resource.collection.address, known.values())
        if isinstance(resource, Export) and isinstance(resource.table, Ref):
            for shown in _shown(known.get(resource.table.address)):
                needs += _below(shown.address, known.values())
        result[address] = tuple(dict.fromkeys(needs))
    return result


def _shown(view: Resource | None) -> Iterator[Ref]:
    """The collections whose content an object shows."""
    if isinstance(view, RemoteObject):
        name = OBJECT_KINDS[view.head.address.kind].shows
        yield from (ref for ref in _inside(view.fields.get(name or "")) if isinstance(ref, Ref))


def _below(collection: Address, resources: Iterable[Resource]) -> list[Address]:
    """Collections below one, and the asset sets of all of them, sorted."""
    holders: dict[Address, list[Resource]] = {}
    for resource in resources:
        above = resource.parent if isinstance(resource, Collection) else None
        above = resource.collection if isinstance(resource, AssetSet) else above
        if isinstance(above, Ref):
            holders.setdefault(above.address, []).append(resource)
    found: set[Address] = set()
    waiting = [collection]
    while waiting:
        for resource in holders.get(waiting.pop(), ()):
            if resource.head.address not in found:
                found.add(resource.head.address)
                waiting.append(resource.head.address)
    return sorted(found)


def _annotated(resource: Resource) -> object:
    """The project whose tasks have to be there before this resource."""
    match resource:
        case Export():
            return resource.project
        case RemoteObject():
            name = OBJECT_KINDS[resource.head.address.kind].waits_for_tasks
            return resource.fields.get(name) if name else None
        case _:
            return None


def with_needs(addresses: Iterable[Address], needs: Mapping[Address, Iterable[Address]]) -> set[Address]:
    """Return the addresses and everything that they need, directly or not."""
    found: set[Address] = set()
    waiting = list(addresses)
    while waiting:
        address = waiting.pop()
        if address not in found:
            found.add(address)
            waiting.extend(needs.get(address, ()))
    return found


def topological_order(needs: Mapping[Address, Iterable[Address]]) -> tuple[Address, ...]:
    """Order addresses so that each comes after what it needs; ties by address.

    Raises:
        ConfigError: there is a cycle; the message names its path.
    """
    order: list[Address] = []
    state: dict[Address, bool] = {}

    def visit(address: Address, path: tuple[Address, ...]) -> None:
        if state.get(address):
            return
        if address in state:
            raise _cycle((*path[path.index(address) :], address))
        state[address] = False
        for needed in sorted(needs.get(address, ())):
            visit(needed, (*path, address))
        state[address] = True
        order.append(address)

    for address in sorted(needs):
        visit(address, ())
    return tuple(order)


def _cycle(path: tuple[Address, ...]) -> ConfigError:
    shown = " → ".join(str(address) for address in path)
    problem = Problem(f"references form a cycle: {shown}", address=str(path[0]), fix="remove one of these references")
    return ConfigError([problem])
