"""Looks at an unknown source and proposes how to declare it: layout, specifications, an AssetSet to start from."""

from __future__ import annotations

import json
import os
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from reconciler.errors import Problem, SourceError
from reconciler.model.json import JSON
from reconciler.model.resource import FileSpecification, SourceLocation
from reconciler.sources.account import Tally
from reconciler.sources.declared_options import declared_options
from reconciler.sources.listing import ListedFile, Listing
from reconciler.sources.local import list_local
from reconciler.sources.location import locate, shown_url
from reconciler.sources.mapping import FOLDER_NAMES, USUAL_EXTENSIONS, plurals
from reconciler.sources.names import nfc, split_suffix
from reconciler.sources.remote import list_remote
from reconciler.sources.sampling import sample
from reconciler.sources.selection import Selection

_TREE_LINES = 40
_PER_FOLDER = 4
_SAMPLES = 3
_REQUIRED_SHARE = 0.9
_RARE_SHARE = 0.02
_NAME = re.compile(r"[^a-z0-9._-]+")

# Which word a suffix stands for when neither folder nor file name says more, in this order; and the type of each word.
_WORD_BY_TYPE = (("image", "image"), ("video", "video"), ("audio", "audio"), ("pcd", "pcd"), ("medical", "scan"))
_TYPES = {
    "image": "image", "mask": "image", "video": "video", "audio": "audio", "pcd": "pcd",
    "text": "text", "caption": "text",
}  # fmt: skip
_PRIMARY = ("image", "video", "audio", "pcd", "scan", "dicom", "text", "data", "label")
_WORDS = {name: word for word in FOLDER_NAMES for name in (*plurals(word), *FOLDER_NAMES[word])}


@dataclass(frozen=True, slots=True)
class LayoutEvidence:
    """How well one way of grouping fits.

    layout: "directories", "stems" or "folders" (the folder of a file is its unit; written as a key rule). complete:
    units that have every word (image, label, …) that nearly all units have. conflicts: units in which two files claim
    one. unkeyed: files that get no key. coverage: mean share of the source's words that a unit has, 0 to 1. keys,
    conflict_samples: the first few.
    """

    layout: str
    units: int
    complete: int
    conflicts: int
    unkeyed: int
    coverage: float
    keys: tuple[str, ...]
    conflict_samples: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ExtensionCount:
    """Files of one (compound, lower-case) extension."""

    extension: str
    files: int
    bytes: int


@dataclass(frozen=True, slots=True)
class Exploration:
    """What a source holds. url: without credentials. options: for the document, without secrets.

    is_complete: False when there are more files than the limit, so that only a sample of them is described here.
    tree: lines of a sample. layouts: best first. unassigned: extensions too rare to make a specification of.
    problems: what could not be read.
    """

    url: str
    file_count: int
    byte_count: int
    is_complete: bool
    extensions: tuple[ExtensionCount, ...]
    tree: tuple[str, ...]
    layouts: tuple[LayoutEvidence, ...]
    specifications: tuple[FileSpecification, ...]
    unassigned: tuple[ExtensionCount, ...]
    excluded: tuple[Tally, ...]
    problems: tuple[Problem, ...]
    options: Mapping[str, JSON] = field(default_factory=dict)
    limit: int = 0

    def as_yaml(self, name: str = "") -> str:
        """Return a Collection and an AssetSet document that declare this source."""
        title = name or _document_name(self.url)
        return "---\n".join(("".join(_collection(self, title)), "".join(_asset_set(self, title))))


def explore(
    url: str, *, options: Mapping[str, JSON] | None = None, folder: Path | None = None, limit: int = 100_000
) -> Exploration:
    """List a source and propose a declaration.

    folder: where a relative path starts; default: the working folder. limit: of more files than this, a sample of every
    branch is looked at.

    Raises:
        SourceError: the source is missing, unreadable or empty.
        MissingExtra: the URL needs a package that is not installed.
    """
    place = locate(url, folder or Path.cwd(), options or {})
    selection = Selection(SourceLocation(url))
    list_source = list_local if place.is_local else list_remote
    listing, problems = list_source(place, selection, limit=limit)
    is_complete = listing.file_count < limit
    if not is_complete:
        listing.close()
        listing, problems = sample(place, limit)
    if not listing.file_count:
        fix = "check the path, and that the disk is mounted"
        raise SourceError([*problems, Problem(f"source {place.shown!r} holds no file", fix=fix)])
    try:
        found = _explored(url, listing, problems, is_complete)
    finally:
        listing.close()
    return replace(found, options=declared_options(url, options or {}, os.environ), limit=limit)


