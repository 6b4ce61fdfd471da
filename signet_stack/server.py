"""Process of one local stack: ``python -m signet_stack.server --folder DIR``, started by process/lease.py.

It runs until it is told to stop, or until the last lease has ended; its standard input is the lease of the
process that started it. Progress and errors go to standard error until the stack is ready, and to
``stack.log`` from then on, because the starter may end before the stack does. The last line of an error is
``  Next: ...``; lease.py reads it.
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
from signet_stack.process.stack_file import Installation
from signet_stack.stack import Stack

STDIN = 0
STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Stop(BaseException):
    """Raised in the main thread by the signals that ask for an orderly stop."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the stack that the command line describes and return the exit code."""
    options = parse(argv)
    ignore_postgres_variables()
    return exit_code_of(lambda: run(options), options.folder)


def run(options: Options) -> None:
    """Run the stack until it is told to stop."""
    started = time.monotonic()
    stop_on_signals()
    wakeups = wake_on([signal.SIGCHLD])
    control = Control(on_stop=interrupt_main_thread)
    control.start()
    control.hold_while_open(STDIN, "starter", os.getppid())

    def on_ready(_installation: Installation) -> None:
        report("ready", f"in {time.monotonic() - started:.1f} s")
        write_to(options.folder / STACK_LOG)

    Stack(options, os.environ, control, report, wakeups).run(on_ready)


def exit_code_of(work: Callable[[], None], folder: Path) -> int:
    """Do the work; print an error and return the exit code."""
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
    """Print an error and return the exit code."""
    with suppress(OSError):
        print(f"error: {error.message}\n  Next: {error.hint}", file=sys.stderr, flush=True)
    return error.exit_code


def stop_on_signals() -> None:
    """Raise Stop at the first of the stop signals, and ignore further ones during the stop."""

    def stop(_number: int, _frame: FrameType | None) -> None:
        for number in STOP_SIGNALS:
            signal.signal(number, signal.SIG_IGN)
        raise Stop

    for number in STOP_SIGNALS:
        signal.signal(number, stop)


def interrupt_main_thread(_reason: str) -> None:
    """Raise Stop in the main thread, also while it waits."""
    ident = threading.main_thread().ident
    assert ident is not None  # noqa: S101 - it has started
    signal.pthread_kill(ident, signal.SIGTERM)


def ignore_postgres_variables() -> None:
    """Remove PGHOST and the like: they describe another database, and libpq would obey them."""
    for name in [name for name in os.environ if name.startswith("PG")]:
        del os.environ[name]


def report(part: str, text: str) -> None:
    """Print one step of the start; the reader of the pipe may have ended."""
    try:
        print(f"{part:<10} {text}", file=sys.stderr, flush=True)
    except OSError:
        write_to(Path(os.devnull))


def write_to(path: Path) -> None:
    """Redirect standard output and standard error to a file."""
    with open(open_private(path), "ab") as log:
        os.dup2(log.fileno(), sys.stdout.fileno())
        os.dup2(log.fileno(), sys.stderr.fileno())


if __name__ == "__main__":
    sys.exit(main())
