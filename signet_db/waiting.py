"""Wait until a database accepts connections."""

from __future__ import annotations

import time
from collections.abc import Callable

from signet_db.errors import DatabaseUnreachable
from signet_db.target import WAITING, connected

PAUSE_SECONDS = 0.25


def wait_until_ready(
    connection_string: str,
    seconds: float,
    on_failure: Callable[[DatabaseUnreachable], None],
    *,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> float:
    """Return how long it took; raises DatabaseUnreachable after ``seconds``, at once if waiting is no use."""
    began = clock()
    while True:
        try:
            with connected(connection_string, WAITING):
                return clock() - began
        except DatabaseUnreachable as error:
            if not error.may_pass or clock() - began >= seconds:
                raise
            on_failure(error)
            sleep(PAUSE_SECONDS)
