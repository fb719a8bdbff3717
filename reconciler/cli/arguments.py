"""The command line as typed → the command line as parsed. Pure.

Terraform's spellings become ours (`-out=FILE`, `-refresh=false`), and options may stand before or after the command:
those of the whole program are moved to the front, those of a command behind it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

# Options of the whole program.
GLOBAL_VALUES = frozenset({"--chdir", "--env", "--var", "--var-file", "--file", "-f"})
GLOBAL_FLAGS = frozenset({"--no-color", "--no-input"})

# Options of commands: those that take a value, and those that do not.
VALUES = frozenset(
    {
        "--address",
        "--bwlimit",
        "--database",
        "--dialect",
        "--executor",
        "--format",
        "--limit",
        "--listen",
        "--lock-timeout",
        "--max-bytes",
        "--max-calls",
        "--max-delete",
        "--mode",
        "--name",
        "--option",
        "--out",
        "-o",
        "--parallelism",
        "--parent",
        "--pass-env",
        "--refresh",
        "--rows",
        "--seed",
        "--source",
        "--sql",
        "--store",
        "--target",
        "--template",
        "--working-dir",
    }
)
FLAGS = frozenset(
    {
        "--all",
        "--auto-approve",
        "--check",
        "--destroy",
        "--detailed-exitcode",
        "--diff",
        "--force",
        "--help",
        "--json",
        "--no-lock",
        "--no-sources",
        "--no-write",
        "--refresh-only",
        "--server-dry-run",
        "--sources",
        "--upload",
    }
)
_ROOT_FLAGS = frozenset({"--version", "--install-completion", "--show-completion"})

_KNOWN = {name[2:] for name in GLOBAL_VALUES | GLOBAL_FLAGS | VALUES | FLAGS | _ROOT_FLAGS if name.startswith("--")}
# Long names of Terraform that are written otherwise here.
_FOREIGN = {"input", "lock", "minimal-refresh", "install-autocomplete", "recursive"}

_REWRITTEN: Mapping[str, str | None] = {
    "--input=false": "--no-input",
    "--input=true": None,
    "--lock=false": "--no-lock",
    "--lock=true": None,
    "--refresh=false": "--refresh=none",
    "--refresh=true": "--refresh=full",
    "--minimal-refresh": "--refresh=changed",
    "--install-autocomplete": "--install-completion",
    "--recursive": None,  # `fmt` always is
    "-h": "--help",
    "-v": "--version",
}

_COMMANDS: Mapping[tuple[str, ...], tuple[str, ...]] = {
    ("force-unlock",): ("state", "unlock"),
    ("state", "ls"): ("state", "list"),
    ("state", "move"): ("state", "mv"),
    ("state", "remove"): ("state", "rm"),
}


def rewrite(argv: Sequence[str]) -> list[str]:
    """Rewrite arguments (without the program's name). Whatever is not known stays as it is, for the parser to judge."""
    line = _Line()
    words = list(argv)
    while words:
        word = words.pop(0)
        if word == "--":
            line.words += [word, *words]
            break
        option = _spelled(word)
        if option is None:
            continue
        needs_value = option in GLOBAL_VALUES | VALUES and words
        line.add(option, [words.pop(0)] if needs_value else [])
    return line.arguments()


@dataclass(slots=True)
class _Line:
    """Arguments sorted by where they belong. early: options of a command that stand before it."""

    front: list[str] = field(default_factory=list)
    early: list[str] = field(default_factory=list)
    words: list[str] = field(default_factory=list)

    def add(self, word: str, value: list[str]) -> None:
        name = word.partition("=")[0] if word.startswith("--") else word[:2]
        is_option = word.startswith("-") and word != "-"
        if is_option and name in GLOBAL_VALUES | GLOBAL_FLAGS:
            self.front += [word, *value]
        elif not is_option or self.words or name not in VALUES | FLAGS:
            self.words += [word, *value]
        else:
            self.early += [word, *value]

    def arguments(self) -> list[str]:
        for typed, meant in _COMMANDS.items():
            if tuple(self.words[: len(typed)]) == typed:
                self.words[: len(typed)] = meant
        if "--" in self.words:
            end = self.words.index("--")
            return [*self.front, *self.words[:end], *self.early, *self.words[end:]]
        return [*self.front, *self.words, *self.early]


def _spelled(word: str) -> str | None:
    """One word in our spelling; None when it says what is the case anyway."""
    if word.startswith("-") and not word.startswith("--") and len(word) > 2:
        name = word[1:].partition("=")[0]
        word = f"-{word}" if name in _KNOWN or name in _FOREIGN else word
    if word in _REWRITTEN:
        return _REWRITTEN[word]
    name, equals, value = word.partition("=")
    if equals and name in FLAGS | GLOBAL_FLAGS and value in ("true", "false"):
        return name if value == "true" else None
    return word
