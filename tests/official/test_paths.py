"""The list of paths in the documentation is what the router and the official OpenAPI document say."""

import json
import os
import re
import subprocess
from pathlib import Path

import pytest

from reconciler.backend.datamaker.dispatch import ROUTES

from .conftest import ROOT, official_environment

BEGIN, END = "<!-- paths: begin -->", "<!-- paths: end -->"


def shape(path):
    """A path with nameless parameters."""
    return re.sub(r"\{[^}]*\}", "{}", path)


@pytest.fixture(scope="session")
def operations(official_python, tmp_path_factory):
    """[method, path] of the official document."""
    program = str(Path(__file__).with_name("openapi.py"))
    environment = official_environment(tmp_path_factory.mktemp("openapi"))
    done = subprocess.run([official_python, program], capture_output=True, text=True, env=environment, check=True)
    return [tuple(one) for one in json.loads(done.stdout)]


def implemented_shapes():
    """(method, nameless path) of the router."""
    return {(route.method, shape(route.template)) for route in ROUTES}


def paths_section(operations):
    """The generated part of the documentation."""
    have = implemented_shapes()
    done = [one for one in operations if (one[0], shape(one[1])) in have]
    missing = [one for one in operations if one not in done]
    documented = {(method, shape(path)) for method, path in operations}
    own = sorted({(path, method) for method, path in have if (method, path) not in documented})
    lines = [f"{len(done)} of the {len(operations)} operations of the official OpenAPI document are implemented.", ""]
    lines += ["Implemented:", "", *_by_path(done), ""]
    lines += ["Not implemented (404):", "", *_by_path(missing), ""]
    lines += ["Outside that document (v1, event streams, bytes, and one path of our own):", ""]
    lines += _by_path([(method, path) for path, method in own])
    return "\n".join(lines)


def _by_path(operations):
    found = {}
    for method, path in operations:
        found.setdefault(path, []).append(method)
    return [f"- `{path}` {', '.join(methods)}" for path, methods in found.items()]


def test_documented_paths_are_those_of_the_router(operations):
    page = ROOT / "docs" / "embedded-backend.md"
    before, rest = page.read_text().split(BEGIN)
    documented, after = rest.split(END)
    section = f"\n\n{paths_section(operations)}\n\n"
    if os.environ.get("RECONCILER_REWRITE_GOLDENS"):
        documented = section
        page.write_text(before + BEGIN + section + END + after)
    assert documented == section, "run with RECONCILER_REWRITE_GOLDENS=1 and review the difference"


def test_most_of_the_official_document_is_implemented(operations):
    done = [one for one in operations if (one[0], shape(one[1])) in implemented_shapes()]
    assert len(done) >= 180
