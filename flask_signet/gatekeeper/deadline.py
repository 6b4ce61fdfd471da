"""Total time limit for calls of an ``httpx.Client``.

httpx limits each read and write, so a server that sends one byte now and then holds a thread for ever: in the
headers even before the caller gets a response. Here every read and write of a call ends at one deadline.

httpx and httpcore have no public option for the network backend of a client's own transports, so two private
attributes are set. pyproject.toml bounds their versions, and tests prove the limit over loopback.
"""

from __future__ import annotations

import ssl
import time
from collections.abc import Callable, Iterable
from typing import Any

import httpcore
import httpx


def limit_total_time(
    client: httpx.Client, seconds: float, monotonic: Callable[[], float] = time.monotonic
) -> None:
    """Let every HTTP/1.1 call of a client end within ``seconds`` of its first byte sent, or of connecting.

    A late call raises httpx.ReadTimeout, WriteTimeout or ConnectTimeout. The time that a call waits for a
    free connection (``httpx.Timeout(pool=…)``) comes before.
    """
    for transport in (client._transport, *client._mounts.values()):
        if isinstance(transport, httpx.HTTPTransport):
            pool = transport._pool
            pool._network_backend = _DeadlineBackend(pool._network_backend, seconds, monotonic)


class _DeadlineBackend(httpcore.NetworkBackend):
    def __init__(
        self, backend: httpcore.NetworkBackend, seconds: float, monotonic: Callable[[], float]
    ) -> None:
        self._backend = backend
        self._seconds = seconds
        self._monotonic = monotonic

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        deadline = self._monotonic() + self._seconds
        stream = self._backend.connect_tcp(host, port, timeout, local_address, socket_options)
        return _DeadlineStream(stream, self._seconds, self._monotonic, deadline)

    def sleep(self, seconds: float) -> None:
        self._backend.sleep(seconds)


class _DeadlineStream(httpcore.NetworkStream):
    """One connection. HTTP/1.1 alternates: the first write after a read starts the next call."""

    def __init__(
        self,
        stream: httpcore.NetworkStream,
        seconds: float,
        monotonic: Callable[[], float],
        deadline: float,
    ) -> None:
        self._stream = stream
        self._seconds = seconds
        self._monotonic = monotonic
        self._deadline = deadline
        self._has_read = False

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        self._has_read = True
        return self._stream.read(max_bytes, self._remaining(timeout, httpcore.ReadTimeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        if self._has_read:
            self._has_read = False
            self._deadline = self._monotonic() + self._seconds
        self._stream.write(buffer, self._remaining(timeout, httpcore.WriteTimeout))

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        limit = self._remaining(timeout, httpcore.ConnectTimeout)
        stream = self._stream.start_tls(ssl_context, server_hostname, limit)
        return _DeadlineStream(stream, self._seconds, self._monotonic, self._deadline)

    def close(self) -> None:
        self._stream.close()

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)

    def _remaining(self, timeout: float | None, error: type[httpcore.TimeoutException]) -> float:
        remaining = self._deadline - self._monotonic()
        if remaining <= 0:
            raise error("the total time of the call is over")
        return remaining if timeout is None else min(timeout, remaining)
