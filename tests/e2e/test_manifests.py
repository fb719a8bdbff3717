"""Asset sets over manifests, from the command line to the embedded backend and back."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from reconciler.cli.console import Console
from reconciler.cli.main import execute

COLLECTION = """apiVersion: reconciler.dev/v1
kind: Collection
metadata: {name: texts}
spec:
  fileSpecifications:
    - {name: text_1, type: text, extensions: [.txt], required: true, primary: true}
    - {name: label_1, type: data, extensions: [.json]}
  datamaker: {category: text}
---
apiVersion: reconciler.dev/v1
kind: AssetSet
metadata: {name: files}
spec:
  collection: texts
  manifest: {url: MANIFEST}
"""
UNITS = "unit,specification,path,age\nu1,text_1,in/a.txt,31\nu1,,in/a.json,\nu2,text_1,in/b.txt,32\n"
SAGE = "path\tparent\tage\tday\tused\nin/a.txt\ttexts\t31\t2024-05-06T07:08:09Z\t\nin/b.txt\ttexts\t[32]\t\tin/a.txt\n"


def _run(*argv: str) -> tuple[int, str, str]:
    out, err = io.StringIO(), io.StringIO()
    code = execute(argv, Console(out, err, {}))
    return code, out.getvalue(), err.getvalue()


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A workspace with three files."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "in").mkdir()
    for name, content in (("a.txt", "a"), ("b.txt", "b"), ("a.json", "{}")):
        (tmp_path / "in" / name).write_text(content)
    return tmp_path


def _declare(folder: Path, name: str, content: str) -> None:
    (folder / name).write_text(content)
    (folder / "texts.yaml").write_text(COLLECTION.replace("MANIFEST", name))


@pytest.mark.parametrize(("name", "content"), [("files.csv", UNITS), ("files.tsv", SAGE)])
def test_manifest_is_applied_and_the_second_plan_is_empty(folder: Path, name: str, content: str) -> None:
    _declare(folder, name, content)
    code, out, err = _run("apply", "--auto-approve")
    assert code == 0, err
    assert "Units: 2 added." in out + err
    assert "No changes." in _run("plan")[1]


@pytest.mark.parametrize("frames", [("a",), ("b", "a")])
def test_unit_with_files_of_a_sequential_specification_fails_alone(folder: Path, frames: tuple[str, ...]) -> None:
    rows = "".join(f"u1,frame_1,in/{name}.png\n" for name in frames)
    for name in frames:
        (folder / f"in/{name}.png").write_bytes(b"\x89PNG\r\n\x1a\n" + name.encode())
    _declare(folder, "files.csv", f"unit,specification,path\nu1,text_1,in/a.txt\n{rows}u2,text_1,in/b.txt\n")
    frame = "    - {name: frame_1, type: image, extensions: [.png], sequential: true}\n"
    document = (folder / "texts.yaml").read_text()
    (folder / "texts.yaml").write_text(document.replace("  datamaker:", f"{frame}  datamaker:"))
    code, out, err = _run("apply", "--auto-approve")
    assert code == 16
    assert "Units: 1 added." in out
    told = "2 files for the sequential specification 'frame_1'" if len(frames) == 2 else "is a sequential specification"
    assert told in err


def test_row_that_is_edited_changes_its_unit_alone(folder: Path) -> None:
    _declare(folder, "files.csv", UNITS)
    _run("apply", "--auto-approve")
    (folder / "files.csv").write_text(UNITS.replace("32", "33"))
    _, out, _ = _run("plan")
    assert 'u2"' in out
    assert "0 files" in out or "Units: 0 to add, 1 to change" in out


def test_validate_tells_every_problem_of_a_manifest(folder: Path) -> None:
    _declare(folder, "files.csv", UNITS.replace("a.txt", "gone.txt").replace("u2,text_1", "u2,text_9"))
    code, _, err = _run("validate")
    assert code == 10
    assert "files.csv:2:11" in err
    assert "files.csv:4:4" in err


def test_manifest_without_rows_is_an_error(folder: Path) -> None:
    _declare(folder, "files.csv", "unit,path\n")
    code, _, err = _run("plan")
    assert code == 10
    assert "the manifest names no file" in err


@pytest.mark.parametrize("dialect", ["csv", "tsv"])
def test_written_manifest_reads_back_without_a_change(folder: Path, dialect: str) -> None:
    _declare(folder, "files.tsv", SAGE)
    _run("apply", "--auto-approve")
    code, _, err = _run("manifest", "write", "-o", f"again.{dialect}", "--dialect", dialect)
    assert code == 0, err
    (folder / "texts.yaml").write_text(COLLECTION.replace("MANIFEST", f"again.{dialect}"))
    assert "No changes." in _run("plan")[1]


def test_converted_manifest_of_one_folder_becomes_a_source(folder: Path) -> None:
    (folder / "in" / "a.json").unlink()
    (folder / "m.tsv").write_text("path\tparent\tage\nin/a.txt\ttexts\t31\nin/b.txt\ttexts\t32\n")
    code, out, err = _run("manifest", "convert", "m.tsv", "-o", "out")
    assert (code, out) == (0, "out/m.yaml\nout/m.csv\n"), err
    assert "source: {url: ../in, recursive: false}" in (folder / "out/m.yaml").read_text()
    assert "a.txt,31" in (folder / "out/m.csv").read_text()
    assert "Column 'age' is integer." in err


def test_converted_manifest_with_provenance_stays_a_manifest(folder: Path) -> None:
    (folder / "m.tsv").write_text(SAGE)
    code, _, err = _run("manifest", "convert", "m.tsv", "-o", "out")
    assert code == 0, err
    assert "manifest: {url: m.tsv, mode: strict}" in (folder / "out/m.yaml").read_text()
    assert "It stays a manifest, since it holds provenance" in err


def test_conversion_never_overwrites(folder: Path) -> None:
    (folder / "m.tsv").write_text(SAGE)
    _run("manifest", "convert", "m.tsv", "-o", "out")
    code, _, err = _run("manifest", "convert", "m.tsv", "-o", "out")
    assert code == 1
    assert "exists" in err


def test_what_the_backend_does_not_keep_is_told(folder: Path) -> None:
    _declare(folder, "files.tsv", SAGE)
    code, _, err = _run("plan")
    assert code == 0
    assert "the backend keeps no provenance; it is left out" in err


def test_link_to_a_url_is_refused_where_only_files_are_kept(folder: Path) -> None:
    _declare(folder, "files.csv", "path,parentId\nhttps://example.org/a.txt,texts\n")
    code, _, err = _run("plan")
    assert code == 10
    assert "the backend keeps files, no links to URLs" in err
