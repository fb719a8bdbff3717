"""Every example runs as its README says, and does what it says."""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType

import pytest
from openpyxl import load_workbook

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "examples"
QUICKSTART = EXAMPLES / "quickstart"
LAYOUTS = {"nested": (3, 8), "typed": (4, 10), "flat": (4, 8), "deep": (3, 8), "mixed": (3, 8)}  # units, files


def run(folder: Path, *words: str, command: Sequence[str] = ("reconciler",)) -> subprocess.CompletedProcess[str]:
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    environment = {**os.environ, "PATH": path, "NO_COLOR": "1"}
    line = [*command, *words]
    return subprocess.run(line, cwd=folder, env=environment, capture_output=True, text=True, check=False)


def check(folder: Path, *words: str) -> str:
    done = run(folder, *words)
    assert done.returncode == 0, f"{words}: {done.returncode}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def load_script(path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """The demo, run once: its folder and what it printed."""
    folder = tmp_path_factory.mktemp("demo") / "copy"
    done = run(QUICKSTART, "demo.sh", str(folder), command=("bash",))
    assert done.returncode == 0, done.stdout + done.stderr
    return folder, done.stdout


@pytest.fixture
def applied(demo: tuple[Path, str], tmp_path: Path) -> Path:
    """A copy of the demo's folder, to change."""
    return shutil.copytree(demo[0], tmp_path / "quickstart", symlinks=True)


# -- quick start -------------------------------------------------------------------------------------------------------


def test_demo_ends_with_an_empty_plan(demo: tuple[Path, str]) -> None:
    assert "Plan: 9 to add, 0 to change, 0 to destroy." in demo[1]
    assert "Apply complete! Resources: 9 added, 0 changed, 0 destroyed." in demo[1]
    assert "No changes." in demo[1]


def test_demo_exports_equal_what_was_imported(demo: tuple[Path, str]) -> None:
    objects = "out/objects equals instances_val.json: 25 pictures, 80 categories, 213 annotations"
    poses = "out/poses equals person_keypoints_val.json: 25 pictures, 1 categories, 44 annotations"
    assert f"{objects} (230 polygon rings, 2 masks)" in demo[1]
    assert f"{poses} (52 polygon rings, 0 masks, 117 keypoints)" in demo[1]


