"""Server processes of a data folder: find them, and clear what a crash left before the next start.

A server process is known by its name and its working directory, never by a process id alone, because ids are
reused. ``clear_leftovers`` may only run under the stack's lock: whatever it finds is then a leftover.
On Linux this module needs the standard library only, because the supervisor imports it.
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

from signet_stack.errors import PostgresError

PROGRAM = "postgres"
PID_FILE = "postmaster.pid"
STOP_SECONDS = 10
POLL_SECONDS = 0.01


def read_pid_file(data_dir: Path) -> list[str]:
    """Return the lines of ``postmaster.pid``; none when it is missing or not text."""
    try:
        return (data_dir / PID_FILE).read_text().splitlines()
    except (OSError, UnicodeDecodeError):
        return []


def clear_leftovers(data_dir: Path) -> None:
    """End servers and orphaned backends of an earlier start.

    Their pid file is left for PostgreSQL, which finds in it the shared memory to give back; unless it is
    damaged, or its process id belongs to some other program by now (after a reboot, in a new container):
    PostgreSQL would take that for the old server, and refuse to start for ever.
    """
    postmaster = _postmaster(data_dir)
    if servers := servers_in(data_dir):
        _end(servers, postmaster, data_dir)
    if postmaster is None or _is_alive(postmaster):
        (data_dir / PID_FILE).unlink(missing_ok=True)


def _end(servers: list[int], postmaster: int | None, data_dir: Path) -> None:
    if postmaster in servers:
        signal_all([postmaster], signal.SIGINT)
    if postmaster not in servers or not wait_until_gone(data_dir, STOP_SECONDS):
        signal_all(servers_in(data_dir), signal.SIGKILL)
    if not wait_until_gone(data_dir, STOP_SECONDS):
        raise PostgresError(
            f"An earlier PostgreSQL server still works in {data_dir} and does not end.",
            f"kill -9 {' '.join(map(str, servers_in(data_dir)))}",
        )


def _postmaster(data_dir: Path) -> int | None:
    lines = read_pid_file(data_dir)
    return int(lines[0]) if lines and lines[0].strip().isdecimal() else None


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return True


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


def signal_all(pids: Iterable[int], number: signal.Signals) -> None:
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
        except ImportError:  # in the supervisor, which runs without installed packages; the stack looks again
            return
        for process in psutil.process_iter():
            with suppress(psutil.Error):
                if process.name() == PROGRAM:
                    yield process.pid, process.cwd()
