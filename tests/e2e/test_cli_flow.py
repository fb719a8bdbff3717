"""The command line from `init` to `destroy` on a tiny tree, against the embedded backend."""

from __future__ import annotations

import io
import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from reconciler.cli.console import Console
from reconciler.cli.main import execute
from reconciler.errors import ExitCode


@dataclass(frozen=True)
class Ran:
    """What a command line gave."""

    code: int
    out: str
    err: str


Run = Callable[..., Ran]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run a command line in a workspace of the `flat` template with three units."""
    monkeypatch.chdir(tmp_path)

    def run_line(*argv: str) -> Ran:
        out, err = io.StringIO(), io.StringIO()
        return Ran(execute(argv, Console(out, err, {})), out.getvalue(), err.getvalue())

    assert run_line("init", "--template", "flat").code == 0
    for number in range(3):
        write_unit(tmp_path, f"sample_{number}")
    return run_line


def write_unit(root: Path, stem: str) -> None:
    folder = root / "data"
    folder.mkdir(exist_ok=True)
    (folder / f"{stem}.png").write_bytes(b"\x89PNG " + stem.encode())
    (folder / f"{stem}.json").write_text(json.dumps({"name": stem}))


def test_apply_twice_then_plan_is_empty(run: Run) -> None:
    assert run("validate").code == 0
    assert run("plan", "-detailed-exitcode").code == ExitCode.CHANGES
    first = run("apply", "-auto-approve")
    assert first.code == 0, first.err
    assert "Apply complete! Resources: 2 added, 0 changed, 0 destroyed." in first.out
    again = run("plan", "-detailed-exitcode")
    assert (again.code, again.out.startswith("No changes.")) == (0, True)


def test_saved_plan_is_applied_without_asking_and_then_stale(run: Run) -> None:
    assert "reconciler apply p" in run("plan", "-out=p").out
    assert run("apply", "p").code == 0
    assert run("apply", "p").code == ExitCode.STALE_PLAN
    assert json.loads(run("show", "-json", "p").out)["reconciler"]["totals"]["units"]["create"] == 3


def test_apply_as_events_is_lines_of_json_and_nothing_else(run: Run) -> None:
    ran = run("apply", "-auto-approve", "-json")
    kinds = [json.loads(line)["type"] for line in ran.out.splitlines()]
    assert (kinds[0], kinds[-1], ran.err) == ("version", "change_summary", "")
    assert {"planned_change", "apply_start", "apply_complete"} <= set(kinds)


def test_one_changed_file_changes_one_unit(run: Run, tmp_path: Path) -> None:
    run("apply", "-auto-approve")
    (tmp_path / "data" / "sample_1.json").write_text("{}")
    ran = run("plan")
    assert "Units: 0 to add, 0 to change, 1 to replace, 0 to move, 0 to delete; 1 file, 2 B to upload." in ran.out


def test_plan_beyond_the_limit_is_shown_and_refused_with_15(run: Run, tmp_path: Path) -> None:
    for number in range(3, 20):
        write_unit(tmp_path, f"sample_{number}")
    text = (tmp_path / "assets.yaml").read_text()
    (tmp_path / "assets.yaml").write_text(text.replace("prune: false", "prune: true"))
    run("apply", "-auto-approve")
    for file in (tmp_path / "data").glob("sample_1*"):
        file.unlink()
    refused = run("plan")
    assert (refused.code, "11 to delete" in refused.out) == (ExitCode.SAFETY, True)
    assert run("apply", "-auto-approve").code == ExitCode.SAFETY
    assert run("apply", "-auto-approve", "--max-delete", "11").code == 0


@pytest.mark.parametrize(
    ("option", "figures"),
    [("--max-bytes=98", "99 bytes would be uploaded"), ("--max-calls=3", "requests would be made")],
)
def test_plan_beyond_its_budget_is_refused_with_15_before_anything_is_written(
    run: Run, tmp_path: Path, option: str, figures: str
) -> None:
    for command in (("plan", "--out=p"), ("apply", "-auto-approve")):
        refused = run(*command, option)
        assert (refused.code, figures in refused.err) == (ExitCode.SAFETY, True), refused.err
    assert run("apply", "p").code == ExitCode.SAFETY
    assert run("state", "list").out == ""
    assert run("apply", "-auto-approve", "--max-bytes=99", "--max-calls=1000").code == 0


def test_saved_plan_is_held_to_the_budget_that_it_is_applied_with(run: Run) -> None:
    assert run("plan", "-out=p").code == 0
    assert run("apply", "p", "--max-bytes", "0.09kB").code == ExitCode.SAFETY
    assert run("apply", "p").code == 0


def test_budget_of_the_workspace_holds_unless_the_command_line_has_another(run: Run, tmp_path: Path) -> None:
    text = (tmp_path / "reconciler.yaml").read_text()
    (tmp_path / "reconciler.yaml").write_text(text.replace("floor: 10", "floor: 10, maxBytes: 0.09kB, maxCalls: 500"))
    assert run("plan").code == ExitCode.SAFETY
    assert run("apply", "-auto-approve", "--max-bytes", "1MiB").code == 0
    assert run("destroy", "-auto-approve").code == 0


@pytest.mark.parametrize("option", ["--max-bytes=much", "--bwlimit=0", "--bwlimit=fast"])
def test_size_that_is_none_is_refused(run: Run, option: str) -> None:
    refused = run("apply", "-auto-approve", option)
    assert (refused.code, option.split("=")[0] in refused.err) == (ExitCode.FAILED, True)


def test_bwlimit_slows_the_upload_down(run: Run) -> None:
    begin = time.monotonic()
    assert run("apply", "-auto-approve", "--bwlimit", "100").code == 0
    assert time.monotonic() - begin > 0.9  # 99 bytes at 100 a second


def test_state_commands_list_show_move_and_forget(run: Run, tmp_path: Path) -> None:
    run("apply", "-auto-approve")
    units = next(line for line in run("state", "list").out.splitlines() if line.startswith("AssetSet/"))
    assert run("state", "ls", units).out.splitlines()[0] == f'{units}["sample_0"]'
    assert "image_1 = " in run("state", "show", f'{units}["sample_0"]').out
    assert run("state", "mv", units, "AssetSet/moved").code == 0
    assert run("state", "rm", "AssetSet/moved").code == 0
    assert run("state", "show", "AssetSet/moved").code == ExitCode.FAILED


def test_state_pulled_and_pushed_is_the_same_state(run: Run, tmp_path: Path) -> None:
    run("apply", "-auto-approve")
    pulled = run("state", "pull").out
    (tmp_path / "pulled.json").write_text(pulled)
    run("state", "rm", run("state", "list").out.splitlines()[0])
    older = run("state", "push", "pulled.json")
    assert (older.code, "older" in older.err) == (ExitCode.FAILED, True)
    assert run("state", "push", "-force", "pulled.json").code == 0
    assert json.loads(run("state", "pull").out)["resources"] == json.loads(pulled)["resources"]
    assert run("plan", "-detailed-exitcode").code == 0


def test_state_of_another_lineage_is_not_pushed(run: Run, tmp_path: Path) -> None:
    run("apply", "-auto-approve")
    document = json.loads(run("state", "pull").out) | {"lineage": "other", "serial": 999}
    (tmp_path / "other.json").write_text(json.dumps(document))
    ran = run("state", "push", "other.json")
    assert (ran.code, "another lineage" in ran.err) == (ExitCode.FAILED, True)


def test_lost_state_is_rebuilt_by_import_all(run: Run, tmp_path: Path) -> None:
    run("apply", "-auto-approve")
    for file in (tmp_path / ".reconciler").glob("state.db*"):
        file.unlink()
    assert "Import complete! 2 resources, 3 rows taken over." in run("import", "--all").out
    assert run("plan", "-detailed-exitcode").code == 0


def test_lock_that_is_held_ends_with_12_and_names_the_holder(run: Run, tmp_path: Path) -> None:
    from reconciler.state.lock import StateLock

    path = tmp_path / ".reconciler" / "state.db.lock"
    with StateLock(path, "apply", "lock-1"):
        ran = run("apply", "-auto-approve")
        assert (ran.code, "lock-1" in ran.err) == (ExitCode.LOCK_HELD, True)
        assert run("state", "unlock", "lock-1", "--force").code == ExitCode.LOCK_HELD
    assert run("state", "unlock", "lock-1", "--force").code == ExitCode.FAILED


def test_lock_of_a_dead_run_elsewhere_is_broken_by_its_id(run: Run, tmp_path: Path) -> None:
    from reconciler.state.lock import LockInfo

    path = tmp_path / ".reconciler" / "state.db.lock"
    path.parent.mkdir(exist_ok=True)
    info = LockInfo("lock-2", "apply", "someone@far", "2026-01-01T00:00:00+00:00", "2999-01-01T00:00:00+00:00")
    path.write_text(json.dumps(info.to_json()))
    assert run("apply", "-auto-approve").code == ExitCode.LOCK_HELD
    assert run("force-unlock", "-force", "other").code == ExitCode.FAILED
    assert run("force-unlock", "lock-2").code == ExitCode.FAILED
    assert run("force-unlock", "-force", "lock-2").code == 0
    assert run("apply", "-auto-approve").code == 0


def test_drift_is_told_apart_and_ends_with_2(run: Run) -> None:
    run("apply", "-auto-approve")
    assert run("drift", "-detailed-exitcode").out.startswith("No drift.")
    kinds = [json.loads(line)["type"] for line in run("drift", "-json").out.splitlines()]
    assert kinds[-1] == "drift_summary"


def test_explore_prints_documents_that_validate(run: Run, tmp_path: Path) -> None:
    ran = run("explore", "data")
    assert "layout" in ran.err
    for name in ("assets.yaml", "collection.yaml"):
        (tmp_path / name).unlink()
    (tmp_path / "explored.yaml").write_text(ran.out)
    assert run("validate").code == 0
    assert json.loads(run("explore", "-json", "data").out)["file_count"] == 6


@pytest.mark.parametrize(("form", "mark"), [("markdown", "### Plan"), ("html", "<!doctype html>"), ("json", "{")])
def test_plan_is_written_in_every_format(run: Run, form: str, mark: str) -> None:
    ran = run("plan", f"--format={form}")
    assert (ran.code, ran.out.startswith(mark)) == (0, True)


def test_show_queries_plan_and_state(run: Run) -> None:
    run("plan", "-out=p")
    run("apply", "p")
    rows = run("show", "p", "--sql", "select action, count(*) as n from row_change group by 1", "--json")
    assert json.loads(rows.out) == [{"action": "create", "n": 3}]
    assert run("show", "--sql", "select count(*) from row").out.splitlines()[-1] == "3"
    assert run("show", "--sql", "delete from row").code == ExitCode.FAILED
    assert run("show", "--sql", "select count(*) from row").out.splitlines()[-1] == "3"


def test_destroy_leaves_nothing(run: Run) -> None:
    run("apply", "-auto-approve")
    assert run("destroy").code == ExitCode.FAILED
    ran = run("destroy", "-auto-approve")
    assert (ran.code, "Destroy complete! Resources: 2 destroyed." in ran.out) == (0, True)
    assert run("state", "list").out == ""


def test_doctor_lets_us_in(run: Run) -> None:
    findings = json.loads(run("doctor", "--json").out)
    assert {f["status"] for f in findings if f["what"] in ("documents", "state", "lock", "backend local")} == {"ok"}


def test_chdir_and_variables_work_before_and_after_the_command(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path.parent)
    before = run(f"-chdir={tmp_path}", "plan")
    monkeypatch.chdir(tmp_path.parent)
    after = run("plan", "--chdir", str(tmp_path))
    assert (before.code, before.out) == (0, after.out)


def test_interrupted_apply_ends_with_130_and_the_next_one_does_the_rest(run: Run, tmp_path: Path) -> None:
    for number in range(2500):
        write_unit(tmp_path, f"more_{number:04}")
    command = [sys.executable, "-c", "from reconciler.cli.main import run; run()", "apply", "-auto-approve", "-json"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        for line in process.stdout:
            event = json.loads(line)
            if event["type"] == "apply_start" and event["hook"]["resource"]["resource_type"] == "AssetSet":
                process.send_signal(signal.SIGINT)
                break
        last = json.loads(process.stdout.read().splitlines()[-1])
    assert (process.returncode, last["@message"].split(".")[0]) == (ExitCode.INTERRUPTED, "Apply interrupted")
    assert run("apply", "-auto-approve").code == 0
    assert run("plan", "-detailed-exitcode").code == 0


def test_package_runs_as_a_module() -> None:
    done = subprocess.run([sys.executable, "-m", "reconciler", "version"], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout.split()[0]) == (0, "reconciler")
