"""What single settings may look like: pure checks; app/settings.py applies them."""

from __future__ import annotations

import base64
import binascii
import difflib
import json
from collections.abc import Mapping
from urllib.parse import urlsplit

LOOPBACK_HOSTS = frozenset({"localhost", "127.0.0.1", "::1"})


def mask(value: str) -> str:
    """Return a secret's first characters, enough to recognise it and too few to use it."""
    return f"{value[:6]}…" if len(value) > 12 else "…" if value else ""


def is_text(value: str) -> bool:
    """Whether a value is text: bytes that are not UTF-8 reach us as halves of surrogate pairs."""
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True


def is_loopback(url: str) -> bool:
    """Whether a URL leads to this machine."""
    try:
        return urlsplit(url).hostname in LOOPBACK_HOSTS
    except ValueError:
        return False


def is_web_origin(url: str) -> bool:
    """Whether a URL is scheme, host and port only, and https unless its host is this machine."""
    try:
        parts = urlsplit(url)
        parts.port  # noqa: B018 - raises ValueError when it is not a number
    except ValueError:
        return False
    if not parts.hostname or parts.path or parts.query or parts.fragment or parts.username:
        return False
    return parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in LOOPBACK_HOSTS)


def kind_of_api_key(key: str) -> str:
    """Return "publishable", "secret" or "unknown" for an API key; legacy keys are JWTs with a role."""
    if key.startswith("sb_publishable_"):
        return "publishable"
    if key.startswith("sb_secret_"):
        return "secret"
    try:
        payload = key.split(".")[1]
        role = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))["role"]
    except (IndexError, KeyError, TypeError, ValueError, binascii.Error):
        return "unknown"
    return {"anon": "publishable", "service_role": "secret"}.get(role, "unknown")


def unknown_variables(environ: Mapping[str, str], known: frozenset[str]) -> dict[str, str | None]:
    """Return SUPABASE_* variables that nothing reads, each with the known name it resembles, if any."""
    unknown = {
        name for name in environ if name.startswith("SUPABASE_") and name.removesuffix("_FILE") not in known
    }
    return {
        name: next(iter(difflib.get_close_matches(name, known, 1, cutoff=0.8)), None)
        for name in sorted(unknown)
    }
