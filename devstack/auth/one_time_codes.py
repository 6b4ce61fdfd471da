"""Codes that are mailed, and the hash under which they are kept: the code itself is stored nowhere."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from dataclasses import dataclass, field

PKCE_PREFIX = "pkce_"
MAX_WRONG_GUESSES = 5


@dataclass(frozen=True, slots=True)
class OneTimeCode:
    """A code and its hash; the hash alone opens as much as the code with its address."""

    code: str = field(repr=False)
    token_hash: str = field(repr=False)


def new_code(email: str, digits: int, *, is_pkce: bool = False) -> OneTimeCode:
    """Return a fresh code for an address; of a PKCE flow, its hash says so."""
    code = f"{secrets.randbelow(10**digits):0{digits}d}"
    prefix = PKCE_PREFIX if is_pkce else ""
    return OneTimeCode(code, prefix + token_hash(email, code))


def token_hash(email: str, code: str) -> str:
    """Return the hex SHA-224 of the lower-case address followed by the code."""
    return hashlib.sha224((email.lower() + code).encode()).hexdigest()


def matches(stored_hash: str, email: str, code: str) -> bool:
    """Whether a code is the one behind a stored hash, of a PKCE flow or not."""
    return hmac.compare_digest(stored_hash.removeprefix(PKCE_PREFIX), token_hash(email, code))
