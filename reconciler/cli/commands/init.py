"""`reconciler init`."""

from __future__ import annotations

import re
import sys
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from reconciler.cli.group import Command
from reconciler.cli.settings import Settings, settings_of
from reconciler.errors import UsageError

if TYPE_CHECKING:
    from importlib.resources.abc import Traversable

app = typer.Typer(rich_markup_mode=None, add_completion=False)

# Template → what it is for; each is a folder of reconciler/cli/templates.
TEMPLATES = {
    "quickstart": "photographs with captions, labelling project, COCO export; all on this machine",
    "nested": "a folder per unit (layout: directories)",
    "separated": "a folder per file type, same file names (layout: stems)",
    "flat": "one folder, files of a unit have one stem (layout: stems)",
    "deep": "a folder per unit with a folder per file type inside (layout: directories)",
    "sources": "a place per file type, local or remote (several sources)",
    "datamaker": "a Datamaker server, with a local backend to try things on",
}
DEFAULT = "quickstart"
IGNORED = ".reconciler/\n"


@app.command(cls=Command)
def init(
    ctx: typer.Context,
    template: Annotated[
        str | None, typer.Option("--template", metavar="NAME", help=f"One of: {', '.join(TEMPLATES)}.")
    ] = None,
) -> int:
    """Write a commented workspace into the working folder. Never overwrites a file.

    On a terminal it asks for the template when none is named; elsewhere it takes the quick start.
    """
    settings = settings_of(ctx)
    chosen = template or (_ask(settings) if settings.can_ask else DEFAULT)
    if chosen not in TEMPLATES:
        raise UsageError(f"there is no template {chosen!r}", fix=f"templates: {', '.join(TEMPLATES)}")
    written = write_template(chosen, Path())
    lines = [
        *(f"wrote {path.as_posix()}" for path in written),
        "",
        "Next: put files where the AssetSet looks for them, then",
    ]
    settings.console.print("\n".join([*lines, "  reconciler validate", "  reconciler plan", "  reconciler apply"]))
    return 0


def write_template(name: str, folder: Path) -> list[Path]:
    """Write the files of a template into a folder and return their paths.

    Raises:
        UsageError: some of them exist already; nothing was written.
    """
    from reconciler.cli.writing import create_file

    root = files("reconciler") / "cli" / "templates" / name
    texts = {Path(file.name): file.read_text(encoding="utf-8") for file in _sorted(root)}
    taken = [path.as_posix() for path in texts if (folder / path).exists()]
    if taken:
        raise UsageError(f"files exist already: {', '.join(taken)}", fix="use an empty folder, or move them away")
    for path, text in texts.items():
        create_file(folder / path, text.replace("my-workspace", workspace_name(folder)))
    ignore = folder / ".gitignore"
    if not ignore.exists():
        create_file(ignore, IGNORED)
        return [*texts, Path(".gitignore")]
    return list(texts)


def workspace_name(folder: Path) -> str:
    """A valid name made of the folder's."""
    name = re.sub(r"[^a-z0-9._-]+", "-", folder.resolve().name.lower()).strip("-._")
    return name or "my-workspace"


def _sorted(root: Traversable) -> list[Traversable]:
    return sorted((file for file in root.iterdir() if file.is_file()), key=lambda file: file.name)


def _ask(settings: Settings) -> str:
    lines = [f"  {name:<12}{purpose}" for name, purpose in TEMPLATES.items()]
    settings.console.print("\n".join(["Templates:", *lines]))
    settings.console.prompt(f"Template [{DEFAULT}]: ")
    return sys.stdin.readline().strip() or DEFAULT
