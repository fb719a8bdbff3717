"""The provider over real HTTP: `serve` as the service, a token from the environment, and no secret anywhere."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

import pytest

from tests.support.serving import COMMAND, served
from tests.support.workspace import ASSETS, COLLECTION, Bench, document

TOKEN = "syn_0123456789abcdef0123456789abcdef01234567"
SEED = f"""
datamaker:
  tenants: [{{code: acme, name: Acme}}]
  users: [{{email: a@b.co, password: pw, name: Tester, tenants: [acme], tokens: [{TOKEN}]}}]
"""


@pytest.fixture
def service(tmp_path):
    """The URL of a served store."""
    with served(tmp_path, SEED) as url:
        yield url


@pytest.fixture
def bench(tmp_path, service):
    root = tmp_path / "w"
    root.mkdir()
    made = Bench(root)
    made.units(["a", "b", "가"])
    lab = {"type": "datamaker", "url": service, "tenant": "acme", "token": "${env.LAB_TOKEN}"}
    made.documents = {
        ("Workspace", "w"): {"backends": {"lab": lab}, "defaultBackend": "lab"},
        ("Collection", "pics"): dict(COLLECTION),
        ("AssetSet", "pics-2026"): {**ASSETS, "metadata": []},
    }
    texts = [str(document(kind, name, spec)) for (kind, name), spec in made.documents.items()]
    (root / "reconciler.yaml").write_text("\n---\n".join(texts).replace("'", '"').replace("True", "true"))
    return made


def run(bench: Bench, *arguments: str, token: str = TOKEN, **more: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "LAB_TOKEN": token, "HOME": str(bench.root), **more}
    return subprocess.run(
        [*COMMAND, *arguments], cwd=bench.root, env=environment, capture_output=True, text=True, check=False
    )


def test_remote_service_plan_apply_and_empty_plan(bench):
    assert run(bench, "plan", "-out=saved.plan", "-detailed-exitcode").returncode == 2
    applied = run(bench, "apply", "saved.plan")
    assert applied.returncode == 0, applied.stderr
    assert "Apply complete! Resources: 2 added, 0 changed, 0 destroyed." in applied.stdout
    assert run(bench, "plan", "--detailed-exitcode").returncode == 0


def test_remote_service_secret_is_in_no_output_and_no_file(bench):
    outputs = [
        run(bench, *arguments)
        for arguments in (
            ("plan", "-out=saved.plan"),
            ("apply", "saved.plan", "--json"),
            ("show", "--json"),
            ("state", "pull"),
            ("doctor",),
            ("plan", "--format", "html"),
        )
    ]
    outputs.append(run(bench, "plan", token="syn_wrong" + TOKEN))
    for output in outputs:
        assert TOKEN not in output.stdout + output.stderr
    files = [path for path in bench.root.rglob("*") if path.is_file()]
    assert len(files) > 8
    assert [path for path in files if TOKEN.encode() in path.read_bytes()] == []


def test_secrets_are_nowhere_after_failures_at_the_highest_verbosity(bench):
    wrong = TOKEN[::-1]
    assert run(bench, "plan", "-out=saved.plan").returncode == 0
    (bench.root / "data/a.jpg").write_bytes(b"\xff\xd8\xff other bytes than planned")
    (bench.root / "data/b.jpg").unlink()
    outputs = [
        debugged(bench, "apply", "saved.plan"),
        debugged(bench, "apply", "--auto-approve", token=wrong),
        debugged(bench, "plan", "--server-dry-run", token=wrong),
        debugged(bench, "apply", "--auto-approve"),
        debugged(bench, "apply", "--auto-approve", "--json"),
        debugged(bench, "drift", "--json", token=wrong),
        debugged(bench, "state", "pull"),
    ]
    assert [output.returncode for output in outputs[:3]] == [16, 11, 11]
    shown = "".join(output.stdout + output.stderr for output in outputs)
    secrets = [TOKEN, wrong, "signature="]
    assert [secret for secret in secrets if secret in shown] == []
    files = [path.read_bytes() for path in bench.root.rglob("*") if path.is_file()]
    assert [secret for secret in secrets for content in files if secret.encode() in content] == []
    assert len(files) > 8


def debugged(bench: Bench, *arguments: str, token: str = TOKEN) -> subprocess.CompletedProcess[str]:
    """Run with tracebacks and every warning shown: the most that can be asked for."""
    return run(bench, *arguments, token=token, RECONCILER_DEBUG="1", PYTHONWARNINGS="default")


@pytest.mark.parametrize(
    ("arguments", "token", "code"),
    [(("plan",), "syn_" + "0" * 40, 11), (("plan",), "", 10)],
    ids=["wrong token", "no token"],
)
def test_remote_service_refuses_us_and_the_exit_code_says_so(bench, arguments, token, code):
    assert run(bench, *arguments, token=token).returncode == code


def test_remote_service_that_is_down_is_unreachable_and_deletes_nothing(bench):
    assert run(bench, "apply", "--auto-approve").returncode == 0
    text = (bench.root / "reconciler.yaml").read_text()
    (bench.root / "reconciler.yaml").write_text(re.sub(r"127\.0\.0\.1:\d+", "127.0.0.1:9", text))
    down = run(bench, "plan")
    assert (down.returncode, "Traceback" in down.stderr) == (18, False)
    assert Path(bench.root / ".reconciler/state.db").exists()
