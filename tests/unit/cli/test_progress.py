import io
import threading

from reconciler.cli.console import Console
from reconciler.cli.progress import ProgressDisplay
from reconciler.engine.events import Event, Failed, Finished, Progress, Refreshing, RowFailed, Scanning, Started
from reconciler.errors import Problem
from reconciler.model.address import Address
from reconciler.plan.values import Action, RowCounts

UNITS = Address("AssetSet", "a")


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def shown(*steps: tuple[float, Event], live: bool = False) -> str:
    """What is written for events at given seconds."""
    stream = Terminal() if live else io.StringIO()
    seconds = [0.0]
    display = ProgressDisplay(Console(io.StringIO(), stream, {}), clock=lambda: seconds[0])
    for second, event in steps:
        seconds[0] = second
        display(event)
    display.close()
    return stream.getvalue()


def test_progress_on_a_pipe_writes_plain_lines_at_intervals() -> None:
    steps = [(0.0, Started(UNITS, Action.CREATE, 100, 1000))]
    steps += [(float(second), Progress(UNITS, second, second * 10)) for second in range(1, 31)]
    lines = shown(*steps).splitlines()
    assert lines[0] == "AssetSet/a: Creating..."
    assert lines[1] == "AssetSet/a: 11 of 100 units, 110 B of 1000 B, 10 B/s, 1m29s left"
    assert len(lines) == 3


def test_progress_on_a_terminal_is_refreshed_in_place() -> None:
    text = shown(
        (0.0, Started(UNITS, Action.UPDATE, 2)), (1.0, Progress(UNITS, 1, 0)), (2.0, Progress(UNITS, 2, 0)), live=True
    )
    assert text.count("\n") == 1
    assert "\r\x1b[K" in text
    assert "1 of 2 units" in text


def test_progress_of_quick_phases_stays_silent_on_a_pipe() -> None:
    assert shown((0.0, Scanning(UNITS)), (0.1, Refreshing(UNITS, 500))) == ""


def test_progress_of_a_long_scan_tells_bytes() -> None:
    text = shown((0.0, Scanning(UNITS, 9, 0, 2048)), (11.0, Scanning(UNITS, 9, 1024, 2048)))
    assert text == "AssetSet/a: Checksums of 9 files: 1.0 KiB of 2.0 KiB\n"


def test_progress_tells_endings_with_counts_and_ids() -> None:
    finished = Finished(UNITS, Action.CREATE, "12", RowCounts(create=1500), 61.0)
    failed = Failed(UNITS, Action.DELETE, Problem("not begun: x failed"), skipped=True)
    assert shown((0.0, finished), (0.0, failed)).splitlines() == [
        "AssetSet/a: Creation complete after 1m01s, 1,500 units [id=12]",
        "AssetSet/a: Skipped: not begun: x failed",
    ]


def test_progress_lists_the_first_failures_only() -> None:
    steps = [(0.0, RowFailed(UNITS, Problem(f"no {n}", address=f"u{n}"))) for n in range(50)]
    lines = shown(*steps).splitlines()
    assert (len(lines), lines[-1]) == (11, "More failures are listed at the end.")


def test_progress_from_many_threads_never_mixes_lines() -> None:
    stream = io.StringIO()
    display = ProgressDisplay(Console(io.StringIO(), stream, {}))
    finished = Finished(UNITS, Action.CREATE, None, RowCounts(), 1.0)
    threads = [threading.Thread(target=lambda: [display(finished) for _ in range(50)]) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert set(stream.getvalue().splitlines()) == {"AssetSet/a: Creation complete after 1s"}
