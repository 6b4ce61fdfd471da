"""Ports on loopback: the preferred one, else the next free one.

The stack listens nowhere else: ``LOOPBACK`` is the only address in it, and there is no option to change it.
"""

from __future__ import annotations

import socket
from collections.abc import Iterable

from signet_stack.errors import PortTaken

LOOPBACK = "127.0.0.1"
API_PORT = 54321
DATABASE_PORT = 54322
ANY_FREE_PORT = 0
ATTEMPTS = 50


def candidates(default: int, saved: int | None, *, asked_for: int | None) -> list[int]:
    """Return the ports to try: only the one asked for, else last time's, the default and those after it.

    In steps of two, so that the API and the database never want the same port.
    """
    if asked_for is not None:
        return [asked_for]
    following = [default + 2 * step for step in range(ATTEMPTS)]
    return [*([saved] if saved else []), *following, ANY_FREE_PORT]


def listen(ports: Iterable[int]) -> socket.socket:
    """Return a listening socket on the first port that is free; raise PortTaken when none is."""
    tried = list(ports)
    for port in tried:
        listener = socket.socket()
        # A port whose last connections are in TIME_WAIT is free; one on which a program listens is not.
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((LOOPBACK, port))
            listener.listen(128)
        except OSError:
            listener.close()
            continue
        return listener
    raise PortTaken(
        f"Port {tried[0]} is in use by another program.",
        "choose another port, or leave the choice to the stack",
    )


def first_free(ports: Iterable[int]) -> int:
    """Return the first port that nothing listens on at this moment."""
    with listen(ports) as probe:
        return int(probe.getsockname()[1])
