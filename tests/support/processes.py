"""Which processes a test has started, directly or not: those that name its folder, or work in it."""

from __future__ import annotations

import os
import time
from contextlib import suppress
from pathlib import Path

from tests.support.patience import HANG_SECONDS


def processes_of(folder: Path) -> dict[int, str]:
    """Return their command lines by process id; nothing where there is no /proc."""
    found = {}
    for entry in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            line = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
            if line and (str(folder) in line or os.readlink(entry / "cwd").startswith(str(folder))):
                found[int(entry.name)] = line
    return found


def left_in(folder: Path, patience: float = HANG_SECONDS) -> dict[int, str]:
    """Return the processes that are still there after the time that an orderly end takes."""
    deadline = time.monotonic() + patience
    while (found := processes_of(folder)) and time.monotonic() < deadline:
        time.sleep(0.05)
    return found
