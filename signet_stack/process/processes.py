"""Which PostgreSQL processes work in a data folder, also when their postmaster is gone.

A server process is known by its name and its working directory, never by a process id alone: ids are used
again. Standard library only on Linux: the guard uses it.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path

PROGRAM = "postgres"
POLL_SECONDS = 0.01


def servers_in(data_dir: Path) -> list[int]:
    """Return the ids of all PostgreSQL processes whose working directory is this one."""
    try:
        wanted = os.stat(data_dir)
    except FileNotFoundError:
        return []
    found = []
    for pid, folder in _working_directories():
        with suppress(OSError):
            if os.path.samestat(os.stat(folder), wanted):
                found.append(pid)
    return found


def end(pids: Iterable[int], number: signal.Signals) -> None:
    """Send a signal to each process that is still there."""
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(pid, number)


def wait_until_gone(data_dir: Path, seconds: float) -> bool:
    """Wait until no server works in the folder; return whether that happened in time."""
    deadline = time.monotonic() + seconds
    while servers_in(data_dir):
        if time.monotonic() > deadline:
            return False
        time.sleep(POLL_SECONDS)
    return True


if sys.platform == "linux":

    def _working_directories() -> Iterator[tuple[int, str]]:
        for entry in os.scandir("/proc"):
            if not entry.name.isdecimal():
                continue
            with suppress(OSError):  # gone in the meantime
                if Path(entry.path, "comm").read_text().strip() == PROGRAM:
                    yield int(entry.name), _working_directory(entry.path)

    def _working_directory(process: str) -> str:
        link = os.path.join(process, "cwd")
        try:
            return os.readlink(link)
        except PermissionError:
            # In a container, root may not look into other users' processes; those users may.
            owner = os.stat(process)
            shown = subprocess.run(
                ["readlink", link],  # noqa: S607 - wherever it is
                user=owner.st_uid,
                group=owner.st_gid,
                extra_groups=[],
                cwd="/",
                stdout=subprocess.PIPE,
            )
            return os.fsdecode(shown.stdout.removesuffix(b"\n"))

else:

    def _working_directories() -> Iterator[tuple[int, str]]:
        try:
            import psutil  # type: ignore[import-untyped]
        except ImportError:  # in the guard, which runs without installed packages; the stack looks again
            return
        for process in psutil.process_iter():
            with suppress(psutil.Error):
                if process.name() == PROGRAM:
                    yield process.pid, process.cwd()
