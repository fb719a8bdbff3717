"""Where secrets come from, where they may stand, and how a document looks without them."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path as FilePath

from reconciler.config.interpolation import Fault, Lookups, Value
from reconciler.config.nodes import ListNode, MapNode, Node, Path, ScalarNode, find
from reconciler.model.json import JSON
from reconciler.model.kinds import OBJECT_KINDS

SECRET_FILE_LIMIT_BYTES = 1024 * 1024

# Paths whose inside may hold secrets; "*" is any key. Nothing there is compared, shown or stored.
SECRET_PLACES: Mapping[str, tuple[Path, ...]] = {
    "Workspace": (("spec", "backends", "*"),),
    "AssetSet": (("spec", "source", "options"), ("spec", "sources", "*", "options"), ("spec", "manifest", "options")),
    "MetadataSource": (("spec", "table", "options"),),
    "TaskSet": (("spec", "annotations", "options"),),
    "Export": (("spec", "destination", "options"),),
    "Table": (("spec", "rows", "options"),),
    **{
        kind.name: tuple(("spec", field, "*", member) for field, member in kind.secrets.items())
        for kind in OBJECT_KINDS.values()
        if kind.secrets
    },
}

# Backend settings that are secrets however they are written.
SECRET_SETTINGS = frozenset({"token", "userToken"})


def secrets_allowed(kind: str) -> Callable[[Path], bool]:
    """Whether a secret may stand at a path of a document of this kind."""
    places = SECRET_PLACES.get(kind, ())
    return lambda path: path[-1:] != ("type",) and any(_is_inside(path, place) for place in places)


def _is_inside(path: Path, place: Path) -> bool:
    return len(path) > len(place) and all(want in ("*", got) for want, got in zip(place, path, strict=False))


def lookups(variables: Mapping[str, Value | Fault], environ: Mapping[str, str], folder: FilePath) -> Lookups:
    """Sources of values for a document in `folder`; `${file.PATH}` starts from there."""
    return Lookups(variables, lambda name: _from_environment(environ, name), lambda path: _from_file(folder, path))


def _from_environment(environ: Mapping[str, str], name: str) -> Value | Fault:
    text = environ.get(name)
    if text:
        return Value(text, sensitive=True)
    state = "empty" if text is not None else "not set"
    return Fault(f"the environment variable {name} is {state}", fix=f"export {name}=...", missing=True)


def _from_file(folder: FilePath, path: str) -> Value | Fault:
    """The text of a file without the line end at its end."""
    place = folder / FilePath(path).expanduser()
    try:
        with open(place, "rb") as stream:
            content = stream.read(SECRET_FILE_LIMIT_BYTES + 1)
        text = content.decode("utf-8-sig").rstrip("\r\n")
    except OSError as exc:
        reason = os.strerror(exc.errno) if exc.errno else "it cannot be read"
        return Fault(f"the file {path} cannot be read: {reason}", fix="check the path and its rights", missing=True)
    except UnicodeDecodeError:
        return Fault(f"the file {path} is not UTF-8 text", fix="save it as UTF-8", missing=True)
    if len(content) > SECRET_FILE_LIMIT_BYTES:
        return Fault(f"the file {path} is larger than 1 MiB", fix="name the right file", missing=True)
    if not text:
        return Fault(f"the file {path} is empty", fix="write the value into it", missing=True)
    return Value(text, sensitive=True)


def public_json(kind: str, node: Node) -> JSON:
    """The document as JSON without any secret: sensitive values and everything where secrets may stand are left out."""
    return _public(node, (), SECRET_PLACES.get(kind, ()))


def _public(node: Node, path: Path, places: tuple[Path, ...]) -> JSON:
    if any(len(path) == len(place) and _is_inside((*path, ""), place) for place in places):
        return None
    match node:
        case ScalarNode():
            return None if node.sensitive else node.value
        case ListNode():
            return [_public(item, (*path, index), places) for index, item in enumerate(node.items)]
        case MapNode():
            return {key: _public(value, (*path, key), places) for key, value in node.entries.items()}


def public_settings(backend: Node) -> JSON:
    """The settings of a backend without secrets."""
    if not isinstance(backend, MapNode):
        return None
    shown = {key: node for key, node in backend.entries.items() if key not in SECRET_SETTINGS}
    return {key: _public(node, (), ()) for key, node in sorted(shown.items())}


def written_secrets(backend: Node) -> set[str]:
    """Secret settings that stand in the file in plain text."""
    found = (find(backend, key) for key in sorted(SECRET_SETTINGS))
    return {str(n.value) for n in found if isinstance(n, ScalarNode) and n.value and not n.sensitive}
