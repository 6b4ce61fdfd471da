"""Access tokens: make them with the key in use, check them with every published key.

Trust boundary: a bearer token is the caller's word until its signature is verified. Which algorithm counts is
decided by the key that its `kid` names, never by the token. Whether the session lives is asked elsewhere.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

import jwt
from jwt.types import Options

from signet_stack.auth.errors import AuthError
from signet_stack.signing_keys import SigningKey

AUDIENCE = "authenticated"
ADMIN_ROLES = frozenset({"service_role", "supabase_admin"})
MAX_LENGTH = 65_536
_COMPACT = re.compile(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+")
_UUID = re.compile(r"[0-9a-fA-F]{8}(?:-?[0-9a-fA-F]{4}){3}-?[0-9a-fA-F]{12}")
# Times are checked below, by the stack's clock; the rest where it matters.
_SIGNATURE_ONLY: Options = {
    "verify_exp": False,
    "verify_nbf": False,
    "verify_iat": False,
    "verify_aud": False,
    "verify_iss": False,
    "verify_sub": False,
    "verify_jti": False,
}
_CANNOT = "invalid JWT: unable to parse or verify signature, "

Claims = Mapping[str, Any]


def sign(claims: Claims, key: SigningKey) -> str:
    """Return the claims as a token signed with the key."""
    return jwt.encode(dict(claims), key.private, key.algorithm, headers={"kid": key.kid})


def verify(token: str, keys: Mapping[str, SigningKey], now: datetime) -> Claims:
    """Return the claims of a token; raise AuthError (403 bad_jwt) when it does not hold."""
    if len(token) > MAX_LENGTH or not _COMPACT.fullmatch(token):
        raise bad_jwt(_CANNOT + "token is malformed: token contains an invalid number of segments")
    try:
        key = _key_for(jwt.get_unverified_header(token), keys)
        claims = jwt.decode(
            token,
            key.private.public_key(),
            algorithms=[key.algorithm],
            options=_SIGNATURE_ONLY,
        )
    except (jwt.InvalidTokenError, RecursionError, ValueError):
        raise bad_jwt(_CANNOT + "token signature is invalid") from None
    _check_times(claims, now.timestamp())
    return claims


def uuid_claim(value: object) -> UUID | None:
    """Return a claim as a UUID; None when it is none."""
    return UUID(value) if isinstance(value, str) and _UUID.fullmatch(value) else None


def bad_jwt(message: str, status: int = 403) -> AuthError:
    """Return the error for a token that does not hold."""
    return AuthError(status, "bad_jwt", message)


def _key_for(header: Mapping[str, Any], keys: Mapping[str, SigningKey]) -> SigningKey:
    algorithm, kid = header.get("alg"), header.get("kid")
    if algorithm not in {key.algorithm for key in keys.values()}:
        raise bad_jwt(_CANNOT + f"token signature is invalid: signing method {algorithm} is invalid")
    key = keys.get(kid) if isinstance(kid, str) else None
    if key is None or key.algorithm != algorithm:
        raise bad_jwt(
            _CANNOT + f"token is unverifiable: unrecognized JWT kid {kid} for algorithm {algorithm}"
        )
    return key


def _check_times(claims: Claims, now: float) -> None:
    """Check expiry and not-before without leeway; a token without expiry does not expire."""
    for name in ("exp", "nbf"):
        value = claims.get(name)
        if value is not None and (isinstance(value, bool) or not isinstance(value, int | float)):
            raise bad_jwt(_CANNOT + f"token has invalid claims: {name} is invalid")
    if "exp" in claims and now >= claims["exp"]:
        raise bad_jwt(_CANNOT + "token has invalid claims: token is expired")
    if "nbf" in claims and now < claims["nbf"]:
        raise bad_jwt(_CANNOT + "token has invalid claims: token is not valid yet")
