"""What templates may call: times in words, and the address of the local mailbox."""

from __future__ import annotations

import time
from datetime import UTC, datetime

from flask import Flask, current_app
from markupsafe import Markup

from app.web.words import ago_words, at_most_words, duration_words, initials, next_step_words, utc_words


def register(app: Flask) -> None:
    """Offer the filters and functions to the templates of an app."""
    app.add_template_filter(duration_words, "duration")
    app.add_template_filter(next_step_words, "next_step")
    app.add_template_filter(at_most_words, "at_most")
    app.add_template_filter(utc_words, "utc")
    app.add_template_filter(initials)
    app.add_template_filter(with_code)
    app.add_template_filter(_ago, "ago")
    app.add_template_filter(_until, "until")
    app.add_template_filter(_from_unix, "from_unix")
    app.add_template_global(mailbox_url)
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True


def mailbox_url() -> str | None:
    """Return where the local stack shows the mails that it would have sent; None with a hosted project."""
    local = current_app.extensions["settings"].local_stack
    return None if local is None else str(local.mailbox_url)


def with_code(text: str) -> Markup:
    """Return a text whose parts between backticks are commands."""
    parts = enumerate(text.split("`"))
    return Markup("").join(Markup("<code>{}</code>").format(part) if n % 2 else part for n, part in parts)


def _ago(moment: datetime) -> str:
    return ago_words(moment, datetime.now(UTC))


def _until(unix_seconds: int) -> str:
    return duration_words(unix_seconds - time.time())


def _from_unix(unix_seconds: int) -> datetime:
    return datetime.fromtimestamp(unix_seconds, UTC)
