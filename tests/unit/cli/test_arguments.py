from typing import Any

import pytest

from reconciler.cli import arguments
from reconciler.cli.arguments import rewrite
from reconciler.cli.group import COMMANDS, load_command
from reconciler.cli.main import app


@pytest.mark.parametrize(
    ("typed", "parsed", "reason"),
    [
        ("plan -out=p -detailed-exitcode", "plan --out=p --detailed-exitcode", "Terraform's single dash"),
        ("plan -out p", "plan --out p", "a value may be a word of its own"),
        ("plan -o p", "plan -o p", "a short option stays"),
        ("plan -refresh=false", "plan --refresh=none", "refresh is a choice here"),
        ("plan -refresh=true", "plan --refresh=full", "and full is Terraform's true"),
        ("plan -minimal-refresh", "plan --refresh=changed", "the third choice"),
        ("plan -refresh-only", "plan --refresh-only", "a longer name is not cut"),
        ("plan -lock=false", "plan --no-lock", "a plan takes no lock"),
        ("plan -lock=true", "plan", "what is the case anyway is dropped"),
        ("apply -input=false", "--no-input apply", "no questions, for the whole program"),
        ("apply -input=true", "apply", "asking is the rule"),
        ("apply -auto-approve", "apply --auto-approve", "a flag"),
        ("apply -auto-approve=true", "apply --auto-approve", "a flag that is given a value"),
        ("apply -auto-approve=false", "apply", "a flag that is taken back"),
        ("apply -parallelism=4 -lock-timeout=10s", "apply --parallelism=4 --lock-timeout=10s", "numbers and times"),
        ("plan -var k=v -var-file=f", "--var k=v --var-file=f plan", "options of the program go to the front"),
        ("plan -f - -no-color", "-f - --no-color plan", "a dash is a value"),
        ("-chdir=d plan", "--chdir=d plan", "Terraform's place for -chdir"),
        ("-json plan", "plan --json", "options of a command go behind it"),
        ("-json state list", "state list --json", "also behind that of a group"),
        ("-help plan", "plan --help", "help of the command"),
        ("plan -h", "plan --help", "short help"),
        ("-version", "--version", "version of the program"),
        ("-v", "--version", "short version"),
        ("force-unlock -force ID", "state unlock --force ID", "Terraform's own command"),
        ("state ls", "state list", "another name"),
        ("state rm -- -x", "state rm -- -x", "nothing behind two dashes is touched"),
        ("show --sql --json", "show --sql --json", "a value is not taken for an option"),
        ("show --sql -out", "show --sql -out", "nor is it rewritten"),
        ("plan -target=Collection/a", "plan --target=Collection/a", "an address"),
        ("plan -zzz", "plan -zzz", "what is not known is for the parser to judge"),
        ("plan --out=--json", "plan --out=--json", "a value behind an equals sign stays"),
        ("fmt -recursive -check", "fmt --check", "fmt always is recursive"),
        ("", "", "nothing at all"),
    ],
)
def test_arguments_are_rewritten(typed: str, parsed: str, reason: str) -> None:
    assert rewrite(typed.split()) == parsed.split(), reason


def test_arguments_with_blanks_stay_one_argument() -> None:
    assert rewrite(["plan", "-var", "k=a b"]) == ["--var", "k=a b", "plan"]


def _options(command: Any) -> list[Any]:
    found = [param for param in command.params if param.param_type_name == "option"]
    for sub in getattr(command, "commands", {}).values():
        found += _options(sub)
    return found


def _names(params: list[Any], *, flag: bool) -> set[str]:
    return {name for p in params if p.is_flag is flag for name in (*p.opts, *p.secondary_opts)}


def test_table_of_options_is_what_the_commands_declare() -> None:
    params = [param for name in COMMANDS for param in _options(load_command(name))]
    assert _names(params, flag=False) == arguments.VALUES
    assert _names(params, flag=True) | {"--help"} == arguments.FLAGS


def test_table_of_program_options_is_what_the_program_declares() -> None:
    from typer.main import get_command

    params = _options(get_command(app))
    assert _names(params, flag=False) == arguments.GLOBAL_VALUES
    assert _names(params, flag=True) - {"--version", "--install-completion", "--show-completion"} == (
        arguments.GLOBAL_FLAGS
    )
