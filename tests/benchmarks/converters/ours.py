"""Our writers alone: payloads as text in, the files of an export out, fragments in their cache on the disk.

No backend, no plan, no state and no staging. The last argument says in how many processes, as an export would on a
machine with so many processors; 1 is this one alone.
"""

from __future__ import annotations

import sys
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from itertools import islice
from pathlib import Path

from reconciler.errors import ReconcilerError
from reconciler.execution.base import Executor, Task
from reconciler.execution.local import LocalExecutor
from reconciler.execution.processes import ProcessExecutor
from reconciler.formats import yolo_options
from reconciler.formats.coco_write import CocoWriter
from reconciler.formats.conversion import Conversion, UnreadItem
from reconciler.formats.items import ExportItem, Fragment, ItemOutput, MediaFile, Writer
from reconciler.formats.voc_write import VocWriter
from reconciler.formats.yolo_write import YoloOptions, YoloWriter
from reconciler.model.address import Address
from reconciler.state.fragments import FragmentCache, StoredFragment
from tests.benchmarks.converters.timing import run

_PART = 64
_EXPORT = Address("Export", "bench")


def writer(name: str) -> Writer:
    """The writer of a format: polygons in YOLO, since the official converter is asked for these."""
    if name == "coco":
        return CocoWriter()
    return VocWriter() if name == "voc" else YoloWriter(YoloOptions(task=yolo_options.Task.SEGMENT))


def convert(name: str, lines: Iterator[str], folder: Path) -> int:
    """Convert all lines."""
    made, done, folders, processes = writer(name), 0, set[Path](), int(sys.argv[-1])
    executor = ProcessExecutor(processes) if processes > 1 else LocalExecutor(1)
    with FragmentCache(folder.with_name(f"{folder.name}.db")) as cache, closing(executor):
        for part, outputs in _converted(Conversion(made), _parts(_items(lines)), executor):
            for output in outputs:
                for path, content in output.files.items():
                    _write(folder / path, (content,), folders)
            rows = zip(part, outputs, strict=True)
            cache.save_fragments(_EXPORT, (StoredFragment(i.item.key, "", None, o.fragment) for i, o in rows))
            done += len(part)
        for file in made.assemble(lambda: (Fragment(*row) for row in cache.fragments(_EXPORT))):
            _write(folder / file.path, file.chunks, folders)
    return done


def _converted(
    conversion: Conversion, parts: Iterable[Sequence[UnreadItem]], executor: Executor
) -> Iterator[tuple[Sequence[UnreadItem], Sequence[ItemOutput]]]:
    """Parts and their outputs; the next ones are converted meanwhile."""
    waiting: deque[tuple[Sequence[UnreadItem], Task[list[ItemOutput | ReconcilerError]]]] = deque()
    for part in parts:
        waiting.append((part, executor.submit(conversion, part)))
        if len(waiting) > executor.workers:
            yield _outputs(*waiting.popleft())
    while waiting:
        yield _outputs(*waiting.popleft())


def _outputs(
    part: Sequence[UnreadItem], task: Task[list[ItemOutput | ReconcilerError]]
) -> tuple[Sequence[UnreadItem], Sequence[ItemOutput]]:
    found = task.result()
    return part, [output for output in found if isinstance(output, ItemOutput)]


def _items(lines: Iterable[str]) -> Iterator[UnreadItem]:
    for number, line in enumerate(lines):
        key = f"item_{number:06}"
        media = {"image_1": MediaFile(f"{key}.jpg", 30_000, is_primary=True)}
        yield UnreadItem(ExportItem(key, str(number), None, media), line)


def _parts(items: Iterator[UnreadItem]) -> Iterator[Sequence[UnreadItem]]:
    while part := list(islice(items, _PART)):
        yield part


def _write(path: Path, chunks: Iterable[bytes], folders: set[Path]) -> None:
    if path.parent not in folders:
        path.parent.mkdir(parents=True, exist_ok=True)
        folders.add(path.parent)
    with path.open("wb") as out:
        for chunk in chunks:
            out.write(chunk)


if __name__ == "__main__":
    run(convert)
