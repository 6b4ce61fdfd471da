"""Is the app's port free, and who has it if not: asked before anything is started."""

from __future__ import annotations

import os
import socket
from contextlib import suppress
from errno import EADDRINUSE
from pathlib import Path

from app.errors import Misconfigured

LISTENING = "0A"  # in /proc/net/tcp
TRIED = 100


class PortBusy(Misconfigured):
    """Raised when another program listens where the app should."""

    code = "port_busy"

    def __init__(self, host: str, port: int) -> None:
        following = (other for other in range(port + 1, min(port + TRIED, 65536)) if is_free(host, other))
        super().__init__(
            f"Port {port} is in use by {owner_of(port) or 'another program'}.",
            hint=f"flask run --port {next(following, 0)}",
        )


def check_port(host: str, port: int) -> None:
    """Raise PortBusy when nobody could listen there."""
    if port and not is_free(host, port):
        raise PortBusy(host, port)


def is_free(host: str, port: int) -> bool:
    """Whether no other server listens there; every other obstacle is left to our own server to report."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            return error.errno != EADDRINUSE
    return True


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
