"""Check an access token on the spot: is it Auth's, is it meant for us, is it still good?

Trust: nothing in the token is believed before its signature is verified with a key of the published set, and
of its header only which key and algorithm it claims. The cheapest checks come first, so hostile input costs
microseconds. PyJWT's algorithm object verifies the signature over exactly the text that was received; the
strict parsing around it is ours, because a verifier must accept one spelling only.

The ECDSA twin of a signature, (r, n-s), verifies too (every verifier accepts it). Therefore nothing may use
the text of a token as an identity: sessions are told apart by ``session_id``.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Protocol
from uuid import UUID

from .errors import (
    AlgorithmRefused,
    ClaimRefused,
    IssuerDiffers,
    KeyUnfit,
    KeyUnknown,
    PayloadMalformed,
    SignatureInvalid,
    TokenExpired,
    TokenHeaderRefused,
    TokenMalformed,
    TokenNotYetValid,
    TokenTooLong,
)
from .identity import AccessClaims
from .strict_json import read_object

ALGORITHMS = ("ES256", "RS256", "EdDSA")
MAX_TOKEN_LENGTH = 8192  # characters
MAX_TOKEN_LIFE = 604_800  # seconds, the longest that Auth can be set to
EXPIRY_LEEWAY = 5  # seconds
START_LEEWAY = 30  # seconds, for nbf and iat
_MAX_TIME = 2**53

_COMPACT = re.compile(r"([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]+)")
KID_PATTERN = re.compile(r"[A-Za-z0-9._~-]{1,128}")
_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_NIL_UUID = str(UUID(int=0))


class Verifies(Protocol):
    """What PyJWT's algorithm objects offer."""

    def verify(self, msg: bytes, key: Any, sig: bytes) -> bool:
        """Return whether ``sig`` is the signature of ``msg``."""


@dataclass(frozen=True, slots=True)
class VerificationKey:
    """A public key of the set, with the one algorithm that it is for."""

    kid: str
    algorithm: str
    key: Any = field(repr=False)
    verifier: Verifies = field(repr=False, compare=False)


@dataclass(frozen=True, slots=True)
class Expected:
    """What a token must say to be for this app."""

    issuer: str
    audience: str = "authenticated"
    role: str = "authenticated"


def verify_access_token(
    token: str, keys: Mapping[str, VerificationKey], expected: Expected, now: float
) -> AccessClaims:
    """Return the claims of a token that passes every check; raise the TokenError that says why not.

    ``now`` is in unix seconds. Never raises anything but TokenError, whatever the text. Sources: RFC 7519,
    RFC 8725.
    """
    header_text, payload_text, signature_text = split(token)
    algorithm, kid = read_header(header_text)
    key = keys.get(kid)
    if key is None:
        raise KeyUnknown(kid=kid)
    if key.algorithm != algorithm:
        raise KeyUnfit(f"{algorithm} with a key for {key.algorithm}", kid=kid)
    signed_text = token[: len(header_text) + 1 + len(payload_text)].encode("ascii")
    _check_signature(key, signed_text, decode_segment(signature_text))
    try:
        claims = read_object(decode_segment(payload_text))
    except ValueError as error:
        raise PayloadMalformed(str(error), kid=kid) from None
    return check_claims(claims, expected, now, kid)


def check_form(token: str) -> None:
    """Raise TokenError for a text that is no signed token, whatever the keys are."""
    for segment in split(token):
        decode_segment(segment)


def split(token: str) -> tuple[str, str, str]:
    """Return the three parts of a compact token (RFC 7515 section 7.1) as text."""
    if len(token) > MAX_TOKEN_LENGTH:
        raise TokenTooLong(f"{len(token)} characters")
    match = _COMPACT.fullmatch(token)
    if match is None:
        raise TokenMalformed
    return match.group(1), match.group(2), match.group(3)


