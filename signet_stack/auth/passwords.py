"""Passwords: which are acceptable, and their bcrypt hashes.

Lengths count bytes of UTF-8, because bcrypt reads no more than 72. Hashing is slow on purpose: never call it
while a database connection is held. Cost 10, as on the hosted service: hashes can move there and back.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import bcrypt

from signet_stack.auth.errors import AuthError, invalid

MAX_BYTES = 72
MIN_BYTES = 6  # no setting goes below
COST = 10
_BCRYPT = re.compile(r"\$2[aby]\$(0[4-9]|[12][0-9]|3[01])\$[./A-Za-z0-9]{53}")


@dataclass(frozen=True, slots=True)
class Weakness:
    """What a password lacks: words, and the reasons `length` and `characters`."""

    message: str
    reasons: tuple[str, ...]


class PasswordHashes:
    """Makes hashes of one cost; ``cost`` below 10 is for tests only."""

    def __init__(self, cost: int = COST) -> None:
        self._cost = cost
        # The hash of no password. Comparing with it takes as long as with a real one.
        self._no_password = f"$2b${cost:02d}$" + "." * 53

    def make(self, password: str) -> str:
        """Return the hash of a password of at most 72 bytes."""
        return bcrypt.hashpw(password.encode(), bcrypt.gensalt(self._cost)).decode()

    def matches(self, password: str, hashed: str | None) -> bool:
        """Whether the password is the hashed one. Without a hash, takes as long and says no."""
        if not hashed or not is_bcrypt(hashed):
            hashed = self._no_password
        # Go's bcrypt ignores what follows, Python's refuses it: hashes made there must open here.
        return bcrypt.checkpw(password.encode()[:MAX_BYTES], hashed.encode())


def is_bcrypt(hashed: str) -> bool:
    """Whether a text is a complete bcrypt hash."""
    return _BCRYPT.fullmatch(hashed) is not None


def check_length(password: str) -> None:
    """Raise AuthError for a password of which bcrypt would ignore the end."""
    if len(password.encode()) > MAX_BYTES:
        raise invalid("Password cannot be longer than 72 characters")


def weakness(password: str, min_length: int, required_characters: str) -> Weakness | None:
    """Return what is too weak about a password, or None."""
    messages, reasons = [], []
    least = max(min_length, MIN_BYTES)
    if len(password.encode()) < least:
        messages.append(f"Password should be at least {least} characters.")
        reasons.append("length")
    sets = character_sets(required_characters)
    if any(not set(characters) & set(password) for characters in sets):
        messages.append(f"Password should contain at least one character of each: {', '.join(sets)}.")
        reasons.append("characters")
    return Weakness(" ".join(messages), tuple(reasons)) if reasons else None


def character_sets(required: str) -> list[str]:
    r"""Split the setting at its colons; ``\:`` is a colon that belongs to a set."""
    marked = required.replace(r"\:", "\0")
    return [part.replace("\0", ":") for part in marked.split(":") if part]


def too_weak(found: Weakness) -> AuthError:
    """Return the error for a password that is not accepted."""
    return AuthError(422, "weak_password", found.message, weak_reasons=found.reasons)
