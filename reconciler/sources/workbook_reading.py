"""Reads one sheet of a workbook in a process of its own, which may take so much memory, time and disk and no more.

Run as a script by its path, and imports nothing of the package, so that it starts at once. On standard output, a
file, go pickles: one about the sheet or why there is none, rows in batches, and None at the end.
"""

from __future__ import annotations

import json
import pickle
import sys
from collections.abc import Iterator
from typing import Any

OUT_OF_MEMORY = 77
_CELLS_PER_BATCH = 50_000


def main() -> None:
    """The only argument is JSON: `file`, `sheet`, and the limits `memory_bytes`, `cpu_s` and `disk_bytes`."""
    order = json.loads(sys.argv[1])
    _limit(order)
    output = sys.stdout.buffer
    try:
        for item in _answer(order["file"], order["sheet"]):
            pickle.dump(item, output, pickle.HIGHEST_PROTOCOL)
        output.flush()
    except MemoryError:
        sys.exit(OUT_OF_MEMORY)


def _limit(order: dict[str, Any]) -> None:
    try:
        import resource
    except ImportError:  # Windows: only the checks before the reading bound it
        return
    limits = {
        resource.RLIMIT_AS: order["memory_bytes"],
        resource.RLIMIT_CPU: order["cpu_s"],
        resource.RLIMIT_FSIZE: order["disk_bytes"],
        resource.RLIMIT_CORE: 0,
    }
    for kind, wanted in limits.items():
        hard = resource.getrlimit(kind)[1]
        resource.setrlimit(kind, (wanted if hard == resource.RLIM_INFINITY else min(wanted, hard), hard))


def _answer(file: str, wanted: int | str) -> Iterator[Any]:
    import python_calamine

    try:
        book = python_calamine.load_workbook(file)
        names = list(book.sheet_names)
        number = _choose(names, wanted)
        sheet = None if number is None else book.get_sheet_by_index(number)
    except python_calamine.PasswordError:
        yield {"protected": True}
    except (python_calamine.CalamineError, OSError, ValueError) as error:
        yield {"broken": str(error)}
    else:
        if sheet is None:
            yield {"sheets": names}
            return
        width = sheet.end[1] + 1 if sheet.end else 0
        yield {"name": sheet.name, "number": number, "width": width, "merged": tuple(sheet.merged_cell_ranges or ())}
        yield from _batches(sheet, width)


def _choose(names: list[str], wanted: int | str) -> int | None:
    if isinstance(wanted, str):
        return names.index(wanted) if wanted in names else None
    return wanted - 1 if 1 <= wanted <= len(names) else None


def _batches(sheet: Any, width: int) -> Iterator[Any]:
    """Rows from the first of the sheet, each from its first column; calamine leaves out empty columns at the left."""
    size = max(1, _CELLS_PER_BATCH // max(1, width))
    left = [""] * (sheet.start[1] if sheet.start else 0)
    batch: list[list[Any]] = []
    for row in sheet.iter_rows():
        batch.append(left + row)
        if len(batch) == size:
            yield batch
            batch = []
    yield batch
    yield None


if __name__ == "__main__":
    main()
