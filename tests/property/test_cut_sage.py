"""An apply on a Sage service cut at any request converges: content, versions and ownership as if nothing happened."""

from __future__ import annotations

import contextlib
import shutil
from pathlib import Path
from typing import Any

import pytest

from reconciler.errors import ExitCode
from tests.support.cutting import Cut
from tests.support.sage_bench import files_of, put, sage_bench
from tests.support.sage_server import SageServer
from tests.support.workspace import Bench


def _new(root: Path, server: SageServer) -> Bench:
    bench = sage_bench(root, server, batch_rows=2)
    bench.set("AssetSet", "files", metadata=[], provenance={"name": "n", "used": ["a.txt"]})
    return bench


def _change(bench: Bench) -> None:
    """Two names exchanged, a move, new bytes, a new file, a lost one, new metadata."""
    data = bench.root / "data"
    (data / "raw/b.txt").rename(data / "t")
    (data / "raw/c.txt").rename(data / "raw/b.txt")
    (data / "t").rename(data / "raw/c.txt")
    (data / "deep/er/d.txt").rename(data / "deep/moved.txt")
    put(bench, {"a.txt": b"new bytes", "new/e.txt": b"new file"})
    bench.set("AssetSet", "files", meta={"site": "s2"})


def _facts(server: SageServer) -> dict[str, object]:
    """What there is, by path; ids aside, for each run has its own."""
    tree = server.tree()
    return {
        "files": {path: facts[1:] for path, facts in files_of(server).items()},
        "activities": {path: _activity(bundle["activity"]) for path, bundle in tree.items() if "activity" in bundle},
    }


def _activity(made: dict[str, Any]) -> list[object]:
    return [made.get("name"), [item["reference"]["targetVersionNumber"] for item in made["used"]]]


@pytest.fixture(scope="module")
def reference(tmp_path_factory):
    """An uninterrupted run: facts after each phase, requests made in each, and everything between them."""
    folder = tmp_path_factory.mktemp("reference")
    between = tmp_path_factory.mktemp("between")
    with contextlib.closing(SageServer(folder / "server")) as server:
        bench = _new(folder / "w", server)
        assert bench.apply().exit_code is ExitCode.OK
        first, requests = _facts(server), len(server.log)
        shutil.copytree(folder / "w", between / "w", copy_function=shutil.copy2)
        server.copied(between / "server").close()
        now = server.start_ms + 3_600_000
        _change(bench)
        server.log.clear()
        assert bench.apply().exit_code is ExitCode.OK
        ids = {path: facts[0] for path, facts in files_of(server).items()}
        return {
            "first": first,
            "second": _facts(server),
            "ids": ids,
            "between": between,
            "now": now,
            "requests": (requests, len(server.log)),
        }


def _check(bench: Bench, server: SageServer, expected: object) -> None:
    server.cut_at = None
    report = bench.apply()
    assert report.exit_code is ExitCode.OK, report
    assert _facts(server) == expected
    assert sorted(bench.owned()["AssetSet/files"]) == sorted(files_of(server))
    planned = bench.plan()
    assert planned.is_empty, planned.text


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_first_apply_cut_at_every_request_converges(reference, tmp_path, after):
    for number in range(reference["requests"][0]):
        folder = tmp_path / str(number)
        folder.mkdir()
        with contextlib.closing(SageServer(folder / "server", cut_at=number, cut_after=after)) as server:
            bench = _new(folder / "w", server)
            with pytest.raises(Cut):
                bench.apply()
            _check(bench, server, reference["first"])


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_changing_apply_cut_at_every_request_converges(reference, tmp_path, after):
    for number in range(reference["requests"][1]):
        folder = tmp_path / str(number)
        shutil.copytree(reference["between"], folder, copy_function=shutil.copy2)
        with contextlib.closing(SageServer(folder / "server", start_ms=reference["now"])) as server:
            documents = _new(tmp_path / f"{number}-template", server).documents
            bench = Bench(folder / "w", documents, open_backend=server.open, batch_rows=2)
            _change(bench)
            server.cut_at, server.cut_after = number, after
            with pytest.raises(Cut):
                bench.apply()
            _check(bench, server, reference["second"])
            there = files_of(server)
            assert {path: there[path][0] for path in reference["ids"] if path != "new/e.txt"} == {
                path: number for path, number in reference["ids"].items() if path != "new/e.txt"
            }