def test_demo_run_again_starts_afresh_in_its_own_folder_only(tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("years of work")
    done = run(QUICKSTART, "demo.sh", str(tmp_path / "mine"), command=("bash",))
    assert done.returncode == 1
    assert (tmp_path / "mine" / "thesis.txt").read_text() == "years of work"


def _export(folder: Path) -> Path:
    return folder / "out" / "objects" / "annotations" / "instances.json"


@pytest.mark.parametrize(
    ("path", "value", "reason"),
    [
        (("images", 0, "width"), 1, "the size of a picture"),
        (("categories", 79, "name"), "brush", "a category that nobody uses"),
        (("annotations", 0, "bbox", 0), -1.0, "a box"),
        (("annotations", 0, "area"), -1.0, "an area"),
        (("annotations", 0, "category_id"), 90, "a class"),
        (("annotations", 0, "segmentation"), [[0, 0, 9, 0, 9, 9]], "an outline"),
    ],
)
def test_check_export_altered_export_is_reported(
    applied: Path, path: tuple[str | int, ...], value: object, reason: str
) -> None:
    """The script that the demo relies on can say no."""
    dataset = json.loads(_export(applied).read_text())
    place = dataset
    for step in path[:-1]:
        place = place[step]
    assert place[path[-1]] != value
    place[path[-1]] = value
    _export(applied).write_text(json.dumps(dataset))
    words = ("check_export.py", "annotations/instances_val.json", "photos/images", "out/objects")
    done = run(applied, *words, command=(sys.executable,))
    assert done.returncode == 1, reason
    assert "1 differences" in done.stdout, reason


def test_check_export_altered_picture_is_reported(applied: Path) -> None:
    picture = next((applied / "out" / "objects").rglob("000000062554.jpg"))
    data = picture.read_bytes()
    picture.unlink()
    picture.write_bytes(data[:-1] + b"\0")
    words = ("check_export.py", "annotations/instances_val.json", "photos/images", "out/objects")
    assert "other bytes" in run(applied, *words, command=(sys.executable,)).stdout


def test_quickstart_touched_files_change_nothing(applied: Path) -> None:
    for path in (applied / "photos").rglob("*.*"):
        os.utime(path, (1, 1))
    assert "No changes." in check(applied, "plan", "--detailed-exitcode")


def test_quickstart_changed_caption_changes_one_unit_and_what_hangs_on_it(applied: Path) -> None:
    with (applied / "photos" / "captions" / "000000099053.txt").open("a", encoding="utf-8") as file:
        file.write("A new caption.\n")
    planned = run(applied, "plan", "--detailed-exitcode")
    assert planned.returncode == 2
    assert (
        "Units: 0 to add, 0 to change, 1 to replace, 0 to move, 0 to delete; 1 file, 289 B to upload." in planned.stdout
    )
    check(applied, "apply", "--auto-approve")
    assert "No changes." in check(applied, "plan", "--detailed-exitcode")


def test_quickstart_removed_export_files_are_drift(applied: Path) -> None:
    shutil.rmtree(applied / "out" / "poses" / "images")
    drifted = run(applied, "drift", "--detailed-exitcode")
    assert drifted.returncode == 2
    assert "Export/poses-coco" in drifted.stdout
    assert "Export/objects-coco" not in drifted.stdout


def test_quickstart_lost_state_is_rebuilt_without_making_anything_twice(applied: Path) -> None:
    for path in (applied / ".reconciler").glob("state.db*"):
        path.unlink()
    assert "Import complete! 6 resources, 75 rows taken over." in check(applied, "import", "--all")
    planned = check(applied, "plan")
    assert "Plan: 3 to add, 0 to change, 0 to destroy." in planned  # exports; what they wrote is recorded again
    assert "units: 25 to add" not in planned
    assert "tasks: 25 to add" not in planned
    check(applied, "apply", "--auto-approve")
    assert "No changes." in check(applied, "plan", "--detailed-exitcode")


def test_quickstart_environment_has_its_own_backend_state_and_exports(applied: Path) -> None:
    assert "Plan: 9 to add" in check(applied, "--env", "review", "plan")
    check(applied, "--env", "review", "apply", "--auto-approve")
    assert "No changes." in check(applied, "--env", "review", "plan", "--detailed-exitcode")
    assert "No changes." in check(applied, "plan", "--detailed-exitcode")
    assert sorted(path.name for path in (applied / "out-review").iterdir() if path.is_dir()) == [
        "archive",
        "objects",
        "poses",
    ]


def test_quickstart_destroy_takes_everything_down(applied: Path) -> None:
    assert "Destroy complete! Resources: 9 destroyed." in check(applied, "destroy", "--auto-approve")
    assert "Plan: 9 to add, 0 to change, 0 to destroy." in check(applied, "plan")


def test_quickstart_metadata_workbook_holds_the_facts_of_the_coco_file() -> None:
    script = load_script(QUICKSTART / "make_metadata.py")
    sheet = load_workbook(QUICKSTART / "metadata.xlsx")["Pictures"]
    head, *body = sheet.iter_rows(values_only=True)
    assert head == script.HEADER
    found = [(name, captured.date(), *rest) for name, captured, *rest in body]
    assert found == script.rows()


def test_quickstart_attribution_names_every_photograph_with_its_licence() -> None:
    dataset = json.loads((QUICKSTART / "annotations" / "instances_val.json").read_text())
    urls = {licence["id"]: licence["url"] for licence in dataset["licenses"]}
    text = (QUICKSTART / "ATTRIBUTION.md").read_text()
    lines = {line.split("`")[1]: line for line in text.splitlines() if line.startswith("| `")}
    assert sorted(lines) == sorted(path.name for path in (QUICKSTART / "photos" / "images").iterdir())
    for image in dataset["images"]:
        assert urls[image["license"]] in lines[image["file_name"]]
        assert image["flickr_url"] in lines[image["file_name"]]


# -- layouts -----------------------------------------------------------------------------------------------------------


def test_layouts_every_folder_is_tested_and_listed() -> None:
    folders = {path.name for path in (EXAMPLES / "layouts").iterdir() if path.is_dir()}
    assert folders == LAYOUTS.keys()
    listed = (EXAMPLES / "layouts" / "README.md").read_text()
    assert all(f"({name}/)" in listed for name in folders)


@pytest.mark.parametrize("name", sorted(LAYOUTS))
def test_layout_applies_and_the_second_plan_is_empty(name: str, tmp_path: Path) -> None:
    units, files = LAYOUTS[name]
    folder = shutil.copytree(EXAMPLES / "layouts" / name, tmp_path / name)
    planned = check(folder, "plan")
    assert f"Units: {units} to add, 0 to change, 0 to replace, 0 to move, 0 to delete; {files} files" in planned
    assert f"{units} units, {files} files" in (folder / "README.md").read_text()
    check(folder, "apply", "--auto-approve")
    assert "No changes." in check(folder, "plan", "--detailed-exitcode")


def test_layout_renamed_unit_moves_without_upload(tmp_path: Path) -> None:
    folder = shutil.copytree(EXAMPLES / "layouts" / "deep", tmp_path / "deep")
    check(folder, "apply", "--auto-approve")
    (folder / "data" / "subject-03").rename(folder / "data" / "subject-09")
    moved = "Units: 0 to add, 0 to change, 0 to replace, 1 to move, 0 to delete; 0 files, 0 B to upload."
    assert moved in check(folder, "plan")


def test_layouts_attribution_names_every_photograph() -> None:
    text = (EXAMPLES / "layouts" / "ATTRIBUTION.md").read_text()
    pictures = sorted(str(path.relative_to(EXAMPLES / "layouts")) for path in (EXAMPLES / "layouts").rglob("*.jpg"))
    assert pictures
    assert [name for name in pictures if f"`{name}`" not in text] == []


# -- sage --------------------------------------------------------------------------------------------------------------


def test_sage_example_applies_moves_and_the_second_plan_is_empty(tmp_path: Path) -> None:
    folder = shutil.copytree(EXAMPLES / "sage", tmp_path / "sage")
    assert "Units: 3 to add, 0 to change, 0 to replace, 0 to move, 0 to delete; 3 files" in check(folder, "plan")
    assert "3 units, 3 files" in (folder / "README.md").read_text()
    check(folder, "apply", "--auto-approve")
    assert "No changes." in check(folder, "plan", "--detailed-exitcode")
    rows = (folder / "files.tsv").read_text()
    (folder / "files.tsv").write_text(rows.replace("data/plate-2.csv\tplates/raw", "data/plate-2.csv\tplates/old"))
    moved = "1 to move, 0 to delete; 0 files, 0 B to upload."
    assert moved in check(folder, "plan")


# -- all ---------------------------------------------------------------------------------------------------------------


def test_examples_documents_are_tidy() -> None:
    for folder in (
        QUICKSTART,
        EXAMPLES / "formats",
        EXAMPLES / "sage",
        *(EXAMPLES / "layouts" / name for name in LAYOUTS),
    ):
        check(folder, "fmt", "--check")


def test_constraints_cover_every_declared_dependency() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    extras = project["project"]["optional-dependencies"]
    declared = [*project["project"]["dependencies"], *project["build-system"]["requires"]]
    declared += [name for extra in ("excel", "test") for name in extras[extra]]
    pinned = _pins()
    missing = [text for text in declared if _name(text) not in pinned]
    assert missing == []


def test_constraints_are_pins_with_hashes_and_nothing_else() -> None:
    for line in (ROOT / "constraints.txt").read_text().splitlines():
        text = line.strip().removesuffix("\\").strip()
        assert text.startswith("--hash=sha256:") or "==" in text, line
        assert "://" not in text, line
    assert all(count > 0 for count in _pins().values())


def _name(requirement: str) -> str:
    end = next((i for i, letter in enumerate(requirement) if letter in " <>=!~[;"), len(requirement))
    return requirement[:end].lower().replace("_", "-").replace(".", "-")


def _pins() -> dict[str, int]:
    """Pinned package → number of hashes."""
    found: dict[str, int] = {}
    last = ""
    for line in (ROOT / "constraints.txt").read_text().splitlines():
        if line.startswith(" "):
            found[last] += "--hash=sha256:" in line
        else:
            last = _name(line)
            found[last] = 0
    return found


# -- formats -----------------------------------------------------------------------------------------------------------


def test_formats_become_yolo_voc_and_a_table(tmp_path: Path) -> None:
    folder = shutil.copytree(EXAMPLES / "formats", tmp_path / "formats")
    assert "Resources: 7 added" in check(folder, "apply", "--auto-approve")
    assert check(folder, "plan").startswith("No changes.")
    boxes = sum(path.read_text().count("<object>") for path in (folder / "cells").rglob("*.xml"))
    rows = (folder / "out/table/annotations.csv").read_text().splitlines()
    labels = [line for path in (folder / "out/yolo/labels").rglob("*.txt") for line in path.read_text().splitlines()]
    assert (boxes, len(rows) - 1, len(labels)) == (113, 113, 113)
    written = (folder / "out/voc/latest/Annotations").glob("*.xml")
    assert sum(path.read_text().count("<object>") for path in written) == 113


def test_formats_say_where_their_pictures_are_from() -> None:
    text = (EXAMPLES / "formats" / "ATTRIBUTION.md").read_text()
    for path in (EXAMPLES / "formats" / "cells").rglob("*.*"):
        assert f"`{path.relative_to(EXAMPLES / 'formats')}`" in text
