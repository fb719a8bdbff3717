"""The two output streams: results on one, everything else on the other; colours, and no secret on either."""

from __future__ import annotations

import json
import os
import shutil
import sys
import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TextIO

from reconciler.render.style import Style

if TYPE_CHECKING:
    from reconciler.model.json import JSON

HIDDEN = "***"
_SHORTEST = 4  # shorter texts occur everywhere; hiding them would tell more than it hides


@dataclass(slots=True)
class Console:
    """Writes for people and programs; safe to call from several threads.

    A reader that goes away (`| head`) never stops the work: what it does not read is dropped.
    """

    out: TextIO
    err: TextIO
    environ: Mapping[str, str]
    no_color: bool = False
    _secrets: list[str] = field(default_factory=list, repr=False)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _has_live_line: bool = False

    def hide(self, secrets: Iterable[str]) -> None:
        """Hide these texts from now on, also inside JSON strings."""
        texts = {text for secret in secrets for text in (secret, json.dumps(secret)[1:-1], _in_json(secret))}
        known = {*self._secrets, *(text for text in texts if len(text) >= _SHORTEST)}
        self._secrets = sorted(known, key=lambda text: (-len(text), text))

    def redact(self, text: str) -> str:
        """The text without secrets."""
        for secret in self._secrets:
            text = text.replace(secret, HIDDEN)
        return text

    def print(self, text: str) -> None:
        """Write a result, with a line end."""
        self._write(self.out, text if text.endswith("\n") else f"{text}\n")

    def print_json(self, value: JSON) -> None:
        """Write a result as indented JSON."""
        self.print(json.dumps(value, ensure_ascii=False, indent=2))

    def tell(self, text: str) -> None:
        """Write progress or a diagnostic, with a line end."""
        self._write(self.err, f"{text}\n")

    def prompt(self, text: str) -> None:
        """Write a question where results go, without a line end."""
        self._write(self.out, text)

    def show_live(self, text: str) -> None:
        """Show a line on a terminal that whatever is written next replaces; an empty text takes it away."""
        width = max(shutil.get_terminal_size().columns - 1, 20)
        self._write(self.err, text[:width])
        self._has_live_line = bool(text)

    @property
    def style(self) -> Style:
        """Colours of results."""
        return Style(self._has_color(self.out))

    @property
    def err_style(self) -> Style:
        """Colours of diagnostics."""
        return Style(self._has_color(self.err))

    @property
    def is_live(self) -> bool:
        """Whether progress can be refreshed in place: a real terminal, and no pipeline."""
        return is_terminal(self.err) and not self.environ.get("CI") and self.environ.get("TERM") != "dumb"

    def _has_color(self, stream: TextIO) -> bool:
        if self.no_color or self.environ.get("NO_COLOR"):
            return False
        if self.environ.get("FORCE_COLOR"):
            return True
        return is_terminal(stream) and not self.environ.get("CI") and self.environ.get("TERM") != "dumb"

    def _write(self, stream: TextIO, text: str) -> None:
        with self._lock:
            if self._has_live_line:
                self._has_live_line = False
                _put(self.err, "\r\x1b[K")
            _put(stream, self.redact(text))


def is_terminal(stream: TextIO) -> bool:
    """Whether a person looks at the stream, or types into it."""
    try:
        return stream.isatty()
    except ValueError:  # closed
        return False


def standard_console() -> Console:
    """The console of this process. Characters that a stream cannot write are written as escapes."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
    return Console(sys.stdout, sys.stderr, os.environ)


def _put(stream: TextIO, text: str) -> None:
    try:
        stream.write(text)
        stream.flush()
    except BrokenPipeError:
        _drop_output(stream)


def _in_json(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)[1:-1]


def _drop_output(stream: TextIO) -> None:
    """Send the rest into the void, or the interpreter complains about the closed pipe when it ends."""
    void = os.open(os.devnull, os.O_WRONLY)
    os.dup2(void, stream.fileno())
    os.close(void)
