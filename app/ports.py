"""Can the app listen where it should, and who is in the way if not: asked before anything is started."""

from __future__ import annotations

import os
import socket
from contextlib import suppress
from errno import EACCES, EADDRINUSE
from pathlib import Path

from app.errors import Misconfigured

LISTENING = "0A"  # in /proc/net/tcp
LAST_PORT = 65535
TRIED = 100


class PortBusy(Misconfigured):
    """Raised when another program listens where the app should."""

    code = "port_busy"

    def __init__(self, host: str, port: int) -> None:
        last = min(port + TRIED, LAST_PORT)
        following = (other for other in range(port + 1, last + 1) if _obstacle(host, other) is None)
        super().__init__(
            f"Port {port} is in use by {owner_of(port) or 'another program'}.",
            hint=f"flask run --port {next(following, 0)}",
        )


class CannotListen(Misconfigured):
    """Raised when no server could listen on this address, whoever else does."""

    code = "cannot_listen"


def check_port(host: str, port: int) -> None:
    """Raise PortBusy or CannotListen when nobody could listen there."""
    if host.startswith("unix:"):
        return
    if not 0 <= port <= LAST_PORT:
        raise CannotListen(f"{port} is not a port.", hint=f"flask run --port N, with N from 1 to {LAST_PORT}")
    obstacle = _obstacle(host, port)
    if obstacle is None:
        return
    if obstacle.errno == EADDRINUSE:
        raise PortBusy(host, port)
    raise CannotListen(
        f"The app cannot listen on {host}, port {port}: {obstacle.strerror or obstacle}.",
        hint="flask run --port 8000" if obstacle.errno == EACCES else "flask run --host 127.0.0.1",
    )


def _obstacle(host: str, port: int) -> OSError | None:
    """Return what keeps a server from listening there."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            return error
    return None


def owner_of(port: int) -> str:
    """Return the name and id of the process that listens on a port; empty where that cannot be seen."""
    sockets = {f"socket:[{inode}]" for inode in _listening_inodes(port)}
    for process in Path("/proc").glob("[0-9]*") if sockets else ():
        with suppress(OSError):
            if any(os.readlink(link) in sockets for link in (process / "fd").iterdir()):
                return f"{(process / 'comm').read_text().strip()} (process {process.name})"
    return ""


def _listening_inodes(port: int) -> list[str]:
    found = []
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        with suppress(OSError):
            for row in Path(table).read_text().splitlines()[1:]:
                columns = row.split()
                if int(columns[1].rpartition(":")[2], 16) == port and columns[3] == LISTENING:
                    found.append(columns[9])
    return found
