"""Preparation of `flask run`: the port check before anything starts, and the life of the reloader's child.

`flask run --debug` is two processes: the parent watches files, its child serves. Ctrl-C reaches both, but a
killed parent would leave the child on the port, with its lease on the local stack.
"""

from __future__ import annotations

import os
import socket
import threading
import time
from collections.abc import Mapping, MutableMapping
from contextlib import suppress
from errno import EACCES, EADDRINUSE
from pathlib import Path

import click
from flask.cli import ScriptInfo

from signet_db.errors import Misconfigured

PARENT_PID = "SIGNET_RELOADER_PID"
POLL_SECONDS = 0.25

LISTENING = "0A"  # in /proc/net/tcp
LAST_PORT = 65535
TRIED = 100


class PortBusy(Misconfigured):
    """Raised when another program listens on the port."""

    code = "port_busy"

    def __init__(self, host: str, port: int) -> None:
        last = min(port + TRIED, LAST_PORT)
        following = (other for other in range(port + 1, last + 1) if _obstacle(host, other) is None)
        super().__init__(
            f"Port {port} is in use by {owner_of(port) or 'another program'}.",
            hint=f"flask run --port {next(following, 0)}",
        )


class CannotListen(Misconfigured):
    """Raised when no server can listen on the address."""

    code = "cannot_listen"


def flask_context() -> click.Context | None:
    """Return the click context when this process is the `flask` command."""
    context = click.get_current_context(silent=True)
    return context if context and context.find_object(ScriptInfo) else None


def is_reloader_child(environ: Mapping[str, str]) -> bool:
    """Whether this process serves for a reloader, on its parent's socket."""
    return environ.get("WERKZEUG_RUN_MAIN") == "true"


def end_with_reloader(environ: MutableMapping[str, str]) -> None:
    """In the reloader's parent, leave its id for the child; in the child, end when the parent has ended."""
    if not is_reloader_child(environ):
        environ[PARENT_PID] = str(os.getpid())
    elif parent := environ.get(PARENT_PID):
        threading.Thread(target=_end_after, args=[int(parent)], name="reloader-watch", daemon=True).start()


def _end_after(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(POLL_SECONDS)
    os._exit(1)


def check_port(host: str, port: int) -> None:
    """Raise PortBusy or CannotListen when a server could not listen on host and port."""
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
    """Return the error of binding a socket there, if any."""
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
