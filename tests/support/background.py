"""What time and background threads are to a test: moved and waited for on purpose."""

from __future__ import annotations

import threading


class StoppedClock:
    """Seconds that pass when told to."""

    def __init__(self, now: float = 1000.0) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


def wait_for_threads(name: str) -> None:
    """Wait for the end of every thread of this name."""
    for thread in threading.enumerate():
        if thread.name == name:
            thread.join(30)
