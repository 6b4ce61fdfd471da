"""Check a bearer token against the project's key set, by PostgREST's rules.

Trust boundary: the token is the caller's word until its signature is verified with a published key. Only the
signature is remembered, for as long as the key set stays the same; time and audience are checked every time.
"""

from __future__ import annotations

import base64
import binascii
import json
import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, NoReturn

from jwt import PyJWK

from devstack.rest.errors import RestError
from devstack.signing_keys import SigningKey

MEMORY_SIZE = 1000
LEEWAY_SECONDS = 30
ALGORITHMS = frozenset({"ES256", "RS256", "EdDSA"})
_ALPHABET = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_")

Claims = Mapping[str, Any]
KeySet = Callable[[], Mapping[str, SigningKey]]


class TokenVerifier:
    """Verifies tokens and remembers whose signature was good."""

    def __init__(self, published: KeySet, clock: Callable[[], datetime]) -> None:
        self._published = published
        self._clock = clock
        self._lock = threading.Lock()
        self._keys: dict[str, PyJWK] = {}
        self._kids: tuple[str, ...] | None = None
        self._remembered: OrderedDict[str, Claims] = OrderedDict()

    def verify(self, token: str) -> Claims:
        """Return the claims of a token; raise PGRST301 or PGRST303 (401) where it does not hold."""
        keys = self._current_keys()
        claims = self._remembered.get(token)
        if claims is None:
            claims = _claims(token, keys)
            self._remember(token, claims, keys)
        _check_times(claims, int(self._clock().timestamp()))
        _check_audience(claims)
        return claims

    def _current_keys(self) -> dict[str, PyJWK]:
        """Return the key set; forget every signature when it is another one than before."""
        published = self._published()
        kids = tuple(published)
        with self._lock:
            if kids != self._kids:
                self._keys = {kid: PyJWK(key.public_jwk, key.algorithm) for kid, key in published.items()}
                self._kids = kids
                self._remembered.clear()
            return self._keys

    def _remember(self, token: str, claims: Claims, keys: dict[str, PyJWK]) -> None:
        with self._lock:
            if keys is self._keys:
                self._remembered[token] = claims
                if len(self._remembered) > MEMORY_SIZE:
                    self._remembered.popitem(last=False)


def _claims(token: str, keys: Mapping[str, PyJWK]) -> Claims:
    if not token:
        raise invalid("Empty JWT is sent in Authorization header")
    parts = token.split(".")
    if len(parts) != 3:
        raise invalid(f"Expected 3 parts in JWT; got {len(parts)}")
    try:
        header = json.loads(_decode(parts[0]).decode())
        signature = _decode(parts[2])
        algorithm, kid = header["alg"], header.get("kid")
    except (ValueError, RecursionError, KeyError, TypeError, AttributeError):
        raise invalid("JWT cryptographic operation failed") from None
    if "crit" in header:  # must be understood, and nothing is (RFC 7515 section 4.1.11)
        raise invalid("JWT cryptographic operation failed")
    if not isinstance(algorithm, str) or algorithm not in ALGORITHMS:
        raise invalid("Wrong or unsupported encoding algorithm", f"The algorithm {algorithm!r} is not in use")
    _check_signature(token.rpartition(".")[0], signature, algorithm, kid, keys)
    return _payload(parts[1])


def _check_signature(
    signed: str, signature: bytes, algorithm: str, kid: object, keys: Mapping[str, PyJWK]
) -> None:
    candidates = [key for name, key in keys.items() if kid is None or kid == name]
    fitting = [key for key in candidates if key.algorithm_name == algorithm]
    if not fitting:
        detail = "None of the keys was able to decode the JWT"
        raise invalid("No suitable key or wrong key type", detail)
    if not any(key.Algorithm.verify(signed.encode(), key.key, signature) for key in fitting):
        raise invalid("JWT cryptographic operation failed")


def _payload(part: str) -> Claims:
    try:
        claims = json.loads(_decode(part).decode(), parse_constant=_refuse)
    except (ValueError, RecursionError):
        claims = None
    if not isinstance(claims, dict):
        raise expired_or_unfit("Parsing claims failed")
    return claims


def _decode(part: str) -> bytes:
    """Decode canonical base64url without padding; raise ValueError for anything else."""
    if not _ALPHABET.issuperset(part):
        raise ValueError("not base64url")
    try:
        decoded = base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))
    except binascii.Error as error:
        raise ValueError(str(error)) from None
    if base64.urlsafe_b64encode(decoded).rstrip(b"=").decode() != part:
        raise ValueError("not canonical")
    return decoded


def _check_times(claims: Claims, now: int) -> None:
    if (expires := _time(claims, "exp")) is not None and now - LEEWAY_SECONDS > expires:
        raise expired_or_unfit("JWT expired")
    if (not_before := _time(claims, "nbf")) is not None and now + LEEWAY_SECONDS < not_before:
        raise expired_or_unfit("JWT not yet valid")
    if (issued := _time(claims, "iat")) is not None and now + LEEWAY_SECONDS < issued:
        raise expired_or_unfit("JWT issued at future")


def _time(claims: Claims, name: str) -> int | None:
    """Read a time; a number that is no integer of 64 bits counts as 0, as in PostgREST."""
    value = claims.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise expired_or_unfit(f"The JWT '{name}' claim must be a number")
    return value if isinstance(value, int) and abs(value) < 2**63 else 0


def _check_audience(claims: Claims) -> None:
    audience = claims.get("aud")
    if audience is None or isinstance(audience, str):
        return
    if not isinstance(audience, list) or not all(isinstance(entry, str) for entry in audience):
        raise expired_or_unfit("The JWT 'aud' claim must be a string or an array of strings")


def invalid(message: str, details: str | None = None) -> RestError:
    """Return the error for a token that is not ours."""
    return _unauthorized("PGRST301", message, details)


def expired_or_unfit(message: str) -> RestError:
    """Return the error for a token that is ours but does not hold now."""
    return _unauthorized("PGRST303", message, None)


def _unauthorized(code: str, message: str, details: str | None) -> RestError:
    challenge = f'Bearer error="invalid_token", error_description="{message}"'
    return RestError(code, message, details=details, headers=(("WWW-Authenticate", challenge),))


def _refuse(_name: str) -> NoReturn:
    raise ValueError
