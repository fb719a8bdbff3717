"""Manifests as the official Sage client reads them, cell by cell and file by file."""

from __future__ import annotations

import json
import os
import random
import subprocess
from datetime import UTC
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from reconciler.formats.manifest_cells import Dialect, Wire, parse_cell, wire_form
from reconciler.formats.manifest_columns import infer_column
from reconciler.formats.manifest_writing import write_column
from reconciler.sources.manifest import ManifestReading, read_local_manifest
from reconciler.sources.manifest_row import ManifestOptions, ManifestRow
from reconciler.sources.manifest_write import manifest_text
from tests.official.conftest import ROOT
from tests.support.manifests import TRICKY, wires

_DATA = ROOT / "tests" / "data" / "sage_manifests"
NUMBERS = (
    "", "7", "007", "-3", "+4", "3.5", "1e5", "2E-3", "1e400", ".5", "5.", "9223372036854775807", "9223372036854775808",
    "18446744073709551615", "18446744073709551616", "-9223372036854775808", "-9223372036854775809", "9" * 30, "true",
    "TRUE", "false", "Infinity", "-inf", "0.30000000000000004", "1.7976931348623157e308", " 7 ", "12345678.9e-3",
)  # fmt: skip


def _ask(python: Path, cwd: Path, zone: str = "UTC", **given: Any) -> dict[str, Any]:
    program = str(Path(__file__).with_name("manifest_session.py"))
    environment = {"TZ": zone, "HOME": str(cwd), "PATH": os.defpath}
    request = json.dumps({"columns": [], "manifests": [], **given})
    done = subprocess.run(
        [python, program], input=request, capture_output=True, text=True, env=environment, cwd=cwd, check=False
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return json.loads(done.stdout)


def _json(wire: Wire | None) -> dict[str, Any] | None:
    return None if wire is None else {"type": wire.type, "value": list(wire.values)}


def _read(cells: list[str], dialect: Dialect) -> list[dict[str, Any]]:
    found = []
    for value in infer_column(cells):
        if value is None or value == "":
            found.append({})
        else:
            parsed = parse_cell(value, dialect) if isinstance(value, str) else value
            found.append({"k": _json(wire_form(parsed, UTC))})
    return found


def _columns() -> list[list[str]]:
    """Columns of one to five cells; nothing that the client itself fails on."""
    chance = random.Random(20260101)
    pool = [text for text in (*TRICKY, *NUMBERS) if text.isprintable() and not text.startswith('"')]
    single = [[text] for text in pool if text]
    several = [[chance.choice(pool) for _ in range(chance.randint(1, 5))] for _ in range(1500)]
    numbers = [[repr(chance.uniform(-1, 1) * 10 ** chance.randint(-20, 20)) for _ in range(2)] for _ in range(500)]
    return [cells for cells in (*single, *several, *numbers) if any(cells)]


def test_cells_are_read_as_the_official_readers_read_them(sage_python: Path, tmp_path: Path) -> None:
    columns = _columns()
    answers = _ask(sage_python, tmp_path, columns=columns)["columns"]
    for cells, answer in zip(columns, answers, strict=True):
        for dialect in Dialect:
            assert _read(cells, dialect) == answer[dialect], (cells, dialect)


def test_written_cells_survive_the_official_readers(sage_python: Path, tmp_path: Path) -> None:
    values: list[list[Wire | str | None]] = []

    @settings(max_examples=500, phases=[Phase.generate], suppress_health_check=list(HealthCheck), database=None)
    @given(st.lists(st.one_of(wires(), st.none(), st.just("")), min_size=1, max_size=4))
    def collect(column: list[Wire | str | None]) -> None:
        values.append(column)

    collect()
    columns = [write_column(column, 2) for column in values]
    kept = [(column, cells) for column, cells in zip(values, columns, strict=True) if any(cells)]
    answers = _ask(sage_python, tmp_path, "Asia/Seoul", columns=[cells for _, cells in kept])["columns"]
    for (column, cells), answer in zip(kept, answers, strict=True):
        wanted = [{} if isinstance(value, str) else {"k": _json(value)} for value in column]
        assert answer == {"tsv": wanted, "csv": wanted}, cells


def _placed(name: str, folder: Path) -> Path:
    """A copy of a real manifest whose local paths are files that are there."""
    lines = (_DATA / name).read_text().splitlines()
    for number, line in enumerate(lines[1:], 1):
        path, tab, rest = line.partition("\t")
        file = folder / "files" / path.strip("/")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("x")
        lines[number] = f"{file}{tab}{rest}"
    target = folder / name
    target.write_text("\n".join(lines) + "\n")
    return target


def _plain(reading: ManifestReading) -> list[dict[str, Any]]:
    rows = [
        {
            "path": row.path,
            "parent": row.parent,
            "name": row.name,
            "store": row.store,
            "used": [link.text for link in row.used],
            "executed": [link.text for link in row.executed],
            "annotations": {key: _json(wire) for key, wire in row.annotations.items()},
        }
        for row in reading.rows
    ]
    return sorted(rows, key=lambda row: row["path"])


@pytest.mark.parametrize("name", ["synapse-demo_manifest.tsv", "dccvalidator_test_manifest.txt"])
def test_real_manifest_is_read_as_the_official_reader_reads_it(sage_python: Path, tmp_path: Path, name: str) -> None:
    path = _placed(name, tmp_path)
    reading = read_local_manifest(path, ManifestOptions(strict=False, base=tmp_path))
    answer = _ask(sage_python, tmp_path, manifests=[[str(path), "tsv"]])["manifests"][0]
    assert not reading.has_errors
    assert _plain(reading) == answer


@pytest.mark.parametrize("dialect", Dialect)
def test_written_manifest_survives_the_official_reader(sage_python: Path, tmp_path: Path, dialect: Dialect) -> None:
    texts = [text for text in TRICKY if text.strip()]
    rows = []
    for number, text in enumerate(texts):
        file = tmp_path / f"f{number}.txt"
        file.write_text("x")
        value = wire_form(["ü", text], UTC) if number % 2 else wire_form([text + "x"], UTC)
        rows.append(ManifestRow(0, str(file), "syn1", file.name, annotations={"k": value}))
    path = tmp_path / f"m.{dialect}"
    path.write_text(manifest_text(rows, dialect, path.name))
    answer = _ask(sage_python, tmp_path, "Asia/Seoul", manifests=[[str(path), dialect]])["manifests"][0]
    assert {row["name"]: row["annotations"]["k"] for row in answer} == {
        row.name: _json(row.annotations["k"]) for row in rows
    }
