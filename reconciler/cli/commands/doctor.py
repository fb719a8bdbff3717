"""`reconciler doctor`."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import typer

from reconciler.cli.group import Command
from reconciler.cli.options import JsonFlag
from reconciler.cli.settings import Settings, settings_of
from reconciler.errors import ExitCode, ReconcilerError

if TYPE_CHECKING:
    from reconciler.engine.session import Session

app = typer.Typer(rich_markup_mode=None, add_completion=False)

# Extra → module that it brings, and what it is for.
EXTRAS = {
    "excel": ("python_calamine", "Excel metadata"),
    "s3": ("s3fs", "s3:// sources and destinations"),
    "gcs": ("gcsfs", "gs:// sources and destinations"),
    "azure": ("adlfs", "az:// sources and destinations"),
    "sftp": ("paramiko", "sftp:// sources and destinations"),
    "http": ("aiohttp", "http(s):// sources"),
}
_COLORS = {"ok": "green", "note": "yellow", "fail": "red"}


@dataclass(frozen=True, slots=True)
class Finding:
    """Outcome of one check. status: ok, note or fail."""

    status: str
    what: str
    detail: str
    code: int = ExitCode.OK


@app.command(cls=Command)
def doctor(ctx: typer.Context, json: JsonFlag = False) -> int:
    """Check the set-up: program, optional packages, documents, state, lock, and that each backend lets us in."""
    settings = settings_of(ctx)
    findings = list(_findings(settings))
    console = settings.console
    if json:
        console.print_json([{"status": f.status, "what": f.what, "detail": f.detail} for f in findings])
    else:
        for finding in findings:
            status = console.style.paint(f"{finding.status:<4}", _COLORS[finding.status])
            console.print(f"{status}  {finding.what}: {finding.detail}")
    return next((finding.code for finding in findings if finding.status == "fail"), ExitCode.OK)


def _findings(settings: Settings) -> Iterator[Finding]:
    yield _program()
    yield from _extras()
    try:
        with settings.session() as session:
            count = len(session.configuration.resources)
            yield Finding("ok", "documents", f"{count} resources in workspace {session.configuration.workspace.name!r}")
            yield _checked("state", lambda: _state(session))
            yield _lock(session)
            for name in sorted(session.configuration.workspace.backends):
                yield _checked(f"backend {name}", partial(_let_in, session, name))
    except ReconcilerError as error:
        yield _failed("documents", error)


def _program() -> Finding:
    import platform
    import sqlite3

    from reconciler import __version__

    return Finding(
        "ok",
        "program",
        f"reconciler {__version__}, Python {platform.python_version()}, SQLite {sqlite3.sqlite_version}",
    )


def _extras() -> Iterator[Finding]:
    from importlib.util import find_spec

    for extra, (module, purpose) in EXTRAS.items():
        if find_spec(module):
            yield Finding("ok", f"extra {extra}", f"installed, for {purpose}")
        else:
            yield Finding("note", f"extra {extra}", f"not installed; for {purpose}: pip install 'reconciler[{extra}]'")


def _state(session: Session) -> str:
    if not session.state_path.exists():
        return "none yet; the first apply makes it"
    store = session.open_state(read_only=True)
    begun = len(store.intents())
    pending = f", {begun} cut operations that the next apply settles" if begun else ""
    return f"serial {store.version.serial}, {len(store.resources())} resources{pending}"


def _let_in(session: Session, backend: str) -> str:
    return session.provider(backend).check()


def _lock(session: Session) -> Finding:
    from reconciler.state.lock import read_lock

    holder = read_lock(session.state_path.with_name(f"{session.state_path.name}.lock"))
    if holder is None:
        return Finding("ok", "lock", "free")
    return Finding("note", "lock", f"{holder.who} for {holder.operation!r} since {holder.created} (lock {holder.id})")


def _checked(what: str, check: Callable[[], str]) -> Finding:
    try:
        return Finding("ok", what, check())
    except ReconcilerError as error:
        return _failed(what, error)


def _failed(what: str, error: ReconcilerError) -> Finding:
    return Finding("fail", what, str(error).replace("\n", "; "), error.exit_code)
