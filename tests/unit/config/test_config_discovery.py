"""Finding document files."""

from __future__ import annotations

from pathlib import Path

import pytest

from reconciler.config.discovery import DEFAULT_GLOBS, Glob, Walk

MATCHES = [
    ("**/*.yaml", "a.yaml", True, "no folder"),
    ("**/*.yaml", "a/b/c.yaml", True, "any folder"),
    ("**/*.yaml", "a/b/c.yml", False, "another extension"),
    ("**/*.yaml", ".a/b.yaml", False, "a dot folder"),
    ("**/*.yaml", "a/.b.yaml", False, "a dot file"),
    (".a/*.yaml", ".a/b.yaml", True, "a dot folder that is named"),
    ("*.yaml", "a/b.yaml", False, "a star stays in its folder"),
    ("config/**", "config/a/b.txt", True, "everything below"),
    ("config/**/x-?.yaml", "config/x-1.yaml", True, "no folder between"),
    ("./a/*.yaml", "a/b.yaml", True, "a leading dot and slash"),
    ("a[12].yaml", "a2.yaml", True, "a set"),
]


@pytest.mark.parametrize(("pattern", "path", "expected", "reason"), MATCHES)
def test_glob_matches(pattern: str, path: str, expected: bool, reason: str) -> None:
    assert Glob(pattern).matches(path.split("/")) is expected, reason


def test_glob_may_hold_only_folders_on_its_way() -> None:
    glob = Glob("config/*/x.yaml")
    assert [glob.may_hold(p.split("/")) for p in ("config", "config/a", "data", "config/a/b")] == [
        True,
        True,
        False,
        False,
    ]


def make(root: Path, *names: str) -> None:
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("")


def walked(walk: Walk) -> list[list[str]]:
    return [[p.relative_to(walk.root).as_posix() for p in level] for level in walk.levels()]


def default_walk(root: Path) -> Walk:
    return Walk(root, tuple(Glob(pattern) for pattern in DEFAULT_GLOBS))


def test_walk_gives_shallow_files_first_and_sorted(tmp_path: Path) -> None:
    make(tmp_path, "b.yaml", "a.yml", "d/x.yaml", "c/y.yaml", "c/e/z.yaml", "c/no.txt")
    assert walked(default_walk(tmp_path)) == [["a.yml", "b.yaml"], ["c/y.yaml", "d/x.yaml"], ["c/e/z.yaml"]]


def test_walk_does_not_enter_excluded_dot_and_linked_folders(tmp_path: Path) -> None:
    make(tmp_path, "a/x.yaml", "data/x.yaml", ".git/x.yaml")
    (tmp_path / "link").symlink_to(tmp_path / "a", target_is_directory=True)
    walk = default_walk(tmp_path)
    walk.excluded.add(tmp_path / "data")
    assert walked(walk) == [[], ["a/x.yaml"]]


def test_walk_stops_at_another_workspace(tmp_path: Path) -> None:
    make(tmp_path, "reconciler.yaml", "sub/reconciler.yaml", "sub/a.yaml", "sub/deep/b.yaml")
    walk = default_walk(tmp_path)
    assert walked(walk) == [["reconciler.yaml"], []]
    assert walk.nested == [tmp_path / "sub"]


def test_walk_folder_that_is_excluded_meanwhile_is_not_entered(tmp_path: Path) -> None:
    make(tmp_path, "a.yaml", "data/deep/x.yaml")
    walk = default_walk(tmp_path)
    levels = walk.levels()
    assert next(levels) == [tmp_path / "a.yaml"]
    walk.excluded.add(tmp_path / "data")
    assert list(levels) == [[]]
