"""Template filters and functions: times in words, initials, commands, the address of the local mailbox."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime
from math import ceil

from flask import Flask, current_app
from markupsafe import Markup

UNITS = ((86400, "day"), (3600, "hour"), (60, "minute"), (1, "second"))


def duration_words(seconds: float) -> str:
    """Return a span of time in its largest unit, rounded down: 42 seconds, 1 minute, 3 days."""
    whole = max(0, int(seconds))
    size, unit = next((size, unit) for size, unit in UNITS if whole >= size or size == 1)
    return _counted(whole // size, unit)


def wait_words(seconds: int) -> str:
    """Return when to try again; rounded up, so that the limit is over by then."""
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
    """Return how long ago a moment was; clock differences never place it in the future."""
    seconds = (now - moment).total_seconds()
    return "just now" if seconds < 10 else f"{duration_words(seconds)} ago"


def utc_words(moment: datetime) -> str:
    """Return a moment in full, in UTC: 5 January 2026, 14:05 UTC."""
    moment = moment.astimezone(UTC)
    return f"{moment.day} {moment:%B %Y, %H:%M} UTC"


def initials(name: str) -> str:
    """Return the first letters of the first and the last word, for a missing picture."""
    words = name.split() or ["-"]
    return "".join(word[0] for word in (words[:1] + words[1:][-1:])).upper()


def _counted(count: int, unit: str) -> str:
    return f"{count} {unit}" if count == 1 else f"{count} {unit}s"


def with_code(text: str) -> Markup:
    """Return a text with the parts between backticks as code elements."""
    parts = enumerate(text.split("`"))
    return Markup("").join(Markup("<code>{}</code>").format(part) if n % 2 else part for n, part in parts)


def has_lab() -> bool:
    """Whether the lab's pages are served: in development only."""
    return "lab" in current_app.blueprints


def mailbox_url() -> str | None:
    """Return the address of the local stack's mailbox; None with a hosted project."""
    local = current_app.extensions["settings"].local_stack
    return None if local is None else str(local.mailbox_url)


def register(app: Flask) -> None:
    """Add the filters and functions to the templates of an app."""
    filters: dict[str, Callable[..., object]] = {
        "duration": duration_words,
        "next_step": next_step_words,
        "at_most": at_most_words,
        "utc": utc_words,
        "initials": initials,
        "with_code": with_code,
        "ago": lambda moment: ago_words(moment, datetime.now(UTC)),
        "until": lambda unix_seconds: duration_words(unix_seconds - time.time()),
        "from_unix": lambda unix_seconds: datetime.fromtimestamp(unix_seconds, UTC),
    }
    for name, function in filters.items():
        app.add_template_filter(function, name)
    app.add_template_global(mailbox_url)
    app.add_template_global(has_lab)
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
