"""Commands that need no backend, the errors of the command line, and the documentation of all commands."""

import io
import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import reconciler
from reconciler.cli.commands.init import TEMPLATES, workspace_name
from reconciler.cli.console import Console
from reconciler.cli.group import COMMANDS, load_command
from reconciler.cli.main import execute
from reconciler.config import load
from reconciler.errors import ExitCode, ReconcilerError

DOCS = Path(reconciler.__file__).parents[1] / "docs" / "cli.md"
UNTIDY = "apiVersion: reconciler.dev/v1   \nkind: Collection\nmetadata: {name: a}\nspec: {}\n\n\n\n"


def _leaves(name: str, command: Any) -> list[tuple[str, Any]]:
    subs = getattr(command, "commands", None)
    return [(f"{name} {sub}", leaf) for sub, leaf in subs.items()] if subs else [(name, command)]


LEAVES = [leaf for name in COMMANDS for leaf in _leaves(name, load_command(name))]


@pytest.mark.parametrize(("name", "command"), LEAVES, ids=[name for name, _ in LEAVES])
def test_command_is_documented_with_every_option(name: str, command: Any) -> None:
    text = DOCS.read_text(encoding="utf-8")
    assert re.search(rf"`(reconciler )?{name}\b", text), name
    options = {opt for param in command.params if param.param_type_name == "option" for opt in param.opts}
    assert {option for option in options if option not in text} == set()
    assert command.help, name


def test_documented_commands_exist() -> None:
    documented = set(re.findall(r"^### .*?`reconciler (\w+)", DOCS.read_text(encoding="utf-8"), re.M))
    assert documented == set(COMMANDS)


def test_documented_exit_codes_are_those_of_the_errors() -> None:
    table = DOCS.read_text(encoding="utf-8").partition("## Exit codes")[2].partition("## Env")[0]
    assert {int(code) for code in re.findall(r"^\| (\d+) \|", table, re.M)} == {int(code) for code in ExitCode}


