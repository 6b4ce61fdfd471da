"""Codes that are mailed, and the hash under which they are kept: the code itself is stored nowhere.

The hash is also what a link carries, and may be tried without limit. So it must not follow from the address
and the code alone: a million hashes would stand for every code of an address. The stack's secret is in it.
"""

from __future__ import annotations

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


def new_code(secret: str, email: str, digits: int, *, is_pkce: bool = False) -> OneTimeCode:
    """Return a fresh code for an address; of a PKCE flow, its hash says so."""
    code = f"{secrets.randbelow(10**digits):0{digits}d}"
    prefix = PKCE_PREFIX if is_pkce else ""
    return OneTimeCode(code, prefix + token_hash(secret, email, code))


def token_hash(secret: str, email: str, code: str) -> str:
    """Return what stands for the code of an address: 224 bits in hex that only the secret computes."""
    return hmac.new(secret.encode(), (email.lower() + code).encode(), "sha224").hexdigest()


def matches(stored_hash: str, secret: str, email: str, code: str) -> bool:
    """Whether a code is the one behind a stored hash, of a PKCE flow or not."""
    return hmac.compare_digest(stored_hash.removeprefix(PKCE_PREFIX), token_hash(secret, email, code))
