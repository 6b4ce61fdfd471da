"""What can go wrong with the local stack itself, in words and with the next step.

StackError
├── FolderError       the data folder cannot be used
├── MissingPackage    the environment lacks a package of the stack
├── BadSetting        an environment variable of the stack has a value of no use
├── PortTaken         a port that was asked for belongs to another program
├── PostgresError     the cluster cannot be created, started or kept
└── AlreadyRunning    another process runs the stack of this folder; not a fault: join it
"""

from __future__ import annotations

import errno
import os
from pathlib import Path


class StackError(Exception):
    """Base of all errors that end the stack; never raised itself."""

    exit_code = 1

    def __init__(self, message: str, next_step: str) -> None:
        self.message = message
        self.next_step = next_step
        super().__init__(f"{message}\n  Next: {next_step}")


class FolderError(StackError):
    """Raised when the data folder cannot be made, read or written."""


class MissingPackage(StackError):
    """Raised when a package that only the local stack needs is not installed."""

    def __init__(self, error: ImportError) -> None:
        super().__init__(f"The local stack cannot be loaded: {error}.", "pip install -r requirements.txt")


class BadSetting(StackError):
    """Raised when an environment variable cannot mean anything."""


class PortTaken(StackError):
    """Raised when a port that was asked for by number is in use."""


class PostgresError(StackError):
    """Raised when PostgreSQL cannot be found, created, started or kept."""


class AlreadyRunning(StackError):
    """Raised when another process holds the folder's lock; whoever starts stacks knows the exit code."""

    exit_code = 75


def folder_error(error: OSError, path: Path) -> FolderError:
    """Say what an operating system's refusal means for the person at the keyboard."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return FolderError(f"No room left on the disk of {path}.", "free some space there, then start again")
    if error.errno == errno.EROFS:
        return FolderError(f"Cannot write to {path}: {error.strerror}.", "work in a checkout on another disk")
    if error.errno in (errno.EACCES, errno.EPERM):
        there = next(place for place in (path, *path.parents) if os.path.exists(place))
        return FolderError(
            f"Cannot read or write {path}: {error.strerror}.",
            f"sudo chown -R $(id -un) '{there}' && chmod -R u+rwX '{there}'"
            "   (or work in a checkout that is yours)",
        )
    return FolderError(f"Cannot use {path}: {error.strerror or error}.", "check the folder, then start again")
