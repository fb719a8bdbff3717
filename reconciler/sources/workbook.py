"""Reads XLSX, XLS, XLSB and ODS workbooks with calamine; refuses protected, broken and hostile ones.

calamine gives values only: of a formula the result that was saved with it, of a cell that shows an error nothing, of
merged cells the value in the first one. It runs in a process of its own with bounded memory, since a few kilobytes of
any of these formats can ask for gigabytes, and nothing of such a file shall end the run.
"""

from __future__ import annotations

import importlib.util
import json
import pickle
import signal
import subprocess
import sys
import tempfile
import weakref
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from reconciler.errors import MissingExtra
from reconciler.model.resource import TableLimits
from reconciler.sources.cells import Cell
from reconciler.sources.table_refused import TableRefused, check_columns
from reconciler.sources.workbook_package import PackageNotes, PartNotes, check_package
from reconciler.sources.workbook_reading import OUT_OF_MEMORY

MAX_FILE_BYTES = 100 * 1024 * 1024
MAX_MEMORY_BYTES = 2 * 1024 * 1024 * 1024
_CPU_SECONDS = 300
_READING = Path(__file__).with_name("workbook_reading.py")
# An encrypted XLSX is an OLE container with a stream of this name (MS-OFFCRYPTO 2.3.4).
_OLE, _ENCRYPTED = bytes.fromhex("d0cf11e0a1b11ae1"), "EncryptedPackage".encode("utf-16-le")
_PROTECTED = ("The workbook is protected with a password.", "save it without a password")
_AGAIN = "open and save it again as XLSX"

__all__ = ["Sheet", "TableRefused", "cell_name", "read_sheet"]


@dataclass(frozen=True, slots=True, weakref_slot=True)
class Sheet:
    """One sheet. merged: ranges as ((top, left), (bottom, right)), from 0. notes: cells that are read as empty."""

    name: str
    merged: tuple[tuple[tuple[int, int], tuple[int, int]], ...]
    notes: PartNotes
    _rows: IO[bytes]

    def rows(self) -> Iterator[tuple[int, list[Cell]]]:
        """Yield (row number from 1, cells) for every row, blank ones included; can be called once."""
        number = 0
        with self._rows:
            while batch := pickle.load(self._rows):
                yield from enumerate(batch, number + 1)
                number += len(batch)


def read_sheet(content: bytes, sheet: int | str, limits: TableLimits | None = None) -> Sheet:
    """Read one sheet, by number from 1 or by name.

    Raises:
        MissingExtra: the package that reads workbooks is not installed.
        TableRefused: protected with a password, not a workbook, too large, or without such a sheet.
    """
    if importlib.util.find_spec("python_calamine") is None:
        raise MissingExtra("reading Excel and ODS workbooks", "excel")
    limits = limits or TableLimits()
    notes = _check(content, limits)
    rows = tempfile.TemporaryFile()  # noqa: SIM115 - it lives as long as the sheet
    try:
        _run(content, notes.suffix, sheet, limits, rows)
        about = _described(pickle.load(rows), sheet)
        check_columns(about["width"], limits, "The sheet", "delete stray cells beside the data")
    except BaseException:
        rows.close()
        raise
    found = Sheet(about["name"], about["merged"], notes.of(about["number"]), rows)
    weakref.finalize(found, rows.close)
    return found


def _check(content: bytes, limits: TableLimits) -> PackageNotes:
    most = limits.max_file_bytes or MAX_FILE_BYTES
    if len(content) > most:
        fix = "keep only the columns that are needed, save it as CSV, or raise table.limits.maxFileSize"
        raise TableRefused(f"It has {len(content):,} bytes; at most {most:,} are read.", fix)
    if content.startswith(_OLE) and _ENCRYPTED in content:
        raise TableRefused(*_PROTECTED)
    return check_package(content, _memory(limits)) if content.startswith(b"PK") else PackageNotes(".xls")


def _memory(limits: TableLimits) -> int:
    return limits.max_memory_bytes or MAX_MEMORY_BYTES


def _run(content: bytes, suffix: str, sheet: int | str, limits: TableLimits, rows: IO[bytes]) -> None:
    """Have the sheet written to `rows` by a process of its own."""
    memory = _memory(limits)
    with tempfile.NamedTemporaryFile(prefix="reconciler-", suffix=suffix) as file:
        file.write(content)
        file.flush()
        order = {"file": file.name, "sheet": sheet, "memory_bytes": memory, "cpu_s": _CPU_SECONDS, "disk_bytes": memory}
        command = [sys.executable, "-P", str(_READING), json.dumps(order)]
        done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=rows, stderr=subprocess.PIPE, check=False)
    rows.seek(0)
    if done.returncode:
        raise TableRefused(*_failure(done, memory))


def _failure(done: subprocess.CompletedProcess[bytes], memory: int) -> tuple[str, str]:
    """Why there are no rows. The reader aborts when it gets no memory; Python says File too large for the disk."""
    last = (done.stderr.decode("utf-8", "replace").strip().splitlines() or [""])[-1]
    if done.returncode == -signal.SIGXCPU:
        return f"Reading it takes more than {_CPU_SECONDS} seconds.", "check where it comes from; save the data as CSV"
    if done.returncode in (OUT_OF_MEMORY, -signal.SIGABRT, -signal.SIGKILL) or "too large" in last:
        fix = "check where it comes from; save the data as CSV, or raise table.limits.maxMemory"
        return f"Reading it takes more than {memory:,} bytes of memory.", fix
    return f"It cannot be read as a workbook: {last[:200]}.", _AGAIN


def _described(answer: dict[str, Any], wanted: int | str) -> dict[str, Any]:
    if "protected" in answer:
        raise TableRefused(*_PROTECTED)
    if "broken" in answer:
        raise TableRefused(f"It cannot be read as a workbook: {answer['broken']}.", _AGAIN)
    if "sheets" in answer:
        have = ", ".join(f"{number} {name!r}" for number, name in enumerate(answer["sheets"], 1)) or "none"
        raise TableRefused(f"It has no sheet {wanted!r}; its sheets are {have}.", "set table.sheet to one of them")
    return answer


def cell_name(row: int, column: int) -> str:
    """Name a cell as spreadsheets do. row, column: from 0."""
    letters, rest = "", column + 1
    while rest:
        rest, digit = divmod(rest - 1, 26)
        letters = chr(65 + digit) + letters
    return f"{letters}{row + 1}"
