"""Waiting in tests: for an event, with a limit that only a hang reaches.

A busy machine may slow a test down by a factor of ten or more, so no limit here says how fast something is.
"""

from __future__ import annotations

import time
from collections.abc import Callable

HANG_SECONDS = 300.0
POLL_SECONDS = 0.02


def wait_until(is_so: Callable[[], object], what: str = "it") -> None:
    """Poll until a condition holds; fail when only a hang explains that it does not."""
    deadline = time.monotonic() + HANG_SECONDS
    while not is_so():
        assert time.monotonic() < deadline, f"{what} did not happen within {HANG_SECONDS:.0f} s"
        time.sleep(POLL_SECONDS)
