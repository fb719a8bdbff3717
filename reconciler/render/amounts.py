"""Counts, sizes and durations as people read them. Pure."""

from __future__ import annotations

_UNITS = ("KiB", "MiB", "GiB", "TiB")


def count_text(count: int) -> str:
    """1234 → "1,234"."""
    return f"{count:,}"


def plural(count: int, one: str, many: str = "") -> str:
    """1 → "1 file", 2000 → "2,000 files"."""
    return f"{count:,} {one if count == 1 else many or one + 's'}"


def size_text(size_bytes: float) -> str:
    """Bytes in binary units with one decimal: 1536 → "1.5 KiB"; below 1 KiB exact."""
    if size_bytes < 1024:
        return f"{int(size_bytes)} B"
    value = float(size_bytes)
    for unit in _UNITS:
        value /= 1024
        if value < 1023.95 or unit == _UNITS[-1]:
            return f"{value:,.1f} {unit}"
    raise AssertionError("unreachable")


def duration_text(seconds: float) -> str:
    """Seconds as "0s", "59s", "3m05s", "2h07m"."""
    whole = max(round(seconds), 0)
    if whole < 60:
        return f"{whole}s"
    minutes, rest = divmod(whole, 60)
    if minutes < 60:
        return f"{minutes}m{rest:02d}s"
    return f"{minutes // 60}h{minutes % 60:02d}m"
