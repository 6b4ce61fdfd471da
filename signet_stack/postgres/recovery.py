"""What a crash leaves in a data folder, and how it is cleared before the next start.

Only whoever holds the stack's lock may call this: everything that is found here is then a leftover.
"""

from __future__ import annotations

import os
import signal
from pathlib import Path

from signet_stack.errors import PostgresError
from signet_stack.process import processes

STOP_SECONDS = 10
PID_FILE = "postmaster.pid"


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
    if servers := processes.servers_in(data_dir):
        _end(servers, postmaster, data_dir)
    if postmaster is None or _is_alive(postmaster):
        (data_dir / PID_FILE).unlink(missing_ok=True)


def _end(servers: list[int], postmaster: int | None, data_dir: Path) -> None:
    if postmaster in servers:
        processes.end([postmaster], signal.SIGINT)
    if postmaster not in servers or not processes.wait_until_gone(data_dir, STOP_SECONDS):
        processes.end(processes.servers_in(data_dir), signal.SIGKILL)
    if not processes.wait_until_gone(data_dir, STOP_SECONDS):
        raise PostgresError(
            f"An earlier PostgreSQL server still works in {data_dir} and does not end.",
            f"kill -9 {' '.join(map(str, processes.servers_in(data_dir)))}",
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
