"""`reconciler validate`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from reconciler.cli.group import Command
from reconciler.cli.options import JsonFlag
from reconciler.cli.settings import Settings, settings_of

if TYPE_CHECKING:
    from reconciler.errors import Problem
    from reconciler.model.resource import AssetSet
    from reconciler.model.workspace import Configuration

app = typer.Typer(rich_markup_mode=None, add_completion=False)


@app.command(cls=Command)
def validate(
    ctx: typer.Context,
    json: JsonFlag = False,
    sources: Annotated[bool, typer.Option("--sources/--no-sources", help="Look whether sources are reachable.")] = True,
) -> int:
    """Check the documents: schema, references, and that sources can be reached. No backend is needed."""
    from reconciler.errors import ConfigError, ExitCode

    settings = settings_of(ctx)
    error: ConfigError | None = None
    problems: list[Problem] = []
    count = 0
    try:
        configuration = settings.configuration()
        problems += configuration.warnings
        count = len(configuration.resources)
        if sources:
            problems += _source_problems(configuration)
    except ConfigError as caught:
        error = caught
        problems += caught.problems
    _show(settings, problems, count, json=json)
    failed = error is not None or any(problem.severity == "error" for problem in problems)
    return ExitCode.CONFIGURATION if failed else ExitCode.OK


def _show(settings: Settings, problems: list[Problem], count: int, *, json: bool) -> None:
    from reconciler.cli.diagnostics import file_lines, report_warnings
    from reconciler.render.amounts import plural
    from reconciler.render.problems import validation_document

    console = settings.console
    document = validation_document(problems, lines=file_lines)
    if json:
        console.print_json(document)
        return
    report_warnings(problems, console)
    if document["valid"]:
        console.print(f"Success! {count} {'resource is' if count == 1 else 'resources are'} declared and valid.")
    else:
        errors, warnings = plural(document["error_count"], "error"), plural(document["warning_count"], "warning")
        console.tell(f"{errors}, {warnings}.")


def _source_problems(configuration: Configuration) -> list[Problem]:
    """Sources that cannot be listed or hold nothing."""
    from reconciler.model.resource import AssetSet

    found: list[Problem] = []
    for resource in configuration.resources:
        if isinstance(resource, AssetSet):
            found += _reach(resource) if resource.manifest is None else _check_manifest(resource, configuration)
    return found


def _check_manifest(asset_set: AssetSet, configuration: Configuration) -> list[Problem]:
    """Everything that is wrong with a manifest: it says by itself what its files are."""
    from contextlib import closing

    from reconciler.errors import ConfigError
    from reconciler.model.resource import Collection, Ref
    from reconciler.sources.location import locate
    from reconciler.sources.manifest_listing import list_manifest

    reference, folder = asset_set.collection, asset_set.head.folder
    declared = {resource.head.address: resource for resource in configuration.resources}
    collection = declared.get(reference.address) if isinstance(reference, Ref) else None
    if not isinstance(collection, Collection) or asset_set.manifest is None:
        return []  # only the backend knows the specifications
    names = [specification.name for specification in collection.file_specifications or ()]
    above = asset_set.sources[0]
    try:
        place = locate(above.url, folder, above.options)
        with closing(list_manifest(asset_set, asset_set.manifest, place, names, {})) as listing:
            return [*listing.problems]
    except ConfigError as error:
        return [problem if problem.at else _placed(problem, asset_set) for problem in error.problems]


def _reach(asset_set: AssetSet) -> list[Problem]:
    from reconciler.errors import ConfigError
    from reconciler.sources import explore

    problems: list[Problem] = []
    for source in asset_set.sources:
        if source.storage is not None:
            continue  # only the backend knows where it is
        try:
            explore(source.url, options=source.options, folder=asset_set.head.folder, limit=1)
        except ConfigError as error:
            problems += [
                problem if problem.at and problem.at.line else _placed(problem, asset_set) for problem in error.problems
            ]
    return problems


def _placed(problem: Problem, asset_set: AssetSet) -> Problem:
    from dataclasses import replace

    return replace(problem, at=asset_set.head.location, address=str(asset_set.head.address))
