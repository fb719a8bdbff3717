"""A command group that knows the names and one-line helps of its commands and imports only the one that is run."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import Any, ClassVar

from typer.core import TyperCommand, TyperGroup

# Command → what it does, in the order of the help. Each is reconciler/cli/commands/NAME.py, which has an `app`.
COMMANDS: Mapping[str, str] = {
    "init": "Write a commented workspace to start from.",
    "explore": "Show what a source holds and propose documents for it.",
    "manifest": "Convert and write manifests of Sage.",
    "validate": "Check the documents; no backend is needed.",
    "plan": "Show what apply would do.",
    "show": "Show a saved plan, or the state.",
    "apply": "Make the backend hold what the documents declare.",
    "submit": "Run an apply as a job of a Ray cluster.",
    "destroy": "Delete everything that is owned.",
    "drift": "Show what others changed since the last apply.",
    "import": "Take existing remote objects over.",
    "state": "Look at the state and edit it.",
    "graph": "Show resources and what they need.",
    "schema": "Print the JSON Schema of a kind, or of all.",
    "fmt": "Tidy the white space of documents.",
    "doctor": "Check the set-up: packages, state, backends.",
    "serve": "Serve the embedded backend over HTTP.",
    "version": "Print the version.",
}
_MODULES = {"import": "import_"}


class Command(TyperCommand):
    """A command whose help lists the options of the whole program too."""

    def format_options(self, ctx: Any, formatter: Any) -> None:
        """Write the options of the command, then those of the program."""
        super().format_options(ctx, formatter)
        root = ctx.find_root()
        records = [param.get_help_record(root) for param in root.command.get_params(root)]
        with formatter.section("Options of all commands"):
            formatter.write_dl([record for record in records if record and not record[0].startswith(_ROOT_ONLY)])


_ROOT_ONLY = ("--help", "--version", "--install-completion", "--show-completion")


class LazyGroup(TyperGroup):
    """The group of all commands."""

    names: ClassVar[tuple[str, ...]] = tuple(COMMANDS)

    def list_commands(self, ctx: Any) -> list[str]:
        """Names of all commands."""
        del ctx
        return list(self.names)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """Import and return one command, None when there is none of that name."""
        del ctx
        if cmd_name not in COMMANDS:
            return None
        if cmd_name not in self.commands:
            self.commands[cmd_name] = load_command(cmd_name)
        return self.commands[cmd_name]

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """Find the command; an unknown name is met with the nearest one."""
        if args and args[0] not in COMMANDS and not args[0].startswith("-"):
            from difflib import get_close_matches

            near = get_close_matches(args[0], COMMANDS, 1)
            fix = f"did you mean {near[0]!r}?" if near else "`reconciler --help` lists the commands"
            ctx.fail(f"there is no command {args[0]!r}; {fix}")
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """Write names and one-line helps without importing anything."""
        del ctx
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


def load_command(name: str) -> Any:
    """Import the module of a command and build it."""
    from typer.main import get_command

    module = import_module(f"reconciler.cli.commands.{_MODULES.get(name, name)}")
    command = get_command(module.app)
    command.name = name
    return command
