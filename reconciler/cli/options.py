"""Options that several commands share, and what they mean."""

from __future__ import annotations

import re
from collections.abc import Sequence
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from reconciler.errors import UsageError

if TYPE_CHECKING:
    from reconciler.engine.context import PlanOptions
    from reconciler.model.address import Address
    from reconciler.plan.guard import Budget


class PlanFormat(StrEnum):
    """How a plan is written."""

    TEXT = "text"
    JSON = "json"
    MARKDOWN = "markdown"
    HTML = "html"


class RefreshChoice(StrEnum):
    """How much is read from the backend."""

    FULL = "full"
    CHANGED = "changed"
    NONE = "none"


class ExecutorChoice(StrEnum):
    """What carries out scanning, hashing and transfer."""

    LOCAL = "local"
    RAY = "ray"


JsonFlag = Annotated[bool, typer.Option("--json", help="Print JSON.")]
EventsFlag = Annotated[bool, typer.Option("--json", help="Print events, one JSON object per line.")]
Targets = Annotated[
    list[str] | None,
    typer.Option("--target", metavar="ADDR", help="Only this resource or unit, with what it needs; repeatable."),
]
RefreshOption = Annotated[
    RefreshChoice, typer.Option("--refresh", help="How much to read from the backend before planning.")
]
MaxDelete = Annotated[
    str | None, typer.Option("--max-delete", metavar="N|N%", help="Units of a set that may be deleted or replaced.")
]
MaxBytes = Annotated[
    str | None,
    typer.Option(
        "--max-bytes", metavar="SIZE", help="Refuse a plan that uploads more: 500MB, 20GiB.", show_default=False
    ),
]
MaxCalls = Annotated[
    int | None,
    typer.Option("--max-calls", min=0, metavar="N", help="Refuse a plan that needs more requests.", show_default=False),
]
BandwidthLimit = Annotated[
    str | None, typer.Option("--bwlimit", metavar="SIZE", help="Bytes to upload in a second, at most: 10MiB.")
]
LockTimeout = Annotated[
    str | None, typer.Option("--lock-timeout", metavar="TIME", help="How long to wait for the state lock: 10s, 2m.")
]
Parallelism = Annotated[int, typer.Option("--parallelism", min=1, max=256, help="Transfers and checksums at a time.")]
ExecutorOption = Annotated[
    ExecutorChoice | None,
    typer.Option("--executor", help="Where scanning, hashing and transfer run; default: what the workspace says."),
]
FormatOption = Annotated[PlanFormat, typer.Option("--format", help="How to write the plan.")]
Rows = Annotated[
    int | None,
    typer.Option("--rows", min=0, metavar="N", help="Rows shown per resource and action.", show_default=False),
]
AutoApprove = Annotated[bool, typer.Option("--auto-approve", help="Do not ask.")]

_TIME = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h)?")
_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}
_CI_WAIT_S = 300.0


def parse_time(text: str, option: str) -> float:
    """Read "10s", "500ms", "2m", "1h" or plain seconds. Raises UsageError."""
    match = _TIME.fullmatch(text)
    if not match:
        raise UsageError(f"{option} {text!r} is not a time", fix="write for example 10s, 2m or 1h")
    return float(match[1]) * _SECONDS[match[2] or "s"]


def parse_size(text: str, option: str) -> int:
    """Read "50MB", "1.5GiB" or plain bytes. Raises UsageError."""
    from reconciler.config.decode import size_bytes

    try:
        size = size_bytes(text)
    except ValueError as exc:
        raise UsageError(f"{option}: {exc}", fix="write for example 500MB or 20GiB") from exc
    assert size is not None
    return size


def parse_budget(most_bytes: str | None, most_calls: int | None) -> Budget:
    """What `--max-bytes` and `--max-calls` allow. Raises UsageError."""
    from reconciler.plan.guard import Budget

    return Budget(None if most_bytes is None else parse_size(most_bytes, "--max-bytes"), most_calls)


def lock_wait_s(text: str | None, *, in_ci: bool) -> float:
    """Seconds to wait for the lock: as given, else none for a person and five minutes in a pipeline."""
    if text is not None:
        return parse_time(text, "--lock-timeout")
    return _CI_WAIT_S if in_ci else 0.0


def parse_addresses(texts: Sequence[str], option: str = "--target") -> tuple[Address, ...]:
    """Read addresses. Raises UsageError naming all that are not."""
    from reconciler.model.address import parse_address

    found, wrong = [], []
    for text in texts:
        try:
            found.append(parse_address(text))
        except ValueError as exc:
            wrong.append(str(exc))
    if wrong:
        raise UsageError(f"{option}: {'; '.join(wrong)}", fix="`reconciler graph` lists the addresses")
    return tuple(found)


def plan_options(
    targets: Sequence[str] | None,
    refresh: RefreshChoice,
    max_delete: str | None,
    *,
    destroy: bool = False,
    server_dry_run: bool = False,
    budget: Budget | None = None,
) -> PlanOptions:
    """Plan options from the command line. Raises UsageError."""
    from reconciler.engine.context import PlanOptions, Refresh
    from reconciler.plan.guard import Budget, DeleteLimit, parse_delete_limit

    try:
        limit = DeleteLimit() if max_delete is None else parse_delete_limit(max_delete)
    except ValueError as exc:
        raise UsageError(f"--max-delete: {exc}", fix="write for example 25 or 50%") from exc
    return PlanOptions(
        destroy,
        parse_addresses(targets or ()),
        Refresh(refresh.value),
        limit,
        server_dry_run,
        budget=budget or Budget(),
    )
