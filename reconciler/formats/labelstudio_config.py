"""The labelling configuration of Label Studio: read for what its controls are, written for the results of an export.

Source of the format: Label Studio documentation, "Set up your labeling project" and the pages of tags.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

from reconciler.formats.categories import class_key
from reconciler.formats.labelstudio_values import label_key
from reconciler.formats.xml_text import attributes
from reconciler.formats.xml_tree import Node, iterate
from reconciler.model.json import JSON, JSONObject

OBJECTS: Final[Mapping[str, str]] = {
    "image": "Image",
    "text": "Text",
    "audio": "Audio",
    "video": "Video",
    "series": "TimeSeries",
}
"""Kind of media → tag."""

_TAGS: Final[Mapping[str, str]] = {
    tag.lower(): tag
    for tag in (
        *("RectangleLabels", "PolygonLabels", "KeyPointLabels", "BrushLabels", "EllipseLabels", "VectorLabels"),
        *("Rectangle", "Polygon", "KeyPoint", "Brush", "Ellipse", "Vector", "BitmaskLabels", "Bitmask"),
        *("VideoRectangle", "TimelineLabels", "Labels", "HyperTextLabels", "TimeSeriesLabels", "ParagraphLabels"),
        *("Choices", "TextArea", "Number", "Rating", "Taxonomy", "DateTime", "Pairwise", "Ranker"),
    )
}
_LISTING: Final = {"choices": "Choice", "taxonomy": "Choice"}


def read_controls(raw: bytes) -> dict[str, tuple[str, str]]:
    """Control → (type of its results, object). Raises XmlFault."""
    waiting = [node for node in iterate(raw) if isinstance(node, Node)]
    found: dict[str, tuple[str, str]] = {}
    while waiting:
        node = waiting.pop()
        waiting += node.children
        name, to_name = node.attributes.get("name"), node.attributes.get("toName")
        if name and to_name and node.tag.lower() in _TAGS:
            found[name] = (node.tag.lower(), to_name)
    return found


@dataclass(slots=True)
class Controls:
    """Gathers the objects and controls of an export. order: classes that come first in lists of labels."""

    order: tuple[str, ...] = ()
    objects: dict[str, tuple[str, str]] = field(default_factory=dict)
    rows: dict[str, dict[str, JSON]] = field(default_factory=dict)

    def meet_object(self, name: str, kind: str, key: str) -> None:
        """Note an object: what it is called, its media, and where tasks have it."""
        self.objects.setdefault(name, (kind, key))

    def meet(self, name: str, type: str, to_name: str, labels: Iterable[str], *, by_region: bool) -> None:
        """Note a control that made a result."""
        start: dict[str, JSON] = {"type": type, "to": to_name, "labels": [], "by_region": by_region}
        row = self.rows.setdefault(name, start)
        known = row["labels"]
        known += [label for label in labels if label not in known]

    def lines(self) -> Iterator[str]:
        """The configuration."""
        yield "<View>"
        for name, (kind, key) in sorted(self.objects.items()):
            is_file = {"valueType": "url"} if kind in ("text", "series") else {}
            yield f"  <{OBJECTS[kind]}{attributes(name=name, value=f'${key}', **is_file)}/>"
        for name, row in sorted(self.rows.items()):
            yield from self._control(name, row)
        yield "</View>"

    def _control(self, name: str, row: JSONObject) -> Iterator[str]:
        tag = _TAGS[row["type"]]
        said = {"perRegion": "true"} if row["by_region"] else {}
        if row["type"] == "choices" and not row["by_region"]:
            said["choice"] = "multiple"
        elif row["type"] == "choices":
            said["choice"] = "multiple" if len(row["labels"]) > 2 else "single"
        head = f"  <{tag}{attributes(name=name, toName=row['to'], **said)}"
        labels = self._ordered(row["labels"])
        if row["type"] == "videorectangle" and labels:
            yield f"{head}/>"
            yield from self._listed("Labels", f"{name}-labels", row["to"], labels)
        elif not labels:
            yield f"{head}/>"
        else:
            yield f"{head}>"
            leaf = _LISTING.get(row["type"], "Label")
            yield from (f"    <{leaf}{attributes(value=label)}/>" for label in labels)
            yield f"  </{tag}>"

    def _listed(self, tag: str, name: str, to_name: str, labels: list[str]) -> Iterator[str]:
        yield f"  <{tag}{attributes(name=name, toName=to_name)}>"
        yield from (f"    <Label{attributes(value=label)}/>" for label in labels)
        yield f"  </{tag}>"

    def _ordered(self, labels: list[str]) -> list[str]:
        first = [class_key(name) for name in self.order]
        return [name for name in dict.fromkeys(first) if name in labels] + sorted(set(labels) - set(first))


def used_controls(rows: Iterable[JSON]) -> Iterator[tuple[str, str, str, list[str], bool]]:
    """Name, type, object, labels and whether it works per region: of the control of each row whose tag is known."""
    regions: set[str] = set()
    for row in rows:
        if not isinstance(row, Mapping):
            continue
        name, type, to_name, value = row.get("from_name"), row.get("type"), row.get("to_name"), row.get("value")
        if not all(isinstance(v, str) and v for v in (name, to_name, type)) or type not in _TAGS or value is None:
            continue
        key = label_key(str(type))
        found = value.get(key) if isinstance(value, Mapping) and (key.endswith("labels") or key in _LISTING) else None
        labels = [v for v in found if isinstance(v, str)] if isinstance(found, list) else []
        by_region = key not in ("labels",) and not key.endswith("labels") and str(row.get("id")) in regions
        regions.add(str(row.get("id")))
        yield str(name), str(type), str(to_name), labels, by_region
