"""Control socket: the leases on a stack, and the requests that end it.

A lease is an open connection. It ends when the connection closes, whether its process said good-bye or was
killed, and the stack stops with the last one. The socket listens on loopback; a random token, readable in
stack.json by the stack's owner only, keeps other users of the machine out.

One request for each connection, one JSON object for each line: ``{"token": ..., "want": "lease" | "keep" |
"status" | "stop", "name": ..., "pid": ...}``. A lease is answered by ``{"state": "ready"}``, once, when it
is, and by the end of the connection when the stack ends, or by ``{"state": "kept"}`` when others keep it.
``keep`` holds the stack until ``stop``, and ``stop`` is answered by the end only.
"""

from __future__ import annotations

import hmac
import json
import os
import secrets
import socket
import socketserver
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any

from signet_stack.process.ports import LOOPBACK
from signet_stack.process.running import DETACHED

REQUEST_SECONDS = 5.0
REQUEST_BYTES = 4096


@dataclass(frozen=True, slots=True, eq=False)
class Lease:
    """One process that uses the stack."""

    name: str
    pid: int
    connection: socket.socket | None = None


class Control:
    """Counts the leases and calls ``on_stop(reason)`` once: when asked to, or when the last one has ended."""

    def __init__(self, on_stop: Callable[[str], None]) -> None:
        self._on_stop = on_stop
        self._token = secrets.token_urlsafe(24)
        self._changing = threading.Lock()
        self._leases: list[Lease] = []
        self._describe: Callable[[], dict[str, Any]] | None = None
        self._stopping = False
        self._server = _Server((LOOPBACK, 0), self)

    @property
    def address(self) -> dict[str, Any]:
        """What a client needs to connect."""
        return {"port": self._server.server_address[1], "token": self._token}

    def start(self) -> None:
        """Accept connections from now on."""
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def hold(self, name: str, pid: int) -> None:
        """Keep the stack until `stop`: a lease that no connection ends."""
        with self._changing:
            self._leases = [*(lease for lease in self._leases if lease.name != name), Lease(name, pid)]

    def hold_while_open(self, descriptor: int, name: str, pid: int) -> None:
        """Count a pipe that is open at its other end as a lease: that of the process that started us."""

        def watch() -> None:
            with self._held(Lease(name, pid)):
                while os.read(descriptor, 64):
                    pass

        threading.Thread(target=watch, daemon=True).start()

    def announce_ready(self, describe: Callable[[], dict[str, Any]]) -> None:
        """Report to all leases, also later ones, that the stack is ready; ``describe`` feeds the status."""
        with self._changing:
            self._describe = describe
            for lease in self._leases:
                _send_ready(lease)

    def answer(self, connection: socket.socket, request: dict[str, Any]) -> None:
        """Serve one authenticated request."""
        lease = Lease(str(request.get("name", "")), int(request.get("pid", 0)), connection)
        if request.get("want") == "lease":
            connection.settimeout(None)
            with self._held(lease), suppress(ConnectionError):
                while connection.recv(64):
                    pass
            _send(connection, {"state": "kept"})
        elif request.get("want") == "keep":
            self.hold(DETACHED, os.getpid())
            _send(connection, {"state": "kept"})
        elif request.get("want") == "status":
            _send(connection, self._status())
        elif request.get("want") == "stop":
            with self._changing:
                self._stop(f"{lease.name or 'a client'} asked for it")
            _until_the_end()

    def is_ours(self, request: dict[str, Any]) -> bool:
        """Whether a request carries the token."""
        return hmac.compare_digest(str(request.get("token", "")).encode(), self._token.encode())

    @contextmanager
    def _held(self, lease: Lease) -> Iterator[None]:
        with self._changing:
            # The connection of the process that started us takes the place of its pipe.
            self._leases = [other for other in self._leases if other.connection or other.pid != lease.pid]
            self._leases.append(lease)
            if self._describe is not None and not self._stopping:
                _send_ready(lease)
        try:
            yield
        finally:
            with self._changing:
                self._leases = [other for other in self._leases if other is not lease]
                is_last = not self._leases
                if is_last:
                    self._stop("the last lease has ended")
        if is_last:
            _until_the_end()

    def _stop(self, reason: str) -> None:
        if not self._stopping:
            self._stopping = True
            self._on_stop(reason)

    def _status(self) -> dict[str, Any]:
        with self._changing:
            state = "stopping" if self._stopping else "ready" if self._describe else "starting"
            leases = [{"pid": lease.pid, "name": lease.name} for lease in self._leases]
            describe = self._describe
        return {"state": state, "leases": leases, **(describe() if describe else {})}


class _Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    request_queue_size = 64

    def __init__(self, address: tuple[str, int], control: Control) -> None:
        self.control = control
        super().__init__(address, _Connection)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Forget a connection that broke or spoke nonsense."""


class _Connection(socketserver.StreamRequestHandler):
    timeout = REQUEST_SECONDS
    server: _Server

    def handle(self) -> None:
        """Read one request; a request without the token gets no answer."""
        request = json.loads(self.rfile.readline(REQUEST_BYTES))
        if self.server.control.is_ours(request):
            self.server.control.answer(self.connection, request)


def _until_the_end() -> None:
    """Keep the connection open: the client learns from its end that the whole stack has ended."""
    threading.Event().wait()


def _send_ready(lease: Lease) -> None:
    if lease.connection is not None:
        _send(lease.connection, {"state": "ready"})


def _send(connection: socket.socket, answer: dict[str, Any]) -> None:
    with suppress(OSError):
        connection.sendall(json.dumps(answer).encode() + b"\n")
