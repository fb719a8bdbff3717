"""Finds and imports the code of `format: custom`: by name of an installed entry point, or `package.module:name`."""

from __future__ import annotations

import hashlib
import importlib
import sys
from collections.abc import Callable, Iterator
from importlib.metadata import entry_points
from pathlib import Path
from types import FunctionType
from typing import Final

from reconciler.errors import ConfigError, Problem, ReconcilerError
from reconciler.exporting import Exporter, Part, Settings, SharedFile
from reconciler.formats.custom_write import CustomWriter, check_exporter
from reconciler.model.json import canonical_json
from reconciler.model.resource import Export

GROUP: Final = "reconciler.exporters"


def custom_writer(export: Export) -> CustomWriter:
    """The writer of an export whose format is custom. The code is imported, and so run.

    Raises:
        ConfigError: it cannot be found or imported, or is no exporter.
    """
    name = str(export.options.get("function") or export.options.get("exporter"))
    try:
        found = _function(export, name) if "function" in export.options else _installed(name)
        exporter = check_exporter(name, _adapted(found))
    except ReconcilerError as error:
        problem = Problem(error.message, export.head.location, fix=error.fix, address=str(export.head.address))
        raise ConfigError([problem]) from error
    return CustomWriter(name, exporter, export.options.get("settings", {}), export.originals)


def _installed(name: str) -> object:
    points = entry_points(group=GROUP)
    found = sorted((point for point in points if point.name == name), key=lambda point: point.value)
    if not found:
        there = f"installed are: {', '.join(sorted(points.names))}" if points.names else "none is installed"
        text = f"no installed package has an exporter {name!r}"
        raise ReconcilerError(text, fix=f"install the package that has it; {there}")
    if len({point.value for point in found}) > 1:
        text = f"several packages have an exporter {name!r}: {', '.join(point.value for point in found)}"
        raise ReconcilerError(text, fix="uninstall one of them, or name it with options.function")
    return _imported(found[0].value)


def _function(export: Export, name: str) -> object:
    """With `options.path`, its folder comes first when modules are looked for, from then on in this process."""
    path = export.options.get("path")
    if path is not None:
        folder = (export.head.folder / str(path)).resolve()
        if not folder.is_dir():
            raise ReconcilerError(f"options.path is {str(path)!r}, and there is no such folder", fix="correct it")
        if str(folder) not in sys.path:
            sys.path.insert(0, str(folder))
            importlib.invalidate_caches()
    return _imported(name)


def _imported(name: str) -> object:
    module, _, attribute = name.partition(":")
    try:
        value: object = importlib.import_module(module)
        for part in attribute.split("."):
            value = getattr(value, part)
    except (Exception, SystemExit) as exc:  # the user's code, which may raise anything
        text = f"{name} cannot be imported: {type(exc).__name__}: {exc}"
        fix = "correct the name, install its package, or set options.path to the folder that holds it"
        raise ReconcilerError(text, fix=fix) from exc
    return value


def _adapted(found: object) -> object:
    """A plain function is an exporter whose version is its file, and whose parts are the lines of one shared file."""
    if not isinstance(found, FunctionType):
        return found
    file = Path(found.__code__.co_filename)
    source = file.read_bytes() if file.is_file() else found.__code__.co_code
    return Exporter(version=hashlib.sha256(source).hexdigest(), convert=found, finish=_items_file)


def _items_file(parts: Callable[[], Iterator[Part]], settings: Settings) -> Iterator[SharedFile]:
    """`items.jsonl`: key, split and part of every item that has one."""
    del settings
    rows = ({"key": p.key, "split": p.split, "value": p.value} for p in parts() if p.value is not None)
    yield SharedFile("items.jsonl", (f"{canonical_json(row)}\n" for row in rows))
