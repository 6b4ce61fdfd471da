"""Keep one PostgreSQL server and stop it when whoever started it is gone.

Runs as a process of its own (``python -S -E guard.py ARGV...``), between the local stack and the server. Its
standard input is the read end of a pipe that the stack keeps open: end of file means that the stack is gone,
also after kill -9, and the server is stopped the fast way. Imports the standard library only.
"""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
from types import FrameType

STOP_SECONDS = 10


def die_with_parent() -> None:
    """Ask Linux to stop this process when its parent dies; other systems rely on the next start."""
    if sys.platform == "linux":
        import ctypes

        pr_set_pdeathsig = 1
        ctypes.CDLL(None).prctl(pr_set_pdeathsig, signal.SIGINT)


def keep(server_argv: list[str], log_path: str) -> int:
    """Run the server until it ends, a signal arrives or standard input is closed; return its exit code."""
    os.setsid()  # a Ctrl-C in the terminal is for the stack, which stops us in its own order
    with open(log_path, "ab") as log:
        server = subprocess.Popen(
            server_argv,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            cwd="/",
            preexec_fn=die_with_parent,
            process_group=0,
        )

    def stop(_signal: int = 0, _frame: FrameType | None = None) -> None:
        if server.poll() is None:
            server.send_signal(signal.SIGINT)  # fast: SIGTERM would wait for open connections for ever
            try:
                server.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                server.send_signal(signal.SIGQUIT)
                server.wait()
        os._exit(server.returncode or 0)

    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, stop)
    while server.poll() is None:
        readable, _, _ = select.select([0], [], [], 0.25)
        if readable and not os.read(0, 64):
            stop()
    return server.returncode


if __name__ == "__main__":
    sys.exit(keep(sys.argv[2:], sys.argv[1]))
