"""File names of an export: from the declared key, safe as paths, checked for collisions before anything is written."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Iterable, Iterator
from typing import Final

from reconciler.errors import ConfigError, Problem
from reconciler.formats.items import ExportItem, ItemPaths

_RESERVED: Final = re.compile(r'[<>:"\\|?*\x00-\x1f\x7f]')
_DEVICES: Final = re.compile(r"(con|prn|aux|nul|com[0-9]|lpt[0-9])(\..*)?", re.I)
_COMPOUND: Final = re.compile(r"(\.(?:nii|tar|ome|img))?(\.[^./\s]{1,16})$", re.I)
_CASELESS: Final = "Many file systems take these for one name, and one file would replace the other."
_LONGEST: Final = 200  # bytes; file systems allow 255, suffixes and temporary names need room


def safe_component(name: str) -> str:
    """One path component that every file system takes, NFC: reserved characters become "_".

    "", "." and ".." and names longer than the limit become a name with a piece of their hash; others stay as they
    are, so `1. 자연` is `1. 자연`.
    """
    text = _RESERVED.sub("_", unicodedata.normalize("NFC", name).replace("/", "_").encode(errors="replace").decode())
    text = text.rstrip(" .") + "_" * (len(text) - len(text.rstrip(" .")))
    if not text.strip("._") and name in ("", ".", ".."):
        return f"_{_short_hash(name)}"
    if _DEVICES.fullmatch(text):
        text = f"_{text}"
    if len(text.encode()) <= _LONGEST:
        return text
    stem, suffix = split_suffix(text)
    room = _LONGEST - len(suffix.encode()) - 9
    return f"{stem.encode()[:room].decode(errors='ignore')}~{_short_hash(name)}{suffix}"


def class_folder(name: str) -> str:
    """The folder of a class: its name, or when that is no safe path, what is left of it and a piece of its hash.

    So two classes never share a folder.
    """
    text = safe_component(name)
    return text if text == unicodedata.normalize("NFC", name) else f"{text[:60]}~{_short_hash(name)}"


def safe_path(key: str) -> str:
    """A relative path for a key: "/" separates folders, every component is safe, nothing leads outside."""
    parts = [safe_component(part) for part in key.split("/") if part != ""]
    return "/".join(parts) or safe_component("")


def split_suffix(name: str) -> tuple[str, str]:
    """Stem and suffix of a leaf name; `.nii.gz` and its like are one suffix, a leading dot is none."""
    found = _COMPOUND.search(name, 1)
    return (name[: found.start()], name[found.start() :]) if found else (name, "")


def primary_media(item: ExportItem) -> str | None:
    """The specification that stands for the item: the one marked primary, else the first picture, else the first."""
    marked = [spec for spec, file in item.media.items() if file.is_primary]
    pictures = [spec for spec, file in sorted(item.media.items()) if _kind(spec, file.type) == "image"]
    found = [*marked, *pictures, *sorted(item.media)]
    return found[0] if found else None


def settle_paths(item: ExportItem, originals: bool | tuple[str, ...], *, annotation: str | None) -> ItemPaths:
    """Where an item's files go.

    The primary file: `images/[<split>/]<key><suffix>`. Pictures of other specifications: a folder of their name below
    that. Anything else: `files/[<split>/]<specification>/<key><suffix>`. annotation: suffix of the item's own
    annotation file below `annotations/`, None when the format has none.
    """
    split = f"{safe_component(item.split)}/" if item.split is not None else ""
    base = safe_path(item.key)
    wanted = sorted(item.media) if originals is True else [] if originals is False else list(originals)
    primary = primary_media(item)
    paths = {spec: _original(item, spec, base, split, is_primary=spec == primary or not primary) for spec in wanted}
    return ItemPaths(paths, f"annotations/{split}{base}{annotation}" if annotation else None)


def _original(item: ExportItem, spec: str, base: str, split: str, *, is_primary: bool) -> str:
    file = item.media.get(spec)
    suffix = split_suffix(unicodedata.normalize("NFC", file.name))[1] if file else ""
    leaf = base if not suffix or base.lower().endswith(suffix.lower()) else f"{base}{safe_component(suffix)}"
    folder = "images" if _kind(spec, file.type if file else None) == "image" else "files"
    inner = "" if is_primary and folder == "images" else f"{safe_component(spec)}/"
    return f"{folder}/{split}{inner}{leaf}"


def _kind(spec: str, declared: str | None) -> str:
    return declared or ("image" if spec.startswith("image") else "file")


_KEYS_DIFFER: Final = "give the units different keys"


def check_collisions(
    paths: Iterable[tuple[str, ItemPaths]], *, ignore_case: bool = False, fix: str = _KEYS_DIFFER
) -> None:
    """Refuse two items that would write one file, or a file where another needs a folder.

    paths: (item key, its paths). ignore_case: refuse names, also of folders, that differ in case alone as well, for
    many file systems take them for one. fix: what to do. Keeps one text per path in memory.

    Raises:
        ConfigError: with every collision, naming both items.
    """
    owners: dict[str, str] = {}
    spellings: dict[str, str] = {}
    problems: list[Problem] = []
    for key, item_paths in paths:
        clashes = [path for path in item_paths.all if owners.setdefault(path, key) != key]
        problems.extend(_collision(path, owners[path], key, fix) for path in clashes)
        if ignore_case:
            problems.extend(_respelled(item_paths.all, spellings, fix))
    problems += _nested(owners, fix)
    if problems:
        raise ConfigError(problems)


def check_unique(repeated: Iterable[str]) -> None:
    """Refuse keys that several items have. Raises ConfigError with all of them."""
    problems = [
        Problem(f"several items are named {key!r}", fix="give the units keys that do not end like record ids")
        for key in repeated
    ]
    if problems:
        raise ConfigError(problems)


def _respelled(paths: Iterable[str], spellings: dict[str, str], fix: str) -> Iterator[Problem]:
    """Folders and files whose name was met in another spelling. spellings: folded → as first met; added to."""
    for path in paths:
        parts = path.split("/")
        for end in range(1, len(parts) + 1):
            name = "/".join(parts[:end])
            first = spellings.setdefault(name.casefold(), name)
            if first != name:
                spellings[name.casefold()] = name  # told once
                yield Problem(f"{first!r} and {name!r} differ in case alone", detail=_CASELESS, fix=fix)
                break


def _nested(owners: dict[str, str], fix: str) -> Iterator[Problem]:
    for path in sorted(owners):
        for end, letter in enumerate(path):
            if letter == "/" and path[:end] in owners:
                yield _collision(path[:end], owners[path[:end]], owners[path], fix)


def _collision(path: str, first: str, second: str, fix: str) -> Problem:
    return Problem(
        f"items {first!r} and {second!r} would both be written to {path!r}",
        detail="file names come from the declared keys, made safe for file systems",
        fix=fix,
    )


def _short_hash(text: str) -> str:
    return hashlib.sha256(text.encode(errors="replace")).hexdigest()[:8]
