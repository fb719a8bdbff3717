"""The console entry: parse, run one command, turn whatever goes wrong into a message and an exit code."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated

import typer

from reconciler.cli.arguments import rewrite
from reconciler.cli.console import Console, standard_console
from reconciler.cli.group import LazyGroup
from reconciler.cli.interrupts import interruptible
from reconciler.cli.settings import Settings, ShownError
from reconciler.errors import ExitCode, ReconcilerError, UsageError

# The parser's complaint about the command line; its home differs between versions of the parser.
_ParserError: type[Exception] = typer.BadParameter.__mro__[1]

app = typer.Typer(
    cls=LazyGroup,
    no_args_is_help=True,
    name="reconciler",
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["--help"]},
)


def _print_version(wanted: bool) -> None:
    if wanted:
        from reconciler import __version__

        typer.echo(f"reconciler {__version__}")
        raise typer.Exit


@app.callback()
def main(
    ctx: typer.Context,
    chdir: Annotated[Path | None, typer.Option(metavar="DIR", help="Work in this folder.")] = None,
    env: Annotated[str | None, typer.Option(metavar="NAME", help="Environment of the workspace.")] = None,
    var: Annotated[list[str] | None, typer.Option(metavar="NAME=VALUE", help="Set a variable; repeatable.")] = None,
    var_file: Annotated[
        list[Path] | None, typer.Option(metavar="FILE", help="YAML file of variables; repeatable.")
    ] = None,
    file: Annotated[
        list[str] | None,
        typer.Option("--file", "-f", metavar="FILE", help="Documents to read, '-' for standard input; repeatable."),
    ] = None,
    no_color: Annotated[bool, typer.Option("--no-color", help="No colours.")] = False,
    no_input: Annotated[bool, typer.Option("--no-input", help="Never ask; fail instead.")] = False,
    version: Annotated[
        bool, typer.Option("--version", help="Print the version.", is_eager=True, callback=_print_version)
    ] = False,
) -> None:
    """Keep collections, assets, metadata and exports as the reviewed YAML declares them."""
    del version
    console: Console = ctx.obj
    console.no_color = no_color
    files = [Path(name).absolute() for name in var_file or ()]
    if chdir is not None:
        _change_folder(chdir)
    ctx.obj = Settings(console, env, var or (), files, file or (), no_input)


def _change_folder(folder: Path) -> None:
    try:
        os.chdir(folder)
    except OSError as exc:
        raise UsageError(f"--chdir {folder}: {exc.strerror}", fix="name a folder that exists") from exc


def run() -> None:
    """Console entry; ends the process."""
    sys.exit(execute(sys.argv[1:], standard_console()))


def execute(argv: Sequence[str], console: Console, *, program: Callable[..., object] = app) -> int:
    """Run one command line and return the exit code. Nothing raised by a command leaves this function.

    program: parses the arguments and runs the command.
    """
    try:
        with interruptible() as signals:
            outcome = program(rewrite(argv), prog_name="reconciler", standalone_mode=False, obj=console)
        if signals and outcome == ExitCode.INTERRUPTED:  # the parser made an exit code of it
            raise KeyboardInterrupt
        return outcome if isinstance(outcome, int) else 0
    except ReconcilerError as error:
        _report(error, console)
        return int(error.exit_code)
    except ShownError as error:
        return int(error.exit_code)
    except _ParserError as error:
        return _report_usage(error, console)
    except (KeyboardInterrupt, typer.Abort):
        console.tell("Interrupted. Nothing was begun that the next run does not settle.")
        return int(ExitCode.INTERRUPTED)
    except Exception as error:  # noqa: BLE001  the one place where anything else becomes a message
        return _report_unexpected(error, console)


def _report(error: ReconcilerError, console: Console) -> None:
    from reconciler.cli.diagnostics import report_error

    report_error(error, console)


def _report_usage(error: Exception, console: Console) -> int:
    context = getattr(error, "ctx", None)
    message = error.format_message() if hasattr(error, "format_message") else str(error)
    if type(error).__name__ == "NoArgsIsHelpError":
        console.print(message)
        return int(ExitCode.FAILED)
    path = context.command_path if context else "reconciler"
    console.tell(f"{console.err_style.paint('Error:', 'red', 'bold')} {message}\n  fix: see `{path} --help`")
    return int(ExitCode.FAILED)


def _report_unexpected(error: Exception, console: Console) -> int:
    if console.environ.get("RECONCILER_DEBUG"):
        import traceback

        console.tell("".join(traceback.format_exception(error)))
    else:
        label = console.err_style.paint("Error:", "red", "bold")
        hint = "this is a fault of the program; repeat with RECONCILER_DEBUG=1 for a traceback, and report it"
        console.tell(f"{label} {type(error).__name__}: {error}\n  fix: {hint}")
    return int(ExitCode.FAILED)
