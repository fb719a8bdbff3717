"""What became of every annotation of an export: written, clipped, dropped or failed, and why."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from reconciler.model.json import JSON


class Outcome(StrEnum):
    """Closed set. CLIPPED and LOSSY annotations were written; DROPPED and FAILED were not."""

    CLIPPED = "clipped"
    LOSSY = "lossy"
    DROPPED = "dropped"
    FAILED = "failed"


class Loss(StrEnum):
    """Why an annotation was not written, or not wholly. Closed set; documented in docs/exports.md."""

    OUTSIDE_MEDIA = "outside_media"  # the shape leaves the picture and the policy says drop, fail or clip
    EMPTY_SHAPE = "empty_shape"  # no area is left, or there was none
    UNSUPPORTED_TOOL = "unsupported_tool"  # the format has no such shape
    UNSUPPORTED_MEDIA = "unsupported_media"  # the format holds pictures only
    MALFORMED = "malformed"  # the payload could not be read; it is in the problems
    NO_CLASS = "no_class"  # the format needs a class and the annotation has none
    SIZE_UNKNOWN = "size_unknown"  # width and height of the picture are needed and not known
    ROTATION = "rotation"  # written as the polygon of its four corners, the angle as an attribute
    VISIBILITY_ASSUMED = "visibility_assumed"  # a joint without visibility is written as visible
    RELATIONS = "relations"  # relations between annotations have no place in the format
    GROUP = "group"  # the group has no place in the format; its members are written one by one
    HOLES = "holes"  # the holes of a ring have no place in the format; it is written filled
    ATTRIBUTES_DIFFER = "attributes_differ"  # parts of one object disagree; those of the first part are written
    COLUMN_TYPE = "column_type"  # a value is none of its column's type; the cell is empty
    BY_EXPORTER = "by_exporter"  # a custom exporter left it out
    ATTRIBUTES = "attributes"  # attributes have no place in the format, or were not wanted
    POSE = "pose"  # the box of a pose is written, its joints have no place
    ROUNDED = "rounded"  # coordinates are written as whole pixels
    OVERLAP = "overlap"  # pixels that other objects cover as well belong to the last of them
    NO_PIXEL = "no_pixel"  # covers the centre of no pixel, so that no plane shows it
    INSTANCE_LIMIT = "instance_limit"  # more objects than a plane can tell apart; the plane of objects is left out
    BOX_ONLY = "box_only"  # the format has no such shape; the upright box around it is written
    CROWD = "crowd"  # a region of many things (iscrowd), which is no object to learn from
    UNKNOWN_JOINT = "unknown_joint"  # not among the declared joints
    SECOND_CLASS = "second_class"  # the format has one class per picture, and the first one counts
    EXTERNAL_FILE = "external_file"  # the bytes lie elsewhere: the manifest names their URL, nothing is downloaded
    LINK = "link"  # leads to another entity; it is listed and not followed
    OTHER_KIND = "other_kind"  # neither file nor folder, such as a table; it is listed


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the account. key: the item; annotations: the ids concerned."""

    outcome: Outcome
    reason: Loss
    annotations: tuple[str, ...]
    media: str = ""
    key: str = ""


@dataclass(frozen=True, slots=True)
class Account:
    """Sums and their reasons. read = written + dropped + failed, counted in annotations as the payload has them.

    classes: how many objects of each class were written; {} when the format does not look at classes.
    """

    read: int = 0
    written: int = 0
    entries: tuple[Entry, ...] = ()
    classes: Mapping[str, int] = field(default_factory=dict)

    @property
    def dropped(self) -> int:
        """Annotations left out, by policy or because the format cannot hold them."""
        return _count(self.entries, Outcome.DROPPED)

    @property
    def failed(self) -> int:
        """Annotations that must not be left out, and could not be written."""
        return _count(self.entries, Outcome.FAILED)


def _count(entries: Iterable[Entry], outcome: Outcome) -> int:
    return sum(len(entry.annotations) for entry in entries if entry.outcome is outcome)


def encode_account(account: Account) -> JSON:
    """Compact JSON for a cache; `decode_account` reads it."""
    rows = [[e.outcome, e.reason, list(e.annotations), e.media, e.key] for e in account.entries]
    return {"read": account.read, "written": account.written, "entries": rows, "classes": dict(account.classes)}


def decode_account(value: Mapping[str, JSON]) -> Account:
    """Read what `encode_account` wrote."""
    rows = (
        Entry(Outcome(outcome), Loss(reason), tuple(ids), media, key)
        for outcome, reason, ids, media, key in value["entries"]
    )
    return Account(value["read"], value["written"], tuple(rows), value.get("classes", {}))


def total(accounts: Iterable[Account]) -> Account:
    """One account of several, their entries in order."""
    found = list(accounts)
    classes: Counter[str] = Counter()
    for one in found:
        classes.update(one.classes)
    entries = tuple(e for one in found for e in one.entries)
    return Account(sum(a.read for a in found), sum(a.written for a in found), entries, dict(sorted(classes.items())))


@dataclass(slots=True)
class Tally:
    """Gathers entries while one item is written."""

    key: str = ""
    media: str = ""
    read: int = 0
    written: int = 0
    entries: list[Entry] = field(default_factory=list)
    classes: Counter[str] = field(default_factory=Counter)

    def note(self, outcome: Outcome, reason: Loss, *annotations: str) -> None:
        """Add one line about these annotations."""
        self.entries.append(Entry(outcome, reason, annotations, self.media, self.key))

    def account(self) -> Account:
        """The finished account."""
        return Account(self.read, self.written, tuple(self.entries), dict(sorted(self.classes.items())))


def summarise(accounts: Iterable[Account], counted: str = "annotations", *, examples: int = 20) -> JSON:
    """Totals under the name of what is counted and, per outcome and reason, the count and the first few places.

    For `export_summary.json`. Reads its input once and keeps no more than `examples` places per reason.
    """
    read = written = 0
    losses: dict[tuple[str, str], dict[str, JSON]] = {}
    for account in accounts:
        read += account.read
        written += account.written
        for entry in account.entries:
            row = losses.setdefault((entry.outcome, entry.reason), {"count": 0, "examples": []})
            row["count"] += len(entry.annotations)
            if len(row["examples"]) < examples:
                row["examples"].append({"key": entry.key, "media": entry.media, counted: list(entry.annotations)})
    rows = [{"outcome": o, "reason": r, **losses[o, r]} for o, r in sorted(losses)]
    totals = {outcome.value: sum(r["count"] for r in rows if r["outcome"] == outcome) for outcome in Outcome}
    return {counted: {"read": read, "written": written, **totals}, "reasons": rows}
