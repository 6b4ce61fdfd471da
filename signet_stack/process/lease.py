"""Lease: start or join the local stack, and keep it alive for as long as this process lives.

A lease is an open connection to the stack, so it ends with this process however that ends, and the stack
stops with the last one. A started stack has a session of its own: it receives no Ctrl-C, and it stays while
another process holds a lease.
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

from signet_stack.errors import AlreadyRunning, LocalStackFailed, LocalStackHangs
from signet_stack.process.running import RunningStack, find_running

ROOT = Path(__file__).resolve().parents[2]
START_SECONDS = 90
STOP_SECONDS = 20
SILENT_SECONDS = 2  # before the wait is explained
POLL_SECONDS = 0.01

Report = Callable[[str], None]


class Lease:
    """One process's hold on a stack, until ``release`` or the end of the process."""

    def __init__(
        self,
        stack: RunningStack,
        connection: socket.socket,
        starter: Starter | None,
        report: Report,
        on_lost: Callable[[], None],
    ) -> None:
        self.stack = stack
        self._report = report
        self.is_starter = starter is not None
        self._connection = connection
        self._starter = starter
        self._on_lost = on_lost
        self._is_released = False
        self._is_kept = False  # by others, after our release
        self._ended = threading.Event()
        threading.Thread(target=self._watch, name="local-stack-lease", daemon=True).start()
        # A child that is forked without exec would keep the stack alive beyond this process.
        os.register_at_fork(after_in_child=self._close)

    def wait(self) -> None:
        """Block until the stack has ended."""
        self._ended.wait()

    def detach(self) -> None:
        """Keep the stack after its last lease, until `stop`; raise LocalStackFailed."""
        connection = self.stack.ask("keep", "")
        if connection is None:
            raise LocalStackFailed("The local stack has ended.")
        with connection:
            connection.recv(1)  # the answer, or the end of a stack that stops at this moment

    def release(self) -> bool:
        """Release the stack; return True if it has stopped, False if other processes keep it."""
        if not self._is_released:
            self._is_released = True
            with suppress(OSError):  # the stack was faster
                self._connection.shutdown(socket.SHUT_WR)
            if self._starter is not None:
                self._starter.release()
            with suppress(KeyboardInterrupt):  # a second Ctrl-C: the stack ends without this wait
                self._wait_for_the_end()
        return not self._is_kept

    def _wait_for_the_end(self) -> None:
        if not self._ended.wait(STOP_SECONDS):
            self._report(f"warning: The local stack has not ended after {STOP_SECONDS} s.")
            self._report(f"Next: kill -9 {self.stack.pid}")
        elif self._starter is not None and not self._is_kept:
            with suppress(subprocess.TimeoutExpired):
                self._starter.process.wait(STOP_SECONDS)

    def _watch(self) -> None:
        with suppress(OSError):
            while said := self._connection.recv(4096):
                self._is_kept = b"kept" in said
        self._connection.close()
        self._ended.set()
        if not self._is_released:
            self._on_lost()

    def _close(self) -> None:
        self._is_released = True
        self._connection.close()
        if self._starter is not None:
            self._starter.release()


def take_lease(
    folder: Path,
    site_url: str,
    name: str,
    report: Report,
    *,
    on_lost: Callable[[], None] = lambda: None,
    options: Sequence[str] = (),
    command: str = "",
) -> Lease:
    """Join the folder's stack, or start it if none runs; raise LocalStackFailed or LocalStackHangs.

    ``name`` is how the status names this process. ``report`` receives the progress of a start; ``on_lost`` is
    called if the stack ends before this process releases it. ``options`` go to signet_stack/server.py, and
    ``command`` is what the stack's own hints name.
    """
    starter: Starter | None = None
    deadline = time.monotonic() + START_SECONDS
    try:
        while True:
            ours = starter.process.pid if starter else None
            if found := _join(folder, name, deadline, report, ours):
                stack, connection = found
                if starter is not None and starter.process.pid != stack.pid:
                    starter.yield_to_other()
                    starter = None
                return Lease(stack, connection, starter, report, on_lost)
            if time.monotonic() > deadline:
                raise _hangs(folder)
            if starter is None:
                starter = Starter(folder, ["--site-url", site_url, *options], report, command)
            elif starter.was_too_late():
                report("waiting for the local stack that another command starts or stops")
                starter = None
            time.sleep(POLL_SECONDS)
    except BaseException:
        if starter is not None:
            starter.release()
        raise


def _hangs(folder: Path) -> LocalStackHangs:
    stack = find_running(folder)
    return LocalStackHangs(folder, stack.pid if stack else None)


def _join(
    folder: Path, name: str, deadline: float, report: Report, ours: int | None
) -> tuple[RunningStack, socket.socket] | None:
    """Return a stack that has reported over its connection that it is ready; None when there is none.

    ``ours`` is the process that this process has started: it reports its progress, others do not.
    """
    stack = find_running(folder)
    connection = stack.ask("lease", name) if stack else None
    if stack is None or connection is None:
        return None
    said = None
    if stack.pid != ours and (said := _first_bytes(connection, SILENT_SECONDS)) is None:
        report(f"waiting for the local stack (process {stack.pid}) to be ready")
    if said is None:
        said = _first_bytes(connection, deadline - time.monotonic())
    if said:
        connection.settimeout(None)
        # Read again: it may have changed its port for the database while it started.
        return find_running(folder) or stack, connection
    connection.close()
    return None


def _first_bytes(connection: socket.socket, seconds: float) -> bytes | None:
    """Return what arrives: b"" at the end of the connection, None after ``seconds`` of silence."""
    connection.settimeout(max(0.0, seconds))
    try:
        return connection.recv(4096)
    except TimeoutError:
        return None
    except OSError:
        return b""


class Starter:
    """A stack process that this process has started: its standard input is our first lease."""

    def __init__(self, folder: Path, options: Sequence[str], report: Report, command: str = "") -> None:
        self._error: list[str] = []
        self.process = subprocess.Popen(
            [sys.executable, "-m", "signet_stack.server", "--folder", str(folder.absolute()), *options],
            env={**os.environ, **({"SIGNET_COMMAND": command} if command else {})},
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            cwd=ROOT,
            start_new_session=True,
        )
        self._relay = threading.Thread(target=self._relay_to, args=[report], daemon=True)
        self._relay.start()

    def release(self) -> None:
        """End the lease that the started process has from its start."""
        assert self.process.stdin is not None  # noqa: S101 - opened above
        self.process.stdin.close()

    def yield_to_other(self) -> None:
        """Release this stack in favour of another process's, and wait for its end."""
        self.release()
        self.process.wait(STOP_SECONDS)

    def was_too_late(self) -> bool:
        """Whether the process ended because another one was faster; raise LocalStackFailed if it failed."""
        code = self.process.poll()
        if code is None:
            return False
        self._relay.join()
        self.release()
        if code == AlreadyRunning.exit_code:
            return True
        message, _, hint = "".join(self._error).removeprefix("error: ").rpartition("\n  Next: ")
        raise LocalStackFailed(message or None, hint=hint.strip() or "Read its log")

    def _relay_to(self, report: Report) -> None:
        """Pass on the progress of the start; an error is kept for the exception."""
        assert self.process.stderr is not None  # noqa: S101 - opened above
        with self.process.stderr as lines:
            for line in lines:
                if self._error or line.startswith("error: "):
                    self._error.append(line)
                else:
                    report(line.rstrip("\n"))
