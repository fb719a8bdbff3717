"""A walk that workers share finds exactly what one walk finds, in the same order."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from reconciler.errors import SourceError
from reconciler.model.resource import SourceLocation
from reconciler.sources.local import list_local
from reconciler.sources.location import Place
from reconciler.sources.selection import Selection
from reconciler.sources.spread_walk import list_spread
from tests.support.executors import PicklingExecutor

_NAMES = ("a", "a-b", "a.d", "B", "z", "ü", "Thumbs.db", ".hidden", "@eaDir", "x y")


def _tree(root: Path, seed: int) -> Place:
    """Folders up to five deep, with files, hidden things, broken links, and links to folders."""
    numbers = random.Random(seed)
    folders = [root]
    for _ in range(150):
        folder = numbers.choice([one for one in folders if len(one.relative_to(root).parts) < 5]) / numbers.choice(
            _NAMES
        )
        if not folder.exists():
            folder.mkdir()
            folders.append(folder)
        for number in range(numbers.randrange(4)):
            (folder / f"{number}{numbers.choice(('.jpg', '.json', '~'))}").write_bytes(b"x" * number)
    (folders[-1] / "broken.jpg").symlink_to("nowhere")
    (folders[1] / "up").symlink_to(root, target_is_directory=True)
    return Place("data", str(root))


@pytest.mark.parametrize("workers", [1, 3, 50])
@pytest.mark.parametrize("seed", range(8))
def test_shared_walk_equals_one_walk(tmp_path, seed, workers):
    place = _tree(tmp_path, seed)
    selection = Selection(SourceLocation("data", exclude=("**/z/**", "*.json")))
    one, problems = list_local(place, selection)
    shared, found = list_spread(place, selection, PicklingExecutor(workers))
    assert list(shared.folders()) == list(one.folders())
    assert (shared.hexdigest(), shared.byte_count) == (one.hexdigest(), one.byte_count)
    assert [t.freeze() for t in (shared.skipped.files, shared.skipped.folders)] == [
        t.freeze() for t in (one.skipped.files, one.skipped.folders)
    ]
    assert found == problems
    assert one.file_count > 10


def test_missing_folder_is_told_before_anything_is_sent(tmp_path):
    executor = PicklingExecutor()
    with pytest.raises(SourceError, match="does not exist"):
        list_spread(Place("data", str(tmp_path / "no")), Selection(SourceLocation("data")), executor)
    assert executor.attempts == 0
