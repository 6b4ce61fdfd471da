"""Supervisor: run one PostgreSQL program, and stop it when the local stack ends.

The supervisor is a process of its own (``python -S -E -m signet_stack.process.supervisor JOB``), between the
local stack and the program. Its standard input is the read end of a pipe that the stack keeps open: end of
file means that the stack is gone, also after kill -9, and the program is stopped the fast way. When the
supervisor itself is killed, Linux stops the program (privileges.py). It runs as the user that runs the stack;
only the program may run as another one. It imports the standard library only and has no threads, so that it
may act between fork and exec.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

from signet_stack.postgres.privileges import RunAs
from signet_stack.postgres.recovery import servers_in, signal_all
from signet_stack.process.folder import open_private
from signet_stack.process.signals import next_signals, wake_on

ROOT = Path(__file__).resolve().parents[2]
STOP_SECONDS = 10
STOP_SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


@dataclass(frozen=True, slots=True)
class Job:
    """What to run. Server processes that outlive a killed server in ``data_dir`` are ended too."""

    argv: tuple[str, ...]
    log: Path
    data_dir: Path
    run_as: RunAs
    input: str = os.devnull
    environ: Mapping[str, str] = field(default_factory=dict)
    delete_if_orphaned: tuple[str, ...] = ()  # the folders of a temporary stack
    parent: int = field(default_factory=os.getpid)

    def to_json(self) -> str:
        """Return the job as one argument of a command line."""
        return json.dumps(asdict(self), default=str)

    @classmethod
    def from_json(cls, text: str) -> Job:
        """Read what ``to_json`` wrote."""
        read = json.loads(text)
        return cls(
            tuple(read["argv"]),
            Path(read["log"]),
            Path(read["data_dir"]),
            RunAs(**read["run_as"]),
            read["input"],
            read["environ"],
            tuple(read["delete_if_orphaned"]),
            read["parent"],
        )


class Supervisor:
    """A supervisor process and its program, as the local stack holds them."""

    def __init__(self, job: Job, *, holding: tuple[int, ...] = ()) -> None:
        """Start the program under a supervisor.

        ``holding`` are file descriptors that the supervisor keeps open, such as the lock of the data folder:
        no other stack may start a server there before the supervisor has cleaned up.
        """
        with open(open_private(job.log), "ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-S", "-E", "-m", "signet_stack.process.supervisor", job.to_json()],
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
                cwd=ROOT,
                pass_fds=holding,
                start_new_session=True,  # a Ctrl-C is for the stack, which stops its parts in order
            )

    @property
    def is_running(self) -> bool:
        """Whether the program has not ended yet."""
        return self._process.poll() is None

    def wait(self) -> int:
        """Wait until the program ends by itself and return its exit code."""
        return self._process.wait()

    def stop(self) -> None:
        """Stop the program and the supervisor, and wait for both."""
        assert self._process.stdin is not None  # noqa: S101 - opened above
        self._process.stdin.close()
        self._process.wait()


def run(job: Job, *, holding: tuple[int, ...] = ()) -> int:
    """Run a program under a supervisor until it ends by itself; return its exit code."""
    supervisor = Supervisor(job, holding=holding)
    try:
        return supervisor.wait()
    finally:
        supervisor.stop()


def supervise(job: Job) -> int:
    """Run the program until it ends, a signal arrives or standard input is closed; return its exit code.

    This is the supervisor process itself.
    """
    wakeups = wake_on([*STOP_SIGNALS, signal.SIGCHLD])
    with open(job.input, "rb") as source:
        program = subprocess.Popen(
            job.argv,
            stdin=source,
            env={**os.environ, **job.environ},
            process_group=0,
            **job.run_as.popen_arguments(),
        )
    while program.poll() is None:
        if next_signals(wakeups, sys.stdin.fileno()) != {signal.SIGCHLD}:
            _stop(program)
    # A server that was killed leaves busy backends behind, and with them its shared memory.
    signal_all(servers_in(job.data_dir), signal.SIGKILL)
    if os.getppid() != job.parent:
        for folder in job.delete_if_orphaned:
            shutil.rmtree(folder, ignore_errors=True)
    return program.returncode


def _stop(program: subprocess.Popen[bytes]) -> None:
    if program.poll() is None:
        program.send_signal(signal.SIGINT)  # fast: SIGTERM would wait for open connections for ever
        try:
            program.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            program.send_signal(signal.SIGQUIT)
            program.wait()


if __name__ == "__main__":
    sys.exit(supervise(Job.from_json(sys.argv[1])))
