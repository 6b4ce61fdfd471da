"""The HTTP server of the local stack: waitress with a lane of threads for the data API and one for the rest.

A call of a slow function holds a thread until it ends. In a lane of its own it delays other calls of the data
API, never Auth; and Auth, which is busy with password hashes, never delays the data API.
"""

from __future__ import annotations

import select
from collections.abc import Callable
from contextlib import suppress
from typing import Any
from wsgiref.types import WSGIApplication

from waitress.server import BaseWSGIServer, MultiSocketServer, create_server
from waitress.task import ThreadedTaskDispatcher

THREADS = 8  # in each lane
DATA_API = "/rest/v1"
# Head and body of a reply leave in one packet; waitress sends each at once otherwise, and clients wake twice.
SEND_BYTES = 16 * 1024
# Idle connections of clients that are kept alive; waitress accepts no more than its limit (100 by default).
MAX_CONNECTIONS = 1000
OTHER_FILES = 200  # that the process keeps open besides, at most


class Lanes(ThreadedTaskDispatcher):
    """A task dispatcher of waitress that hands each request to the threads of its lane."""

    def __init__(self, is_first: Callable[[str], bool]) -> None:
        super().__init__()
        self._is_first = is_first
        self._lanes = ThreadedTaskDispatcher(), ThreadedTaskDispatcher()

    def add_task(self, channel: Any) -> None:
        """Queue the next request of a connection."""
        first, second = self._lanes
        path = getattr(channel.requests[0], "path", "")
        (first if self._is_first(path) else second).add_task(channel)

    def set_thread_count(self, count: int) -> None:
        """Start or stop threads until each lane has ``count``."""
        for lane in self._lanes:
            lane.set_thread_count(count)

    def shutdown(self, cancel_pending: bool = True, timeout: int = 5) -> bool:
        """Stop the threads; return whether waiting requests were cancelled."""
        cancelled = [lane.shutdown(cancel_pending, timeout) for lane in self._lanes]
        return any(cancelled)


def new_server(application: WSGIApplication, **where: Any) -> BaseWSGIServer | MultiSocketServer:
    """Make a server; ``where`` names host and port, or listening sockets.

    Proxy headers pass: ``rate_limit_header`` may name X-Forwarded-For. Nothing else reads them.
    """
    lanes = Lanes(lambda path: path.startswith(DATA_API))
    lanes.set_thread_count(THREADS)
    return create_server(
        application,
        _dispatcher=lanes,
        send_bytes=SEND_BYTES,
        ident=None,
        clear_untrusted_proxy_headers=False,
        connection_limit=_connection_limit(),
        asyncore_use_poll=hasattr(select, "poll"),  # select() ends at descriptor 1023
        **where,
    )


def _connection_limit() -> int:
    """Return how many connections the process may hold, after raising its limit of open files if it can."""
    with suppress(ImportError):  # not on Windows
        import resource

        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        wanted = MAX_CONNECTIONS + OTHER_FILES
        unlimited = resource.RLIM_INFINITY
        if soft != unlimited and soft < wanted:
            soft = wanted if hard == unlimited else min(wanted, hard)
            with suppress(ValueError, OSError):
                resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        if soft != unlimited:
            return max(100, min(MAX_CONNECTIONS, soft - OTHER_FILES))
    return MAX_CONNECTIONS
