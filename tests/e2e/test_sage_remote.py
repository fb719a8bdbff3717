"""The Sage provider over real HTTP: `serve` as the platform, a token from the environment, and no secret anywhere."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.support.serving import COMMAND, served

EXAMPLE = Path(__file__).parents[2] / "examples" / "sage"
TOKEN, OTHER = "pat-tester-0123456789abcdef", "pat-other-0123456789abcdef"
SEED = f"""
sage:
  users:
    - {{id: 3000001, userName: tester, email: a@b.co, tokens: [{TOKEN}]}}
    - {{id: 3000002, userName: other, email: o@b.co, tokens: [{OTHER}]}}
"""


@pytest.fixture
def folder(tmp_path):
    """The example, on a served platform."""
    made = shutil.copytree(EXAMPLE, tmp_path / "w")
    with served(tmp_path, SEED) as url:
        endpoints = {"repo": f"{url}/repo/v1", "auth": f"{url}/auth/v1", "file": f"{url}/file/v1"}
        backend = f"{{type: sage, token: '${{env.SAGE_TOKEN}}', endpoints: {endpoints}}}"
        text = (made / "reconciler.yaml").read_text()
        (made / "reconciler.yaml").write_text(text.replace("{type: embedded, dialect: sage}", backend))
        yield made


def run(folder, *words, token=TOKEN):
    environment = {**os.environ, "SAGE_TOKEN": token, "HOME": str(folder)}
    return subprocess.run([*COMMAND, *words], cwd=folder, env=environment, capture_output=True, text=True, check=False)


def test_served_sage_plan_apply_drift_and_destroy(folder):
    applied = run(folder, "apply", "--auto-approve")
    assert (applied.returncode, applied.stderr.count("Error")) == (0, 0), applied.stderr
    assert run(folder, "plan", "--detailed-exitcode").returncode == 0
    assert run(folder, "drift", "--detailed-exitcode").returncode == 0
    assert run(folder, "destroy", "--auto-approve").returncode == 0
    assert "Plan: 3 to add" in run(folder, "plan").stdout


def test_served_sage_secret_is_in_no_output_and_no_file(folder):
    outputs = [
        run(folder, *words)
        for words in (
            ("plan", "-out=saved.plan"),
            ("apply", "saved.plan", "--json"),
            ("show", "--json"),
            ("state", "pull"),
            ("doctor",),
            ("plan", "--format", "html"),
        )
    ]
    outputs.append(run(folder, "plan", token="wrong" + TOKEN))
    assert [output.args for output in outputs if TOKEN in output.stdout + output.stderr] == []
    files = [path for path in folder.rglob("*") if path.is_file()]
    assert [path for path in files if TOKEN.encode() in path.read_bytes()] == []
    assert folder / "saved.plan" in files


def test_served_sage_without_valid_token_says_so(folder):
    refused = run(folder, "plan", token="wrong" + TOKEN)
    assert refused.returncode == 11
    assert "fix:" in refused.stderr


def test_served_sage_project_of_others_is_neither_read_nor_changed(folder):
    assert run(folder, "apply", "--auto-approve").returncode == 0
    outputs = [run(folder, *words, token=OTHER) for words in (("plan",), ("destroy", "--auto-approve"))]
    assert [output.returncode for output in outputs] == [11, 11], [o.stdout + o.stderr for o in outputs]
    assert run(folder, "plan", "--detailed-exitcode").returncode == 0
