"""Unit metadata of 100,000 units: validated beside `jsonschema` alone, read from every format, and made into units.

Run: `python -m tests.benchmarks.metadata`. Each figure is a process of its own; the same metadata and schema for all.
"""

from __future__ import annotations

import csv
import json
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.benchmarks.measuring import Figure, measure

UNITS = 100_000
_SCHEMA = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "type": "object",
    "required": ["patient_id", "age", "site"],
    "properties": {
        "patient_id": {"type": "string", "pattern": "^P[0-9]+$"},
        "age": {"type": "integer", "minimum": 0, "maximum": 120},
        "sex": {"enum": ["f", "m", "x"]},
        "site": {"type": "string", "minLength": 1},
        "dose": {"type": "number", "minimum": 0},
        "contrast": {"type": "boolean"},
        "visited": {"type": "string"},
        "tags": {"type": "array", "items": {"type": "string"}},
    },
    "additionalProperties": False,
}
_COLUMNS = tuple(_SCHEMA["properties"])[:-1]  # type: ignore[call-overload]
_LOAD = """
import json, sys, time
schema = json.load(open("schema.json"))
metas = [json.loads(line) for line in open(sys.argv[1])]
"""
_TELL = """
print(f"{len(metas) / (time.perf_counter() - start):.0f} {found}")
"""
_NOTHING = _LOAD + "start, found = time.perf_counter() - 1, 0" + _TELL
_OURS = (
    _LOAD
    + """
from reconciler.sources.schema import MetaValidator
start = time.perf_counter()
validator = MetaValidator(schema, "AssetSet/a")
found = sum(len(list(validator.violations(meta))) for meta in metas if not validator.is_valid(meta))
"""
    + _TELL
)
_JSONSCHEMA = (
    _LOAD
    + """
from jsonschema import Draft202012Validator
start = time.perf_counter()
validator = Draft202012Validator(schema)
found = sum(len(list(validator.iter_errors(meta))) for meta in metas)
"""
    + _TELL
)
_TABLE = """
import sys, time
from pathlib import Path
from reconciler.errors import Location
from reconciler.model.address import Address
from reconciler.model.resource import Head, MetadataSource, TableMetadata
from reconciler.sources import read_metadata
head = Head(Address("MetadataSource", "m"), Location("m.yaml"), Path.cwd(), "local")
kinds = {"age": "integer", "dose": "number", "contrast": "boolean"}
table = read_metadata(MetadataSource(head, TableMetadata(sys.argv[1], "unit")), kinds)
print(sum(1 for row in table.rows if row.key and len(row.values) == 7), len(table.problems))
"""
_WORKSPACE = """
apiVersion: reconciler.dev/v1
kind: Collection
metadata: {name: scans}
spec:
  fileSpecifications: [{name: image_1, type: image, extensions: [.png], required: true, primary: true}]
  unitMetaSchema: {file: schema.json}
---
apiVersion: reconciler.dev/v1
kind: MetadataSource
metadata: {name: patients}
spec: {table: {url: metas.csv, key: unit}}
---
apiVersion: reconciler.dev/v1
kind: AssetSet
metadata: {name: all}
spec: {collection: scans, source: {url: data}METADATA}
"""


