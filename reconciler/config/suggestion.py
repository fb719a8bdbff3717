"""The nearest valid name, for error messages."""

from __future__ import annotations

from collections.abc import Iterable


def nearest(name: str, known: Iterable[str]) -> str | None:
    """The known name that is most like `name`, None when nothing is near."""
    from difflib import get_close_matches

    names = sorted(set(known))
    by_folded = {candidate.casefold(): candidate for candidate in reversed(names)}
    if name.casefold() in by_folded:
        return by_folded[name.casefold()]
    found = get_close_matches(name.casefold(), by_folded, n=1, cutoff=0.6)
    return by_folded[found[0]] if found else None


def did_you_mean(name: str, known: Iterable[str], otherwise: str = "") -> str:
    """`did you mean 'NAME'?`, or the other advice when nothing is near."""
    found = nearest(name, known)
    return f"did you mean '{found}'?" if found else otherwise


def listed(names: Iterable[str], limit: int = 12) -> str:
    """Names in a row, cut when there are many."""
    every = list(names)
    text = ", ".join(every[:limit])
    return f"{text}, … ({len(every)} in all)" if len(every) > limit else text
