"""A running stack as other processes see it: a folder with a lock, a ``stack.json`` and a control socket.

The stack is a process of its own (signet_stack/server.py) and shares only that folder with this module.
Trust boundary: a user who can read the folder controls the stack and all that is in it.
"""

from __future__ import annotations

import hmac
import json
import os
import socket
import time
from contextlib import suppress
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from signet_stack.errors import LocalStackHangs, NotOwner

LOOPBACK = "127.0.0.1"
CONNECT_SECONDS = 5
STOP_SECONDS = 20
POLL_SECONDS = 0.02
DETACHED = "detached"  # the name of the lease that lasts until `stop`


@dataclass(frozen=True, slots=True)
class RunningStack:
    """The content of a running stack's stack.json."""

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
    default_privileges: str = "current"

    @property
    def mailbox_login_url(self) -> str:
        """The address that opens the mailbox in a browser, for the owner's eyes: it carries a token."""
        return f"{self.mailbox_url}/?token={mailbox_token(self.secret_key)}"

    def ask(self, want: str, name: str) -> socket.socket | None:
        """Send one request to the control socket; return the connection, or None when nothing listens."""
        request = {"token": self.control["token"], "want": want, "name": name, "pid": os.getpid()}
        try:
            connection = socket.create_connection((LOOPBACK, self.control["port"]), CONNECT_SECONDS)
            connection.sendall(json.dumps(request).encode() + b"\n")
        except OSError:
            return None
        return connection


def mailbox_token(secret_key: str) -> str:
    """Return the token that opens the mailbox: an HMAC under the secret key, which it does not reveal."""
    return hmac.new(secret_key.encode(), b"mailbox", "sha256").hexdigest()[:32]


def find_running(folder: Path) -> RunningStack | None:
    """Return the stack that runs in a folder, or is starting; raise NotOwner for another user's."""
    if not is_locked(folder):
        return None
    try:
        content = json.loads((folder / "stack.json").read_text())
        content.setdefault("default_privileges", "current")
        return RunningStack(**{item.name: content[item.name] for item in fields(RunningStack)})
    except (FileNotFoundError, ValueError, KeyError):
        return None
    except PermissionError as error:
        raise NotOwner(folder) from error


def is_locked(folder: Path) -> bool:
    """Whether a stack holds the folder's lock, from the first moment of its start to its end."""
    import fcntl  # not on Windows, where commands for hosted projects import this module too

    try:
        with open(folder / "lock", "rb") as lock:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except (FileNotFoundError, NotADirectoryError):
        return False
    except BlockingIOError:
        return True
    except PermissionError as error:
        raise NotOwner(folder) from error
    return False


def status_of(stack: RunningStack) -> dict[str, Any] | None:
    """Return the state, leases and signing key that the stack reports; None when it does not answer."""
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
            raise LocalStackHangs(folder, stack.pid if stack else None)
        time.sleep(POLL_SECONDS)
    return was_running
