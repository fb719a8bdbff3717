"""One row of a Sage manifest as a value, and where its file lies."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, tzinfo
from enum import StrEnum
from pathlib import Path

from reconciler.formats.manifest_cells import Wire

ENTITY = re.compile(r"syn[0-9]+(\.[0-9]+)?")
CONTAINER = re.compile(r"syn[0-9]+")


class LinkKind(StrEnum):
    """What an item of `used` or `executed` names."""

    ENTITY = "entity"
    URL = "url"
    FILE = "file"


@dataclass(frozen=True, slots=True)
class Link:
    """An item of `used` or `executed`. text: an id with or without ".version", a URL, or the path of another row."""

    kind: LinkKind
    text: str


@dataclass(frozen=True, slots=True)
class ManifestRow:
    """A row. line: where it begins. path: an absolute path of this machine, or a URL (external).

    parent: as written: an id, the name of a collection, or a folder path below one. name: filled in when blank. id: ""
    when not given. store: False keeps an external reference. content_type: "" when not given. annotations: key → what
    is sent, None to clear the key; keys of blank cells are absent. size_bytes, stamp: of a local file.
    """

    line: int
    path: str
    parent: str
    name: str
    is_external: bool = False
    id: str = ""
    store: bool = True
    content_type: str = ""
    force_version: bool = True
    used: tuple[Link, ...] = ()
    executed: tuple[Link, ...] = ()
    activity_name: str = ""
    activity_description: str = ""
    annotations: Mapping[str, Wire | None] = field(default_factory=dict)
    size_bytes: int = 0
    stamp: str = ""

    @property
    def links(self) -> tuple[Link, ...]:
        """Everything that this file was made from."""
        return (*self.used, *self.executed)


@dataclass(frozen=True, slots=True)
class ManifestOptions:
    """How a manifest is read.

    strict: the mode. base: folder of relative paths: the manifest's own in strict mode, the working folder in
    compatible mode. zone: for times without offset, which only compatible mode takes.
    """

    strict: bool
    base: Path
    environ: Mapping[str, str] = field(default_factory=lambda: os.environ)
    zone: tzinfo = UTC


@dataclass(frozen=True, slots=True)
class Paths:
    """How paths of a manifest are read. base: absolute folder that relative ones start from. environ: for `$VAR`."""

    base: str
    environ: Mapping[str, str]

    def absolute(self, text: str) -> str:
        """Fill in `~` and `$VAR`, and make the path absolute; symbolic links stay."""
        if "$" in text:
            text = _VARIABLE.sub(self._filled, text)
        if text.startswith("~"):
            text = os.path.expanduser(text)
        return os.path.normpath(os.path.join(self.base, text))

    def _filled(self, match: re.Match[str]) -> str:
        return self.environ.get(match[1] or match[2], match[0])


_VARIABLE = re.compile(r"\$(?:(\w+)|\{([^}]*)\})", re.ASCII)
