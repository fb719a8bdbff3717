"""Masks between forms: row-major runs (DM), column-major counts (COCO), compressed text (COCO).

Work is done on the edges of runs and never per pixel, so it needs no numeric package: a mask of 1920 x 1080 costs a few
milliseconds.

Sources: DM schema `pixel_indices`; COCO data format, "rle" segmentations (`size` is [height, width], `counts`
alternate background and foreground, starting with background, in column-major order).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import lru_cache
from itertools import accumulate, pairwise
from operator import sub

Runs = tuple[tuple[int, int], ...]


def runs_to_indices(runs: Iterable[tuple[int, int]]) -> list[int]:
    """Every index that the runs cover, in their order."""
    return [index for start, length in runs for index in range(start, start + length)]


def indices_to_runs(indices: Iterable[int]) -> Runs:
    """The fewest runs that cover the indices, in ascending order."""
    runs: list[list[int]] = []
    for index in sorted(indices):
        if runs and sum(runs[-1]) == index:
            runs[-1][1] += 1
        else:
            runs.append([index, 1])
    return tuple((start, length) for start, length in runs)


def runs_to_counts(runs: Iterable[tuple[int, int]], width: int, height: int) -> list[int]:
    """COCO counts of row-major runs. A mask without pixels gives [width * height]."""
    turns = _turned(line_edges(runs, width, height), height)
    if len(turns) == 0:
        return [width * height]
    ends = [*turns, width * height] if turns[-1] < width * height else turns
    return [turns[0], *(after - before for before, after in pairwise(ends))]


def counts_to_runs(counts: Sequence[int], width: int, height: int) -> Runs:
    """Row-major runs of COCO counts.

    Raises:
        ValueError: a count is negative, or the counts do not sum to width * height.
    """
    if any(count < 0 for count in counts):
        raise ValueError("counts must not be negative")
    if sum(counts) != width * height:
        raise ValueError(f"counts sum to {sum(counts)}, the mask has {width} x {height} = {width * height} pixels")
    ends = list(accumulate(counts))
    columns = ((end - count, count) for end, count in zip(ends[1::2], counts[1::2], strict=True) if count)
    turns = _turned(line_edges(columns, height, width), width)
    return tuple((start, end - start) for start, end in zip(turns[::2], turns[1::2], strict=True))


def line_edges(runs: Iterable[tuple[int, int]], length: int, lines: int) -> list[list[int]]:
    """Per line, where foreground begins and ends in turn, ascending; touching runs become one.

    runs: row-major for the edges of rows; a run may cover several lines. length: pixels of a line.
    """
    edges: list[list[int]] = [[] for _ in range(lines)]
    for start, count in sorted(runs):
        line, at = divmod(start, length)
        while count > 0:
            part = min(count, length - at)
            row = edges[line]
            if row and row[-1] == at:
                row[-1] = at + part
            else:
                row += (at, at + part)
            line, at, count = line + 1, 0, count - part
    return edges


def _turned(edges: Sequence[Sequence[int]], lines: int) -> list[int]:
    """Where foreground begins and ends in turn when the mask is read across the lines.

    Reading across, the colour turns wherever a pixel differs from the one in the line before; these places are ranges
    with a step, so nothing is done per pixel but sorting.
    """
    turns: list[int] = []
    before: Sequence[int] = ()
    for line, edge in enumerate((*edges, ())):
        if edge != before:
            changed = sorted({*before} ^ {*edge})
            for low, high in zip(changed[::2], changed[1::2], strict=True):
                turns.extend(range(low * lines + line, high * lines + line, lines))
        before = edge
    turns.sort()
    return _without_pairs(turns)


def _without_pairs(turns: list[int]) -> list[int]:
    """Foreground that reaches the end of one line and the begin of the next goes on: two turns there are none."""
    if all(before != after for before, after in pairwise(turns)):
        return turns
    kept: list[int] = []
    for turn in turns:
        if kept and kept[-1] == turn:
            kept.pop()
        else:
            kept.append(turn)
    return kept


def counts_to_text(counts: Sequence[int]) -> str:
    """COCO's compressed text of counts: from the third on the difference to the count two before, 5 bits a letter.

    Each letter is 48 + six bits: five of the value, lowest first, and one that says "more follows"; the sign is the
    highest bit of the last five.
    """
    head, tail = counts[:3], counts[3:]
    return "".join(map(_letters, (*head, *map(sub, tail, counts[1:]))))


@lru_cache(4096)
def _letters(value: int) -> str:
    letters: list[str] = []
    more = True
    while more:
        bits = value & 31
        value >>= 5
        more = value != (-1 if bits & 16 else 0)
        letters.append(chr(48 + (bits | 32 if more else bits)))
    return "".join(letters)


def text_to_counts(text: str) -> list[int]:
    """The inverse of `counts_to_text`. Raises ValueError on letters that cannot occur or an unfinished number."""
    counts: list[int] = []
    value = shift = 0
    for letter in text:
        code = ord(letter) - 48
        if not 0 <= code < 64:
            raise ValueError(f"{letter!r} does not occur in compressed counts")
        value |= (code & 31) << shift
        shift += 5
        if code & 32:
            continue
        if code & 16:
            value -= 1 << shift
        counts.append(value + counts[-2] if len(counts) > 2 else value)
        value = shift = 0
    if shift:
        raise ValueError("the compressed counts end inside a number")
    return counts


def mask_area(runs: Iterable[tuple[int, int]]) -> int:
    """Number of pixels."""
    return sum(length for _, length in runs)


def counts_box(counts: Sequence[int], height: int) -> tuple[int, int, int, int] | None:
    """(x, y, width, height) around the foreground of column-major counts, pixel edges; None without foreground."""
    left = top = right = bottom = -1
    at = 0
    for position, count in enumerate(counts):
        if position % 2 and count:
            first, last = divmod(at, height), divmod(at + count - 1, height)
            low, high = (first[1], last[1]) if first[0] == last[0] else (0, height - 1)
            left, right = (first[0] if left < 0 else left), last[0]
            top, bottom = (low if top < 0 else min(top, low)), max(bottom, high)
        at += count
    return None if left < 0 else (left, top, right - left + 1, bottom - top + 1)


def check_runs(runs: Sequence[tuple[int, int]], pixels: int | None) -> str:
    """Say what is wrong with row-major runs (negative, empty, overlapping, outside); "" when nothing is.

    pixels: width * height of the media, None when unknown.
    """
    end = 0
    for start, length in sorted(runs):
        if start < 0 or length <= 0:
            return f"run [{start}, {length}] is not a start from 0 and a length from 1"
        if start < end:
            return f"run [{start}, {length}] overlaps the one before"
        end = start + length
    if pixels is not None and end > pixels:
        return f"the mask reaches pixel {end - 1}, the media has {pixels}"
    return ""
