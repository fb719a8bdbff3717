"""Conversion alone: DM version 1 as text in, the files of COCO, YOLO and Pascal VOC out.

Beside it, on the same items in the same run: the official converter and datumaro, each in its own environment, and the
limit, which is to parse the same payloads and to write as many bytes into as many files. The others get fewer of the
items; what is compared is the processor time of one item, which other work on the machine disturbs least, with that of
one process of ours. The line of all processors tells what an export gains by them.

`python -m tests.benchmarks.conversion [ITEMS …]`
"""

from __future__ import annotations

import json
import os
import shutil
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from tests.benchmarks.measuring import measure
from tests.benchmarks.payloads import OBJECTS, write_payloads

ROOT = Path(__file__).parents[2]
FORMATS = ("coco", "yolo", "voc")
_CONVERTERS = "tests.benchmarks.converters"
_FEWER = {"official": 1_000, "other": 10_000}


@dataclass(frozen=True, slots=True)
class Cost:
    """What one program took. cpu, seconds: without its start. peak_mib: of its process."""

    items: int
    seconds: float
    cpu: float
    peak_mib: float

    @property
    def each_us(self) -> float:
        """Processor time of one item in microseconds."""
        return self.cpu / self.items * 1e6

    def __str__(self) -> str:
        rate = self.items / self.seconds
        each = f"{self.each_us:9,.0f} µs CPU an item"
        return f"{self.items:9,} items {self.seconds:8.2f} s {rate:8,.0f} items/s {each} {self.peak_mib:6.0f} MiB"


@dataclass(frozen=True, slots=True)
class Program:
    """A converter. python: the interpreter of its environment; make: what installs that. processes: ours alone."""

    label: str
    module: str
    python: Path
    make: str = ""
    processes: int = 1


PROCESSORS = os.cpu_count() or 1
OURS = Program("one process", "ours", Path(sys.executable))
SPREAD = Program(f"{PROCESSORS} processes", "ours", Path(sys.executable), processes=PROCESSORS)
OTHERS = (
    Program("official converter", "official", ROOT / ".venv-official/bin/python", "make official"),
    Program("datumaro", "other", ROOT / ".venv-peers/bin/python", "make peers"),
)


def _limit() -> Program:
    """With orjson, which the environment of the peers has."""
    peers = OTHERS[1].python
    return Program("limit", "limit", peers if peers.exists() else Path(sys.executable))


def run(items: int, kind: str = "drawn") -> None:
    """Compare all formats on so many items of one kind of payload."""
    counts = {"drawn": f"{items * OBJECTS:,} boxes and polygons", "masked": "one mask of 1920 x 1080 each"}
    print(f"\nconversion alone of {items:,} items, {counts[kind]}")
    with tempfile.TemporaryDirectory(prefix="reconciler-bench-") as name:
        folder = Path(name)
        write_payloads(folder / "payloads.jsonl", items, kind)
        for form in FORMATS:
            _compare(form, items, folder)


def _compare(form: str, items: int, folder: Path) -> None:
    ours, tree = _cost(OURS, form, items, folder)
    sizes = [(str(path.relative_to(tree)), path.stat().st_size) for path in tree.rglob("*") if path.is_file()]
    (folder / "sizes.json").write_text(json.dumps(sizes))
    shutil.rmtree(tree)
    print(f"  {form}: {len(sizes):,} files, {sum(size for _, size in sizes) / 1e6:,.1f} MB")
    print(f"    {OURS.label:20} {ours}")
    for program in (SPREAD, *OTHERS, _limit()):
        _show(program, form, min(items, _FEWER.get(program.module, items)), folder, ours)


def _show(program: Program, form: str, items: int, folder: Path, ours: Cost) -> None:
    if not program.python.exists():
        print(f"    {program.label:20} not measured: {program.make} installs it")
        return
    try:
        cost, tree = _cost(program, form, items, folder)
    except RuntimeError as error:
        print(f"    {program.label:20} failed: {str(error).splitlines()[-1]}")
        return
    shutil.rmtree(tree)
    times = cost.each_us / ours.each_us
    print(f"    {program.label:20} {cost}   {times:7.2f} × ours")


def _cost(program: Program, form: str, items: int, folder: Path) -> tuple[Cost, Path]:
    """Run a converter. Returns what it took and the folder that it filled. Raises RuntimeError when it failed."""
    tree = folder / f"{form}-{program.module}"
    shutil.rmtree(tree, ignore_errors=True)
    tree.mkdir()
    command = [str(program.python), "-m", f"{_CONVERTERS}.{program.module}"]
    path = os.environ.get("PYTHONPATH")
    os.environ["PYTHONPATH"] = str(ROOT)
    try:
        figure = measure(
            [*command, form, "payloads.jsonl", str(tree), str(items), "sizes.json", str(program.processes)], folder
        )
    finally:
        os.environ.pop("PYTHONPATH") if path is None else os.environ.update(PYTHONPATH=path)
    row = json.loads(next(line for line in reversed(figure.output.splitlines()) if line.startswith("{")))
    return Cost(row["items"], row["seconds"], row["cpu"], figure.peak_mib), tree


def main() -> None:
    """Growing numbers of items, so that growing memory would show; then masks."""
    for items in [int(text) for text in sys.argv[1:]] or (10_000, 100_000):
        run(items)
    run(100, "masked")


if __name__ == "__main__":
    main()
