"""The five directory patterns with faults, made of real files: what is found must be exactly what was planted."""

from __future__ import annotations

import hashlib
import json
import os
import random
import subprocess
import sys
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from reconciler.model.resource import Layout, Policy, SourceLocation
from reconciler.sources import Assembly, DigestCache, hash_units

_SAMPLES = Path(__file__).parents[2] / "data" / "trees"
_SHARED = Path(os.environ.get("RECONCILER_SHARED_DATA", Path(__file__).parents[4] / "shared" / "data"))
_COUNT = 60
_PATTERNS = {
    "nested": {"image_1": "data/{u}/image{i}", "label_1": "data/{u}/label.json", "dicom_1": "data/{u}/scan.dcm"},
    "typed": {"image_1": "data/images/{u}{i}", "label_1": "data/labels/{u}.json", "dicom_1": "data/dicoms/{u}.dcm"},
    "flat": {"image_1": "data/{u}{i}", "label_1": "data/{u}.json"},
    "deep": {
        "image_1": "data/{u}/img/scan{i}",
        "label_1": "data/{u}/json/label.json",
        "mask_1": "data/{u}/mask/segmentation.png",
    },
    "mixed": {
        "image_1": "source_a/project_x/images/{u}{i}",
        "label_1": "source_b/ml-data/project_x/labels/{u}.json",
        "mask_1": "source_c/converted/masks/{u}.png",
    },
}
_NAMINGS = {
    "plain": "sample_{n:03}",
    "dots": "site.{n}.subj.{n:03}",
    "accents": "Málaga {n} (é)",
    "korean": "{n}. 자연",
}
_FAULTS = ("missing", "empty", "upper", "second", "junk", "decomposed", "not_json")


@dataclass
class _Truth:
    """What was planted: files by unit and specification, problems by unit, files that belong to no unit."""

    files: dict[str, dict[str, tuple[str, str]]] = field(default_factory=dict)
    problems: dict[str, set[str]] = field(default_factory=dict)
    extras: set[str] = field(default_factory=set)


def _content(spec: str, number: int) -> bytes:
    suffix = {"image_1": "*.jpg", "label_1": "0*.json", "mask_1": "*.png", "dicom_1": "*.dcm"}[spec]
    found = sorted(_SAMPLES.glob(suffix))
    # Spaces after the end make every copy a content of its own and change nothing for readers.
    return found[number % len(found)].read_bytes() + b" " * (number + 1)


def _plant(ws: Any, pattern: str, naming: str, seed: int) -> _Truth:
    truth, rng = _Truth(), random.Random(seed)
    for number in range(_COUNT):
        faults = {fault for fault in _FAULTS if rng.random() < 0.1}
        _plant_unit(ws, truth, pattern, _NAMINGS[naming].format(n=number), number, faults)
    return truth


def _plant_unit(ws: Any, truth: _Truth, pattern: str, key: str, number: int, faults: set[str]) -> None:
    name = unicodedata.normalize("NFD", key) if "decomposed" in faults else key
    files, problems = truth.files.setdefault(key, {}), truth.problems.setdefault(key, set())
    for spec, template in _PATTERNS[pattern].items():
        if spec in ("mask_1", "dicom_1") and number % 2:
            continue
        if spec == "label_1" and "missing" in faults:
            problems.add("missing_required:label_1")
            continue
        content = _content(spec, number)
        if spec == "label_1" and "empty" in faults:
            content = b""
            problems.add("empty_file:label_1")
        elif spec == "label_1" and "not_json" in faults:
            content = b'{"image": ' + b" " * number
            problems.add("not_json:label_1")
        path = template.format(u=name, i=".JPG" if "upper" in faults else ".jpg")
        ws.write(path, content)
        files[spec] = (path, hashlib.sha256(content).hexdigest())
    folder = os.path.dirname(files["image_1"][0])
    if "second" in faults and pattern in ("nested", "deep"):
        ws.write(f"{folder}/image_copy.jpg", b"copy")
        problems.add("ambiguous:image_1")
    if "junk" in faults:
        junk = f"{folder}/{('.DS_Store', '._x.jpg', 'notes.txt', 'Thumbs.db', '~$m.xlsx')[number % 5]}"
        ws.write(junk, b"junk")
        truth.extras.add(junk)


