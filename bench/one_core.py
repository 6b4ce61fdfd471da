"""Keep client and server on one core, where the system can: otherwise the way between two cores decides.

A short statement takes 25 us when both share a core and 60 to 110 us when they do not, as the scheduler
likes; each connection has a backend of its own, so a comparison of connections would compare their luck.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from psycopg import Connection
from psycopg.rows import TupleRow


@contextmanager
def one_core(*connections: Connection[TupleRow]) -> Iterator[None]:
    """Bind this process, these connections' backends and all that the server starts meanwhile to one core."""
    if not hasattr(os, "sched_setaffinity"):  # not Linux
        yield
        return
    backends = [connection.info.backend_pid for connection in connections]
    server = int(Path(f"/proc/{backends[0]}/stat").read_text().rpartition(")")[2].split()[1])
    everywhere = os.sched_getaffinity(0)
    bound = (0, server, *backends)
    for pid in bound:
        os.sched_setaffinity(pid, {max(everywhere)})
    try:
        yield
    finally:
        for pid in bound:
            os.sched_setaffinity(pid, everywhere)
