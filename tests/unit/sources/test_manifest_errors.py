"""Broken manifests, each with the exact text people see.

RECONCILER_REWRITE_GOLDENS=1 writes the files again; review the difference.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from reconciler.errors import SourceError, problem_order
from reconciler.model.resource import FileSpecification, ManifestFile, SourceLocation
from reconciler.sources import survey
from reconciler.sources.manifest import read_local_manifest
from reconciler.sources.manifest_row import ManifestOptions
from tests.support.golden import assert_file_holds

_GOLDEN = Path(__file__).parents[2] / "golden" / "manifest_errors"
_STRICT, _COMPATIBLE = True, False
# Every file that a manifest below names is there, but for `gone.txt`; `empty.txt` has no byte, `sub` is a folder.
_HEAD = "path\tparent\t"
_FILES = ("a.txt", "b.txt", "c.txt", "ü.txt")

# name → (file name, content, mode)
CASES: dict[str, tuple[str, str | bytes, bool]] = {
    "missing_columns": ("m.tsv", "Path\tparent\na.txt\tsyn1\n", _STRICT),
    "columns_of_the_other_dialect": ("m.csv", "path,parent,id\na.txt,syn1,syn2\n", _STRICT),
    "near_misses": ("m.tsv", _HEAD + "Name\tcontent type\tID\tparentID\na.txt\tsyn1\tx\t\t\t\n", _STRICT),
    "repeated_and_unnamed_headers": ("m.tsv", _HEAD + "k\t\tk\t\na.txt\tsyn1\t1\t\t\t\n", _STRICT),
    "repeated_headers_compatible": ("m.tsv", _HEAD + "k\tk\nb.txt\tsyn1\t1\n\nbad\tsyn1\n", _COMPATIBLE),
    "keys_the_server_refuses": ("m.csv", "path,parentId,File Format,größe,ok.1\na.txt,syn1,x,1,2\n", _STRICT),
    "unclosed_quote": ("m.tsv", _HEAD + 'k\na.txt\tsyn1\t"5 inch\nb.txt\tsyn1\tx\n', _STRICT),
    "unclosed_quote_swallows_rows": (
        "m.tsv", _HEAD + 'k\na.txt\tsyn1\t"5 inch\nb.txt\tsyn1\t7"\nc.txt\tsyn1\tx\n', _COMPATIBLE,
    ),
    "text_behind_a_closing_quote": ("m.csv", 'path,parentId,k\na.txt,syn1,"x"y\n', _STRICT),
    "shifted_columns": ("m.csv", "path,parentId\na.txt,syn1,x,y\nb.txt,syn1,z,1\n", _STRICT),
    "shifted_columns_compatible": ("m.csv", "path,parentId\na.txt,syn1,x\n", _COMPATIBLE),
    "latin_1": ("m.tsv", (_HEAD + "k\na.txt\tsyn1\tgrün\n").encode("latin-1"), _STRICT),
    "utf_16": ("m.tsv", (_HEAD + "k\n").encode("utf-16"), _STRICT),
    "nul_character": ("m.tsv", _HEAD + "k\na.txt\tsyn1\t\0\n", _STRICT),
    "empty_file": ("m.tsv", "", _STRICT),
    "no_rows": ("m.tsv", _HEAD + "k", _STRICT),
    "paths": (
        "m.tsv",
        "path\tparent\ngone.txt\tsyn1\nsub\tsyn1\nempty.txt\tsyn1\n./a.txt\tsyn1\n"
        "a.txt\tsyn2\n\tsyn1\n",
        _STRICT,
    ),
    "parents": ("m.tsv", "path\tparent\na.txt\t\nb.txt\tsyn1.2\nc.txt\tSYN1\n", _STRICT),
    "names": (
        "m.csv",
        "path,parentId,name\na.txt,syn1,x/y\nb.txt,syn1,\"x \"\nü.txt,syn1,\n"
        "c.txt,syn1,\"x \"\n",
        _STRICT,
    ),
    "names_compatible": ("m.csv", "path,parentId,name\na.txt,syn1,\"x,y\"\nb.txt,syn1,ü\n", _COMPATIBLE),
    "urls": (
        "m.csv",
        "path,parentId,name,synapseStore\nhttps://x.org/a?b=1,syn1,,\n"
        "https://x.org/,syn1,,\nhttps://x.org/c,syn1,c,true\n",
        _STRICT,
    ),
    "ids": ("m.csv", "path,parentId,ID\na.txt,syn1,syn7\nb.txt,syn1,syn7\nc.txt,syn1,syn8.1\n", _STRICT),
    "settings": ("m.csv", "path,parentId,synapseStore,forceVersion,contentType\na.txt,syn1,no,x,text\n", _STRICT),
    "provenance_items": (
        "m.csv",
        "path,parentId,used,executed\na.txt,syn1,syn1;,SYN2\nb.txt,syn1,s3://b/k,x.py\n"
        "",
        _STRICT,
    ),
    "provenance_circle": (
        "m.csv",
        "path,parentId,used\na.txt,syn1,b.txt\nb.txt,syn1,c.txt\nc.txt,syn1,a.txt\n"
        "ü.txt,syn1,ü.txt\n",
        _COMPATIBLE,
    ),
    "activity_of_nothing": ("m.csv", "path,parentId,activityName\na.txt,syn1,Normalise\n", _STRICT),
    "ambiguous_cells": (
        "m.tsv", _HEAD + "k\na.txt\tsyn1\t007\nb.txt\tsyn1\t2020-01-01\nc.txt\tsyn1\t[1, 2.5]\n", _STRICT,
    ),
    "cells_the_server_refuses": (
        "m.tsv",
        _HEAD + "k\na.txt\tsyn1\t9999999999999999999\nb.txt\tsyn1\t" + "x" * 501 + "\n",
        _STRICT,
    ),
    "failed_downloads": ("m.csv", "path,parentId,error\na.txt,syn1,\nb.txt,syn1,timeout\n", _STRICT),
    "times_compatible": ("m.csv", "path,parentId,day\na.txt,syn1,2020-01-01\nb.txt,syn1,2020-01-02\n", _COMPATIBLE),
    "numeric_names_compatible": ("m.csv", "path,parentId,name\na.txt,syn1,1\nb.txt,syn1,2\n", _COMPATIBLE),
}  # fmt: skip


def _write(folder: Path, name: str, content: str | bytes) -> Path:
    for file in _FILES:
        (folder / file).write_text("x")
    (folder / "empty.txt").write_text("")
    (folder / "sub").mkdir()
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


@pytest.mark.parametrize("case", CASES)
def test_broken_manifest_gives_its_report(tmp_path: Path, case: str) -> None:
    name, content, strict = CASES[case]
    path = _write(tmp_path, name, content)
    reading = read_local_manifest(path, ManifestOptions(strict, tmp_path, {}))
    text = "".join(f"{problem}\n" for problem in sorted(reading.problems, key=problem_order))
    assert_file_holds(
        _GOLDEN / f"{case}.txt", text.replace(f"{tmp_path}/", "").replace(repr(tmp_path.name), "'FOLDER'")
    )


# Manifests of units: name → (file name, content)
UNITS: dict[str, tuple[str, str | bytes]] = {
    "units_without_path": ("m.csv", "unit,Path,age\nu1,a.txt,3\n"),
    "units_rows": (
        "m.csv",
        "unit,specification,path,age\nu1,text_2,a.txt,3\nu1,text_1,b.json,3\nu1,text_1,gone.txt,\n,,a.txt,\nu2,text_1,,\n",
    ),
    "units_headers": ("m.csv", "unit,Specification,path,age,age\nu1,text_1,a.txt,3,4\n"),
    "units_unclosed_quote": ("m.tsv", 'unit\tpath\tnote\nu1\ta.txt\t"5 inch\nu2\tb.txt\tx\n'),
    "units_no_json": ("m.jsonl", '{"unit": "u1", "path": "a.txt"}\n{"unit": \n'),
    "units_of_unknown_format": ("m.parquet", b"PAR1"),
}


@pytest.mark.parametrize("case", UNITS)
def test_broken_manifest_of_units_gives_its_report(ws: Any, tmp_path: Path, case: str) -> None:
    name, content = UNITS[case]
    _write(tmp_path, name, content)
    (tmp_path / "b.json").write_text("{}")
    text_1 = FileSpecification("text_1", "text", (".txt",), required=True)
    asset_set = ws.asset_set(manifest=ManifestFile(name), sources=(SourceLocation("."), SourceLocation("/")))
    with pytest.raises(SourceError) as caught:
        survey(asset_set, (text_1,), ())
    assert_file_holds(_GOLDEN / f"{case}.txt", "".join(f"{problem}\n" for problem in caught.value.problems))
