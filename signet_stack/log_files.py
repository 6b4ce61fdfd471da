"""Log files of a stack: the last lines, and the lines that were added since."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Mapping
from pathlib import Path

LOGS = {"stack": "stack.log", "postgres": "postgres.log"}

Positions = Mapping[str, int]  # how far each log was read, in bytes


def last_lines(folder: Path, count: int) -> tuple[list[str], Positions]:
    """Return the last lines of each log that exists, and the positions for ``new_lines``."""
    shown: list[str] = []
    positions = {}
    for name, file in LOGS.items():
        if (folder / file).exists():
            with open(folder / file, "rb") as log:
                shown += [_line(name, line) for line in deque(log, count)]
                positions[name] = log.tell()
    return shown, positions


def new_lines(folder: Path, positions: Positions) -> tuple[list[str], Positions]:
    """Return the complete lines that were added since; a log that was rotated is read from its start."""
    shown: list[str] = []
    after = dict(positions)
    for name, file in LOGS.items():
        try:
            with open(folder / file, "rb") as log:
                start = positions.get(name, 0)
                log.seek(start if start <= os.fstat(log.fileno()).st_size else 0)
                for line in log:
                    if line.endswith(b"\n"):
                        shown.append(_line(name, line))
                        after[name] = log.tell()
        except FileNotFoundError:
            after.pop(name, None)
    return shown, after


def _line(name: str, line: bytes) -> str:
    return f"{name:<8} | {line.decode(errors='replace').rstrip()}"
