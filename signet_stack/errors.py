"""Errors of the local stack, each with the next step.

SignetError
└── StackError
    ├── FolderError        the data folder cannot be used
    ├── MissingPackage     the environment lacks a package of the stack
    ├── BadSetting         an environment variable of the stack has an invalid value
    ├── PortTaken          a port that was asked for is in use
    ├── PostgresError      the cluster cannot be created, started or kept
    ├── AlreadyRunning     another process runs the stack of this folder; not a fault: join it
    ├── UnsupportedSystem  the stack cannot run on this operating system
    ├── NotOwner           the stack belongs to another user of this machine
    ├── LocalStackFailed   the stack did not start, or has ended
    └── LocalStackHangs    the stack does not answer
"""

from __future__ import annotations

import errno
import os
import sys
from pathlib import Path

from signet_db.errors import SignetError

INSTALL = 'pip install "flask-signet[stack]"      (in a checkout of Signet: pip install -r requirements.txt)'


class StackError(SignetError):
    """Base of the stack's errors; ``exit_code`` is that of the stack's process."""

    code = "local_stack_error"
    exit_code = 1

    def __init__(self, message: str | None = None, hint: str | None = None) -> None:
        super().__init__(message, hint=hint)


class FolderError(StackError):
    """Raised when the data folder cannot be made, read or written."""

    code = "folder_unusable"


class MissingPackage(StackError):
    """Raised when a package that only the local stack needs is not installed."""

    code = "missing_package"

    def __init__(self, reason: object) -> None:
        super().__init__(f"The local stack cannot be loaded: {reason}.", INSTALL)


class BadSetting(StackError):
    """Raised when an environment variable has a value that cannot be used."""

    code = "bad_setting"


class PortTaken(StackError):
    """Raised when a port that was asked for by number is in use."""

    code = "port_taken"


class PostgresError(StackError):
    """Raised when PostgreSQL cannot be found, created, started or kept."""

    code = "postgres_failed"


class AlreadyRunning(StackError):
    """Raised when another process holds the folder's lock; the exit code makes the starter join it."""

    code = "already_running"
    exit_code = 75


class UnsupportedSystem(StackError):
    """Raised where the local stack cannot run."""

    code = "unsupported_system"
    message = "The local stack does not run on Windows itself."
    hint = "Use it in WSL, or set SUPABASE_URL and SUPABASE_PUBLISHABLE_KEY for a hosted project."


class NotOwner(StackError):
    """Raised when another user's stack is in the folder."""

    code = "local_stack_not_yours"

    def __init__(self, folder: Path) -> None:
        super().__init__(
            f"The local stack in {folder} belongs to another user.",
            f"Work as that user, or make it yours: sudo chown -R $(id -un) '{folder.parent}'",
        )


class LocalStackFailed(StackError):
    """Raised when the local stack cannot be started or joined."""

    code = "local_stack_failed"
    message = "The local stack did not start."


class LocalStackHangs(StackError):
    """Raised when a stack is there but does not answer."""

    code = "local_stack_hangs"

    def __init__(self, folder: Path, pid: int | None) -> None:
        step = f"kill -9 {pid}" if pid else f"read {folder / 'stack.log'}"
        super().__init__(f"The local stack in {folder} does not answer.", step)


def refuse_windows() -> None:
    """Raise UnsupportedSystem on Windows: there is no fork, no fcntl and no PostgreSQL wheel there."""
    if sys.platform == "win32":
        raise UnsupportedSystem


def stack_command() -> str:
    """Return the command that hints name: `flask local` where the starter set it, else `signet-stack`."""
    return os.environ.get("SIGNET_COMMAND") or "python -m signet_stack"


def folder_error(error: OSError, path: Path) -> FolderError:
    """Return an error of the operating system as a FolderError with its next step."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return FolderError(f"No room left on the disk of {path}.", "free some space there, then start again")
    if error.errno == errno.EROFS:
        return FolderError(f"Cannot write to {path}: {error.strerror}.", "use a folder on another disk")
    if error.errno in (errno.EACCES, errno.EPERM):
        there = next(place for place in (path, *path.parents) if os.path.exists(place))
        return FolderError(
            f"Cannot read or write {path}: {error.strerror}.",
            f"sudo chown -R $(id -un) '{there}' && chmod -R u+rwX '{there}'   (or use a folder of your own)",
        )
    return FolderError(f"Cannot use {path}: {error.strerror or error}.", "check the folder, then start again")
