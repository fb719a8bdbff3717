"""`reconciler state list|show|mv|rm|pull|push|unlock`."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from reconciler.cli.group import Command
from reconciler.cli.options import JsonFlag, LockTimeout, lock_wait_s, parse_addresses
from reconciler.cli.settings import Settings, settings_of
from reconciler.errors import StateError, UsageError

if TYPE_CHECKING:
    from reconciler.model.address import Address
    from reconciler.state.store import StateStore
    from reconciler.state.values import OwnedResource

app = typer.Typer(
    rich_markup_mode=None, add_completion=False, no_args_is_help=True, help="Look at the state and edit it."
)

AddressArgument = Annotated[str, typer.Argument(metavar="ADDR", help='Kind/name, or Kind/name["key"].')]


@app.command("list", cls=Command)
def list_(
    ctx: typer.Context,
    addresses: Annotated[list[str] | None, typer.Argument(metavar="[ADDR]...", help="List the rows of these.")] = None,
    json: JsonFlag = False,
) -> int:
    """List what is owned: the resources, or the rows of some."""
    settings = settings_of(ctx)
    with _reading(settings) as store:
        wanted = parse_addresses(addresses or (), "ADDR")
        owned = store.resources()
        for address in wanted:
            _owned(store, address.resource)
        lines = [str(a.row(row.key)) for a in wanted for row in store.rows(a)] if wanted else [str(a) for a in owned]
    if json:
        settings.console.print_json(lines)
    elif lines:
        settings.console.print("\n".join(lines))
    return 0


@app.command(cls=Command)
def show(ctx: typer.Context, address: AddressArgument, json: JsonFlag = False) -> int:
    """Show one resource or row as it was last applied."""
    from reconciler.render import owned

    settings = settings_of(ctx)
    (wanted,) = parse_addresses([address], "ADDR")
    with _reading(settings) as store:
        resource = _owned(store, wanted.resource)
        if wanted.key is None:
            count = store.row_count(wanted)
            text, document = owned.resource_text(resource, count), owned.resource_document(resource, count)
        else:
            row = next(store.rows(wanted.resource, [wanted.key]), None)
            if row is None:
                raise StateError(f"{wanted} is not in the state", fix=f"reconciler state list {wanted.resource}")
            text, document = owned.row_text(wanted.resource, row), owned.row_document(wanted.resource, row)
    if json:
        settings.console.print_json(document)
    else:
        settings.console.print(text)
    return 0


@app.command(cls=Command)
def mv(
    ctx: typer.Context,
    source: Annotated[str, typer.Argument(metavar="FROM", help="The address now.")],
    target: Annotated[str, typer.Argument(metavar="TO", help="The address from now on; the same kind.")],
    lock_timeout: LockTimeout = None,
) -> int:
    """Give a resource another address, when its document was renamed."""
    settings = settings_of(ctx)
    old, new = parse_addresses([source, target], "FROM, TO")
    if old.kind != new.kind or old.key is not None or new.key is not None:
        raise UsageError(f"{old} cannot become {new}", fix="give two addresses Kind/name of one kind")
    with _writing(settings, "state mv", lock_timeout) as store:
        _owned(store, old)
        store.move_resource(old, new)
    settings.console.print(f"{old} is now {new}.")
    return 0


@app.command(cls=Command)
def rm(
    ctx: typer.Context,
    addresses: Annotated[list[str], typer.Argument(metavar="ADDR...", help="Resources or rows to forget.")],
    lock_timeout: LockTimeout = None,
) -> int:
    """Forget resources or rows. What is at the backend stays there."""
    settings = settings_of(ctx)
    wanted = parse_addresses(addresses, "ADDR")
    with _writing(settings, "state rm", lock_timeout) as store:
        doomed = [(address, _row_id(store, address)) for address in wanted]
        for address, row_id in doomed:
            if address.key is None or row_id is None:
                store.drop_resource(address)
            else:
                store.save_rows(address.resource, [], drop=[(address.key, row_id)])
            settings.console.print(f"{address} is forgotten.")
    return 0


@app.command(cls=Command)
def pull(ctx: typer.Context) -> int:
    """Print the whole state as JSON."""
    from reconciler.cli.state_transfer import state_lines

    settings = settings_of(ctx)
    with _reading(settings) as store:
        for line in state_lines(store):
            settings.console.print(line)
    return 0


@app.command(cls=Command)
def push(
    ctx: typer.Context,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A state written by `state pull`.")],
    force: Annotated[bool, typer.Option("--force", help="Also when it is older or of another lineage.")] = False,
    lock_timeout: LockTimeout = None,
) -> int:
    """Put a pulled state in place of the present one, of which a backup is kept."""
    from reconciler.cli.state_transfer import push_state, read_state_text

    settings = settings_of(ctx)
    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as exc:
        raise StateError(f"{file} cannot be read: {exc}", fix="give a file written by `reconciler state pull`") from exc
    document = read_state_text(text, str(file))
    with _writing(settings, "state push", lock_timeout) as store:
        push_state(store, document, force=force)
        version = store.version
    settings.console.print(f"The state is replaced: lineage {version.lineage}, serial {version.serial}.")
    return 0


@app.command(cls=Command)
def unlock(
    ctx: typer.Context,
    lock_id: Annotated[str, typer.Argument(metavar="LOCK_ID", help="As the message about the lock names it.")],
    force: Annotated[bool, typer.Option("--force", help="Do not ask.")] = False,
) -> int:
    """Break the lock of a run that is dead."""
    from reconciler.cli.unlocking import break_lock

    settings = settings_of(ctx)
    with settings.session() as session:
        path = session.state_path.with_name(f"{session.state_path.name}.lock")
    break_lock(settings, path, lock_id, force=force)
    settings.console.print("The state is unlocked.")
    return 0


@contextmanager
def _reading(settings: Settings) -> Iterator[StateStore]:
    with settings.session() as session:
        yield session.open_state(read_only=True)


@contextmanager
def _writing(settings: Settings, operation: str, lock_timeout: str | None) -> Iterator[StateStore]:
    wait_s = lock_wait_s(lock_timeout, in_ci=bool(settings.console.environ.get("CI")))
    with settings.session() as session, session.lock(operation, wait_s):
        yield session.open_state()


def _owned(store: StateStore, address: Address) -> OwnedResource:
    found = store.resource(address)
    if found is None:
        raise StateError(f"{address} is not in the state", fix="`reconciler state list` lists what is")
    return found


def _row_id(store: StateStore, address: Address) -> str | None:
    """The remote id of a row; None for a resource. Raises StateError when it is not in the state."""
    _owned(store, address.resource)
    if address.key is None:
        return None
    row = next(store.rows(address.resource, [address.key]), None)
    if row is None:
        raise StateError(f"{address} is not in the state", fix=f"reconciler state list {address.resource}")
    return row.remote_id
