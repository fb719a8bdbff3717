import pytest

from reconciler.render.amounts import duration_text, plural, size_text


@pytest.mark.parametrize(
    ("size", "text"),
    [
        (0, "0 B"),
        (1023, "1023 B"),
        (1536, "1.5 KiB"),
        (1024**2 - 1, "1.0 MiB"),
        (5_000_000, "4.8 MiB"),
        (3 * 1024**4, "3.0 TiB"),
        (3000 * 1024**4, "3,000.0 TiB"),
    ],
)
def test_size_in_bytes_is_shown_in_binary_units(size: int, text: str) -> None:
    assert size_text(size) == text


@pytest.mark.parametrize(
    ("seconds", "text"), [(-1, "0s"), (0.4, "0s"), (59.6, "1m00s"), (125, "2m05s"), (7620, "2h07m")]
)
def test_duration_in_seconds_is_shown_in_two_units(seconds: float, text: str) -> None:
    assert duration_text(seconds) == text


def test_plural_of_one_and_many() -> None:
    assert (plural(1, "file"), plural(2000, "entry", "entries")) == ("1 file", "2,000 entries")
