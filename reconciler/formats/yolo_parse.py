"""One row of a YOLO label file as shapes in pixels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import atan2, hypot, isfinite
from typing import Final

from reconciler.formats.annotations import VISIBILITY_NAMES, Box, Pair, Point, Polygon, Shape
from reconciler.formats.geometry import Size, corners
from reconciler.formats.yolo_objects import Task
from reconciler.formats.yolo_rows import box_row, joint_values, ring_row
from reconciler.model.json import JSON

_UNIT: Final = 1.5e-6  # what six decimals can be wrong by at an edge, in fractions of a side


@dataclass(frozen=True, slots=True)
class ParseRules:
    """What rows mean. task: None to judge each row by its length. joints: of a pose. across: numbers per joint."""

    task: Task | None = None
    joints: tuple[str, ...] = ()
    across: int = 3


@dataclass(frozen=True, slots=True)
class Part:
    """One annotation of a row. joint: name of a keypoint, None for the rest."""

    tool: str
    shape: Shape
    joint: str | None = None
    attributes: Mapping[str, JSON] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class RowShapes:
    """What a row draws. text: its numbers as they are, without class and confidence."""

    task: Task
    parts: tuple[Part, ...]
    text: str
    confidence: float | None = None


def parse_row(tokens: Sequence[str], size: Size, rules: ParseRules) -> tuple[int, RowShapes]:
    """Class id and shapes of a row.

    A number more than the task needs, at the end, is a confidence. Without a task, four numbers are a box and six or
    more a polygon.

    Raises:
        ValueError: says what is wrong with the row.
    """
    values = [_number(token) for token in tokens]
    index = values[0]
    if index != int(index) or index < 0:
        raise ValueError(f"{tokens[0]!r} is no class id: a whole number from 0")
    task, count = _shape_of(len(values) - 1, rules)
    confidence = values[count + 1] if len(values) > count + 1 else None
    numbers, text = values[1 : count + 1], " ".join(tokens[1 : count + 1])
    match task:
        case Task.SEGMENT:
            parts: tuple[Part, ...] = (Part("polygon", Polygon(_points(numbers, size))),)
        case Task.OBB:
            parts = (_turned(_points(numbers, size)),)
        case Task.POSE:
            parts = (_upright(numbers[:4], size), *_joints(numbers[4:], size, rules))
        case _:
            parts = (_upright(numbers, size),)
    return int(index), RowShapes(task, parts, text, confidence)


def _number(token: str) -> float:
    try:
        value = float(token)
    except ValueError:
        raise ValueError(f"{token!r} is not a number") from None
    if not isfinite(value):
        raise ValueError(f"{token!r} is not a finite number")
    return value


def _shape_of(count: int, rules: ParseRules) -> tuple[Task, int]:
    """What a row of so many numbers after the class is, and how many of them are geometry."""
    task = rules.task
    if task is Task.POSE:
        wanted = 4 + len(rules.joints) * rules.across
    elif task is Task.OBB:
        wanted = 8
    elif task is Task.DETECT or (task is None and count in (4, 5)):
        task, wanted = Task.DETECT, 4
    else:
        task, wanted = Task.SEGMENT, max(count - count % 2, 6)
    if count not in (wanted, wanted + 1):
        raise ValueError(f"the row has {count} numbers after the class; {task.value} rows have {wanted}")
    return task, wanted


def _points(numbers: Sequence[float], size: Size) -> tuple[Pair, ...]:
    pairs = zip(numbers[::2], numbers[1::2], strict=True)
    return tuple((_pixel(x, size[0]), _pixel(y, size[1])) for x, y in pairs)


def _pixel(fraction: float, side: int) -> float:
    """A coordinate in pixels; one outside by no more than the rounding of six decimals is at the edge."""
    if -_UNIT < fraction < 0:
        return 0.0
    return float(side) if 1 < fraction < 1 + _UNIT else fraction * side


def _upright(numbers: Sequence[float], size: Size) -> Part:
    middle_x, middle_y, wide, high = numbers
    if wide < 0 or high < 0:
        raise ValueError("width and height of a box must not be negative")
    left, right = (_pixel(middle_x + side * wide / 2, size[0]) for side in (-1, 1))
    top, bottom = (_pixel(middle_y + side * high / 2, size[1]) for side in (-1, 1))
    return Part("bounding_box", Box(left, top, right - left, bottom - top))


def _turned(ring: tuple[Pair, ...]) -> Part:
    """A box of four corners about its centre; corners that make no rectangle stay a polygon."""
    (ax, ay), (bx, by), (cx, cy), (dx, dy) = ring
    wide, high = hypot(bx - ax, by - ay), hypot(cx - bx, cy - by)
    middle = (ax + bx + cx + dx) / 4, (ay + by + cy + dy) / 4
    angle = atan2(by - ay, bx - ax)
    box = Box(middle[0] - wide / 2, middle[1] - high / 2, wide, high, angle or None)
    slack = 1e-5 * max(1.0, *(abs(v) for point in ring for v in point))
    misses = (hypot(x - u, y - v) for (x, y), (u, v) in zip(corners(box), ring, strict=True))
    return Part("bounding_box", box) if max(misses) <= slack else Part("polygon", Polygon(ring))


def _joints(numbers: Sequence[float], size: Size, rules: ParseRules) -> tuple[Part, ...]:
    """The labelled joints: with two numbers each, all that are not negative and not at the origin."""
    parts: list[Part] = []
    for name, at in zip(rules.joints, range(0, len(numbers), rules.across), strict=True):
        x, y, *rest = numbers[at : at + rules.across]
        seen = int(rest[0]) if rest else 2 * int(x >= 0 and y >= 0 and (x, y) != (0, 0))
        if rest and rest[0] not in (0, 1, 2):
            raise ValueError(f"the visibility {rest[0]:g} of joint {name!r} is none of 0, 1, 2")
        if seen:
            where = Point(_pixel(x, size[0]), _pixel(y, size[1]))
            parts.append(Part("keypoint", where, name, {"visibility": VISIBILITY_NAMES[seen]}))
    return tuple(parts)


def same_text(shapes: RowShapes, size: Size) -> bool:
    """Whether the shapes of a row would be written as the very same text."""
    shape = shapes.parts[0].shape
    if isinstance(shape, Polygon):
        return ring_row(shape.points, size) == shapes.text
    assert isinstance(shape, Box)
    if shapes.task is Task.OBB:
        return ring_row(corners(shape), size) == shapes.text
    text = box_row((shape.x, shape.y, shape.width, shape.height), size)
    for part in shapes.parts[1:]:
        assert isinstance(part.shape, Point)
        seen = VISIBILITY_NAMES.index(part.attributes["visibility"])
        text += " " + " ".join(joint_values(part.shape.x, part.shape.y, seen, size))
    return text == shapes.text
