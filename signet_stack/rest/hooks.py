"""What SQL code may say about the reply: the settings ``response.headers`` and ``response.status``."""

from __future__ import annotations

import json
from typing import Any

from signet_stack.rest.errors import RestError, is_header


def read(headers: bytes | None, status: bytes | None) -> tuple[list[tuple[str, str]], int | None]:
    """Return the headers and the status that a function set; raise PGRST111 or PGRST112 for others."""
    if status is not None and not (status.isdigit() and 200 <= int(status) < 600):
        raise RestError("PGRST112", "response.status guc must be a valid status code")
    return _headers(headers), int(status) if status is not None else None


def _headers(text: bytes | None) -> list[tuple[str, str]]:
    if text is None:
        return []
    try:
        entries: Any = json.loads(text)
        if not isinstance(entries, list):
            raise ValueError
        pairs = [pair for entry in entries for pair in entry.items()]
        if len(pairs) != len(entries) or not all(is_header(name, value) for name, value in pairs):
            raise ValueError
    except (ValueError, TypeError, AttributeError, RecursionError):
        raise RestError(
            "PGRST111",
            "response.headers guc must be a JSON array"
            " composed of objects with a single key and a string value",
        ) from None
    return pairs