def _explored(url: str, listing: Listing, problems: Sequence[Problem], is_complete: bool) -> Exploration:
    words = _Words(listing)
    layouts = sorted((_evidence(layout, words) for layout in _KEYS), key=_rank, reverse=True)
    kept, rare = _split_rare(words)
    return Exploration(
        url=shown_url(url),
        file_count=listing.file_count,
        byte_count=listing.byte_count,
        is_complete=is_complete,
        extensions=_extension_counts(listing.files()),
        tree=tuple(_tree(listing)),
        layouts=tuple(layouts),
        specifications=tuple(_specifications(words, kept, layouts[0])),
        unassigned=tuple(rare),
        excluded=(*listing.skipped.files.freeze(), *listing.skipped.folders.freeze()),
        problems=tuple(problems),
    )


# -- what the files are


class _Words:
    """The word (image, label, mask, …) that each file stands for, and the suffixes of each word."""

    def __init__(self, listing: Listing) -> None:
        self._listing = listing
        self.suffixes: dict[str, Counter[str]] = defaultdict(Counter)
        self.sizes: Counter[str] = Counter()
        self._rest = ""
        for file, word, _, suffix in self.files():
            self.suffixes[word][suffix] += 1
            self.sizes[suffix] += file.size_bytes
        if set(self.suffixes) == {""}:  # nothing tells what these files are, but they are what there is
            self._rest, self.suffixes = "data", defaultdict(Counter, data=self.suffixes[""])

    def files(self) -> Iterator[tuple[ListedFile, str, str, str]]:
        """Yield (file, word, stem, suffix)."""
        for file in self._listing.files():
            stem, suffix = split_suffix(file.name)
            yield file, _word(file.prefix, stem, suffix) or self._rest, stem, suffix

    def is_rare(self, word: str) -> bool:
        """True for words of so few files that they are more likely notes than data."""
        count = self.suffixes[word].total()
        return word == "" or count < _RARE_SHARE * self._listing.file_count


def _word(prefix: str, stem: str, suffix: str) -> str:
    """The word of a file: by folder, deepest first, then by file name, then by suffix; "" when nothing fits."""
    parts = [*reversed(prefix.split("/")[:-1]), re.sub(r"[ _.-]*\d+$", "", stem)]
    for part in parts:
        word = _WORDS.get(nfc(part).casefold())
        if word and _may_be(word, suffix):
            return word
    for kind, word in _WORD_BY_TYPE:
        if suffix in USUAL_EXTENSIONS[kind]:
            return "dicom" if suffix in (".dcm", ".dicom") else word
    if suffix in (".json", ".xml"):
        return "label"
    if suffix == ".txt":
        return "text"
    return "data" if suffix in USUAL_EXTENSIONS["data"] and suffix != ".md" else ""


def _may_be(word: str, suffix: str) -> bool:
    kind = _TYPES.get(word)
    return suffix in USUAL_EXTENSIONS[kind] if kind else bool(suffix)


def _extension_counts(files: Iterator[ListedFile]) -> tuple[ExtensionCount, ...]:
    counts: Counter[str] = Counter()
    sizes: Counter[str] = Counter()
    for file in files:
        suffix = split_suffix(file.name)[1]
        counts[suffix] += 1
        sizes[suffix] += file.size_bytes
    order = sorted(counts, key=lambda suffix: (-counts[suffix], suffix))
    return tuple(ExtensionCount(suffix, counts[suffix], sizes[suffix]) for suffix in order)


def _split_rare(words: _Words) -> tuple[list[str], list[ExtensionCount]]:
    kept = [word for word in sorted(words.suffixes) if not words.is_rare(word)]
    rest: Counter[str] = Counter()
    for word, suffixes in words.suffixes.items():
        if word not in kept:
            rest.update(suffixes)
    return kept, [ExtensionCount(suffix, rest[suffix], words.sizes[suffix]) for suffix in sorted(rest)]


# -- how they are grouped


def _by_folder(file: ListedFile, _stem: str) -> str | None:
    return nfc(file.prefix[:-1]) or None


_KEYS: dict[str, Callable[[ListedFile, str], str | None]] = {
    "stems": lambda _, stem: nfc(stem),
    "directories": lambda file, _: nfc(file.prefix.partition("/")[0]) or None,
    "folders": _by_folder,
}
FOLDERS_REGEX = "^(.+)/[^/]+$"


def _evidence(layout: str, words: _Words) -> LayoutEvidence:
    """Group all files one way and count what comes out."""
    units: dict[str, Counter[str]] = defaultdict(Counter)
    unkeyed = 0
    for file, word, stem, _ in words.files():
        if words.is_rare(word):
            continue
        key = _KEYS[layout](file, stem)
        if key is None:
            unkeyed += 1
        else:
            units[key][word] += 1
    required = _required(units.values())
    conflicts = [key for key in sorted(units) if any(count > 1 for count in units[key].values())]
    return LayoutEvidence(
        layout=layout,
        units=len(units),
        complete=sum(all(word in found for word in required) for found in units.values()),
        conflicts=len(conflicts),
        unkeyed=unkeyed,
        coverage=_coverage(units.values()),
        keys=tuple(sorted(units)[:_SAMPLES]),
        conflict_samples=tuple(conflicts[:_SAMPLES]),
    )


