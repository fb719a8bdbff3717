"""`format: custom`: items written by an exporter of the user's, kept from harm.

Whatever the user's code does wrong with an item costs that item, and is told with the line of that code.
"""

from __future__ import annotations

import json
import re
import traceback
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from types import TracebackType
from typing import Final

from reconciler.errors import ItemRefused, ReconcilerError
from reconciler.exporting import Exporter, ItemResult, ItemView, MediaView, Part, SharedFile
from reconciler.formats.account import Account, Loss, Outcome, Tally, decode_account, encode_account, total
from reconciler.formats.annotations import MediaAnnotations
from reconciler.formats.categories import class_key
from reconciler.formats.dm import decode_payload
from reconciler.formats.items import ExportItem, Fragments, ItemOutput, ItemPaths, OutputFile
from reconciler.formats.naming import safe_path, settle_paths
from reconciler.model.json import JSON, JSONObject, canonical_json, digest

_OURS: Final = frozenset({"annotations", "files", "images", "metadata", "README.md"})
_SUFFIX: Final = re.compile(r"(\.[A-Za-z0-9_-]{1,16}){1,3}")
_FIX: Final = "repair the exporter, raise its version, then apply again"


@dataclass(frozen=True, slots=True)
class CustomWriter:
    """See `items.Writer`. name: what the options call the exporter. settings: for it."""

    name: str
    exporter: Exporter
    settings: JSONObject = field(default_factory=dict)
    originals: bool | tuple[str, ...] = True
    format: str = "custom"

    @property
    def digest(self) -> str:
        """Of the exporter, its declared version and all settings."""
        originals = self.originals if isinstance(self.originals, bool) else list(self.originals)
        exporter = self.exporter
        return digest([1, self.name, exporter.version, exporter.suffix, dict(self.settings), originals])

    def meta_used(self, item: ExportItem) -> JSON:
        """All of it: nobody knows what the exporter looks at."""
        return dict(item.meta)

    def paths(self, item: ExportItem) -> ItemPaths:
        """`annotations/[<split>/]<name><suffix>`, and the originals as in every format."""
        return settle_paths(item, self.originals, annotation=self.exporter.suffix)

    def write_item(self, item: ExportItem) -> ItemOutput:
        """Convert one item. Raises ItemRefused when the exporter fails, or returns what it must not."""
        decoded = decode_payload(item.data, lossless=False)
        paths = self.paths(item)
        problems = tuple(f"{p.summary}: {p.detail}" for p in decoded.problems)
        view = _view(item, paths, decoded.document.media, problems)
        with _Guard(f"the exporter {self.name} failed", ItemRefused):
            result = self.exporter.convert(view, self.settings)
        account = self._account(item, decoded.document.media, result)
        try:
            part = canonical_json(result.part)
            part.encode()
        except (TypeError, ValueError, RecursionError) as exc:
            raise self._refused(f"its part is not JSON: {exc}") from exc
        head = canonical_json({"account": encode_account(account), "name": view.name})
        return ItemOutput(self._files(paths.annotation, result.content), f"{head}\n{part}", account, decoded.problems)

    def _refused(self, why: str) -> ItemRefused:
        return ItemRefused(f"the exporter {self.name} did not return what it must: {why}", fix=_FIX)

    def _files(self, path: str | None, content: object) -> dict[str, bytes]:
        if content is None and path is None:
            return {}
        if path is None:
            raise self._refused("it has no suffix and yet returned content")
        if not isinstance(content, (bytes, str)):
            raise self._refused(f"the content is a {type(content).__name__}, not bytes or text")
        return {path: _bytes(content)}

    def _account(self, item: ExportItem, media: Iterable[MediaAnnotations], result: object) -> Account:
        if not isinstance(result, ItemResult):
            raise self._refused(f"the result is a {type(result).__name__}, not an ItemResult")
        given: object = result.left_out
        if not isinstance(given, (list, tuple, set, frozenset)) or not all(isinstance(i, str) for i in given):
            raise self._refused("left_out must be a list of annotation ids")
        left = set(given)
        parts = list(media)
        if unknown := left - {a.id for m in parts for a in m.annotations}:
            raise self._refused(f"left_out names {sorted(unknown)[0]!r}, which the item does not have")
        return total(_tally(item.key, m, left).account() for m in parts)

    def account(self, fragment: str) -> Account:
        """The account inside a fragment."""
        return decode_account(json.loads(fragment.partition("\n")[0])["account"])

    def assemble(self, fragments: Fragments) -> Iterator[OutputFile]:
        """What `finish` makes. Raises ReconcilerError when it fails, or names a path that is not its own."""
        if self.exporter.finish is None:
            return
        failed = f"the exporter {self.name} failed while finishing"
        with _Guard(failed, ReconcilerError):
            files = list(self.exporter.finish(lambda: _parts(fragments), self.settings))
        met: set[str] = set()
        for file in sorted(self._shared(files), key=lambda f: f.path):
            if file.path.casefold() in met:
                raise ReconcilerError(f"the exporter {self.name} wrote {file.path!r} twice", fix=_FIX)
            met.add(file.path.casefold())
            yield OutputFile(file.path, _pieces(file, failed))

    def _shared(self, files: Iterable[object]) -> Iterator[SharedFile]:
        for file in files:
            if not isinstance(file, SharedFile):
                text = f"the exporter {self.name} finished with a {type(file).__name__}, not a SharedFile"
                raise ReconcilerError(text, fix=_FIX)
            path: object = file.path
            if not isinstance(path, str) or safe_path(path) != path or path.partition("/")[0] in _OURS:
                text = f"the exporter {self.name} may not write {path!r}"
                raise ReconcilerError(text, fix=f"use a relative path outside {', '.join(sorted(_OURS))}")
            yield file


