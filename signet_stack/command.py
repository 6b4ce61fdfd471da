"""Run one local stack until Ctrl-C, or until nobody uses it any more.

Progress and errors go to standard error. When leases decide about its life, whoever started it may be gone
before it is, so it writes to a log of its own once it is ready.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from types import FrameType

from signet_stack.errors import StackError, folder_error
from signet_stack.options import Options, parse
from signet_stack.process.control import Control
from signet_stack.process.folder import STACK_LOG, open_private
from signet_stack.process.signals import wake_on
from signet_stack.process.stack_file import NAME, Installation
from signet_stack.stack import Stack, reset

STDIN = 0
STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Stop(BaseException):
    """Raised in the main thread by the signals that mean: stop, in order."""


def main(argv: Sequence[str] | None = None) -> int:
    """Do what the command line says and return the exit code."""
    options = parse(argv)
    if options.wants_reset:
        return exit_code_of(lambda: reset(options.folder), options.folder)
    ignore_postgres_variables()
    return exit_code_of(lambda: run(options), options.folder)


def run(options: Options) -> None:
    """Run the stack until it is told to stop."""
    started = time.monotonic()
    stop_on_signals()
    wakeups = wake_on([signal.SIGCHLD])
    control = Control(on_stop=interrupt_main_thread)
    control.start()
    if options.is_leased:
        control.hold_while_open(STDIN, "starter", os.getppid())
    else:
        control.hold("python -m signet_stack", os.getpid())

    def on_ready(installation: Installation) -> None:
        report("ready", f"in {time.monotonic() - started:.1f} s")
        if options.is_leased:
            write_to(options.folder / STACK_LOG)
        else:
            print(f"API         {installation.api_url}")
            print(f"Everything  {options.folder / NAME}")
            print("Stop        Ctrl-C", flush=True)

    Stack(options, os.environ, control, report, wakeups).run(on_ready)


def exit_code_of(work: Callable[[], None], folder: Path) -> int:
    """Do the work; turn what can go wrong into words and an exit code."""
    try:
        work()
    except StackError as error:
        return fail(error)
    except OSError as error:
        return fail(folder_error(error, Path(error.filename or folder)))
    except Stop:
        pass
    return 0


def fail(error: StackError) -> int:
    """Say what went wrong and return the exit code."""
    with suppress(OSError):
        print(f"error: {error}", file=sys.stderr, flush=True)
    return error.exit_code


def stop_on_signals() -> None:
    """Let a signal end the stack in order, once; then let nothing disturb the stop."""

    def stop(_number: int, _frame: FrameType | None) -> None:
        for number in STOP_SIGNALS:
            signal.signal(number, signal.SIG_IGN)
        raise Stop

    for number in STOP_SIGNALS:
        signal.signal(number, stop)


def interrupt_main_thread(_reason: str) -> None:
    """Raise Stop in the main thread, whatever it waits for."""
    ident = threading.main_thread().ident
    assert ident is not None  # noqa: S101 - it has started
    signal.pthread_kill(ident, signal.SIGTERM)


def ignore_postgres_variables() -> None:
    """Forget PGHOST and the like: they belong to some other database, and libpq would obey them."""
    for name in [name for name in os.environ if name.startswith("PG")]:
        del os.environ[name]


def report(part: str, text: str) -> None:
    """Show one step of the start; whoever watched may be gone."""
    try:
        print(f"{part:<10} {text}", file=sys.stderr, flush=True)
    except OSError:
        write_to(Path(os.devnull))


def write_to(path: Path) -> None:
    """From now on, write what would go to the terminal into a file."""
    with open(open_private(path), "ab") as log:
        os.dup2(log.fileno(), sys.stdout.fileno())
        os.dup2(log.fileno(), sys.stderr.fileno())
