"""Manifests of units in every format: the units that they name, with their files and metadata."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from reconciler.errors import SourceError
from reconciler.model.resource import FileSpecification, ManifestFile, SourceLocation
from reconciler.sources.location import Place
from reconciler.sources.manifest_row import Paths
from reconciler.sources.manifest_units import UnitManifest
from reconciler.sources.workbook import MAX_FILE_BYTES

_DATA = Path(__file__).parents[2] / "data" / "sage_manifests"
_ROWS = [["unit", "specification", "path", "age"], ["u1", "image_1", "in/b.png", 31], ["u1", None, "in/a.json", None]]
_LINES = (
    '{"unit": "u1", "specification": "image_1", "path": "in/b.png", "age": 31}\n\n'
    '{"path": "in/a.json", "unit": "u1", "specification": null}\n'
)
_EXPECTED = {"u1": {"image_1": ["in/b.png"], "label_1": ["in/a.json"]}}
_FRAMES = FileSpecification("frame_1", "image", (".png",), required=True, sequential=True)


def _assemble(ws: Any, manifest: ManifestFile, folder: str = ".", **options: Any) -> Any:
    return ws.assemble(manifest=manifest, sources=(SourceLocation(folder), SourceLocation("/")), **options)


def _workbook(path: Path, *sheets: tuple[str, list[list[Any]]]) -> None:
    from openpyxl import Workbook

    book = Workbook()
    book.remove(book.active)
    for name, rows in sheets:
        sheet = book.create_sheet(name)
        for row in rows:
            sheet.append(row)
    book.save(path)


@pytest.fixture
def files(ws: Any) -> Any:
    """Two files of one unit, whose names say nothing of it."""
    ws.write_all("in/a.json", "in/b.png")
    return ws


@pytest.mark.parametrize("name", ["m.jsonl", "m.ndjson"])
def test_json_lines_name_units_whatever_the_order_of_members(files: Any, name: str) -> None:
    files.write(name, _LINES)
    assembly = _assemble(files, ManifestFile(name))
    assert files.files(assembly) == _EXPECTED
    assert [dict(unit.meta) for unit in assembly.units()] == [{"age": 31}]


def test_sheet_of_a_workbook_names_units(files: Any) -> None:
    _workbook(files.root / "m.xlsx", ("notes", [["nothing here"]]), ("files", _ROWS))
    assembly = _assemble(files, ManifestFile("m.xlsx", sheet="files"))
    assert files.files(assembly) == _EXPECTED
    assert [dict(unit.meta) for unit in assembly.units()] == [{"age": 31}]


def test_manifest_on_a_remote_store_names_files_below_its_folder(files: Any) -> None:
    import fsspec

    files.write("m.jsonl", _LINES)
    store = fsspec.filesystem("memory")
    store.put(str(files.root / "in"), "/manifests/in", recursive=True)
    store.put(str(files.root / "m.jsonl"), "/manifests/m.jsonl")
    try:
        assembly = _assemble(files, ManifestFile("memory://manifests/m.jsonl"), "memory://manifests")
    finally:
        store.rm("/manifests", recursive=True)
    assert files.files(assembly) == _EXPECTED


def test_files_of_a_sequential_specification_keep_the_order_of_rows(ws: Any) -> None:
    names = ["in/10.png", "in/2.png", "in/7.png"]
    ws.write_all(*names)
    ws.write("m.csv", "unit,path\n" + "".join(f"u,{name}\n" for name in names))
    assembly = _assemble(ws, ManifestFile("m.csv"), specifications=(_FRAMES,))
    assert ws.files(assembly) == {"u": {"frame_1": names}}


def test_manifest_that_people_wrote_is_one_of_units_by_its_header(ws: Any) -> None:
    name = "schematic_scrnaseq_synapse_storage_manifest.csv"
    shutil.copy(_DATA / name, ws.root / name)
    for line in (_DATA / name).read_text().splitlines()[1:]:
        ws.write(line.partition(",")[0], line)
    specification = FileSpecification("data_1", "data", (".txt.gz",), required=True, primary=True)
    manifest = ManifestFile(name, columns={"path": "Filename"})
    units = list(_assemble(ws, manifest, specifications=(specification,)).units())
    assert len(units) == 10
    meta = units[0].meta
    assert (units[0].key, meta["entityId"], meta["File Format"]) == ("test_file_113", "syn21984147", "txt.gzip")
    assert (meta["Library Preparation Date"], "Empty Well Barcode" in meta) == ("1/7/2020", False)


def test_problems_of_a_workbook_name_sheet_row_and_column(files: Any) -> None:
    _workbook(
        files.root / "m.xlsx", ("files", [*_ROWS, ["u1", "image_1", "in/b.png", 1], ["u2", "imge_1", "in/a.json"]])
    )
    with pytest.raises(SourceError) as caught:
        _assemble(files, ManifestFile("m.xlsx"))
    at = [(p.at.file, p.at.line, p.at.column) for p in caught.value.problems]
    assert at == [("m.xlsx [files]", 4, 3), ("m.xlsx [files]", 5, 2), ("m.xlsx [files]", 5, 3)]


def test_workbook_beyond_the_limit_is_refused_before_it_is_read_whole(files: Any) -> None:
    class Endless:
        """A remote stream of which nobody may take more than the limit and a byte."""

        taken = 0

        def read(self, size: int = -1) -> bytes:
            assert 0 <= size <= MAX_FILE_BYTES + 1 - self.taken
            self.taken += size
            return bytes(size)

        def __enter__(self) -> Any:
            return self

        def __exit__(self, *_: object) -> None: ...

    place = Place("m.xlsx", str(files.root / "m.xlsx"))
    folder = Place(".", str(files.root))
    paths = Paths(folder.path, {})
    with pytest.raises(SourceError, match="more than 104,857,600 bytes"):
        UnitManifest(ManifestFile("m.xlsx"), place, folder, paths, [], {}, Endless).listing()