def check_exporter(name: str, found: object) -> Exporter:
    """An exporter of the user's that this version can run. Raises ReconcilerError saying what is wrong with it."""
    if not isinstance(found, Exporter):
        raise ReconcilerError(f"{name} is a {type(found).__name__}, not an Exporter or a function", fix=_FIX)
    if found.interface != 1:
        text = f"{name} was written for version {found.interface!r} of the interface; this is version 1"
        raise ReconcilerError(text, fix="install the version of reconciler that it was written for")
    if not isinstance(found.version, str) or not found.version:
        raise ReconcilerError(f"{name} declares no version", fix="give the Exporter a text that changes with its code")
    if found.suffix is not None and not (isinstance(found.suffix, str) and _SUFFIX.fullmatch(found.suffix)):
        raise ReconcilerError(f"{name} has the suffix {found.suffix!r}", fix="use one like '.txt', or None")
    return found


def _bytes(content: bytes | str) -> bytes:
    """UTF-8; halves of characters, which it has nothing for, become "?"."""
    return content.encode(errors="replace") if isinstance(content, str) else bytes(content)


def _view(
    item: ExportItem, paths: ItemPaths, media: tuple[MediaAnnotations, ...], problems: tuple[str, ...]
) -> ItemView:
    sizes = {m.media: m.size for m in media if m.size}
    files = {spec: _file(spec, item, paths, sizes.get(spec)) for spec in sorted(item.media)}
    name = safe_path(item.key)
    view = ItemView(item.key, name, item.record_id, item.split, files, dict(item.meta), media, problems)
    return view if item.chunks is None else replace(view, chunks=item.chunks)


def _file(spec: str, item: ExportItem, paths: ItemPaths, drawn: tuple[int, int] | None) -> MediaView:
    file = item.media[spec]
    width, height = drawn or (file.width, file.height)
    path = paths.originals.get(spec)
    return MediaView(spec, file.name, path, file.type, width, height, file.size_bytes, file.checksum, file.is_primary)


def _tally(key: str, media: MediaAnnotations, left: set[str]) -> Tally:
    tally = Tally(key, media.media, read=len(media.annotations))
    gone = [a.id for a in media.annotations if a.id in left]
    kept = [a for a in media.annotations if a.id not in left]
    if gone:
        tally.note(Outcome.DROPPED, Loss.BY_EXPORTER, *gone)
    tally.written = len(kept)
    tally.classes.update(class_key(a.class_name) for a in kept if a.class_name)
    return tally


def _parts(fragments: Fragments) -> Iterator[Part]:
    for fragment in fragments():
        head, _, part = fragment.text.partition("\n")
        yield Part(fragment.key, json.loads(head)["name"], fragment.split, json.loads(part))


def _pieces(file: SharedFile, failed: str) -> Iterator[bytes]:
    if isinstance(file.content, (bytes, str)):
        yield _bytes(file.content)
        return
    with _Guard(failed, ReconcilerError):
        for piece in file.content:
            yield _bytes(piece)


@dataclass(slots=True)
class _Guard:
    """Turns what the user's code raises into an error of ours, with the line of that code."""

    summary: str
    error: type[ReconcilerError]

    def __enter__(self) -> None:
        pass

    def __exit__(
        self, kind: type[BaseException] | None, found: BaseException | None, trace: TracebackType | None
    ) -> None:
        if found is None or isinstance(found, (KeyboardInterrupt, GeneratorExit, ReconcilerError)):
            return  # errors of ours come from downloads
        raise self.error(f"{self.summary}: {_told(found)}{_place(trace)}", fix=_FIX) from found


def _told(found: BaseException) -> str:
    """The exception in one line of bounded length."""
    text = " ".join(str(found).split())
    return f"{type(found).__name__}: {text[:300]}" if text else type(found).__name__


def _place(trace: TracebackType | None) -> str:
    """The last line of code that is the user's: of the frames above ours, the first file that is met."""
    frames = [f for f in traceback.extract_tb(trace) if f.filename != _place.__code__.co_filename]
    if not frames:
        return ""
    mine = [f for f in frames if f.filename == frames[0].filename][-1]
    line = f" ({mine.line})" if mine.line else ""
    return f", in {mine.filename}:{mine.lineno}{line}"
