"""Wait for signals without missing one.

A signal that arrives just before a blocking call does not interrupt it. Python writes the number of each
signal that has a handler into a pipe, at once; waiting for that pipe misses none.
"""

from __future__ import annotations

import os
import select
import signal
from collections.abc import Iterable
from types import FrameType


def wake_on(numbers: Iterable[signal.Signals]) -> int:
    """Return a descriptor from which the numbers of arriving signals can be read.

    Signals of ``numbers`` that have no handler yet get one that does nothing else. Call it once in a process,
    in the main thread.
    """
    source, sink = os.pipe()
    os.set_blocking(sink, False)
    signal.set_wakeup_fd(sink, warn_on_full_buffer=False)
    for number in numbers:
        if signal.getsignal(number) in (signal.SIG_DFL, signal.default_int_handler):
            signal.signal(number, _only_wake)
    return source


def next_signals(source: int, *others: int) -> set[int]:
    """Block until a signal arrives, or one of the other descriptors can be read; return the signals."""
    readable, _, _ = select.select([source, *others], [], [])
    return set(os.read(source, 64)) if source in readable else set()


def _only_wake(_number: int, _frame: FrameType | None) -> None:
    pass
