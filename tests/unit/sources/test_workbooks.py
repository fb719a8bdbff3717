"""Published workbooks, each cell of every sheet: golden, and compared with what another reader finds.

RECONCILER_REWRITE_GOLDENS=1 writes the golden files again; review the difference.
"""

from __future__ import annotations

import datetime
import io
import json
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from reconciler.sources.cells import is_empty, plain
from reconciler.sources.workbook import Sheet, TableRefused, cell_name, read_sheet
from tests.support.golden import assert_golden

_BOOKS = Path(__file__).parents[2] / "data" / "excel"
_REFUSED = {"calamine/pass_protected.xlsx": "The workbook is protected with a password."}
_FOUND = sorted(str(path.relative_to(_BOOKS)) for path in _BOOKS.glob("*/*"))
_READ = [name for name in _FOUND if name not in _REFUSED]

# The only one in which the other reader differs: it gives the text of an error, we give nothing and name the cell.
_WITH_ERRORS = "calamine/errors.xlsx"


def _sheets(name: str) -> Iterator[Sheet]:
    content = (_BOOKS / name).read_bytes()
    number = 1
    while True:
        try:
            yield read_sheet(content, number)
        except TableRefused as refused:
            assert f"It has no sheet {number}" in refused.reason  # noqa: PT017 - the end of the sheets
            return
        number += 1


def _cells(sheet: Sheet) -> dict[str, Any]:
    """Name of a cell → what is in it, without the empty ones."""
    rows = sheet.rows()
    return {cell_name(n - 1, i): c for n, cells in rows for i, c in enumerate(cells) if not is_empty(c)}


def _described(number: int, sheet: Sheet) -> Iterator[str]:
    yield f"sheet {number} {json.dumps(sheet.name, ensure_ascii=False)}"
    for (top, left), (bottom, right) in sheet.merged:
        yield f"merged {cell_name(top, left)}:{cell_name(bottom, right)}"
    yield from (f"error {cell}" for cell in sheet.notes.errors)
    yield from (f"not calculated {cell}" for cell in sheet.notes.uncalculated)
    for name, cell in _cells(sheet).items():
        yield f"{name} {type(cell).__name__} {json.dumps(plain(cell), ensure_ascii=False)}"


def test_all_published_workbooks_are_here() -> None:
    assert len(_FOUND) == 36


@pytest.mark.parametrize("name", _READ)
def test_published_workbook_gives_its_golden_cells(name: str) -> None:
    lines = [line for number, sheet in enumerate(_sheets(name), 1) for line in _described(number, sheet)]
    assert_golden(f"workbooks/{name.replace('/', '_')}.txt", "\n".join(lines))


def test_golden_folder_of_workbooks_holds_nothing_else() -> None:
    folder = Path(__file__).parents[2] / "golden" / "workbooks"
    assert {path.name for path in folder.iterdir()} == {f"{name.replace('/', '_')}.txt" for name in _READ}


@pytest.mark.parametrize(("name", "reason"), _REFUSED.items())
def test_published_workbook_that_cannot_be_read_is_refused_with_its_reason(name: str, reason: str) -> None:
    with pytest.raises(TableRefused) as caught:
        read_sheet((_BOOKS / name).read_bytes(), 1)
    assert caught.value.reason == reason


def _other_book(name: str) -> Any:
    """The same workbook as openpyxl has it; its normal mode stumbles over drawings that are not there."""
    content = (_BOOKS / name).read_bytes()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # extensions that it does not know
            return openpyxl.load_workbook(io.BytesIO(content), data_only=True)
    except KeyError:
        book = openpyxl.load_workbook(io.BytesIO(content), data_only=True, read_only=True)
        for sheet in book.worksheets:
            sheet.reset_dimensions()
        return book


def _other_cells(sheet: Any) -> dict[str, Any]:
    if not hasattr(sheet, "iter_rows"):
        return {}
    rows = enumerate(sheet.iter_rows(values_only=True))
    return {cell_name(n, i): _same(c) for n, cells in rows for i, c in enumerate(cells) if not is_empty(c)}


def _same(cell: Any) -> Any:
    """One value for what both readers may write in two ways: dates are times at midnight."""
    if isinstance(cell, datetime.date) and not isinstance(cell, datetime.datetime):
        return datetime.datetime.combine(cell, datetime.time(0))
    return cell


@pytest.mark.parametrize("name", [name for name in _READ if name.endswith(".xlsx")])
def test_published_workbook_has_the_cells_that_another_reader_finds(name: str) -> None:
    book = _other_book(name)
    ours = {sheet.name: {cell: _same(value) for cell, value in _cells(sheet).items()} for sheet in _sheets(name)}
    theirs = {title: _other_cells(book[title]) for title in book.sheetnames}
    book.close()
    if name == _WITH_ERRORS:
        shown = {cell for cell, value in theirs["Feuil1"].items() if str(value).startswith("#")}
        assert shown == set(next(_sheets(name)).notes.errors)
        theirs["Feuil1"] = {n: c for n, c in theirs["Feuil1"].items() if n not in shown}
    assert ours == theirs