def _required(units: Collection[Counter[str]]) -> set[str]:
    """Words that nearly all units have."""
    counts = Counter(word for unit in units for word in unit)
    return {word for word, count in counts.items() if count >= _REQUIRED_SHARE * len(units)}


def _coverage(units: Collection[Counter[str]]) -> float:
    """Mean number of different words in a unit, as a share of all words."""
    words = {word for unit in units for word in unit}
    return round(sum(map(len, units)) / (len(units) * len(words)), 3) if words else 0.0


def _rank(evidence: LayoutEvidence) -> tuple[float, int, int]:
    """Whole units without conflicts first, then few files without key; among equals the order of `_KEYS`."""
    clean = 1 - evidence.conflicts / evidence.units if evidence.units else 0.0
    return (round(clean * evidence.coverage, 3), -evidence.unkeyed, -list(_KEYS).index(evidence.layout))


def _specifications(words: _Words, kept: Sequence[str], best: LayoutEvidence) -> Iterator[FileSpecification]:
    units: dict[str, set[str]] = defaultdict(set)
    for file, word, stem, _ in words.files():
        key = _KEYS[best.layout](file, stem)
        if key is not None and word in kept:
            units[key].add(word)
    order = sorted(kept, key=lambda word: (_PRIMARY.index(word) if word in _PRIMARY else len(_PRIMARY), word))
    for number, word in enumerate(order):
        have = sum(word in found for found in units.values())
        yield FileSpecification(
            name=f"{word}_1",
            type=_TYPES.get(word, "data"),
            extensions=tuple(sorted(suffix for suffix in words.suffixes[word] if suffix)),
            required=have >= _REQUIRED_SHARE * len(units),
            primary=number == 0,
        )


# -- how it is shown


def _tree(listing: Listing) -> Iterator[str]:
    """The first folders with the first files of each."""
    lines = 0
    for prefix, rows in listing.folders():
        shown = [row.partition("/")[0] for row in rows[:_PER_FOLDER]]
        for name in shown:
            yield f"{prefix}{name}"
        if len(rows) > len(shown):
            yield f"{prefix}… {len(rows) - len(shown):,} more"
        lines += len(shown) + 1
        if lines > _TREE_LINES:
            yield "…"
            return


def _document_name(url: str) -> str:
    last = nfc(url.split("?")[0].rstrip("/").rpartition("/")[2]).casefold()
    return _NAME.sub("-", last).strip("-._") or "assets"


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def _collection(found: Exploration, name: str) -> Iterator[str]:
    yield f"apiVersion: reconciler.dev/v1\nkind: Collection\nmetadata: {{name: {_quoted(name)}}}\nspec:\n"
    yield f"  title: {_quoted(name)}\n  fileSpecifications:\n"
    for spec in found.specifications:
        extensions = f", extensions: [{', '.join(map(_quoted, spec.extensions))}]" if spec.extensions else ""
        flags = (", required: true" if spec.required else "") + (", primary: true" if spec.primary else "")
        yield f"    - {{name: {spec.name}, type: {spec.type}{extensions}{flags}}}\n"


def _asset_set(found: Exploration, name: str) -> Iterator[str]:
    yield f"apiVersion: reconciler.dev/v1\nkind: AssetSet\nmetadata: {{name: {_quoted(name)}}}\nspec:\n"
    options = f", options: {json.dumps(found.options, ensure_ascii=False)}" if found.options else ""
    yield f"  collection: {_quoted(name)}\n  source: {{url: {_quoted(found.url)}{options}}}\n"
    if not found.is_complete:
        yield f"  # More than {found.limit:,} files: counts are those of a sample of {found.file_count:,}.\n"
    yield "  units:\n"
    best = found.layouts[0]
    if best.layout == "folders":
        yield f"    key: {{regex: {_quoted(FOLDERS_REGEX)}, template: {_quoted('{1}')}}}"
    else:
        yield f"    layout: {best.layout}"
    yield f"  # {best.units:,} units, {best.complete:,} complete, {best.conflicts:,} with conflicts\n"
    for spec in found.specifications:
        if not spec.extensions:  # files without extension belong to a specification by rule alone
            yield f'  files: [{{match: "**", specification: {spec.name}}}]\n'
    lacking = best.units - best.complete
    note = f"  # {lacking:,} {'unit lacks' if lacking == 1 else 'units lack'} a required file" if lacking else ""
    yield f"  incomplete: fail{note}\n  unmatched: warn\n"
