"""Spans of time in words, for messages and templates."""

from __future__ import annotations

from datetime import UTC, datetime
from math import ceil

UNITS = ((86400, "day"), (3600, "hour"), (60, "minute"), (1, "second"))


def duration_words(seconds: float) -> str:
    """Return a span of time in its largest unit, rounded down: 42 seconds, 1 minute, 3 days."""
    whole = max(0, int(seconds))
    size, unit = next((size, unit) for size, unit in UNITS if whole >= size or size == 1)
    return _counted(whole // size, unit)


def wait_words(seconds: int) -> str:
    """Return when to try again; rounded up, so that nobody comes back too early."""
    if seconds >= 60:
        seconds = -(-seconds // 60) * 60
    return f"Try again in {duration_words(seconds)}."


def next_step_words(hint: str, retry_after: int | None) -> str:
    """Return a next step with the time to wait, which takes the place of "in a moment"."""
    if retry_after is None:
        return hint
    vague, exact = "Try again in a moment.", wait_words(retry_after)
    return hint.replace(vague, exact) if vague in hint else f"{hint} {exact}".strip()


def at_most_words(seconds: float) -> str:
    """Return a bound in words; rounded up in the largest unit that it holds at least two of: 60 minutes."""
    whole = max(1, ceil(seconds))
    size, unit = next((size, unit) for size, unit in UNITS if whole >= 2 * size or size == 1)
    return _counted(ceil(whole / size), unit)


def ago_words(moment: datetime, now: datetime) -> str:
    """Return how long ago a moment was; clocks that differ a little must not make it lie in the future."""
    seconds = (now - moment).total_seconds()
    return "just now" if seconds < 10 else f"{duration_words(seconds)} ago"


def utc_words(moment: datetime) -> str:
    """Return a moment in full, in UTC: 5 January 2026, 14:05 UTC."""
    moment = moment.astimezone(UTC)
    return f"{moment.day} {moment:%B %Y, %H:%M} UTC"


def initials(name: str) -> str:
    """Return what stands in for a missing picture: the first letters of the first and the last word."""
    words = name.split() or ["-"]
    return "".join(word[0] for word in (words[:1] + words[1:][-1:])).upper()


def _counted(count: int, unit: str) -> str:
    return f"{count} {unit}" if count == 1 else f"{count} {unit}s"