def test_help_lists_every_command_without_importing_one(tmp_path: Path) -> None:
    script = (
        "import sys\nfrom reconciler.cli.main import run\nsys.argv[1:] = ['--help']\n"
        "try:\n    run()\nfinally:\n    heavy = {'rich', 'yaml', 'httpx', 'sqlite3', 'reconciler.cli.commands'}\n"
        "    print('loaded:', *sorted(heavy & set(sys.modules)))\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert all(f"  {name} " in done.stdout for name in COMMANDS)
    assert done.stdout.splitlines()[-1] == "loaded:"


@pytest.mark.parametrize(
    ("argv", "reason"),
    [
        ("nope", "no such command"),
        ("plam", "a misspelt command"),
        ("plan --nope", "no such option"),
        ("plan --refresh=some", "not one of the choices"),
        ("apply --parallelism 0", "numbers are checked"),
        ("apply --parallelism x", "numbers are numbers"),
        ("plan --max-delete=200%", "a share is at most the whole"),
        ("plan --target Collection", "not an address"),
        ("plan --var x", "a variable has a value"),
        ("version --chdir /nonexistent/folder", "a folder exists"),
        ("import Collection/a", "an address needs an id"),
        ("import", "something is to be imported"),
        ("import --all Collection/a 1", "one or all"),
        ("apply", "nobody is there to approve"),
        ("apply --json", "nor could anybody be asked between events"),
        ("apply p --target Collection/a", "a saved plan is carried out as it is"),
        ("apply --auto-approve --lock-timeout soon", "a time is a time"),
        ("show --format html", "the state is no plan"),
        ("schema Nope", "no such kind"),
        ("init --template nope", "no such template"),
        ("fmt nowhere", "no such file"),
        ("state mv Collection/a AssetSet/a", "another kind"),
        ("state", "a group needs a command"),
    ],
)
def test_usage_error_ends_with_1_and_no_traceback(run: Any, argv: str, reason: str) -> None:
    ran = run(*argv.split())
    assert ran.code == ExitCode.FAILED, reason
    assert "Traceback" not in ran.err
    assert "Error:" in ran.err or "Usage:" in ran.out, reason


def test_misspelt_command_is_met_with_the_nearest(run: Any) -> None:
    assert "did you mean 'plan'?" in run("plam").err


def _errors(error: type[ReconcilerError]) -> list[type[ReconcilerError]]:
    return [error, *(found for sub in error.__subclasses__() for found in _errors(sub))]


def _failing(error: Exception, environ: dict[str, str]) -> tuple[int, str]:
    """Exit code and diagnostics of a command that raises."""

    def program(*_args: object, **_more: object) -> None:
        raise error

    console = Console(io.StringIO(), io.StringIO(), environ)
    code = execute(["version"], console, program=program)
    return code, console.err.getvalue()  # type: ignore[attr-defined]


@pytest.mark.parametrize("error", _errors(ReconcilerError))
def test_error_ends_with_the_code_of_its_class(error: type[ReconcilerError]) -> None:
    failure = error.__new__(error)
    ReconcilerError.__init__(failure, "it failed", fix="do better")
    assert _failing(failure, {}) == (error.exit_code, "Error: it failed\n  fix: do better\n")


@pytest.mark.parametrize(("environ", "shown"), [({}, False), ({"RECONCILER_DEBUG": "1"}, True)])
def test_fault_of_the_program_is_a_short_message_unless_debugging(environ: dict[str, str], shown: bool) -> None:
    code, text = _failing(ZeroDivisionError("oops"), environ)
    assert code == ExitCode.FAILED
    assert ("Traceback" in text) is shown
    assert "ZeroDivisionError: oops" in text


def test_interrupt_ends_with_130() -> None:
    assert _failing(KeyboardInterrupt(), {})[0] == ExitCode.INTERRUPTED  # type: ignore[arg-type]


def test_version_as_json_names_what_it_runs_on(run: Any) -> None:
    assert json.loads(run("version", "--json").out).keys() == {"version", "platform", "python", "sqlite"}


@pytest.mark.parametrize("template", TEMPLATES)
def test_template_is_a_valid_workspace(run: Any, tmp_path: Path, template: str) -> None:
    assert run("init", "--template", template).code == 0
    configuration = load(tmp_path, environ={})
    assert configuration.warnings == ()
    assert configuration.workspace.name == workspace_name(tmp_path)
    assert run("fmt", "--check").code == 0


def test_init_without_a_terminal_takes_the_quick_start_and_never_asks(run: Any, tmp_path: Path) -> None:
    assert run("init").code == 0
    assert (tmp_path / "labelling.yaml").exists()


def test_init_never_overwrites_and_writes_nothing_beside(run: Any, tmp_path: Path) -> None:
    (tmp_path / "collection.yaml").write_text("mine")
    ran = run("init")
    assert ran.code == ExitCode.FAILED
    assert "collection.yaml" in ran.err
    assert [path.name for path in tmp_path.iterdir()] == ["collection.yaml"]


def test_init_leaves_a_gitignore_alone(run: Any, tmp_path: Path) -> None:
    (tmp_path / ".gitignore").write_text("mine\n")
    assert run("init").code == 0
    assert (tmp_path / ".gitignore").read_text() == "mine\n"


def test_fmt_check_reports_and_writes_nothing(run: Any, tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(UNTIDY)
    ran = run("fmt", "-check", "-diff")
    assert (ran.code, (tmp_path / "a.yaml").read_text()) == (ExitCode.FAILED, UNTIDY)
    assert "+apiVersion: reconciler.dev/v1" in ran.out


def test_fmt_writes_once_and_keeps_rights(run: Any, tmp_path: Path) -> None:
    file = tmp_path / "a.yaml"
    file.write_text(UNTIDY)
    file.chmod(0o640)
    assert run("fmt").out == "a.yaml\n"
    assert file.stat().st_mode & 0o777 == 0o640
    assert run("fmt").out == ""


def test_fmt_of_a_broken_document_names_the_place(run: Any, tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("kind: Collection\nkind: Collection\n")
    ran = run("fmt")
    assert ran.code == ExitCode.CONFIGURATION
    assert "a.yaml:2" in ran.err


def test_validate_as_json_gives_diagnostics_and_exit_10(run: Any, tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(
        "apiVersion: reconciler.dev/v1\nkind: Collection\nmetadata: {name: a}\nspec: {titel: x}\n"
    )
    ran = run("validate", "--json")
    document = json.loads(ran.out)
    assert (ran.code, document["valid"], document["error_count"]) == (ExitCode.CONFIGURATION, False, 1)
    assert document["diagnostics"][0]["range"]["filename"] == "a.yaml"


def test_validate_finds_a_source_that_is_missing(run: Any) -> None:
    run("init", "--template", "flat")
    ran = run("validate")
    assert ran.code == ExitCode.CONFIGURATION
    assert "assets.yaml:" in ran.err
    assert run("validate", "--no-sources").code == 0


@pytest.mark.parametrize("form", ["text", "dot", "mermaid", "svg"])
def test_graph_is_written_in_every_format(run: Any, form: str) -> None:
    run("init")
    ran = run("graph", f"-format={form}")
    assert ran.code == 0
    assert "Export" in ran.out


def test_schema_is_found_whatever_its_case(run: Any) -> None:
    assert json.loads(run("schema", "collection").out)["title"] == "Collection"


def test_plan_as_events_tells_errors_as_diagnostics(run: Any) -> None:
    run("init", "--template", "flat")
    ran = run("plan", "--json")
    lines = [json.loads(line) for line in ran.out.splitlines()]
    assert ran.code == ExitCode.CONFIGURATION
    assert [line["type"] for line in lines][:1] == ["version"]
    assert lines[-1]["type"] == "diagnostic"
    assert ran.err == ""


def test_show_of_something_else_than_a_plan_says_so(run: Any, tmp_path: Path) -> None:
    (tmp_path / "x").write_text("no plan")
    assert "not a plan file" in run("show", "x").err
    assert "no plan file" in run("show", "y").err


def test_secret_of_the_workspace_never_reaches_the_output(run: Any, tmp_path: Path) -> None:
    secret = "hunter2-hunter2"
    run("init", "--template", "flat")
    backend = '{type: datamaker, url: "http://127.0.0.1:9", tenant: "${env.TOKEN}", token: "${env.TOKEN}"}'
    text = f"apiVersion: reconciler.dev/v1\nkind: Workspace\nmetadata: {{name: {secret}}}\n"
    (tmp_path / "reconciler.yaml").write_text(f"{text}spec:\n  backends:\n    far: {backend}\n")
    ran = run("doctor", environ={"TOKEN": secret})
    assert "***" in ran.out
    assert secret not in ran.out + ran.err
