"""COCO categories of an export: which there are, in which order, and under which ids."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import count
from typing import Final

from reconciler.model.json import JSON, JSONObject

PERSON_JOINTS: Final = (
    *("nose", "left_eye", "right_eye", "left_ear", "right_ear", "left_shoulder", "right_shoulder"),
    *("left_elbow", "right_elbow", "left_wrist", "right_wrist", "left_hip", "right_hip"),
    *("left_knee", "right_knee", "left_ankle", "right_ankle"),
)
PERSON_EDGES: Final = (
    *((16, 14), (14, 12), (17, 15), (15, 13), (12, 13), (6, 12), (7, 13), (6, 7), (6, 8), (7, 9)),
    *((8, 10), (9, 11), (2, 3), (1, 2), (1, 3), (2, 4), (3, 5), (4, 6), (5, 7)),
)
"""The skeleton of COCO's person key points (1-based pairs)."""


@lru_cache(maxsize=4096)
def class_key(name: str) -> str:
    """The class name as it is written: trimmed, NFC, so that two spellings of one word are one class.

    Halves of surrogate pairs, which JSON can hold and no file can, become "?".
    """
    name = name.strip()
    return name if name.isascii() else unicodedata.normalize("NFC", name).encode(errors="replace").decode()


@dataclass(frozen=True, slots=True)
class CategoryRules:
    """order: class names in the wanted order (the export's, else the project's). rows: categories to take over as they
    are (ids included), from a reference file. previous: ids of the last publication; they are kept.
    skeletons: class → {keypoints: [...], skeleton: [...]}. first: the lowest id that is given away.
    """

    order: Sequence[str] = ()
    rows: Sequence[JSONObject] = ()
    previous: Mapping[str, int] = field(default_factory=dict)
    skeletons: Mapping[str, JSONObject] = field(default_factory=dict)
    first: int = 1


@dataclass(slots=True)
class CategoryTable:
    """Categories as they are met; `close` gives each an id. Keys are (class name, id in the imported file or None)."""

    rules: CategoryRules
    rows: dict[str, dict[str, JSON]] = field(default_factory=dict)
    twins: dict[tuple[str, int], dict[str, JSON]] = field(default_factory=dict)
    order: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        for row in self.rules.rows:
            self._take(row)
        for name in self.rules.order:
            self._named(class_key(name))
        self.order = list(self.rows)

    def meet(self, row: JSONObject) -> None:
        """Note a category that a fragment uses: at least its name; id, supercategory, keypoints when known."""
        self._take(row)

    def _take(self, row: JSONObject) -> None:
        name = class_key(row["name"])
        known = self._named(name)
        if isinstance(row.get("id"), int) and known.get("id", row["id"]) != row["id"]:
            known = self.twins.setdefault((name, row["id"]), {"name": name})
        joints = _merged(known.get("keypoints"), row.get("keypoints"))
        for key, value in row.items():
            known.setdefault(key, value)
        known["name"] = name
        if joints is not None:
            known["keypoints"] = joints

    def _named(self, name: str) -> dict[str, JSON]:
        if name not in self.rows:
            self.rows[name] = {"name": name, **self.rules.skeletons.get(name, {})}
        return self.rows[name]

    def close(self) -> list[JSONObject]:
        """All categories with ids, by id.

        Ids that came with the data or from a reference are kept, then those of the last publication; the others get the
        next free ones, in order.
        """
        rows = [self.rows[name] for name in (*self.order, *sorted(self.rows.keys() - set(self.order)))]
        rows += [self.twins[key] for key in sorted(self.twins)]
        wanted = [[row.get("id") for row in rows], [self.rules.previous.get(row["name"]) for row in rows]]
        for row, number in zip(rows, _settle(wanted, self.rules.first), strict=True):
            if "id" not in row:
                row.setdefault("supercategory", row["name"])
            row["id"] = number
        return sorted(({"id": row["id"], "name": row["name"], **row} for row in rows), key=lambda row: int(row["id"]))

    def id_of(self, name: str, wanted: int | None) -> int:
        """The id of a class after `close`; `wanted` tells two categories of one name apart."""
        if wanted is not None and (name, wanted) in self.twins:
            return int(self.twins[name, wanted]["id"])
        return int(self.rows[name]["id"])

    def joints(self, name: str) -> list[str]:
        """Joint names of a class, in the order of its keypoint vector."""
        return list(self.rows[name].get("keypoints", ()))


def _settle(wanted: Sequence[Sequence[JSON]], first: int) -> list[int]:
    """One id per row, all different. wanted: wishes per row, the stronger ones first; the first row to ask gets it."""
    ids: dict[int, int] = {}
    taken: set[int] = set()
    for wishes in wanted:
        for row, wish in enumerate(wishes):
            if row not in ids and isinstance(wish, int) and wish not in taken:
                ids[row] = wish
                taken.add(wish)
    free = (number for number in count(first) if number not in taken)
    return [ids[row] if row in ids else next(free) for row in range(len(wanted[0]))]


def _merged(known: Sequence[str] | None, more: Sequence[str] | None) -> list[str] | None:
    """Joint names: those known in their order, then new ones."""
    if not known or not more:
        return None if known is None and more is None else list(known or more or ())
    return list(known) if list(known) == list(more) else list(dict.fromkeys([*known, *more]))


def person_like(names: Iterable[str]) -> bool:
    """Whether all joint names are those of COCO's person."""
    return set(names) <= set(PERSON_JOINTS)
