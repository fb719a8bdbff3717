"""`reconciler manifest convert|write`."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from reconciler.cli.group import Command
from reconciler.cli.settings import Settings, settings_of

if TYPE_CHECKING:
    from reconciler.model.resource import AssetSet
    from reconciler.model.workspace import Configuration
    from reconciler.sources.manifest_row import ManifestRow

app = typer.Typer(
    rich_markup_mode=None, add_completion=False, no_args_is_help=True, help="Convert and write manifests of Sage."
)


class Mode(StrEnum):
    """How a manifest is read."""

    STRICT = "strict"
    COMPATIBLE = "compatible"


class DialectChoice(StrEnum):
    """How a manifest is written."""

    TSV = "tsv"
    CSV = "csv"


@app.command(cls=Command)
def convert(
    ctx: typer.Context,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A manifest, TSV or CSV.")],
    output: Annotated[
        Path | None, typer.Option("--out", "-o", metavar="DIR", help="Write here; default: print the documents.")
    ] = None,
    mode: Annotated[Mode, typer.Option("--mode", help="How to read the manifest.")] = Mode.STRICT,
    name: Annotated[str, typer.Option("--name", help="Name of the documents; default: of the file.")] = "",
) -> int:
    """Turn a manifest into documents and tables that say the same."""
    from reconciler.cli.diagnostics import report_warnings
    from reconciler.errors import SourceError
    from reconciler.sources.manifest import compatible_options, read_local_manifest, strict_options
    from reconciler.sources.manifest_convert import convert_manifest, document_name

    console = settings_of(ctx).console
    options = strict_options(file.parent) if mode is Mode.STRICT else compatible_options()
    reading = read_local_manifest(file, options)
    if reading.has_errors:
        raise SourceError(reading.problems)
    report_warnings(reading.problems, console)
    folder = (output or Path()).absolute()
    conversion = convert_manifest(reading, document_name(name or file.stem), folder)
    for note in conversion.notes:
        console.tell(note)
    if output is None:
        console.print("\n".join(f"# {name}\n{text}" for name, text in conversion.files.items()))
        return 0
    _put(output, conversion.files)
    console.print("\n".join(str(output / name) for name in conversion.files))
    return 0


def _put(folder: Path, files: dict[str, str]) -> None:
    from reconciler.errors import UsageError
    from reconciler.sources.manifest_write import write_whole

    taken = [name for name in files if (folder / name).exists()]
    if taken:
        raise UsageError(f"{folder / taken[0]} exists", fix="name another folder with -o, or remove it")
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        write_whole(folder / name, text)


@app.command(cls=Command)
def write(
    ctx: typer.Context,
    address: Annotated[
        str | None, typer.Argument(metavar="[ADDR]", help="AssetSet/NAME; default: the only asset set.")
    ] = None,
    output: Annotated[
        Path | None, typer.Option("--out", "-o", metavar="FILE", help="Write this file; default: print it.")
    ] = None,
    dialect: Annotated[DialectChoice, typer.Option("--dialect", help="tsv: legacy; csv: of 2026.")] = DialectChoice.CSV,
    parent: Annotated[
        str, typer.Option("--parent", metavar="ID", help="Id of the project or folder; default: the collection.")
    ] = "",
) -> int:
    """Write a manifest of an asset set that reads back without a change."""
    from reconciler.formats.manifest_cells import Dialect
    from reconciler.sources.manifest_write import manifest_text, write_whole

    settings = settings_of(ctx)
    configuration = settings.configuration()
    asset_set = _chosen(configuration, address)
    rows = _rows(settings, configuration, asset_set, parent)
    shown = str(output or f"manifest.{dialect}")
    text = manifest_text(rows, Dialect(dialect), shown)
    if output is None:
        settings.console.print(text.removesuffix("\n"))
        return 0
    write_whole(output, text)
    settings.console.tell(f"{len(rows):,} rows written to {output}.")
    return 0


def _chosen(configuration: Configuration, address: str | None) -> AssetSet:
    from reconciler.cli.options import parse_addresses
    from reconciler.errors import UsageError
    from reconciler.model.resource import AssetSet

    sets = [resource for resource in configuration.resources if isinstance(resource, AssetSet)]
    wanted = parse_addresses([address], "ADDR")[0] if address else None
    found = [item for item in sets if wanted is None or item.head.address == wanted]
    if len(found) == 1:
        return found[0]
    names = ", ".join(str(item.head.address) for item in sets) or "none"
    what = f"{address} is not declared" if address else f"{len(sets)} asset sets are declared"
    raise UsageError(what, fix=f"name one of: {names}")


def _rows(settings: Settings, configuration: Configuration, asset_set: AssetSet, parent: str) -> list[ManifestRow]:
    from contextlib import closing

    from reconciler.cli.diagnostics import report_warnings
    from reconciler.engine.units import FILE_UNITS
    from reconciler.errors import ConfigError, Severity
    from reconciler.model.resource import Collection, MetadataSource, Ref
    from reconciler.sources import survey
    from reconciler.sources.location import locate
    from reconciler.sources.manifest_back import manifest_rows

    declared = {resource.head.address: resource for resource in configuration.resources}
    reference = asset_set.collection
    collection = declared.get(reference.address) if isinstance(reference, Ref) else None
    declares = collection if isinstance(collection, Collection) else None
    specifications = (declares.file_specifications if declares else None) or FILE_UNITS
    schema = declares.unit_meta_schema if declares else None
    metadata = [found for ref in asset_set.metadata if isinstance(found := declared[ref.address], MetadataSource)]
    with closing(survey(asset_set, specifications, metadata, unit_meta_schema=schema)) as seen:
        assembly = seen.assemble()
    if any(problem.severity is Severity.ERROR for problem in assembly.problems):
        raise ConfigError(assembly.problems)
    report_warnings(list(assembly.problems), settings.console)
    places = [locate(source.url, asset_set.head.folder, source.options) for source in asset_set.sources]
    own = reference.address.name if isinstance(reference, Ref) else reference.id
    return manifest_rows(assembly.units(), places, parent or own, str(asset_set.head.address))
