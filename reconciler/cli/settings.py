"""What holds for the whole command line: workspace, variables, streams; and how a configuration is read with it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from reconciler.cli.console import Console, is_terminal
from reconciler.errors import ReconcilerError, UsageError

if TYPE_CHECKING:
    from reconciler.engine.events import EventSink
    from reconciler.engine.session import Session
    from reconciler.model.workspace import Configuration

PARALLELISM = 10


class ShownError(Exception):
    """An error that was shown already; only its exit code is left to give."""

    def __init__(self, error: ReconcilerError) -> None:
        super().__init__(str(error))
        self.exit_code = error.exit_code


@dataclass(slots=True)
class Settings:
    """The options of the whole program. files: what `-f` names."""

    console: Console
    environment: str | None = None
    variables: Sequence[str] = ()
    var_files: Sequence[Path] = ()
    files: Sequence[str] = ()
    no_input: bool = False

    def configuration(self) -> Configuration:
        """Read the configuration; its secrets are hidden from here on.

        Raises:
            ConfigError: it is wrong. UsageError: a `--var` is not NAME=VALUE.
        """
        from reconciler.config import load

        found = load(
            Path.cwd(),
            files=self.files,
            environment=self.environment or self.console.environ.get("RECONCILER_ENV") or None,
            variables=parse_variables(self.variables),
            var_files=self.var_files,
            environ=self.console.environ,
            stdin=_read_stdin,
        )
        self.console.hide(found.workspace.secrets)
        return found

    @contextmanager
    def session(
        self, events: EventSink | None = None, *, parallelism: int = PARALLELISM, executor: str | None = None
    ) -> Iterator[Session]:
        """A session over the configuration; closed at the end. executor: instead of the one of the workspace."""
        from reconciler.engine.events import ignore_events
        from reconciler.engine.session import Session
        from reconciler.model.workspace import ExecutorKind

        configuration = self.configuration()
        chosen = ExecutorKind(executor) if executor is not None else configuration.workspace.execution.executor
        execution = replace(configuration.workspace.execution, executor=chosen)
        with Session(configuration, events or ignore_events, parallelism, execution=execution) as session:
            yield session

    @property
    def can_ask(self) -> bool:
        """Whether there is someone to answer a question."""
        import sys

        return not self.no_input and "-" not in self.files and is_terminal(sys.stdin)


def settings_of(context: Any) -> Settings:
    """The settings of a running command."""
    found = context.find_object(Settings)
    assert isinstance(found, Settings)
    return found


def parse_variables(texts: Sequence[str]) -> dict[str, str]:
    """Read `NAME=VALUE` texts; later ones win. Raises UsageError."""
    found = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not equals or not name:
            raise UsageError(f"--var {text!r} is not NAME=VALUE", fix="for example --var site=b")
        found[name] = value
    return found


def _read_stdin() -> str:
    import sys

    return sys.stdin.read()
