"""After any edits of a source, a population derived from the one before equals one that is made anew."""

from __future__ import annotations

import os
import shutil
import tempfile
from itertools import count
from pathlib import Path

from hypothesis import event, given, settings
from hypothesis import strategies as st

from reconciler.config import load
from reconciler.engine.events import Scanning
from reconciler.engine.populate import unit_population
from reconciler.engine.session import Session
from reconciler.engine.unit_rows import UnitRules
from reconciler.errors import Location, ReconcilerError
from reconciler.model.address import Address
from reconciler.model.resource import (
    AssetSet,
    FileSpecification,
    Head,
    Layout,
    MetadataSource,
    PathMetadata,
    Policy,
    Ref,
    SourceLocation,
)
from reconciler.sources.changed import changed_rows

_SPECIFICATIONS = (
    FileSpecification("image_1", "image", (".png", ".jpg"), required=True, primary=True),
    FileSpecification("label_1", "data", (".json",)),
    FileSpecification("frame_1", "image", (".tif",), sequential=True),
)
_SCHEMA = {"type": "object", "properties": {"number": {"maxLength": 1}}}
# Long before now, so that files count as settled; never the same twice.
_TIMES = count(1_600_000_000_000_000_001, 1_000_003)

_PATHS = st.builds(
    lambda source, folder, stem, suffix: f"{source}/{folder}{stem}{suffix}",
    st.sampled_from(["one", "two"]),
    st.sampled_from(["", "p1/", "p2/", "p2/deep/", "thumbs/", "é/", "e\u0301/"]),
    st.sampled_from(["1", "2", "10", "a", "A", "ü", ".hidden", "Thumbs"]),
    st.sampled_from([".png", ".json", ".tif", ".txt", ".db"]),
)
_CLEAN = st.builds(
    lambda source, folder, stem: f"{source}/{folder}{stem}.png",
    st.sampled_from(["one", "two"]),
    st.sampled_from(["", "p1/", "p2/"]),
    st.sampled_from([f"{n}" for n in range(6)]),
)
_CONTENTS = st.sampled_from([b"{}", b'{"a": 1}', b"x", b"yy", b"", b"{"]) | st.binary(min_size=6, max_size=7)
_TREES = st.dictionaries(_CLEAN, st.binary(min_size=6, max_size=7), min_size=1, max_size=12)
_EDITS = st.lists(
    st.one_of(
        st.tuples(st.just("write"), _PATHS | _CLEAN, _CONTENTS),
        st.tuples(st.sampled_from(["delete", "touch", "rewrite"]), st.integers(0, 30), _CONTENTS),
        st.tuples(st.just("move"), st.integers(0, 30), _CLEAN),
    ),
    max_size=4,
)
_RULES = st.fixed_dictionaries(
    {
        "layout": st.sampled_from([Layout.STEMS, Layout.DIRECTORIES, Layout.PATHS]),
        "case_sensitive": st.booleans(),
        "incomplete": st.sampled_from([Policy.WARN, Policy.SKIP]),
        "unmatched": st.sampled_from([Policy.WARN, Policy.SKIP, Policy.FAIL]),
        "duplicates": st.sampled_from([Policy.SKIP, Policy.FAIL]),
        "metadata": st.sampled_from([(), (Ref(Address("MetadataSource", "numbers")),)]),
    }
)


class _Tree:
    """Two sources below a folder, and populations of them with the cache and without."""

    def __init__(self, root: Path, rules: dict) -> None:
        self.root = root
        (root / "reconciler.yaml").write_text(
            "apiVersion: reconciler.dev/v1\nkind: Workspace\nmetadata: {name: w}\nspec: {}\n"
        )
        head = Head(Address("AssetSet", "s"), Location("a.yaml", 1, 1), root, "local")
        sources = tuple(SourceLocation(name, exclude=("thumbs/**",)) for name in ("one", "two"))
        self.asset_set = AssetSet(
            head=head, collection=Ref(Address("Collection", "c")), sources=sources, key_rule=None, files=(),
            meta={"site": "a"}, groups=("g",), max_file_size_bytes=None, prune=False, platform={}, **rules,
        )  # fmt: skip
        numbers = Head(Address("MetadataSource", "numbers"), Location("a.yaml", 9, 1), root, "local")
        self.metadata = [MetadataSource(numbers, PathMetadata(r"(?P<number>\d*)\.", {}), Policy.WARN)]
        for name in ("one", "two"):
            self.write(f"{name}/always-{name}.png", name.encode())

    def write(self, path: str, content: bytes) -> None:
        full = self.root / path
        full.parent.mkdir(parents=True, exist_ok=True)
        full.write_bytes(content)
        self.touch(full)

    def touch(self, full: Path) -> None:
        os.utime(full, ns=(0, next(_TIMES)))

    def edit(self, kind: str, which: str | int, what: bytes | str) -> None:
        if isinstance(which, str):
            self.write(which, what)
            return
        files = sorted(path for name in ("one", "two") for path in (self.root / name).rglob("*") if path.is_file())
        full = files[which % len(files)]
        if kind == "touch":
            self.touch(full)
        elif kind == "rewrite":
            self.write(str(full.relative_to(self.root)), what)
        elif full.name.startswith("always"):
            pass
        elif kind == "delete":
            full.unlink()
        else:
            (self.root / what).parent.mkdir(parents=True, exist_ok=True)
            full.rename(self.root / what)

    def population(self) -> tuple[object, int]:
        """What the population is, or why there is none; and how many files were grouped for it."""
        grouped = []
        rules = UnitRules(_SPECIFICATIONS, _SCHEMA, "sha1", one_per_content=True)
        with Session(load(self.root, environ={}), events=grouped.append, parallelism=1) as session:
            try:
                found, problems = unit_population(session, self.asset_set, self.metadata, rules)
                result = (list(session.cache.rows(found)), found.summary, problems)
            except ReconcilerError as error:
                result = (type(error), error.problems)
        return result, max((event.files for event in grouped if isinstance(event, Scanning)), default=0)

    def anew(self) -> object:
        """The same without a cache, which is put back."""
        cache, aside = self.root / ".reconciler/cache", self.root / "aside"
        cache.rename(aside)
        try:
            return self.population()[0]
        finally:
            shutil.rmtree(cache)
            aside.rename(cache)


@settings(deadline=None, max_examples=60)
@given(files=_TREES, rules=_RULES, rounds=st.lists(_EDITS, min_size=1, max_size=4))
def test_derived_population_equals_one_made_anew(files: dict, rules: dict, rounds: list) -> None:  # type: ignore[type-arg]
    with tempfile.TemporaryDirectory() as folder:
        tree = _Tree(Path(folder), rules)
        for path, content in files.items():
            tree.write(path, content)
        tree.population()
        for edits in rounds:
            for edit in edits:
                tree.edit(*edit)
            found, grouped = tree.population()
            assert found == tree.anew()
            event("derived" if 0 < grouped < found[1].get("files", 0) else "not") if len(found) == 3 else None


_ROWS = st.lists(st.sampled_from([b"a", b"ab", b"abc", b"b", b"ba", b"c", b"\xff"]), unique=True).map(sorted)


@given(before=_ROWS, now=_ROWS)
def test_changed_rows_are_the_differences_of_both_sets(before: list[bytes], now: list[bytes]) -> None:
    gone, come = changed_rows(b"\0".join(before), b"\0".join(now))
    assert (gone, come) == (set(before) - set(now), set(now) - set(before))
