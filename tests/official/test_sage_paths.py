"""The list of operations in the documentation of the Sage dialect is what the router and the official client say."""

import json
import os
import re
import subprocess
from pathlib import Path

import pytest

from reconciler.backend.sage.services import ROUTES

from .conftest import ROOT, sage_environment
from .test_paths import BEGIN, END, shape

PAGE = ROOT / "docs" / "embedded-sage.md"
GENERATED = "run with RECONCILER_REWRITE_GOLDENS=1 and review the difference"


def served():
    """Template by path to the methods that the router answers, in the order of paths."""
    found = {}
    for route in sorted(ROUTES, key=lambda one: (one.template, one.method)):
        found.setdefault(route.template, []).append(route.method)
    return found


def rows(operations):
    """A row of the table for each path of `{path: methods}`."""
    return [f"| `{path}` | {', '.join(methods)} |" for path, methods in operations.items()]


def paths_section(called):
    """The generated part of the documentation."""
    have = {(route.method, shape(route.template)) for route in ROUTES}
    lacking = {}
    for method, path in called:
        if (method, shape(path)) not in have:
            lacking.setdefault(path, []).append(method)
    done = sum((method, shape(path)) in have for method, path in called)
    head = ["| Path | Methods |", "| --- | --- |"]
    counts = (
        f"{len(ROUTES)} operations are served, among them {done} of the {len(called)} that the official client calls."
    )
    lines = [counts, "", "Served:", "", *head, *rows(served()), ""]
    return "\n".join([*lines, "Called by the official client and not served (404):", "", *head, *rows(lacking)])


@pytest.fixture(scope="module")
def called(sage_python, tmp_path_factory):
    """[method, path] that the official client calls."""
    program = str(Path(__file__).with_name("sage_operations.py"))
    environment = sage_environment(tmp_path_factory.mktemp("operations"), 0)
    done = subprocess.run([sage_python, program], capture_output=True, text=True, env=environment, check=True)
    return [tuple(one) for one in json.loads(done.stdout)]


def documented():
    """The parts of the page before, within and after what is generated."""
    before, rest = PAGE.read_text().split(BEGIN)
    within, after = rest.split(END)
    return before, within, after


def test_documented_operations_of_sage_are_those_of_the_router(called):
    before, within, after = documented()
    section = f"\n\n{paths_section(called)}\n\n"
    if os.environ.get("RECONCILER_REWRITE_GOLDENS"):
        PAGE.write_text(before + BEGIN + section + END + after)
        within = section
    assert within == section, GENERATED


def test_documented_operations_of_sage_are_complete_without_the_client():
    found = documented()[1].split("Called by")[0]
    assert re.findall(r"^\| `(/.*)` \| (.*) \|$", found, re.MULTILINE) == [
        (path, ", ".join(methods)) for path, methods in served().items()
    ], GENERATED


def test_most_calls_of_the_official_sage_client_are_served(called):
    have = {(route.method, shape(route.template)) for route in ROUTES}
    assert sum((method, shape(path)) in have for method, path in called) >= 120
