"""The person's User-Agent, made fit to travel on to Auth, which keeps it with the session.

Trust: the text is whatever a client sends. Only that client's own session is described by it.
"""

from __future__ import annotations

import re

MAX_LENGTH = 500  # characters
_UNSENDABLE = re.compile(r"[^ -~]")  # a header holds printable ASCII (RFC 9110 section 5.5)


def forwardable(user_agent: str) -> str:
    """Return the text as a header value that every server takes; empty when nothing is left of it."""
    return _UNSENDABLE.sub("?", user_agent)[:MAX_LENGTH].strip()
