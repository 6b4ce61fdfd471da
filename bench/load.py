"""A small load generator: the same request again and again over connections that stay open."""

from __future__ import annotations

import os
import selectors
import socket
import time
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class Load:
    """What one run counted: requests, seconds, and the server's CPU seconds (user and system)."""

    requests: int
    seconds: float
    cpu_seconds: float

    @property
    def per_second(self) -> float:
        """Requests per second."""
        return self.requests / self.seconds

    @property
    def per_cpu_second(self) -> float:
        """Requests per second of the server's own CPU time: its throughput per core."""
        return self.requests / self.cpu_seconds if self.cpu_seconds else 0.0


def address_of(url: str) -> tuple[str, int]:
    """Return host and port of an address like http://127.0.0.1:54321."""
    parts = urlsplit(url)
    return parts.hostname or "", parts.port or 80


def request_of(method: str, url: str, headers: dict[str, str], body: bytes = b"") -> bytes:
    """Return the bytes of a request."""
    host = urlsplit(url).netloc
    lines = [
        f"{method} {url.partition(host)[2]} HTTP/1.1",
        f"Host: {host}",
        *(f"{name}: {value}" for name, value in headers.items()),
        *([f"Content-Length: {len(body)}"] if body else []),
    ]
    return ("\r\n".join(lines) + "\r\n\r\n").encode() + body


def cpu_seconds(pid: int) -> float:
    """Return the CPU time of a process so far; 0 where the system does not tell (not Linux)."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / TICKS


def resident_megabytes(pid: int) -> float:
    """Return the resident memory of a process; 0 where the system does not tell."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return 0.0
    kilobytes = next(int(line.split()[1]) for line in lines if line.startswith("VmRSS"))
    return kilobytes / 1024


def run(address: tuple[str, int], pid: int, request: bytes, connections: int, seconds: float) -> Load:
    """Send the request over and over; raise RuntimeError for any answer but 200."""
    with selectors.DefaultSelector() as selector:
        sockets = [socket.create_connection(address) for _ in range(connections)]
        for connection in sockets:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            selector.register(connection, selectors.EVENT_READ, (connection, bytearray()))
            connection.sendall(request)
        started, cpu, done = time.perf_counter(), cpu_seconds(pid), 0
        while (now := time.perf_counter()) - started < seconds:
            for key, _ in selector.select(1):
                connection, answer = key.data
                answer += connection.recv(65536)
                if _is_whole(answer):
                    answer.clear()
                    done += 1
                    connection.sendall(request)
        load = Load(done, now - started, cpu_seconds(pid) - cpu)
        for connection in sockets:
            connection.close()
    return load


class Connection:
    """A connection that stays open; an HTTP client written in Python would cost as much as the server."""

    def __init__(self, address: tuple[str, int]) -> None:
        self._socket = socket.create_connection(address)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def ask(self, request: bytes, status: int = 200) -> bytes:
        """Send a request and return the answer's body; raise RuntimeError for another status."""
        self._socket.sendall(request)
        answer = bytearray()
        while not _is_whole(answer, status):
            if not (piece := self._socket.recv(65536)):
                raise RuntimeError("the server closed the connection")
            answer += piece
        return bytes(answer).partition(b"\r\n\r\n")[2]

    def close(self) -> None:
        """End it."""
        self._socket.close()


def _is_whole(answer: bytearray, status: int = 200) -> bool:
    head, found, body = bytes(answer).partition(b"\r\n\r\n")
    if not found:
        return False
    if not head.startswith(f"HTTP/1.1 {status}".encode()):
        raise RuntimeError(bytes(answer).decode(errors="replace"))
    for line in head.lower().split(b"\r\n"):
        if line.startswith(b"content-length:"):
            return len(body) >= int(line.partition(b":")[2])
    return body.endswith(b"0\r\n\r\n")  # chunked
