"""`reconciler import`."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from reconciler.cli.group import Command
from reconciler.cli.options import EventsFlag, LockTimeout, Parallelism
from reconciler.cli.settings import PARALLELISM, Settings, settings_of

if TYPE_CHECKING:
    from reconciler.cli.event_stream import EventStream
    from reconciler.engine.session import Session
    from reconciler.state.store import StateStore

app = typer.Typer(rich_markup_mode=None, add_completion=False)


@app.command(cls=Command)
def import_(
    ctx: typer.Context,
    address: Annotated[str | None, typer.Argument(metavar="[ADDR", help="A declared resource, Kind/name.")] = None,
    remote_id: Annotated[str | None, typer.Argument(metavar="ID]", help="The id of the object at the backend.")] = None,
    all_: Annotated[
        bool,
        typer.Option("--all", help="Everything that is there, with documents for what nobody declares."),
    ] = False,
    out: Annotated[
        Path | None,
        typer.Option("--out", "-o", metavar="DIR", help="With --all: where documents go (default: imported)."),
    ] = None,
    source: Annotated[
        str | None,
        typer.Option("--source", metavar="URL", help="With --all: where the files of undeclared units may lie."),
    ] = None,
    no_write: Annotated[
        bool, typer.Option("--no-write", help="With --all: write no documents, take over what is declared only.")
    ] = False,
    parallelism: Parallelism = PARALLELISM,
    lock_timeout: LockTimeout = None,
    json: EventsFlag = False,
) -> int:
    """Take existing remote objects over, one by its id or all there are. Nothing is created or deleted there."""
    from reconciler.cli.options import lock_wait_s
    from reconciler.cli.planning import shown_session
    from reconciler.errors import UsageError

    settings = settings_of(ctx)
    if all_ == (address is not None) or (address is None) != (remote_id is None):
        raise UsageError("give either ADDR and ID, or --all", fix="for example: reconciler import Collection/a 123")
    for name, given in (("--out", out), ("--source", source), ("--no-write", no_write)):
        if given and not all_:
            raise UsageError(f"{name} goes with --all", fix="leave it out")
    if no_write and (out or source):
        raise UsageError("--no-write excludes --out and --source", fix="leave it out")
    wait_s = lock_wait_s(lock_timeout, in_ci=bool(settings.console.environ.get("CI")))
    with (
        shown_session(settings, json=json, parallelism=parallelism) as (session, stream),
        session.lock("import", wait_s),
    ):
        store = session.open_state()
        if address is not None and remote_id is not None:
            return _one(settings, session, store, address, remote_id, stream)
        folder = None if no_write else out or session.configuration.workspace.root / "imported"
        return _all(settings, session, store, (folder, source), stream)


def _one(
    settings: Settings, session: Session, store: StateStore, address: str, remote_id: str, stream: EventStream | None
) -> int:
    from reconciler.cli.options import parse_addresses
    from reconciler.engine.importing import import_object

    (parsed,) = parse_addresses([address], "ADDR")
    owned = import_object(session, store, parsed, remote_id)
    message = f"{owned.address} is now owned [id={owned.remote_id}]."
    if stream is not None:
        stream.imported(message, 1, 0)
    else:
        settings.console.print(f"{message}\nThe next plan shows how it differs from its document.")
    return 0


def _all(
    settings: Settings,
    session: Session,
    store: StateStore,
    place: tuple[Path | None, str | None],
    stream: EventStream | None,
) -> int:
    from reconciler.cli.diagnostics import report_warnings
    from reconciler.engine.importing import Writing, import_all
    from reconciler.errors import ExitCode
    from reconciler.render.amounts import plural

    folder, source = place
    report = import_all(session, store, Writing(folder, settings.configuration, source) if folder else None)
    message = f"Import complete! {plural(len(report.resources), 'resource')}, {plural(report.rows, 'row')} taken over."
    if stream is not None:
        stream.problems((*report.notes, *report.failures))
        stream.imported(message, len(report.resources), report.rows)
    else:
        report_warnings((*report.notes, *report.failures), settings.console)
        lines = [
            *(str(address) for address in report.resources),
            *(f"wrote {os.path.relpath(path)}" for path in report.written),
            message,
        ]
        settings.console.print("\n".join(lines))
    return ExitCode.PARTLY_APPLIED if report.failures else ExitCode.OK
