"""`reconciler show`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from reconciler.cli.group import Command
from reconciler.cli.options import FormatOption, JsonFlag, PlanFormat, Rows
from reconciler.cli.settings import Settings, settings_of

if TYPE_CHECKING:
    from reconciler.state.planfile import PlanFile

app = typer.Typer(rich_markup_mode=None, add_completion=False)


@app.command(cls=Command)
def show(
    ctx: typer.Context,
    plan: Annotated[Path | None, typer.Argument(metavar="[FILE]", help="A saved plan; without it, the state.")] = None,
    format: FormatOption = PlanFormat.TEXT,
    sql: Annotated[
        str | None,
        typer.Option(
            "--sql", metavar="QUERY", help="Query its tables: change, row_change; of the state: resource, row."
        ),
    ] = None,
    rows: Rows = None,
    json: JsonFlag = False,
) -> int:
    """Show a saved plan, or the state. Needs neither the documents of the plan nor a backend."""
    settings = settings_of(ctx)
    form = PlanFormat.JSON if json else format
    if plan is None:
        _show_state(settings, sql, form)
    else:
        _show_plan(settings, plan, sql, form, rows)
    return 0


def _show_plan(settings: Settings, path: Path, sql: str | None, form: PlanFormat, rows: int | None) -> None:
    from reconciler.cli.planning import show_plan
    from reconciler.state.planfile import PlanFile

    plan: PlanFile = PlanFile(path)
    try:
        if sql is None:
            show_plan(plan, form, settings.console, None, rows)
        else:
            _print_rows(settings, *plan.query(sql), form)
    finally:
        plan.close()


def _show_state(settings: Settings, sql: str | None, form: PlanFormat) -> None:
    from reconciler.errors import UsageError
    from reconciler.render.owned import state_document, state_text

    if form not in (PlanFormat.TEXT, PlanFormat.JSON):
        raise UsageError(
            f"the state cannot be shown as {form.value}", fix="use --format text or json, or name a plan file"
        )
    with settings.session() as session:
        store = session.open_state(read_only=True)
        if sql is not None:
            from reconciler.cli.queries import query_state

            _print_rows(settings, *query_state(store.connection, sql), form)
            return
        resources = store.resources()
        counts = {address: store.row_count(address) for address in resources}
        if form is PlanFormat.JSON:
            settings.console.print_json(state_document(store.version, resources.values(), counts))
        else:
            settings.console.print(state_text(store.version, resources.values(), counts))


def _print_rows(settings: Settings, columns: list[str], rows: list[tuple[object, ...]], form: PlanFormat) -> None:
    from reconciler.render.tables import table_text

    if form is PlanFormat.JSON:
        settings.console.print_json([dict(zip(columns, row, strict=True)) for row in rows])
    else:
        settings.console.print(table_text(columns, rows))