def decode_segment(text: str) -> bytes:
    """Decode base64url without padding, in its one canonical spelling (RFC 4648 section 3.5)."""
    try:
        raw = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except (binascii.Error, ValueError):
        raise TokenMalformed from None
    if base64.urlsafe_b64encode(raw).rstrip(b"=").decode("ascii") != text:
        raise TokenMalformed
    return raw


@lru_cache(maxsize=32)  # all tokens of a key have the same header; only what passed is kept
def read_header(text: str) -> tuple[str, str]:
    """Return algorithm and key id of a header that has those, perhaps ``typ``, and nothing else."""
    try:
        header = read_object(decode_segment(text))
    except ValueError as error:
        raise TokenHeaderRefused(str(error)) from None
    kid = header.get("kid")
    if not isinstance(kid, str) or KID_PATTERN.fullmatch(kid) is None:
        raise TokenHeaderRefused("kid")
    if not header.keys() <= {"alg", "typ", "kid"}:
        raise TokenHeaderRefused("unexpected members", kid=kid)
    if header.get("typ", "JWT") != "JWT":
        raise TokenHeaderRefused("typ", kid=kid)
    algorithm = header.get("alg")
    if not isinstance(algorithm, str) or algorithm not in ALGORITHMS:
        raise AlgorithmRefused(kid=kid)
    return algorithm, kid


def _check_signature(key: VerificationKey, signed_text: bytes, signature: bytes) -> None:
    try:
        is_valid = key.verifier.verify(signed_text, key.key, signature)
    except Exception as error:  # whatever a library says about hostile bytes, the answer is no
        raise SignatureInvalid(type(error).__name__, kid=key.kid) from None
    if is_valid is not True:
        raise SignatureInvalid(kid=key.kid)


def check_claims(claims: Mapping[str, Any], expected: Expected, now: float, kid: str) -> AccessClaims:
    """Return the claims that the gatekeeper relies on; raise when one is missing or not ours."""
    audience = claims.get("aud")
    if audience not in (expected.audience, [expected.audience]):
        raise ClaimRefused("aud", kid=kid)
    if claims.get("role") != expected.role:
        raise ClaimRefused("role", kid=kid)
    if claims.get("is_anonymous", False) is not False:
        raise ClaimRefused("is_anonymous", kid=kid)
    email = claims.get("email", "")
    if not isinstance(email, str):
        raise ClaimRefused("email", kid=kid)
    verified = AccessClaims(
        user_id=_uuid(claims, "sub", kid),
        session_id=_uuid(claims, "session_id", kid),
        email=email,
        role=expected.role,
        issued_at=_time(claims, "iat", kid),
        expires_at=_time(claims, "exp", kid),
        kid=kid,
    )
    if not 0 < verified.expires_at - verified.issued_at <= MAX_TOKEN_LIFE:
        raise ClaimRefused("exp", kid=kid)
    if claims.get("iss") != expected.issuer:
        raise IssuerDiffers(kid=kid)
    not_before = _time(claims, "nbf", kid) if "nbf" in claims else verified.issued_at
    if now + START_LEEWAY < max(not_before, verified.issued_at):
        raise TokenNotYetValid(kid=kid)
    check_expiry(verified, now)
    return verified


def check_expiry(claims: AccessClaims, now: float) -> None:
    """Raise TokenExpired when the token's time is over, beyond the leeway."""
    if now > claims.expires_at + EXPIRY_LEEWAY:
        raise TokenExpired(kid=claims.kid)


def _uuid(claims: Mapping[str, Any], name: str, kid: str) -> UUID:
    value = claims.get(name)
    if not isinstance(value, str) or _UUID.fullmatch(value) is None or value == _NIL_UUID:
        raise ClaimRefused(name, kid=kid)
    return UUID(value)


def _time(claims: Mapping[str, Any], name: str, kid: str) -> int:
    value = claims.get(name)
    if type(value) is not int or not 0 < value < _MAX_TIME:
        raise ClaimRefused(name, kid=kid)
    return value
