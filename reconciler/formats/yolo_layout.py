"""Where the files of a YOLO data set lie, and the files that list its classes and pictures."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from reconciler.formats.items import ExportItem, OutputFile
from reconciler.formats.naming import safe_component, settle_paths


class Layout(StrEnum):
    """ULTRALYTICS: images/, labels/, data.yaml. LEGACY: Darknet's obj.data, with labels beside the pictures."""

    ULTRALYTICS = "ultralytics"
    LEGACY = "legacy"


# Names under which tools look for the parts of a data set.
_PARTS: Final = {"valid": "val", "validation": "val"}
_LEGACY_PARTS: Final = {"val": "valid", "validation": "valid"}


def place(item: ExportItem, originals: bool | tuple[str, ...], layout: Layout) -> Mapping[str, str]:
    """Specification → path of an item's files. Legacy keeps pictures in `obj_<split>_data/`."""
    paths = settle_paths(item, originals, annotation=None).originals
    if layout is Layout.ULTRALYTICS:
        return paths
    prefix = "images/" if item.split is None else f"images/{safe_component(item.split)}/"
    folder = legacy_folder(item.split)
    return {
        spec: _unlike_labels(f"{folder}/{path.removeprefix(prefix)}") if path.startswith(prefix) else path
        for spec, path in paths.items()
    }


def _unlike_labels(path: str) -> str:
    """The path of a picture beside its label file, which would replace a picture that is called `.txt`."""
    return f"{path}_" if path.lower().endswith(".txt") else path


def legacy_folder(split: str | None) -> str:
    """Where the pictures of a split lie in the legacy layout; without splits all are for training."""
    return f"obj_{safe_component(_legacy_part(split))}_data"


def _legacy_part(split: str | None) -> str:
    return "train" if split is None else _LEGACY_PARTS.get(split, split)


def label_path(picture: str, layout: Layout) -> str:
    """The label file of a picture, by the rule of the loaders: the last folder `images` becomes `labels`.

    Source: `img2label_paths` of Ultralytics.
    """
    path = picture
    if layout is Layout.ULTRALYTICS:
        path = "/labels/".join(f"/{picture}".rsplit("/images/", 1))[1:]
    folder, _, leaf = path.rpartition("/")
    stem = leaf.rpartition(".")[0] or leaf
    return f"{folder}/{stem}.txt"


@dataclass(frozen=True, slots=True)
class DataFiles:
    """names: of the classes, by id. joints: in order. flips: pairs that a mirror swaps. values: per joint, 2 or 3."""

    names: Sequence[str]
    joints: Sequence[str]
    flips: Sequence[tuple[str, str]] | None
    values: int

    def ultralytics(self, parts: Sequence[str | None], *, root: str | None, is_pose: bool) -> Iterator[OutputFile]:
        """`classes.json`, `classes.txt`, `data.yaml`. parts: the splits there are; None for items without one."""
        yield self._ids()
        yield _text("classes.txt", map(_one_line, self.names))
        yield _text("data.yaml", self._data(parts, root, is_pose=is_pose))

    def legacy(
        self, parts: Sequence[str | None], pictures: Callable[[str | None], Iterable[str]]
    ) -> Iterator[OutputFile]:
        """`classes.json`, `obj.data`, `obj.names` and a list of pictures per split."""
        lists: dict[str, list[str | None]] = {}
        for split in parts:
            lists.setdefault(_legacy_part(split), []).append(split)
        yield self._ids()
        rows = [f"{part} = {safe_component(part)}.txt" for part in lists]
        yield _text("obj.data", [f"classes = {len(self.names)}", *rows, "names = obj.names", "backup = backup/"])
        yield _text("obj.names", map(_one_line, self.names))
        for part, splits in lists.items():
            yield _text(f"{safe_component(part)}.txt", (path for split in splits for path in pictures(split)))

    def _ids(self) -> OutputFile:
        rows = [{"id": number, "name": name} for number, name in enumerate(self.names)]
        return OutputFile("classes.json", iter(((json.dumps(rows, ensure_ascii=False, indent=1) + "\n").encode(),)))

    def _data(self, parts: Sequence[str | None], root: str | None, *, is_pose: bool) -> Iterator[str]:
        if root is not None:
            yield f"path: {_quoted(root)}"
        folders: dict[str, list[str]] = {"train": [], "val": []}
        for split in parts:
            key = "train" if split is None else _PARTS.get(split, split)
            folders.setdefault(key, []).append("images" if split is None else f"images/{safe_component(split)}")
        for key, found in folders.items():
            value = _quoted(found[0]) if len(found) == 1 else f"[{', '.join(map(_quoted, found))}]" if found else "null"
            yield f"{key if key.isascii() and key.isalpha() else _quoted(key)}: {value}"
        yield "names:" if self.names else "names: {}"
        yield from (f"  {number}: {_quoted(name)}" for number, name in enumerate(self.names))
        if is_pose:
            yield f"kpt_shape: [{len(self.joints)}, {self.values}]"
            yield f"flip_idx: {self._mirrored()}"
            yield "kpt_names:"
            listed = ", ".join(map(_quoted, self.joints))
            yield from (f"  {number}: [{listed}]" for number, _ in enumerate(self.names))

    def _mirrored(self) -> list[int]:
        """For each joint the place of the one that a mirror makes of it."""
        at = {name: place for place, name in enumerate(self.joints)}
        pairs = self.flips if self.flips is not None else [(n, _other_side(n)) for n in self.joints]
        swaps = {a: b for pair in pairs for a, b in (pair, pair[::-1]) if a in at and b in at}
        return [at[swaps.get(name, name)] for name in self.joints]


def _other_side(joint: str) -> str:
    for here, there in (("left", "right"), ("right", "left"), ("Left", "Right"), ("Right", "Left")):
        if here in joint:
            return joint.replace(here, there, 1)
    return joint


def _quoted(text: str) -> str:
    """A double-quoted YAML scalar; JSON strings are such, but for a few line breaks that YAML 1.1 knows."""
    quoted = json.dumps(text, ensure_ascii=False)
    return "".join(c if c.isprintable() else json.dumps(c)[1:-1] for c in quoted)


def _one_line(name: str) -> str:
    return " ".join(name.splitlines()) or name


def _text(path: str, lines: Iterable[str]) -> OutputFile:
    return OutputFile(path, _lines(lines))


def _lines(lines: Iterable[str]) -> Iterator[bytes]:
    yield "".join(f"{line}\n" for line in lines).encode()
