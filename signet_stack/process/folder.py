"""The data folder of one stack: private to its owner, used by one stack at a time.

Everything secret that the stack writes goes through ``write_private``: mode 0600, whole or not at all.
"""

from __future__ import annotations

import fcntl
import os
import stat
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from signet_stack.errors import AlreadyRunning, FolderError, folder_error, stack_command

LOCK_NAME = "lock"
IGNORE_NAME = ".gitignore"
STACK_LOG = "stack.log"
SERVER_LOG = "postgres.log"
LOG_BYTES = 5_000_000  # a log that is longer at a start makes room for a new one
LOCK_SECONDS = 0.5  # a client that asks whether the lock is held takes it for an instant


def prepare(path: Path) -> None:
    """Make the folder, readable by its owner only; raise FolderError when that is impossible."""
    try:
        if file := next((place for place in (path, *path.parents) if place.is_file()), None):
            raise FolderError(f"{file} is a file, and a folder is needed there.", f"mv '{file}' '{file}.old'")
        for place, mode in (
            # Passable but not readable: another account may have to reach a cluster below (root.py).
            (path.parent, 0o711),
            (path, 0o700),
        ):
            if not place.exists():
                place.mkdir(parents=True, exist_ok=True)
                place.chmod(mode)
                give_to_owner_of(place.parent, place)
        if stat.S_IMODE(path.stat().st_mode) != 0o700:
            path.chmod(0o700)
        os.close(open_private(path / LOCK_NAME))
        if not (path / IGNORE_NAME).exists():
            write_private(path / IGNORE_NAME, "*\n")  # keys and passwords belong in no repository
    except OSError as error:
        raise folder_error(error, path) from None


@contextmanager
def locked(path: Path) -> Iterator[int]:
    """Hold the folder's lock and return its descriptor; raise AlreadyRunning when another process does."""
    with open(path / LOCK_NAME, "rb") as lock:
        deadline = time.monotonic() + LOCK_SECONDS
        while True:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > deadline:
                    raise AlreadyRunning(
                        f"The local stack of {path} is running already.", f"{stack_command()} status"
                    ) from None
                time.sleep(0.02)
        yield lock.fileno()


def rotate_log(log: Path) -> None:
    """Rotate a log that is longer than LOG_BYTES; one old one is kept."""
    if log.exists() and log.stat().st_size > LOG_BYTES:
        log.replace(log.with_name(f"{log.name}.old"))


def open_private(path: Path) -> int:
    """Open a file of the folder for appending, made for its owner only when it is not there; return it."""
    is_new = not path.exists()
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    if is_new:
        give_to_owner_of(path.parent, path)
    return descriptor


def write_private(path: Path, text: str) -> None:
    """Replace a file's content in one step; only the folder's owner can read it."""
    draft = path.with_name(f".{path.name}.new")
    try:
        draft.unlink(missing_ok=True)
        with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        give_to_owner_of(path.parent, draft)
        draft.replace(path)
    except OSError as error:
        raise folder_error(error, path.parent) from None


def give_to_owner_of(folder: Path, path: Path) -> None:
    """As root, give a file or folder the owner of its parent, who must be able to start without root."""
    if os.geteuid() == 0:
        owner = folder.stat()
        os.chown(path, owner.st_uid, owner.st_gid)
