"""What we uploaded comes back without state, without documents, or without both; the next plan is empty."""

from __future__ import annotations

import pytest

from reconciler.errors import ExitCode
from tests.support.workspace import Bench, make_bench

SET = "AssetSet/pics-2026"


@pytest.fixture
def applied(tmp_path) -> Bench:
    """Three units with metadata, a project and its tasks, applied."""
    bench = make_bench(tmp_path)
    bench.set("AnnotationProject", "labels", title="L", collection="pics", category="image")
    bench.set("TaskSet", "all", project="labels", assets="pics-2026")
    assert bench.apply().exit_code is ExitCode.OK
    return bench


def lose(bench, *, state, documents):
    if state:
        for path in (bench.root / ".reconciler").glob("state.db*"):
            path.unlink()
    if documents:
        (bench.root / "main.yaml").unlink()


@pytest.mark.parametrize(
    ("state", "documents", "reason"),
    [
        (True, False, "the markers name what is declared"),
        (True, True, "the markers name what is to be declared"),
        (False, True, "the state names what is to be declared"),
    ],
)
def test_import_all_brings_back_what_was_lost(applied, state, documents, reason):
    owned, units = applied.owned(), applied.pages("/data_units/?page_size=100")
    lose(applied, state=state, documents=documents)
    report = applied.import_all()
    assert (report.failures, report.notes) == ((), ())
    assert applied.pages("/data_units/?page_size=100") == units
    planned = applied.plan()
    assert planned.is_empty, planned.text
    found = applied.owned()
    assert found[SET] == owned[SET]
    assert sorted(next(rows for name, rows in found.items() if name.startswith("TaskSet/"))) == ["a", "b", "c"]
    assert set(owned) - {"TaskSet/all"} <= set(found)


def test_units_of_two_sets_go_back_to_both(applied):
    applied.set("AssetSet", "more", collection="pics", source={"url": "more"})
    (applied.root / "more").mkdir()
    (applied.root / "more/z.jpg").write_bytes(b"\xff\xd8\xff z")
    assert applied.apply().exit_code is ExitCode.OK
    lose(applied, state=True, documents=True)
    applied.import_all()
    assert "unmarked: false" in (applied.root / "imported/assetset-more.yaml").read_text()
    assert applied.plan().is_empty
    assert sorted(applied.owned()["AssetSet/more"]) == ["z"]
