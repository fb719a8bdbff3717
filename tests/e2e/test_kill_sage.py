"""`kill -9` at random moments of an apply of 200 files to Sage, with annotations and provenance, then one more apply.

Even seeds make everything; odd ones change what is there: moves, exchanged names, new bytes, deletions.
RECONCILER_KILLS says how many times (default 6); docs/development.md tells how to run the long series.
"""

from __future__ import annotations

import os
import time

import pytest

from tests.support.killing import APPLY, apply_killed, copied, owned_keys, run
from tests.support.sage_bench import change_many, content_of, many_files

KILLS = int(os.environ.get("RECONCILER_KILLS", "6"))
FILES = 200


@pytest.fixture(scope="module")
def templates(tmp_path_factory):
    """The workspace not applied yet, and applied once with changes made since; digests are cached."""
    empty = many_files(tmp_path_factory.mktemp("template") / "w", FILES)
    assert run(empty, "plan").returncode == 0
    changed = copied(empty, tmp_path_factory.mktemp("changed") / "w")
    assert run(changed, *APPLY).returncode == 0
    change_many(changed)
    return empty, changed


@pytest.fixture(scope="module")
def references(templates, tmp_path_factory):
    """Uninterrupted runs: (content, owned keys, seconds) each."""
    found = []
    for template in templates:
        bench = copied(template, tmp_path_factory.mktemp("reference") / "w")
        start = time.monotonic()
        assert run(bench, *APPLY).returncode == 0
        found.append((content_of(bench.root), owned_keys(bench), time.monotonic() - start))
    return found


@pytest.mark.parametrize("seed", range(KILLS))
def test_sage_apply_killed_anywhere_is_finished_by_the_next(templates, references, tmp_path, seed):
    content, owned, calm_s = references[seed % 2]
    bench = copied(templates[seed % 2], tmp_path / "w")
    apply_killed(bench, seed, calm_s)
    done = run(bench, *APPLY)
    assert done.returncode == 0, done.stdout + done.stderr
    assert content_of(bench.root) == content
    assert owned_keys(bench) == owned
    assert run(bench, "plan", "--detailed-exitcode").returncode == 0
