"""Wait for something to become so, without a fixed sleep."""

from __future__ import annotations

import time
from collections.abc import Callable

SECONDS = 20.0


def wait_for(is_so: Callable[[], bool]) -> None:
    """Poll until something is so; fail after a generous time."""
    deadline = time.monotonic() + SECONDS
    while not is_so():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.02)
