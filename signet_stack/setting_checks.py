"""What values the Auth settings take: a check returns the value as kept, or raises SettingRefused."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

from signet_stack.durations import MAX_SECONDS, parse_duration

Check = Callable[[Any], Any]

HOOK_URI = re.compile(r"pg-functions://postgres/([A-Za-z_][A-Za-z0-9_]*)/([A-Za-z_][A-Za-z0-9_]*)")


class SettingRefused(ValueError):
    """Raised when a value does not fit; the message says what would."""


def flag(value: Any) -> bool:
    """Accept true and false."""
    if not isinstance(value, bool):
        raise SettingRefused("must be true or false")
    return value


def whole(low: int, high: int) -> Check:
    """Return a check for whole numbers between two bounds, both included."""

    def check(value: Any) -> int:
        if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
            raise SettingRefused(f"must be a whole number from {low} to {high}")
        return value

    return check


def seconds(value: Any) -> float:
    """Accept seconds, a duration such as "24h" or "15m", and 0 or null for off."""
    if value is None:
        return 0.0
    if isinstance(value, str):
        try:
            return parse_duration(value).total_seconds()
        except ValueError:
            pass
    elif not isinstance(value, bool) and isinstance(value, int | float) and 0 <= value <= MAX_SECONDS:
        return float(value)
    raise SettingRefused('must be seconds, or a duration such as "24h" or "15m"; 0 switches it off')


def optional(check: Check) -> Check:
    """Return a check that accepts null too."""
    return lambda value: None if value is None else check(value)


def text(value: Any) -> str:
    """Accept text without control characters; null counts as empty."""
    if value is None:
        return ""
    if not isinstance(value, str) or len(value) > 10_000 or any(ord(c) < 32 for c in value):
        raise SettingRefused("must be one line of text")
    return value


def web_address(value: Any) -> str:
    """Accept an absolute http or https URL; null or empty for the address that the stack was given."""
    address = text(value).rstrip("/")
    try:
        parts = urlsplit(address)
        is_web = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        is_web = False
    if address and not is_web:
        raise SettingRefused("must be a URL such as http://127.0.0.1:8000")
    return address


def version(value: Any) -> int:
    """Accept 1 and 2."""
    if value not in (1, 2) or isinstance(value, bool):
        raise SettingRefused("must be 1 or 2")
    return int(value)


def header_name(value: Any) -> str:
    """Accept the name of an HTTP header; null or empty for none."""
    name = text(value)
    if name and not re.fullmatch(r"[A-Za-z0-9-]{1,64}", name):
        raise SettingRefused("must be the name of a header, or empty")
    return name


def hook_uri(value: Any) -> str:
    """Accept the address of a function in the database; null or empty for none."""
    address = text(value)
    if address and not HOOK_URI.fullmatch(address):
        raise SettingRefused(
            "must be pg-functions://postgres/SCHEMA/FUNCTION; other hooks are not run locally"
        )
    return address
