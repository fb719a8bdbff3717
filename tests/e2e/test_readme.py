"""The README tells the truth: its commands run, print what it shows, and its links lead somewhere.

In a ```console block, a line that begins with `$ ` is a command; the lines below it are its output, standard error
included. A line with `…` alone stands for any number of lines, `…` in a line for any text, `[exit code N]` for that end
(0 when it is not shown). All blocks share one folder, a copy of the quick start, in order. A comment
`<!-- not run: why -->` above a block keeps it from being run; its programs must exist all the same.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from reconciler import errors
from reconciler.plan.rows import Remote, RowDigests, RowRules, Stray, decide_row
from reconciler.plan.values import Action, Reason

ROOT = Path(__file__).parents[2]
README = ROOT / "README.md"
PAGES = sorted(
    [README, ROOT / "CHANGELOG.md", *ROOT.glob("docs/**/*.md"), *ROOT.glob("examples/**/*.md")],
    key=lambda path: str(path.relative_to(ROOT)),
)
ELIDED = "…"


@dataclass
class Command:
    """One command of a block. output: the lines shown below it."""

    line: str
    output: list[str] = field(default_factory=list)

    @property
    def exit_code(self) -> int:
        codes = [int(m[1]) for line in self.output if (m := re.fullmatch(r"\[exit code (\d+)\]", line))]
        return codes[0] if codes else 0

    @property
    def shown(self) -> list[str]:
        return [line for line in self.output if not line.startswith("[exit code")]


def blocks(path: Path) -> Iterator[tuple[bool, list[Command]]]:
    """Whether a block is run, and its commands."""
    text = path.read_text(encoding="utf-8")
    for skip, body in re.findall(r"(<!-- not run: .+? -->\n)?```console\n(.*?)```", text, re.DOTALL):
        commands: list[Command] = []
        for line in body.splitlines():
            if line.startswith("$ "):
                commands.append(Command(line[2:]))
            else:
                commands[-1].output.append(line)
        yield not skip, commands


def matches(shown: list[str], printed: list[str]) -> bool:
    """Whether `printed` is what `shown` shows, with elisions. Blank lines do not count."""
    want, have = [line for line in shown if line.strip()], [line for line in printed if line.strip()]
    pattern = "".join(r"(?:.*\n)*?" if line == ELIDED else _line_pattern(line) for line in want)
    return re.fullmatch(pattern, "".join(line.rstrip() + "\n" for line in have)) is not None


def _line_pattern(line: str) -> str:
    return ".*".join(re.escape(part) for part in line.rstrip().split(ELIDED)) + "\n"


def execute(line: str, folder: Path) -> tuple[int, list[str]]:
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    environment = {**os.environ, "PATH": path, "NO_COLOR": "1", "CI": "1", "COLUMNS": "120"}
    done = subprocess.run(
        ["bash", "-c", line],
        cwd=folder,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout.splitlines()


def test_readme_commands_print_what_it_shows(tmp_path: Path) -> None:
    folder = shutil.copytree(ROOT / "examples" / "quickstart", tmp_path / "quickstart")
    commands = [command for run, block in blocks(README) if run for command in block]
    assert len(commands) > 10
    for command in commands:
        code, printed = execute(command.line, folder)
        assert code == command.exit_code, f"$ {command.line}\n" + "\n".join(printed)
        assert matches(command.shown, printed), f"$ {command.line}\n" + "\n".join(printed)


def test_readme_commands_that_are_not_run_exist() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    commands = [command.line for run, block in blocks(README) if not run for command in block]
    assert commands == ["pip install '.[excel,images]'", "make demo", "cd .demo && reconciler graph"]
    assert re.search(r"^demo:", makefile, re.MULTILINE)
    assert 'excel = ["' in (ROOT / "pyproject.toml").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("shown", "printed", "expected", "reason"),
    [
        (["a", "c"], ["a", "c"], True, "the same"),
        (["a", ELIDED, "c"], ["a", "b", "b", "c"], True, "elided lines"),
        (["a", ELIDED], ["a"], True, "nothing elided"),
        (["a … c"], ["a b c"], True, "elided text"),
        (["a … d"], ["a b c"], False, "other text"),
        (["a", "c"], ["a", "b", "c"], False, "a line that is not shown"),
        (["a", ELIDED, "d"], ["a", "b", "c"], False, "a line that is not printed"),
        ([], ["a"], False, "output where none is shown"),
    ],
)
def test_matches_shown_and_printed(shown: list[str], printed: list[str], expected: bool, reason: str) -> None:
    assert matches(shown, printed) is expected, reason


@pytest.mark.parametrize("page", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_of_pages_lead_somewhere(page: Path) -> None:
    text = re.sub(r"```.*?```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)
    targets = re.findall(r"\[[^\]]*\]\(([^)\s]+)\)", text)
    local = [target.partition("#")[0] for target in targets if "://" not in target and not target.startswith("#")]
    assert [target for target in local if not (page.parent / target).exists()] == []


def test_documentation_every_page_is_in_the_index() -> None:
    index = (ROOT / "docs" / "index.md").read_text(encoding="utf-8")
    pages = [path.relative_to(ROOT / "docs").as_posix() for path in (ROOT / "docs").glob("**/*.md")]
    assert [name for name in sorted(pages) if name != "index.md" and f"({name})" not in index] == []


# -- pages that repeat what the code says ------------------------------------------------------------------------------


def test_errors_page_shows_the_error_tree_and_every_exit_code() -> None:
    page = (ROOT / "docs" / "errors.md").read_text(encoding="utf-8")
    tree = [line.strip() for line in (errors.__doc__ or "").splitlines() if "exit 1" in line or "──" in line]
    assert [line for line in tree if line not in page] == []
    assert [code for code in errors.ExitCode if not re.search(rf"^\| {int(code)} \|", page, re.MULTILINE)] == []


def test_planning_page_names_every_action_and_reason_in_use() -> None:
    page = (ROOT / "docs" / "planning.md").read_text(encoding="utf-8")
    folders = [ROOT / "reconciler" / name for name in ("plan", "engine")]
    code = "".join(path.read_text(encoding="utf-8") for folder in folders for path in folder.glob("*.py"))
    used = [reason for reason in Reason if f"Reason.{reason.name}" in code]
    assert [action.value for action in Action if action.value not in page] == []
    assert [reason.value for reason in used if f"`{reason.value}`" not in page] == []


A, B = RowDigests("a", "1"), RowDigests("b", "1")
OWNED, EDITED = RowDigests("a", "1", "7"), RowDigests("a", "2", "7")
OURS, OURS_OTHER, FOREIGN = (
    Stray(OWNED, ours=True),
    Stray(RowDigests("b", "1", "7"), ours=True),
    Stray(OWNED, ours=False),
)


@pytest.mark.parametrize(
    ("line", "desired", "owned", "remote", "rules"),
    [
        ("yes | yes | gone", A, OWNED, Remote.ABSENT, RowRules()),
        ("yes | yes | the parent has a new identity", A, OWNED, Remote.AS_OWNED, RowRules(rebound=True)),
        ("yes | yes | content differs", B, OWNED, Remote.AS_OWNED, RowRules()),
        ("yes | yes | changed by others, in a task set", A, OWNED, EDITED, RowRules(keeps_foreign_edits=True)),
        ("yes | yes | fields differ from what was applied", RowDigests("a", "3"), OWNED, Remote.AS_OWNED, RowRules()),
        ("yes | yes | fields were changed by others", A, OWNED, EDITED, RowRules()),
        ("yes | yes | as applied", A, OWNED, Remote.AS_OWNED, RowRules()),
        ("no | yes | gone", None, OWNED, Remote.ABSENT, RowRules()),
        ("no | yes | there, `prune: true`", None, OWNED, Remote.AS_OWNED, RowRules(prune=True)),
        ("no | yes | there, `prune: false`", None, OWNED, Remote.AS_OWNED, RowRules()),
        ("yes | no | one with our marker, same content", A, None, OURS, RowRules()),
        ("yes | no | one with our marker, other content", A, None, OURS_OTHER, RowRules()),
        ("yes | no | one of others, same content, `onExists", A, None, FOREIGN, RowRules(adopt=True)),
        ("yes | no | one of others, same content |", A, None, FOREIGN, RowRules()),
        ("no | no | one with our marker", None, None, OURS, RowRules()),
        ("yes | no | nothing", A, None, Remote.ABSENT, RowRules()),
    ],
)
def test_planning_page_row_table_says_what_is_decided(
    line: str,
    desired: RowDigests | None,
    owned: RowDigests | None,
    remote: RowDigests | Remote | Stray,
    rules: RowRules,
) -> None:
    page = (ROOT / "docs" / "planning.md").read_text(encoding="utf-8").partition("## Rows")[2]
    (found,) = [text for text in page.splitlines() if text.startswith(f"| {line}")]
    decision = decide_row(desired, owned, remote, rules)
    assert f"| {decision.action.value}" in found
    assert f"| `{decision.reason.value}` |" in found
    assert found.endswith("yes |") if decision.drift else not found.endswith("| yes |")
