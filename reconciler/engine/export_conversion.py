"""Where the items of an export are converted: in this process, in others of this machine, or on a cluster."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass

from reconciler.engine.session import Session
from reconciler.errors import ReconcilerError
from reconciler.execution.base import Executor, Task
from reconciler.execution.local import LocalExecutor
from reconciler.formats.conversion import Conversion, UnreadItem
from reconciler.formats.items import ItemOutput, Writer

Outputs = list[ItemOutput | ReconcilerError]

_MANY = 512
"""Items of an export that are worth the start of processes, which takes as long as to convert so many."""
_FEW = 8
"""Items of a part that are sooner converted than sent."""


@dataclass(frozen=True, slots=True)
class Converter:
    """Converts parts of an export, several at a time."""

    conversion: Conversion
    executor: Executor

    @property
    def ahead(self) -> int:
        """How many parts to begin before the first is asked for."""
        return self.executor.workers

    def begin(self, items: Sequence[UnreadItem]) -> Task[Outputs]:
        """Begin to convert a part."""
        if len(items) < _FEW:
            return _Done(self.conversion(items))
        if self.executor.is_remote:
            items = [item.packed() for item in items]
        return self.executor.submit(self.conversion, items)


@dataclass(frozen=True, slots=True)
class _Done:
    """A part that was converted at once."""

    outputs: Outputs

    def result(self) -> Outputs:
        return self.outputs

    def cancel(self) -> object:
        return False


@contextmanager
def open_converter(session: Session, writer: Writer, items: int) -> Iterator[Converter]:
    """A converter for an export of so many items. Processes end with it; a cluster is the session's.

    The code of a user (`format: custom`) runs where it was loaded, and nowhere else.
    """
    is_ours = writer.format != "custom"
    if session.executor.is_remote and is_ours:
        yield Converter(Conversion(writer), session.executor)
        return
    with closing(_local(session, items if is_ours else 0)) as executor:
        yield Converter(Conversion(writer), executor)


def _local(session: Session, items: int) -> Executor:
    processes = min(_processors(), session.parallelism)
    if items < _MANY or processes < 2:
        return LocalExecutor(1)
    from reconciler.execution.processes import ProcessExecutor

    return ProcessExecutor(processes)


def _processors() -> int:
    """Those that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