def _sources(pattern: str) -> tuple[SourceLocation, ...]:
    if pattern != "mixed":
        return (SourceLocation("data"),)
    roots = {spec: template.rpartition("/")[0] for spec, template in _PATTERNS["mixed"].items()}
    return tuple(SourceLocation(root, specification=spec) for spec, root in roots.items())


def _assemble(ws: Any, pattern: str, **changes: Any) -> tuple[Assembly, Any]:
    layout = Layout.DIRECTORIES if pattern in ("nested", "deep") else Layout.STEMS
    known = {"image_1": ws.image, "label_1": ws.label, "mask_1": ws.mask, "dicom_1": ws.dicom}
    specifications = tuple(known[name] for name in _PATTERNS[pattern])
    rules = {"sources": _sources(pattern), "layout": layout, "incomplete": Policy.WARN, "unmatched": Policy.WARN}
    return ws.assemble(specifications, **rules, **changes), ws.asset_set(**rules)


def _problems(assembly: Assembly, asset_set: Any, found: dict[str, Any]) -> dict[str, set[str]]:
    """Run the hashing too, which sees what only content shows."""
    problems: dict[str, set[str]] = {}
    for finding in assembly.findings:
        if finding.key:
            problems.setdefault(finding.key, set()).add(f"{finding.fault}:{finding.specification}")
    flaws: list[Any] = []
    for unit in hash_units(assembly.units(), asset_set, "sha256", DigestCache(None), workers=2, report=flaws.append):
        found[unit.key] = {file.spec: file for file in unit.files}
    for flaw in flaws:
        key = flaw.summary.removeprefix("label_1 of unit ").partition(" is not valid JSON")[0][1:-1]
        problems.setdefault(key, set()).add("not_json:label_1")
    return problems


@pytest.mark.parametrize("pattern", _PATTERNS)
@pytest.mark.parametrize(("naming", "seed"), [(naming, seed) for seed, naming in enumerate(_NAMINGS)])
def test_planted_tree_is_found_exactly(ws: Any, pattern: str, naming: str, seed: int) -> None:
    truth = _plant(ws, pattern, naming, seed)
    assembly, asset_set = _assemble(ws, pattern)
    found: dict[str, Any] = {}
    problems = _problems(assembly, asset_set, found)
    blocked = {key for key, wanted in truth.problems.items() if wanted - {"not_json:label_1"}}
    roots = [source.url for source in asset_set.sources]
    assert problems == {key: wanted for key, wanted in truth.problems.items() if wanted}
    assert {
        key: {spec: (f"{roots[file.source]}/{file.path}", file.checksum.hex) for spec, file in files.items()}
        for key, files in found.items()
    } == {key: files for key, files in truth.files.items() if key not in blocked}


@pytest.mark.parametrize("pattern", _PATTERNS)
def test_planted_tree_accounts_for_every_file_and_extra(ws: Any, pattern: str) -> None:
    truth = _plant(ws, pattern, "plain", 9)
    account = _assemble(ws, pattern)[0].account
    on_disk = sum(path.is_file() for path in ws.root.rglob("*"))
    left_out = sum(t.count for t in (*account.excluded, *account.unmatched))
    assert (account.scanned, account.used + left_out) == (on_disk, on_disk)
    strangers = [t for t in account.unmatched if "takes" in t.label or "lies at the top" in t.label]
    assert sum(t.count for t in (*account.excluded, *strangers)) == len(truth.extras)


# All presets of the published generator, and all its faults at a high rate. Larger ones are read from the disk alone.
SMALL = ("faults", "small_nested", "small_all", "messy", "bench_1k")
LARGE = ("bench_10k", "bench_100k")
_FAULTY = ["--pattern", "all", "--count", "40", "--faults", "all", "--fault-rate", "0.2", "--metadata", "csv"]
_KINDS = {
    "type": "object",
    "properties": {name: {"type": "integer"} for name in ("coco_id", "width", "height", "n_objects")},
}
needs_trees = pytest.mark.skipif(
    not (_SHARED / "trees" / "assemble.py").exists(), reason="set RECONCILER_SHARED_DATA to the folder with trees/"
)


