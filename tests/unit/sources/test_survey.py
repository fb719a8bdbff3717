"""The walk: what is found, what is left out, what stops it, and when the fingerprint stays."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from reconciler.errors import MissingExtra, SourceError
from reconciler.model.resource import ConstantMetadata, FileSpecification, SourceLocation
from reconciler.sources import survey
from reconciler.sources.location import Place
from reconciler.sources.remote import list_remote
from reconciler.sources.selection import Selection


def _fingerprint(ws: Any, **changes: Any) -> str:
    return survey(ws.asset_set(**changes), (ws.image, ws.label), changes.get("metadata", ())).fingerprint


@pytest.fixture
def tree(ws: Any) -> Any:
    ws.write_all("data/a/1.png", "data/a/1.json", "data/b/2.png", "data/b/2.json")
    return ws


def test_fingerprint_of_unchanged_tree_is_equal(tree: Any) -> None:
    assert _fingerprint(tree) == _fingerprint(tree)


def test_fingerprint_does_not_depend_on_the_process(tree: Any) -> None:
    """Hash seeds and the order of folder entries must not leak in."""
    script = (
        "import sys; from pathlib import Path; from reconciler.sources.local import list_local\n"
        "from reconciler.sources.location import locate; from reconciler.sources.selection import Selection\n"
        "from reconciler.model.resource import SourceLocation\n"
        "place = locate('data', Path(sys.argv[1]), {})\n"
        "print(list_local(place, Selection(SourceLocation('data')))[0].hexdigest())"
    )
    command = [sys.executable, "-c", script, str(tree.root)]
    seeds = [
        subprocess.run(command, env={**os.environ, "PYTHONHASHSEED": seed}, capture_output=True, text=True, check=True)
        for seed in "12"
    ]
    assert seeds[0].stdout == seeds[1].stdout != ""


def _touch(root: Path) -> None:
    os.utime(root / "data/a/1.png", ns=(5, 5))


def _grow(root: Path) -> None:
    (root / "data/a/1.png").write_bytes(b"longer")


def _add(root: Path) -> None:
    (root / "data/c.png").write_bytes(b"x")


def _remove(root: Path) -> None:
    (root / "data/a/1.png").unlink()


def _rename(root: Path) -> None:
    (root / "data/a/1.png").rename(root / "data/a/9.png")


@pytest.mark.parametrize("change", [_touch, _grow, _add, _remove, _rename])
def test_fingerprint_of_changed_tree_differs(tree: Any, change: Any) -> None:
    before = _fingerprint(tree)
    change(tree.root)
    assert _fingerprint(tree) != before


def test_fingerprint_ignores_content_of_hidden_files(tree: Any) -> None:
    tree.write("data/.DS_Store", b"1")
    before = _fingerprint(tree)
    tree.write("data/.DS_Store", b"22")
    assert _fingerprint(tree) == before


@pytest.mark.parametrize("changes", [{"meta": {"site": "b"}}, {"case_sensitive": False}, {"groups": ("g",)}])
def test_fingerprint_of_changed_rules_differs(tree: Any, changes: dict[str, Any]) -> None:
    assert _fingerprint(tree, **changes) != _fingerprint(tree)


def test_fingerprint_of_changed_metadata_source_differs(tree: Any) -> None:
    one, two = (tree.metadata(ConstantMetadata({"site": value})) for value in "ab")
    assert _fingerprint(tree, metadata=(one,)) != _fingerprint(tree, metadata=(two,))


def test_fingerprint_of_changed_table_differs(tree: Any) -> None:
    source = tree.table("meta.csv")
    tree.write("meta.csv", "unit,age\n1,4\n")
    before = _fingerprint(tree, metadata=(source,))
    tree.write("meta.csv", "unit,age\n1,4\n2,50\n")
    assert _fingerprint(tree, metadata=(source,)) != before


class _Tokenless:
    """A filesystem that lists names and sizes only."""

    protocol = "bare"

    def invalidate_cache(self) -> None: ...

    def info(self, path: str) -> dict[str, Any]:
        return {"name": path, "type": "directory"}

    def ls(self, path: str, **_: Any) -> list[dict[str, Any]]:
        return [{"name": f"{path}/1.png", "size": 1, "type": "file"}]


def test_listing_without_version_tokens_never_repeats() -> None:
    """A filesystem that gives nothing to recognise content by must not be taken for unchanged."""
    place, selection = Place("bare://x", "x", _Tokenless()), Selection(SourceLocation("bare://x"))
    one, two = (list_remote(place, selection)[0] for _ in range(2))
    assert one.file_count == 1
    assert one.hexdigest() != two.hexdigest()


def test_remote_source_gives_the_same_units_as_a_local_one(tree: Any) -> None:
    import fsspec

    filesystem = fsspec.filesystem("memory")
    filesystem.put(str(tree.root / "data"), "/remote", recursive=True)
    filesystem.pipe("/remote/.hidden.png", b"x")
    try:
        remote = tree.assemble(sources=(SourceLocation("memory://remote"),))
    finally:
        filesystem.rm("/remote", recursive=True)
    assert tree.files(remote) == tree.files(tree.assemble())
    assert [t.label for t in remote.account.excluded] == ["hidden"]


def test_not_recursive_source_takes_the_top_only(tree: Any) -> None:
    tree.write_all("data/3.png", "data/3.json")
    assembly = tree.assemble(sources=(SourceLocation("data", recursive=False),))
    assert list(tree.files(assembly)) == ["3"]
    assert [t.label for t in assembly.account.not_searched] == ["below the top folder (recursive: false)"]


def test_file_symlink_is_followed(tree: Any) -> None:
    (tree.root / "data/b/9.png").symlink_to(tree.root / "data/a/1.png")
    tree.write_all("data/b/9.json")
    assert "9" in tree.files(tree.assemble())


def test_folder_symlink_is_followed(tree: Any) -> None:
    tree.write_all("elsewhere/9.png", "elsewhere/9.json")
    (tree.root / "data/link").symlink_to(tree.root / "elsewhere")
    assert tree.files(tree.assemble())["9"]["image_1"] == ["link/9.png"]


@pytest.mark.parametrize("target", ["data", "data/a", "."])
def test_folder_symlink_upwards_is_left_out(tree: Any, target: str) -> None:
    (tree.root / "data/a/loop").symlink_to(tree.root / target)
    assembly = tree.assemble()
    assert assembly.unit_count == 2
    assert [t.label for t in assembly.account.not_searched] == ["symbolic link to a folder above it"]


def test_loop_over_two_folder_symlinks_ends(tree: Any) -> None:
    (tree.root / "other").mkdir()
    (tree.root / "data/a/out").symlink_to(tree.root / "other")
    (tree.root / "other/back").symlink_to(tree.root / "data/a")
    assert tree.assemble().account.not_searched[0].samples == ("data/a/out/back",)


def test_broken_symlinks_are_all_told_at_once(tree: Any) -> None:
    for name in ("x.png", "y.png"):
        (tree.root / "data" / name).symlink_to("nowhere")
    with pytest.raises(SourceError) as caught:
        _fingerprint(tree)
    assert [p.summary for p in caught.value.problems] == [
        "'data/x.png' is a broken symbolic link",
        "'data/y.png' is a broken symbolic link",
    ]


def test_fifo_is_left_out_and_never_opened(tree: Any) -> None:
    os.mkfifo(tree.root / "data/pipe.png")
    assert [t.label for t in tree.assemble().account.excluded] == ["not a regular file"]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_unreadable_file_and_folder_are_told_at_once(tree: Any) -> None:
    (tree.root / "data/a/1.png").chmod(0)
    (tree.root / "data/b").chmod(0)
    try:
        with pytest.raises(SourceError) as caught:
            _fingerprint(tree)
    finally:
        (tree.root / "data/b").chmod(0o755)
    assert len(caught.value.problems) == 2


def test_name_that_is_no_text_is_an_error(tree: Any) -> None:
    (Path(os.fsdecode(os.fsencode(tree.root) + b"/data/caf\xe9.png"))).write_bytes(b"x")
    (problem,) = tree.assemble().problems
    assert "caf\\\\xe9.png" in problem.detail


def test_missing_and_empty_sources_are_told_together(ws: Any) -> None:
    (ws.root / "empty").mkdir()
    with pytest.raises(SourceError) as caught:
        _fingerprint(ws, sources=(SourceLocation("nowhere"), SourceLocation("empty")))
    assert [p.summary for p in caught.value.problems] == ["source 'empty' is empty", "'nowhere' does not exist"]


def test_source_whose_files_are_all_excluded_counts_as_empty(tree: Any) -> None:
    with pytest.raises(SourceError, match="the rules leave out all of them"):
        _fingerprint(tree, sources=(SourceLocation("data", include=("*.tif",)),))


def test_remote_folder_that_is_not_there_is_missing_not_empty(ws: Any) -> None:
    with pytest.raises(SourceError, match="does not exist"):
        _fingerprint(ws, sources=(SourceLocation("memory://nothing-here"),))


def test_options_and_credentials_never_reach_messages(ws: Any) -> None:
    source = SourceLocation("memory://user:hunter2secret@x/y?sig=abc", options={"key": "topsecretvalue"})
    with pytest.raises(SourceError) as caught:
        _fingerprint(ws, sources=(source,))
    assert not {"hunter2secret", "topsecretvalue", "sig=abc"} & set(str(caught.value).split("'"))
    assert "hunter2" not in str(caught.value)


def test_unknown_protocol_is_an_error(ws: Any) -> None:
    with pytest.raises((SourceError, MissingExtra)):
        _fingerprint(ws, sources=(SourceLocation("nosuchprotocol://x"),))


def test_file_url_is_a_local_path(tree: Any) -> None:
    sources = (SourceLocation(f"file://{tree.root}/data"),)
    assert tree.assemble(sources=sources).unit_count == 2


def test_overlapping_sources_count_files_of_each(tree: Any) -> None:
    sources = (SourceLocation("data", specification="image_1"), SourceLocation("data", specification="label_1"))
    account = tree.assemble(sources=sources).account
    assert (account.scanned, account.used) == (8, 4)


def test_metadata_table_below_the_source_is_no_data_file(tree: Any) -> None:
    tree.write("data/meta.csv", "unit,age\n1,4\n2,5\n")
    table = FileSpecification("table_1", "text", (".csv",))
    assembly = tree.assemble((tree.image, tree.label, table), (tree.table("data/meta.csv"),))
    assert [t.label for t in assembly.account.excluded] == ["metadata table"]
    assert assembly.problems == ()
