"""Which files of a source count: its `include` and `exclude` globs."""

from __future__ import annotations

import re
from collections.abc import Iterable

from reconciler.errors import Problem, SourceError
from reconciler.model.resource import AssetSet, SourceLocation
from reconciler.sources.globs import compile_glob
from reconciler.sources.names import nfc


class Selection:
    """The globs of one source, compiled. Paths are below the source root, in any Unicode form."""

    def __init__(self, source: SourceLocation) -> None:
        self._include = [compile_glob(text) for text in source.include if text != "**"]
        if "**" in source.include:
            self._include = []
        self._exclude = [(f"exclude {text!r}", compile_glob(text)) for text in source.exclude]
        # `thumbs/**` leaves out the whole folder: it is not searched at all.
        self._prune = [(f"exclude {t!r}", compile_glob(t.removesuffix("/**"))) for t in source.exclude if _is_tree(t)]
        self.takes_all = not self._include and not self._exclude

    def prunes(self, prefix: str) -> str | None:
        """Return the rule that leaves out everything below a folder (given with its final "/"), or None."""
        return _first(self._prune, prefix.removesuffix("/")) if self._prune else None

    def excludes(self, path: str) -> str | None:
        """Return the rule that leaves out this file, or None when it counts."""
        if self.takes_all:
            return None
        text = nfc(path)
        if self._include and not any(glob.fullmatch(text) for glob in self._include):
            return "not in include"
        return _first(self._exclude, text)


def _is_tree(pattern: str) -> bool:
    return pattern.endswith("/**") and pattern != "**/**"


def _first(rules: Iterable[tuple[str, re.Pattern[str]]], path: str) -> str | None:
    text = nfc(path)
    return next((name for name, glob in rules if glob.fullmatch(text)), None)


def selections(asset_set: AssetSet) -> tuple[Selection, ...]:
    """Compile the globs of every source. Raises SourceError naming each glob that cannot be read."""
    made, problems = [], []
    for source in asset_set.sources:
        try:
            made.append(Selection(source))
        except (ValueError, re.error) as error:
            problems.append(Problem(str(error), asset_set.head.location, address=str(asset_set.head.address)))
    if problems:
        raise SourceError(problems)
    return tuple(made)
