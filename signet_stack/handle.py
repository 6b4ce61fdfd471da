"""The local stack as other processes see it: a folder with a lock, a ``stack.json`` and a control socket.

The stack is a program of its own (`python -m signet_stack`); it shares nothing with this module but that
folder.
Trust boundary: whoever can read the folder owns the stack, and everything in it.
"""

from __future__ import annotations

import json
import os
import socket
import time
from contextlib import suppress
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

from app.errors import Misconfigured, ServiceUnavailable

if TYPE_CHECKING:
    from app.settings import LocalStack

LOOPBACK = "127.0.0.1"
CONNECT_SECONDS = 5
STOP_SECONDS = 20
POLL_SECONDS = 0.02


class LocalStackHangs(ServiceUnavailable):
    """Raised when a stack is there but does not do what it is told."""

    code = "local_stack_hangs"

    def __init__(self, folder: Path, stack: RunningStack | None) -> None:
        super().__init__(
            f"The local stack in {folder} does not answer.",
            hint=f"kill -9 {stack.pid}" if stack else f"read {folder / 'stack.log'}",
        )


@dataclass(frozen=True, slots=True)
class RunningStack:
    """What stack.json says about a running stack."""

    api_url: str
    mailbox_url: str
    issuer: str
    site_url: str
    publishable_key: str
    secret_key: str = field(repr=False)
    management_token: str = field(repr=False)
    database_url: str = field(repr=False)
    pid: int
    control: dict[str, Any] = field(repr=False)

    def for_app(self) -> LocalStack:
        """Return the part that the web app needs."""
        from app.settings import LocalStack

        return LocalStack(
            url=self.api_url,
            publishable_key=self.publishable_key,
            issuer=self.issuer,
            database_url=self.database_url,
            mailbox_url=self.mailbox_url,
        )

    def ask(self, want: str, name: str) -> socket.socket | None:
        """Send one request to the control socket and return the connection; None when nobody listens."""
        request = {"token": self.control["token"], "want": want, "name": name, "pid": os.getpid()}
        try:
            connection = socket.create_connection((LOOPBACK, self.control["port"]), CONNECT_SECONDS)
            connection.sendall(json.dumps(request).encode() + b"\n")
        except OSError:
            return None
        return connection


def find_running(folder: Path) -> RunningStack | None:
    """Return the stack that runs in a folder, or is about to; raises Misconfigured when it is not ours."""
    if not is_locked(folder):
        return None
    try:
        content = json.loads((folder / "stack.json").read_text())
        return RunningStack(**{item.name: content[item.name] for item in fields(RunningStack)})
    except (FileNotFoundError, ValueError, KeyError):
        return None
    except PermissionError as error:
        raise _not_ours(folder) from error


def is_locked(folder: Path) -> bool:
    """Whether a stack works in the folder, from its first moment to its last."""
    import fcntl  # not on Windows, where hosted projects work all the same

    try:
        with open(folder / "lock", "rb") as lock:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except (FileNotFoundError, NotADirectoryError):
        return False
    except BlockingIOError:
        return True
    except PermissionError as error:
        raise _not_ours(folder) from error
    return False


def status_of(stack: RunningStack) -> dict[str, Any] | None:
    """Return what the stack says about itself; None when it does not answer."""
    connection = stack.ask("status", "")
    if connection is None:
        return None
    with connection, connection.makefile("rb") as answer, suppress(OSError, ValueError):
        read = json.loads(answer.readline())
        return read if isinstance(read, dict) else None
    return None


def stop_running(folder: Path, name: str) -> bool:
    """Stop the folder's stack and wait for its end; return whether there was one. Raises LocalStackHangs."""
    was_running = False
    deadline = time.monotonic() + STOP_SECONDS
    while is_locked(folder):
        was_running = True
        stack = find_running(folder)
        if connection := stack.ask("stop", name) if stack else None:
            connection.settimeout(max(0.1, deadline - time.monotonic()))
            with connection, suppress(OSError):
                connection.recv(1)  # nothing comes but the end
        if time.monotonic() > deadline:
            raise LocalStackHangs(folder, stack)
        time.sleep(POLL_SECONDS)
    return was_running


def _not_ours(folder: Path) -> Misconfigured:
    return Misconfigured(
        f"The local stack in {folder} belongs to another user.",
        hint=f"Work as that user, or make it yours: sudo chown -R $(id -un) '{folder.parent}'",
    )
