"""Proof key for code exchange (RFC 7636), with Auth's words for what is wrong."""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from dataclasses import dataclass
from datetime import datetime, timedelta

from signet_stack.auth.errors import AuthError, invalid

FLOW_LIFE = timedelta(seconds=300)
_ALPHABET = re.compile(r"[A-Za-z0-9._~-]+")
_SHORTEST, _LONGEST = 43, 128
METHODS = ("s256", "plain")


@dataclass(frozen=True, slots=True)
class Challenge:
    """What a client commits to before it gets a code."""

    method: str
    value: str


def read_challenge(method: str, value: str) -> Challenge | None:
    """Return the challenge of a request, None when there is none; raise AuthError for half of one."""
    if not method and not value:
        return None
    if not method or not value:
        raise invalid("PKCE flow requires code_challenge_method and code_challenge")
    if method.lower() not in METHODS:
        raise invalid("code_challenge_method must be s256 or plain")
    if not _SHORTEST <= len(value) <= _LONGEST:
        raise invalid(f"code challenge has to be between {_SHORTEST} and {_LONGEST} characters")
    if not _ALPHABET.fullmatch(value):
        allowed = "alphanumeric characters, hyphens, periods, underscores and tildes"
        raise invalid(f"code challenge can only contain {allowed}")
    return Challenge(method.lower(), value)


def check_verifier(challenge: Challenge, verifier: str) -> None:
    """Raise AuthError unless the verifier fits the challenge."""
    value = verifier
    if challenge.method == "s256":
        digest = hashlib.sha256(verifier.encode()).digest()
        value = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
    if not hmac.compare_digest(value.encode(), challenge.value.encode()):
        message = "code challenge does not match previously saved code verifier"
        raise AuthError(400, "bad_code_verifier", message)


def is_expired(
    created_at: datetime, issued_at: datetime | None, authentication_method: str, now: datetime
) -> bool:
    """Whether a flow is too old. Only a magic link's time runs from the issue of the code."""
    start = issued_at if authentication_method == "magiclink" and issued_at is not None else created_at
    return now > start + FLOW_LIFE
