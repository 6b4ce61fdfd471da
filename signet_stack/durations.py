"""Durations as Go writes them ("24h", "1h30m", "1.5s"), which is how Auth's settings and bans are written."""

from __future__ import annotations

import re
from datetime import timedelta

_UNITS = {
    "ns": 1e-9,
    "us": 1e-6,
    "µs": 1e-6,
    "ms": 1e-3,
    "s": 1.0,
    "m": 60.0,
    "h": 3600.0,
}
_PART = re.compile(r"([0-9]{1,15}(?:\.[0-9]{0,12})?)(ns|us|µs|ms|s|m|h)")
# What fits into Go's 64 bits of nanoseconds, about 292 years.
MAX_SECONDS = 9_223_372_036.0


def parse_duration(text: str) -> timedelta:
    """Return the length of a Go duration; raise ValueError when it is none, negative or too long."""
    position, seconds = 0, 0.0
    for part in _PART.finditer(text):
        if part.start() != position:
            break
        seconds += float(part[1]) * _UNITS[part[2]]
        position = part.end()
    if not text or position != len(text):
        raise ValueError(f"not a duration: {text!r}")
    if seconds > MAX_SECONDS:
        raise ValueError(f"longer than 292 years: {text!r}")
    return timedelta(seconds=seconds)
