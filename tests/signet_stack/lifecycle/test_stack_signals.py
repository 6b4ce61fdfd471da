"""Signals that arrive before anybody waits for them."""

from __future__ import annotations

import subprocess
import sys

from tests.conftest import ROOT
from tests.support.patience import HANG_SECONDS

PROGRAM = """
import os, signal
from signet_stack.process.signals import next_signals, wake_on
wakeups = wake_on([signal.SIGUSR1, signal.SIGCHLD])
os.kill(os.getpid(), signal.SIGUSR1)
assert next_signals(wakeups) == {signal.SIGUSR1}
source, sink = os.pipe()
os.close(sink)
assert next_signals(wakeups, source) == set()
print("done")
"""


def test_a_signal_from_before_the_wait_is_not_missed() -> None:
    """A blocking call that starts just after a signal would never end: the stack outlived its leases."""
    run = subprocess.run(
        [sys.executable, "-c", PROGRAM], cwd=ROOT, capture_output=True, text=True, timeout=HANG_SECONDS
    )
    assert run.stdout == "done\n", run.stderr
