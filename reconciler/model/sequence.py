"""Numbered specifications that one rule fills: `frame_{n}` stands for frame_1, frame_2, …"""

from __future__ import annotations

import re
from collections.abc import Iterable

MARK = "{n}"


def members(pattern: str, names: Iterable[str]) -> list[str]:
    """The names that a pattern with `{n}` stands for, in order of their numbers.

    Raises:
        ValueError: no name fits, or the numbers have a gap.
    """
    before, _, after = pattern.partition(MARK)
    form = re.compile(f"{re.escape(before)}(0|[1-9][0-9]*){re.escape(after)}")
    found = {int(match[1]): name for name in names if (match := form.fullmatch(name))}
    if not found:
        raise ValueError(f"no file specification is called {pattern.replace(MARK, '1')!r}, the first of {pattern!r}")
    missing = next((n for n in range(min(found), max(found)) if n not in found), None)
    if missing is not None:
        raise ValueError(f"{pattern!r} has a gap: there is no {pattern.replace(MARK, str(missing))!r}")
    return [found[n] for n in sorted(found)]
