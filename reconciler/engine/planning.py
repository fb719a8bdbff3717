"""Compute a plan: read what is declared, owned and there, decide, and write it all to a plan file."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from pathlib import Path

from reconciler import __version__
from reconciler.engine.context import Planning, PlanOptions
from reconciler.engine.exports import plan_export
from reconciler.engine.objects import plan_declared_object, plan_undeclared_object
from reconciler.engine.rowsets import plan_undeclared_rows
from reconciler.engine.session import Session
from reconciler.engine.tasks import plan_tasks
from reconciler.engine.units import plan_units
from reconciler.errors import ConfigError, ReconcilerError, Severity, UsageError
from reconciler.graph import edges, topological_order, with_needs
from reconciler.model.address import Address
from reconciler.model.resource import (
    AnnotationProject,
    AssetSet,
    Collection,
    Export,
    MetadataSource,
    RemoteObject,
    Resource,
    TaskSet,
)
from reconciler.plan.guard import Budget, obstacle, over_budget, unsafe_sets
from reconciler.plan.header import PlanHeader, total
from reconciler.state.planfile import PlanFile, PlanWriter
from reconciler.state.store import StateStore

ROW_KINDS = frozenset({"AssetSet", "TaskSet", "Export"})


def make_plan(session: Session, options: PlanOptions, path: Path, *, store: StateStore | None = None) -> PlanFile:
    """Compute a plan into a file and open it. Reads only; takes no lock.

    store: an open state to plan against; None opens it read-only.

    Raises:
        ConfigError: sources or references are wrong; all problems at once.
        Denied, Transient, …: a backend could not be read. Nothing is guessed.
    """
    declared = {r.head.address: r for r in session.configuration.resources}
    order = _chosen(topological_order(edges(declared.values())), declared, options)
    state = store or session.open_state(read_only=True)
    writer = PlanWriter(path)
    try:
        planning = Planning(session, state, options, writer, declared, state.resources())
        _plan_all(planning, order)
        errors = [problem for problem in planning.problems if problem.severity is Severity.ERROR]
        if errors:
            raise ConfigError(errors)
        writer.publish(_header(planning))
    except BaseException:
        writer.discard()
        raise
    return PlanFile(path)


def plan_obstacle(plan: PlanFile, budget: Budget | None = None) -> ReconcilerError | None:
    """The error that keeps a plan from being applied, None when there is none.

    budget: beside the one that the plan was made with; for a saved plan.
    """
    beyond = over_budget(plan.header.totals, budget) if budget else []
    return obstacle(plan.changes(), [*plan.header.unsafe, *beyond], plan.header.refused)


def _plan_all(planning: Planning, order: Iterable[Address]) -> None:
    if not planning.options.destroy:
        for address in sorted(order, key=partial(_turn, planning)):
            _plan_declared(planning, planning.declared[address])
    going = _undeclared(planning)
    for address in going:
        if address.kind in ROW_KINDS:
            plan_undeclared_rows(planning, planning.owned[address])
        else:
            plan_undeclared_object(planning, planning.owned[address], going)


def _turn(planning: Planning, address: Address) -> int:
    """Sets of existing units take what no other set takes, so they come after those."""
    resource = planning.declared[address]
    if isinstance(resource, AssetSet):
        return int(resource.existing is not None)
    return 2 if isinstance(resource, TaskSet | Export) else 0


def _plan_declared(planning: Planning, resource: Resource) -> None:
    try:
        match resource:
            case Collection() | AnnotationProject() | RemoteObject():
                plan_declared_object(planning, resource)
            case AssetSet():
                plan_units(planning, resource)
            case TaskSet():
                plan_tasks(planning, resource)
            case Export():
                plan_export(planning, resource)
            case MetadataSource():
                pass
    except ConfigError as error:  # of this resource's data: go on, so that all problems are shown at once
        planning.problems.extend(error.problems)


def _undeclared(planning: Planning) -> list[Address]:
    """Owned addresses that go, dependents first."""
    chosen = {target.resource for target in planning.options.targets}
    gone = {
        address: owned.depends
        for address, owned in planning.owned.items()
        if (planning.options.destroy or address not in planning.declared) and (not chosen or address in chosen)
    }
    return [address for address in reversed(topological_order(gone)) if address in gone]


def _chosen(order: tuple[Address, ...], declared: dict[Address, Resource], options: PlanOptions) -> list[Address]:
    """The declared resources to plan: all, or the targets with everything they need."""
    if not options.targets:
        return list(order)
    needs = edges(declared.values())
    chosen = [target.resource for target in options.targets]
    unknown = [address for address in chosen if address not in declared and not options.destroy]
    if unknown:
        names = ", ".join(str(address) for address in unknown)
        raise UsageError(f"--target names what is not declared: {names}", fix="`reconciler graph` lists the addresses")
    wanted = with_needs(chosen, needs)
    return [address for address in order if address in wanted]


def _header(planning: Planning) -> PlanHeader:
    session, changes = planning.session, planning.changes.values()
    workspace, version = session.configuration.workspace, planning.store.version
    owned = {str(address): planning.store.row_count(address) for address in planning.owned}
    options, totals, safety = planning.options, total(changes), workspace.safety
    # What destroys is held up by nothing but what its own command line says.
    guarded, standing = ([], Budget()) if options.destroy else (changes, Budget(safety.max_bytes, safety.max_calls))
    unsafe = unsafe_sets(guarded, owned, safety, options.delete_limit)
    return PlanHeader(
        workspace=workspace.name,
        environment=workspace.environment,
        lineage=version.lineage,
        serial=version.serial,
        configuration=session.configuration.digest,
        plan_id=planning.writer.plan_id,
        created=session.now().isoformat(timespec="seconds"),
        tool_version=__version__,
        destroy=options.destroy,
        targets=tuple(str(target) for target in options.targets),
        totals=totals,
        problems=tuple(planning.problems),
        refused=tuple(planning.refused),
        unsafe=(*unsafe, *over_budget(totals, options.budget.over(standing))),
    )
