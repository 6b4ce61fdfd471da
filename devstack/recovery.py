"""What a crash leaves in a data folder, and how it is cleared before the next start.

Only whoever holds the stack's lock may call this: everything that is found here is then a leftover.
"""

from __future__ import annotations

import signal
from pathlib import Path

from devstack import processes
from devstack.errors import PostgresError

STOP_SECONDS = 10
PID_FILE = "postmaster.pid"


def read_pid_file(data_dir: Path) -> list[str]:
    """Return the lines of ``postmaster.pid``; none when it is missing or not text."""
    try:
        return (data_dir / PID_FILE).read_text().splitlines()
    except (OSError, UnicodeDecodeError):
        return []


def clear_leftovers(data_dir: Path) -> None:
    """End servers and orphaned backends of an earlier start, and remove their pid file.

    The pid file is removed also when its process id belongs to some other program by now (after a reboot or
    in a new container): PostgreSQL would refuse to start for ever.
    """
    servers = processes.servers_in(data_dir)
    if servers:
        lines = read_pid_file(data_dir)
        postmaster = [pid for pid in servers if lines and lines[0].strip() == str(pid)]
        processes.end(postmaster, signal.SIGINT)
        if not postmaster or not processes.wait_until_gone(data_dir, STOP_SECONDS):
            processes.end(processes.servers_in(data_dir), signal.SIGKILL)
        if not processes.wait_until_gone(data_dir, STOP_SECONDS):
            raise PostgresError(
                f"An earlier PostgreSQL server still works in {data_dir} and does not end.",
                f"kill -9 {' '.join(map(str, processes.servers_in(data_dir)))}",
            )
    (data_dir / PID_FILE).unlink(missing_ok=True)
