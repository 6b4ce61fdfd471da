"""`python -m devstack`: run one local stack until Ctrl-C, or until nobody uses it any more.

Its ports listen on loopback only, and there is no option to change that.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from types import FrameType

from devstack.control import Control
from devstack.errors import StackError
from devstack.stack import Options, Stack
from devstack.stack_file import NAME, Installation

STACK_LOG = "stack.log"
STDIN = 0


class Stop(BaseException):
    """Raised in the main thread by the signals that mean: stop, in order."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command and return its exit code."""
    started = time.monotonic()
    if sys.platform == "win32":
        print(
            "error: The local stack does not run on Windows itself.\n  Next: use it in WSL", file=sys.stderr
        )
        return 1
    arguments = parse(argv)
    listen_to_signals(arguments.leased)
    control = Control(on_stop=interrupt_main_thread)
    control.start()
    if arguments.leased:
        control.hold_while_open(STDIN, "starter", os.getppid())
    options = Options(
        arguments.data_dir.absolute(),
        arguments.site_url,
        arguments.api_port,
        arguments.db_port,
        arguments.ephemeral,
    )

    def on_ready(installation: Installation) -> None:
        report("ready", f"in {time.monotonic() - started:.1f} s")
        if arguments.leased:
            write_to(options.folder / STACK_LOG)
        else:
            print(
                f"API  {installation.api_url}\nKeys and passwords: {options.folder / NAME}\nStop: Ctrl-C",
                flush=True,
            )

    try:
        Stack(options, os.environ, control, report).run(on_ready)
    except StackError as error:
        print(f"error: {error}", file=sys.stderr)
        return error.exit_code
    except Stop:
        pass
    return 0


def parse(argv: Sequence[str] | None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="python -m devstack", description=__doc__)
    parser.add_argument(
        "--data-dir", type=Path, required=True, metavar="DIR", help="where everything is kept"
    )
    parser.add_argument(
        "--site-url", default="http://127.0.0.1:8000", metavar="URL", help="the app, for links in mails"
    )
    parser.add_argument("--api-port", type=int, metavar="N", help="default: 54321, else the next free one")
    parser.add_argument("--db-port", type=int, metavar="N", help="default: 54322, else the next free one")
    parser.add_argument(
        "--ephemeral", action="store_true", help="for tests: any free ports, nothing synced to disk"
    )
    parser.add_argument(
        "--leased", action="store_true", help="stop when standard input and all leases are closed"
    )
    return parser.parse_args(argv)


def listen_to_signals(is_leased: bool) -> None:
    """Let signals end the stack in order, once; then let nothing disturb the stop."""

    def stop(_number: int, _frame: FrameType | None) -> None:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)
        raise Stop

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, stop)


def interrupt_main_thread(_reason: str) -> None:
    """Raise Stop in the main thread, whatever it waits for."""
    ident = threading.main_thread().ident
    assert ident is not None  # noqa: S101 - it has started
    signal.pthread_kill(ident, signal.SIGTERM)


def report(part: str, text: str) -> None:
    """Show one step of the start; whoever watched may be gone."""
    try:
        print(f"{part:<10} {text}", file=sys.stderr, flush=True)
    except OSError:
        write_to(Path(os.devnull))


def write_to(path: Path) -> None:
    """From now on, write what would go to the terminal into a file."""
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "ab") as log:
        os.dup2(log.fileno(), sys.stdout.fileno())
        os.dup2(log.fileno(), sys.stderr.fileno())


if __name__ == "__main__":
    sys.exit(main())