def shared_trees(tmp_path: Path, preset: str) -> Iterator[tuple[str, Path]]:
    """(pattern, root) of every tree of a preset."""
    options = _FAULTY if preset == "faults" else ["--preset", f"presets.json#{preset}"]
    command = [sys.executable, str(_SHARED / "trees" / "assemble.py"), *options, "--out", str(tmp_path / "t")]
    subprocess.run(command, check=True, capture_output=True)
    if (tmp_path / "t/expected.jsonl").exists():
        yield json.loads((_SHARED / "trees/presets.json").read_text("utf-8"))[preset]["pattern"], tmp_path / "t"
        return
    yield from ((root.name, root) for root in sorted((tmp_path / "t").iterdir()))


def check_truth(assembly: Assembly, asset_set: Any, root: Path) -> int:
    """Compare units, files, bytes and problems with the truth of a tree; returns how many units it has."""
    found: dict[str, Any] = {}
    problems = _problems(assembly, asset_set, found)
    count = 0
    for line in (root / "expected.jsonl").read_text("utf-8").splitlines():
        unit = json.loads(line)
        count += 1
        wanted = {":".join(problem.split(":")[:2]) for problem in unit["problems"]}
        assert problems.pop(unit["key"], set()) == wanted, (root, unit["key"])
        if wanted <= {"not_json:label_1"}:
            files = {spec: (file.size_bytes, file.checksum.hex) for spec, file in found.pop(unit["key"]).items()}
            assert files == {s: (f["size"], f.get("sha256") or files[s][1]) for s, f in unit["files"].items()}
    assert (found, problems) == ({}, {})
    return count


def _metadata(ws: Any, root: Path, preset: str) -> tuple[Any, ...]:
    """The table of a tree; the messy one, with a title above its header, is a matter of the tests of tables."""
    found = [name for name in ("metadata.csv", "metadata.xlsx") if (root / name).exists()]
    return (ws.table(found[0]),) if found and preset != "messy" else ()


def _told(meta: dict[str, Any]) -> dict[str, Any]:
    """Values as the truth has them: workbooks give times with a T."""
    return {name: value.replace("T", " ") if name == "date_captured" else value for name, value in meta.items()}


@needs_trees
@pytest.mark.parametrize("preset", [*SMALL, *LARGE])
def test_published_tree_generator_agrees(ws: Any, tmp_path: Path, preset: str) -> None:
    for pattern, root in shared_trees(tmp_path, preset):
        ws.root = root
        tables = _metadata(ws, root, preset)
        assembly, asset_set = _assemble(ws, pattern, metadata=tables, schema=_KINDS)
        metas = {unit.key: _told(dict(unit.meta)) for unit in assembly.units()}
        assert check_truth(assembly, asset_set, root) >= len(metas) > 0
        truth = (json.loads(line) for line in (root / "expected.jsonl").read_text("utf-8").splitlines())
        wanted = {unit["key"]: {k: v for k, v in unit["meta"].items() if v not in (None, "")} for unit in truth}
        assert metas == ({key: wanted[key] for key in metas} if tables else {key: {} for key in metas})


@needs_trees
def test_extras_of_published_trees_belong_to_no_unit(ws: Any, tmp_path: Path) -> None:
    for pattern, root in shared_trees(tmp_path, "faults"):
        ws.root = root
        assembly, asset_set = _assemble(ws, pattern)
        roots = [source.url for source in asset_set.sources]
        used = {f"{roots[file.source]}/{file.path}" for unit in assembly.units() for file in unit.files}
        extras = json.loads((root / "extras.json").read_text("utf-8"))
        assert used.isdisjoint(extra if isinstance(extra, str) else extra["path"] for extra in extras)
