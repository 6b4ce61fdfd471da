"""A network between client and server: each message takes a moment, so that a kill can fall between two."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

DELAY_SECONDS = 0.0002


@contextmanager
def slow_network(port: int) -> Iterator[int]:
    """Forward a free port to this one on loopback for the block, slowly; gives the free port."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        accepting = threading.Thread(target=_accept, args=(listener, port))
        accepting.start()
        try:
            yield listener.getsockname()[1]
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            accepting.join()


def _accept(listener: socket.socket, port: int) -> None:
    with suppress(OSError):  # it is over
        while True:
            client, _ = listener.accept()
            server = socket.create_connection(("127.0.0.1", port))
            for source, sink in ((client, server), (server, client)):
                sink.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                threading.Thread(target=_forward, args=(source, sink)).start()


def _forward(source: socket.socket, sink: socket.socket) -> None:
    """Pass on what comes, until one side has gone; then the other side hears of it."""
    with suppress(OSError):
        while said := source.recv(65536):
            time.sleep(DELAY_SECONDS)
            sink.sendall(said)
    for end in (source, sink):
        with suppress(OSError):
            end.shutdown(socket.SHUT_RDWR)
        end.close()
