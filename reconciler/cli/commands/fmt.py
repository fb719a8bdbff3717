"""`reconciler fmt`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from reconciler.cli.group import Command
from reconciler.cli.settings import settings_of

app = typer.Typer(rich_markup_mode=None, add_completion=False)


@app.command(cls=Command)
def fmt(
    ctx: typer.Context,
    paths: Annotated[
        list[Path] | None,
        typer.Argument(metavar="[PATH]...", help="Files or folders; the working folder without them."),
    ] = None,
    check: Annotated[
        bool, typer.Option("--check", help="Write nothing; exit with 1 if anything would change.")
    ] = False,
    diff: Annotated[bool, typer.Option("--diff", help="Show what changes.")] = False,
) -> int:
    """Tidy the white space of documents. Comments, order and values stay; other files are not touched."""
    from reconciler.cli.writing import replace_file
    from reconciler.config import format_text
    from reconciler.errors import ConfigError, ExitCode, Problem

    console = settings_of(ctx).console
    changed, problems = 0, list[Problem]()
    for path in _documents(paths or [Path()]):
        try:
            text = _read(path)
            tidy = format_text(text, path.as_posix())
        except ConfigError as error:
            problems += error.problems
            continue
        if tidy == text:
            continue
        changed += 1
        console.print(_difference(path, text, tidy) if diff else path.as_posix())
        if not check:
            replace_file(path, tidy)
    if problems:
        raise ConfigError(problems)
    return ExitCode.FAILED if check and changed else ExitCode.OK


def _documents(paths: Sequence[Path]) -> list[Path]:
    """Files as named, and every YAML or JSON file below folders, without dot folders."""
    from reconciler.errors import UsageError

    found: set[Path] = set()
    for path in paths:
        if path.is_dir():
            found.update(p for p in path.rglob("*") if _is_document(p, path))
        elif path.is_file():
            found.add(path)
        else:
            raise UsageError(f"{path} does not exist", fix="name files or folders")
    return sorted(found)


def _is_document(path: Path, root: Path) -> bool:
    from reconciler.config.documents import may_be_ours

    parts = path.relative_to(root).parts
    if path.suffix not in (".yaml", ".yml", ".json") or any(part.startswith(".") for part in parts):
        return False
    return path.is_file() and not path.is_symlink() and may_be_ours(path.read_bytes())


def _read(path: Path) -> str:
    from reconciler.config.reading import decode_text
    from reconciler.errors import ConfigError

    decoded = decode_text(path.read_bytes(), path.as_posix())
    if isinstance(decoded, str):
        return decoded
    raise ConfigError(decoded.problems)


def _difference(path: Path, before: str, after: str) -> str:
    from difflib import unified_diff

    lines = unified_diff(before.splitlines(), after.splitlines(), f"old/{path}", f"new/{path}", lineterm="")
    return "\n".join(lines)
