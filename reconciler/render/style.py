"""Colours for terminals: escape sequences, or nothing at all."""

from __future__ import annotations

from dataclasses import dataclass

_CODES = {"bold": "1", "dim": "2", "red": "31", "green": "32", "yellow": "33", "cyan": "36"}


@dataclass(frozen=True, slots=True)
class Style:
    """Paints text. color: False leaves it plain."""

    color: bool = False

    def paint(self, text: str, *names: str) -> str:
        """Give text colours or weights by name; empty names mean none."""
        codes = [_CODES[name] for name in names if name]
        if not self.color or not codes or not text:
            return text
        return f"\x1b[{';'.join(codes)}m{text}\x1b[0m"


PLAIN = Style()
