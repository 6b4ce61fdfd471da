"""Check a bearer token against the project's key set, by PostgREST's rules.

Trust boundary: the token is the caller's word until its signature is verified with a published key. Only the
signature is remembered, for as long as the key set stays the same; time and audience are checked every time.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Mapping
from datetime import datetime
from functools import lru_cache
from typing import Any

from jwt import PyJWK

from signet_stack.rest.body import refuse_constant
from signet_stack.rest.errors import RestError
from signet_stack.signing_keys import SigningKey

MEMORY_SIZE = 1000
LEEWAY_SECONDS = 30
ALGORITHMS = frozenset({"ES256", "RS256", "EdDSA"})
# Claim, on which side of now it must not lie, and what is wrong then.
TIMES = (("exp", 1, "JWT expired"), ("nbf", -1, "JWT not yet valid"), ("iat", -1, "JWT issued at future"))
UNREADABLE = "JWT cryptographic operation failed"

Claims = Mapping[str, Any]
KeySet = Callable[[], Mapping[str, SigningKey]]


class TokenVerifier:
    """Verifies tokens and remembers whose signature was good."""

    def __init__(self, published: KeySet, clock: Callable[[], datetime]) -> None:
        self._published = published
        self._clock = clock
        self._verified = _Verified({})

    def verify(self, token: str) -> Claims:
        """Return the claims of a token; raise PGRST301 or PGRST303 (401) where it does not hold."""
        published, verified = self._published(), self._verified
        if verified.kids != tuple(published):  # another key set: forget every signature
            verified = self._verified = _Verified(published)
        claims = verified.claims(token)
        _check(claims, int(self._clock().timestamp()))
        return claims


class _Verified:
    """The claims of tokens that one key set has verified; refusals are not remembered."""

    def __init__(self, published: Mapping[str, SigningKey]) -> None:
        self.kids = tuple(published)
        keys = {kid: PyJWK(key.public_jwk, key.algorithm) for kid, key in published.items()}
        self.claims = lru_cache(MEMORY_SIZE)(lambda token: _claims(token, keys))


def _claims(token: str, keys: Mapping[str, PyJWK]) -> Claims:
    if not token:
        raise refused("PGRST301", "Empty JWT is sent in Authorization header")
    parts = token.split(".")
    if len(parts) != 3:
        raise refused("PGRST301", f"Expected 3 parts in JWT; got {len(parts)}")
    try:
        header = json.loads(_decode(parts[0]).decode())
        signature = _decode(parts[2])
        algorithm, kid = header["alg"], header.get("kid")
    except (ValueError, RecursionError, KeyError, TypeError, AttributeError):
        raise refused("PGRST301", UNREADABLE) from None
    if "crit" in header:  # must be understood, and nothing is (RFC 7515 section 4.1.11)
        raise refused("PGRST301", UNREADABLE)
    if not isinstance(algorithm, str) or algorithm not in ALGORITHMS:
        details = f"The algorithm {algorithm!r} is not in use"
        raise refused("PGRST301", "Wrong or unsupported encoding algorithm", details)
    named = [key for name, key in keys.items() if kid is None or kid == name]
    fitting = [key for key in named if key.algorithm_name == algorithm]
    if not fitting:
        details = "None of the keys was able to decode the JWT"
        raise refused("PGRST301", "No suitable key or wrong key type", details)
    signed = token.rpartition(".")[0].encode()
    if not any(key.Algorithm.verify(signed, key.key, signature) for key in fitting):
        raise refused("PGRST301", UNREADABLE)
    return _payload(parts[1])


def _payload(part: str) -> Claims:
    try:
        claims = json.loads(_decode(part).decode(), parse_constant=refuse_constant)
    except (ValueError, RecursionError):
        claims = None
    if not isinstance(claims, dict):
        raise refused("PGRST303", "Parsing claims failed")
    return claims


def _decode(part: str) -> bytes:
    """Decode canonical base64url without padding; raise ValueError for anything else."""
    decoded = base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))
    if base64.urlsafe_b64encode(decoded).rstrip(b"=").decode() != part:
        raise ValueError("not canonical")
    return decoded


def _check(claims: Claims, now: int) -> None:
    """Raise where the times or the audience of a signed token do not hold."""
    for name, direction, message in TIMES:
        value = claims.get(name)
        if value is None:
            continue
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise refused("PGRST303", f"The JWT '{name}' claim must be a number")
        # A number that is no integer of 64 bits counts as 0, as in PostgREST.
        moment = value if isinstance(value, int) and abs(value) < 2**63 else 0
        if direction * (now - moment) > LEEWAY_SECONDS:
            raise refused("PGRST303", message)
    audience = claims.get("aud")
    entries = audience if isinstance(audience, list) else [] if audience is None else [audience]
    if not all(isinstance(entry, str) for entry in entries):
        raise refused("PGRST303", "The JWT 'aud' claim must be a string or an array of strings")


def refused(code: str, message: str, details: str | None = None) -> RestError:
    """Return the error for a token that is not ours (PGRST301) or does not hold now (PGRST303)."""
    challenge = f'Bearer error="invalid_token", error_description="{message}"'
    return RestError(code, message, details=details, headers=(("WWW-Authenticate", challenge),))