def main() -> None:
    """Print rates, ratios, seconds and peak memory."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        # Not here: a process counts the peak of the one that started it as its own.
        subprocess.run([sys.executable, "-m", "tests.benchmarks.metadata", name], check=True)
        _validation(folder)
        _tables(folder)
        _plans(folder)


def _validation(folder: Path) -> None:
    print(f"\nvalidation of the metadata of {UNITS:,} units")
    for file, what in (("metas.jsonl", "all valid"), ("faulty.jsonl", "1 % with two violations")):
        bare = measure([sys.executable, "-c", _NOTHING, file], folder)
        ours = measure([sys.executable, "-c", _OURS, file], folder)
        peer = measure([sys.executable, "-c", _JSONSCHEMA, file], folder)
        (rate, found), (peer_rate, peer_found) = _answer(ours), _answer(peer)
        if found != peer_found:
            raise RuntimeError(f"{found} violations here, {peer_found} by jsonschema")
        print(f"  {what}, {found:,} violations; the metadata alone takes {bare.peak_mib:.0f} MiB")
        for who, figure, each in (("ours", ours, rate), ("jsonschema", peer, peer_rate)):
            more = figure.peak_mib - bare.peak_mib
            print(f"    {who:10} {each:>10,} units/s  {UNITS / each:7.2f} s  {more:+5.0f} MiB")
        print(f"    ratio      {rate / peer_rate:10.1f} ×")


def _answer(figure: Figure) -> tuple[int, int]:
    rate, found = figure.output.split()
    return int(rate), int(found)


def _tables(folder: Path) -> None:
    print(f"\na metadata table of {UNITS:,} rows and {len(_COLUMNS) + 1} columns, read and typed")
    for file in ("metas.csv", "units.jsonl", "metas.xlsx"):
        figure = measure([sys.executable, "-c", _TABLE, file], folder)
        if figure.output.split() != [str(UNITS), "0"]:
            raise RuntimeError(f"{file}: {figure.output}")
        print(f"  {file.rpartition('.')[2]:10} {figure}   {figure.seconds / UNITS * 1e6:6.1f} µs a row")


def _plans(folder: Path) -> None:
    """A plan of units of one file each, without metadata, and with a table and the schema."""
    print(f"\nplan of {UNITS:,} units of one file")
    seconds = {}
    for what, metadata in (("without metadata", ""), ("with a table and the schema", ", metadata: [patients]")):
        text = _WORKSPACE.replace("METADATA", metadata)
        (folder / "main.yaml").write_text(
            text if metadata else text.replace("  unitMetaSchema: {file: schema.json}\n", "")
        )
        figure = measure([sys.executable, "-c", "from reconciler.cli.main import run; run()", "plan"], folder)
        seconds[what] = figure.seconds
        print(f"  {what:27} {figure}   {figure.seconds / UNITS * 1e6:6.1f} µs a unit")
    without, within = seconds.values()
    print(f"  metadata costs {(within - without) / UNITS * 1e6:.1f} µs a unit, {within / without:.2f} ×")


# -- what is measured


def make(folder: Path) -> None:
    """Write the metadata in every form, the schema, and the files of the units."""
    (folder / "schema.json").write_text(json.dumps(_SCHEMA))
    metas = [_meta(number) for number in range(UNITS)]
    _write_lines(folder / "metas.jsonl", [{**meta, "tags": ["a", "b"]} for meta in metas])
    _write_lines(folder / "faulty.jsonl", [_faulty(number, meta) for number, meta in enumerate(metas)])
    named = [{"unit": f"u{number:06}", **meta} for number, meta in enumerate(metas)]
    _write_lines(folder / "units.jsonl", named)
    with (folder / "metas.csv").open("w", newline="") as stream:
        writer = csv.DictWriter(stream, ["unit", *_COLUMNS])
        writer.writeheader()
        writer.writerows({name: _cell(value) for name, value in row.items()} for row in named)
    _write_workbook(folder / "metas.xlsx", named)
    (folder / "data").mkdir()
    for number in range(UNITS):
        (folder / "data" / f"u{number:06}.png").write_bytes(number.to_bytes(8, "big"))


def _meta(number: int) -> dict[str, object]:
    day = f"2024-{number % 12 + 1:02}-{number % 28 + 1:02}"
    values = (
        f"P{number}",
        number % 100,
        "fmx"[number % 3],
        f"site {number % 7}",
        number % 40 / 4 + 0.1,
        number % 2 > 0,
    )
    return dict(zip(_COLUMNS, (*values, day), strict=True))


def _faulty(number: int, meta: dict[str, object]) -> dict[str, object]:
    return {**meta, "age": -1, "sex": "?"} if number % 100 == 0 else meta


def _cell(value: object) -> object:
    return str(value).lower() if isinstance(value, bool) else value


def _write_lines(path: Path, records: list[dict[str, object]]) -> None:
    path.write_text("".join(json.dumps(record) + "\n" for record in records))


def _write_workbook(path: Path, records: list[dict[str, object]]) -> None:
    from openpyxl import Workbook

    book = Workbook(write_only=True)
    sheet = book.create_sheet("metas")
    sheet.append(["unit", *_COLUMNS])
    for record in records:
        sheet.append(list(record.values()))
    book.save(path)


if __name__ == "__main__":
    make(Path(sys.argv[1])) if len(sys.argv) > 1 else main()
