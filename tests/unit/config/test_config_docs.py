"""The examples in the documentation are valid, and its tables name every field."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import reconciler
from reconciler import config
from reconciler.config.kinds import KINDS
from reconciler.config.schema import load_schema
from reconciler.model.workspace import Configuration

DOCS = Path(reconciler.__file__).parents[1] / "docs"
KIND_PAGES = sorted((DOCS / "kinds").glob("*.md"))
BLOCK = re.compile(r"^```yaml\n(.*?)^```", re.M | re.S)
ENVIRON = {"SYNAPSE_ACCESS_TOKEN": "token", "S3_SECRET": "secret", "PROXY_KEY": "key"}

# What the examples of configuration.md refer to, and are not about.
COLLECTION = "apiVersion: reconciler.dev/v1\nkind: Collection\nmetadata: {name: chest-ct}\nspec: {}\n"


def blocks(page: Path) -> list[str]:
    found = BLOCK.findall(page.read_text())
    assert found
    return found


def load(root: Path, *texts: str, environment: str | None = None) -> Configuration:
    (root / "unit.schema.json").write_text('{"type": "object"}')
    (root / "all.yaml").write_text("---\n".join(texts))
    return config.load(root, files=[str(root / "all.yaml")], environment=environment, environ=ENVIRON)


def test_examples_of_all_kinds_are_one_valid_configuration(tmp_path: Path) -> None:
    texts = [block for page in KIND_PAGES for block in blocks(page)]
    got = load(tmp_path, *texts)
    assert {resource.head.address.kind for resource in got.resources} == set(KINDS) - {"Workspace"}
    assert len(got.resources) == len(texts) - 1
    assert got.warnings == ()


def test_examples_of_all_kinds_are_valid_in_their_environment(tmp_path: Path) -> None:
    texts = [block for page in KIND_PAGES for block in blocks(page)]
    got = load(tmp_path, *texts, environment="prod")
    assert got.workspace.default_backend == "lab"


def test_examples_of_the_language_page_are_valid(tmp_path: Path) -> None:
    first, variables, assets, environments = blocks(DOCS / "configuration.md")
    load(tmp_path, first)
    got = load(tmp_path, COLLECTION, variables, assets)
    assert got.resources[0].groups == ("batch-41", "batch-42")  # type: ignore[union-attr]
    patched = load(tmp_path, COLLECTION, environments, environment="prod")
    assert patched.resources[0].title == "Chest CT (prod)"  # type: ignore[union-attr]


def test_there_is_a_page_for_every_kind() -> None:
    assert [page.stem for page in KIND_PAGES] == sorted(kind.lower() for kind in KINDS)


def property_names(schema: Any) -> Iterator[str]:
    if isinstance(schema, list):
        for item in schema:
            yield from property_names(item)
    if isinstance(schema, dict):
        own = schema.get("properties")
        yield from own if isinstance(own, dict) and "if" not in schema else ()
        for key, item in schema.items():
            if key not in ("examples", "default", "if"):
                yield from property_names(item)


@pytest.mark.parametrize("kind", KINDS)
def test_page_names_every_field_of_its_kind(kind: str) -> None:
    text = (DOCS / "kinds" / f"{kind.lower()}.md").read_text()
    schema = load_schema(kind)
    common = ("metadata", "lifecycle", "externalId")  # explained once, in configuration.md
    parts = [schema["properties"]["spec"], *(part for name, part in schema["$defs"].items() if name not in common)]
    names = set(property_names(parts))
    assert [name for name in sorted(names) if not re.search(rf"[`.]{name}[`.:]", text)] == []
