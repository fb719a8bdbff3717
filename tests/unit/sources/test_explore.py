"""What `explore` sees and proposes."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from reconciler.errors import SourceError
from reconciler.model.resource import FileSpecification, KeyRule, Layout
from reconciler.sources import explore
from reconciler.sources.declared_options import declared_options, secrets_of

_SPECS = Path(__file__).parents[3] / "specs"
_TREES = {
    "nested": ["p{n}/image.jpg", "p{n}/label.json", "p{n}/scan.dcm"],
    "typed": ["images/{n}.jpg", "labels/{n}.json", "dicoms/{n}.dcm"],
    "flat": ["{n}.jpg", "{n}.json"],
    "deep": ["p{n}/img/scan.png", "p{n}/json/label.json", "p{n}/mask/segmentation.png"],
    "mixed": ["a/images/{n}.png", "b/labels/{n}.json", "c/masks/{n}.png"],
    "two levels": ["site{n}/p1/image.png", "site{n}/p1/label.json", "site{n}/p2/image.png", "site{n}/p2/label.json"],
    "volumes": ["{n}.nii.gz", "{n}.json"],
}
_LAYOUTS = {
    "nested": "directories", "typed": "stems", "flat": "stems", "deep": "directories", "mixed": "stems",
    "two levels": "folders", "volumes": "stems",
}  # fmt: skip


def _explored(ws: Any, name: str) -> Any:
    for number in range(1, 9):
        ws.write_all(*(f"data/{path.format(n=number)}" for path in _TREES[name]))
    ws.write("data/README.md", "about")
    return explore("data", folder=ws.root)


@pytest.mark.parametrize("name", _TREES)
def test_explore_of_a_pattern_proposes_its_layout(ws: Any, name: str) -> None:
    best = _explored(ws, name).layouts[0]
    assert (best.layout, best.conflicts) == (_LAYOUTS[name], 0)


@pytest.mark.parametrize("name", _TREES)
def test_proposed_documents_fit_the_published_schemas(ws: Any, name: str) -> None:
    for document in yaml.safe_load_all(_explored(ws, name).as_yaml("proposal")):
        schema = json.loads((_SPECS / f"{document['kind'].lower()}.v1.schema.json").read_text("utf-8"))
        jsonschema.validate(document, schema)


@pytest.mark.parametrize("name", _TREES)
def test_proposal_assembles_every_unit_without_errors(ws: Any, name: str) -> None:
    found = _explored(ws, name)
    _, document = yaml.safe_load_all(found.as_yaml())
    units = document["spec"]["units"]
    key = units.get("key")
    assembly = ws.assemble(
        found.specifications,
        layout=Layout(units.get("layout", "stems")),
        key_rule=KeyRule(key["regex"], key["template"]) if key else None,
    )
    assert assembly.unit_count == found.layouts[0].units == (16 if name == "two levels" else 8)
    assert assembly.file_count == found.file_count - 1
    assert [p.summary for p in assembly.problems] == ["1 file left out: no specification takes .md files"]


def test_explore_names_types_extensions_and_primary(ws: Any) -> None:
    assert _explored(ws, "deep").specifications == (
        FileSpecification("image_1", "image", (".png",), required=True, primary=True),
        FileSpecification("label_1", "data", (".json",), required=True),
        FileSpecification("mask_1", "image", (".png",), required=True),
    )


def test_explore_counts_extensions_and_leaves_rare_ones_out(ws: Any) -> None:
    for number in range(60):
        ws.write_all(f"data/{number}.jpg")
    ws.write_all("data/odd.wav")
    found = explore("data", folder=ws.root)
    assert [(e.extension, e.files) for e in found.extensions] == [(".jpg", 60), (".wav", 1)]
    assert [e.extension for e in found.unassigned] == [".wav"]


def test_explore_of_a_large_source_says_that_it_sampled(ws: Any) -> None:
    for folder in range(10):
        ws.write_all(f"data/{folder}/a.jpg", f"data/{folder}/b.jpg")
    found = explore("data", folder=ws.root, limit=5)
    assert (found.is_complete, found.file_count) == (False, 6)
    assert "# More than 5 files: counts are those of a sample of 6." in found.as_yaml()


@pytest.mark.parametrize("name", _TREES)
def test_sample_of_a_large_tree_shows_its_layout_without_conflicts(ws: Any, name: str) -> None:
    for number in range(100, 500):
        # Every third unit lacks its last file, so that the folders of a typed tree have unequal counts.
        paths = _TREES[name][: None if number % 3 else -1]
        ws.write_all(*(f"data/{path.format(n=number)}" for path in paths))
    found = explore("data", folder=ws.root, limit=300)
    best = found.layouts[0]
    assert (found.is_complete, best.layout, best.conflicts) == (False, _LAYOUTS[name], 0)
    assert [s.name for s in found.specifications] == [s.name for s in explore("data", folder=ws.root).specifications]
    assert 10 < found.file_count <= 300


def test_sample_of_one_long_folder_is_bounded(ws: Any) -> None:
    (ws.root / "data").mkdir()
    for number in range(3000):
        (ws.root / f"data/{number:05}.jpg").touch()
        (ws.root / f"data/{number:05}.json").touch()
    found = explore("data", folder=ws.root, limit=100)
    assert (found.file_count, found.layouts[0].complete) == (100, 50)


def test_options_are_written_without_secrets() -> None:
    options = {"key": "known", "secret": "hidden", "endpoint_url": "http://h", "s3": {"secret": "hidden"}}
    assert declared_options("s3://b", options, {"MY_KEY": "known"}) == {
        "endpoint_url": "http://h",
        "key": "${env.MY_KEY}",
        "s3": {"secret": "${env.RECONCILER_SOURCE_SECRET}"},
        "secret": "${env.RECONCILER_SOURCE_SECRET}",
    }
    assert sorted(secrets_of(options)) == ["hidden", "hidden", "known"]


def test_user_and_password_of_a_url_become_options() -> None:
    assert declared_options("sftp://me:pw%20d@host/x", {}, {}) == {
        "password": "${env.RECONCILER_SOURCE_PASSWORD}",
        "username": "me",
    }


def test_private_key_among_options_is_a_secret() -> None:
    options = {"client_keys": "-----BEGIN OPENSSH PRIVATE KEY-----"}
    assert declared_options("sftp://h", options, {}) == {"client_keys": "${env.RECONCILER_SOURCE_CLIENT_KEYS}"}


@pytest.mark.parametrize("name", ["deep", "typed"])
def test_printed_documents_validate_and_plan_as_they_are(ws: Any, name: str) -> None:
    found = _explored(ws, name)
    for path in (ws.root / "data").rglob("*.*"):
        path.write_text(f'"{path}"')  # equal units would be refused
    (ws.root / "assets.yaml").write_text(found.as_yaml(), "utf-8")
    for command in ("validate", "plan"):
        done = subprocess.run(
            [sys.executable, "-c", "from reconciler.cli.main import run; run()", command],
            cwd=ws.root,
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stderr
    assert "8 to add" in done.stdout


def test_explore_of_names_that_need_quotes_gives_readable_yaml(ws: Any) -> None:
    ws.write_all('odd "name": yes/1.jpg')
    documents = list(yaml.safe_load_all(explore('odd "name": yes', folder=ws.root).as_yaml()))
    assert documents[1]["spec"]["source"]["url"] == 'odd "name": yes'
    assert documents[0]["metadata"]["name"] == "odd-name-yes"


def test_explore_of_a_url_with_credentials_shows_none() -> None:
    import fsspec

    filesystem = fsspec.filesystem("memory")
    filesystem.pipe("/user:hunter2@seen/1.jpg", b"x")
    try:
        found = explore("memory://user:hunter2@seen")
    finally:
        filesystem.rm("/user:hunter2@seen", recursive=True)
    assert "hunter2" not in found.url + found.as_yaml()


def test_explore_of_an_empty_folder_is_an_error(ws: Any) -> None:
    (ws.root / "data").mkdir()
    with pytest.raises(SourceError, match="holds no file"):
        explore("data", folder=ws.root)


def test_explore_of_files_without_extension_proposes_a_rule_for_them(tmp_path: Path) -> None:
    for name in ("CR1/6154", "CR1/6155", "CT2/17106"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"DICM")
    text = explore(str(tmp_path)).as_yaml()
    assert "    - {name: data_1, type: data, required: true, primary: true}\n" in text
    assert '  files: [{match: "**", specification: data_1}]\n' in text


def test_explore_says_how_many_units_would_fail(tmp_path: Path) -> None:
    for number in range(10):
        (tmp_path / f"{number}.jpg").write_bytes(b"x")
        if number:
            (tmp_path / f"{number}.json").write_bytes(b"{}")
    assert "  incomplete: fail  # 1 unit lacks a required file\n" in explore(str(tmp_path)).as_yaml()


@pytest.mark.parametrize(
    ("name", "fix"), [("a.zip", "zip://::"), ("a.tar.gz", "tar://::"), ("a.jpg", "give the folder")]
)
def test_explore_of_a_file_says_what_to_write(tmp_path: Path, name: str, fix: str) -> None:
    (tmp_path / name).write_bytes(b"x")
    with pytest.raises(SourceError, match="is not a folder") as caught:
        explore(str(tmp_path / name))
    assert fix in caught.value.problems[0].fix
