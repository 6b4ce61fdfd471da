"""Access token verification with a public key: strict parsing, signature, claims.

Trust: nothing in a token is used before its signature is verified with a key of the published set; of its
header only the algorithm and the key id are read. The cheapest checks come first, so that hostile input costs
microseconds. PyJWT's algorithm object verifies the signature over exactly the received text; the strict
parsing around it is ours, because a verifier must accept one spelling only.

The ECDSA twin of a signature, (r, n-s), verifies too (every verifier accepts it). Therefore the text of a
token is never an identity: sessions are identified by ``session_id``.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
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


@dataclass(frozen=True, slots=True)
class AccessClaims:
    """The claims of a verified access token; times are unix seconds."""

    user_id: UUID
    session_id: UUID
    email: str
    role: str
    issued_at: int
    expires_at: int
    kid: str


class AuthSession(Protocol):
    """A session as the ``supabase`` package returns it."""

    access_token: str
    refresh_token: str
    user: Any  # a pydantic model


@dataclass(frozen=True, slots=True)
class SessionTokens:
    """The token pair of one session. Credentials: never printed, never logged.

    ``user`` is Auth's user object, which only shared cookies carry, for browser clients.
    """

    access_token: str = field(repr=False)
    refresh_token: str = field(repr=False)
    user: dict[str, Any] | None = field(default=None, repr=False)

    @classmethod
    def of(cls, session: AuthSession) -> SessionTokens:
        """Read the tokens of a session that the ``supabase`` package returned."""
        user = session.user.model_dump(mode="json", exclude_none=True)
        return cls(session.access_token, session.refresh_token, user)


class SignatureVerifier(Protocol):
    """The part of PyJWT's algorithm objects that is used here."""

    def verify(self, msg: bytes, key: Any, sig: bytes) -> bool:
        """Return whether ``sig`` is the signature of ``msg``."""


@dataclass(frozen=True, slots=True)
class VerificationKey:
    """A public key of the set and the only algorithm that it may be used with."""

    kid: str
    algorithm: str
    key: Any = field(repr=False)
    verifier: SignatureVerifier = field(repr=False, compare=False)


@dataclass(frozen=True, slots=True)
class Expected:
    """The issuers, the audience and the role of which a token must name one each."""

    issuers: tuple[str, ...]
    audience: str = "authenticated"
    role: str = "authenticated"


def verify_access_token(
    token: str, keys: Mapping[str, VerificationKey], expected: Expected, now: float
) -> AccessClaims:
    """Return the claims of a token that passes every check; raise the TokenError of the first that fails.

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
    """Raise TokenError if the text cannot be a signed token under any key."""
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


@lru_cache(maxsize=32)  # all tokens of a key have the same header; errors are not cached
def read_header(text: str) -> tuple[str, str]:
    """Return algorithm and key id of a header whose members are these, optionally ``typ``, and no others."""
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
    except Exception as error:  # any exception of a library on hostile bytes is a refusal
        raise SignatureInvalid(type(error).__name__, kid=key.kid) from None
    if is_valid is not True:
        raise SignatureInvalid(kid=key.kid)


def check_claims(claims: Mapping[str, Any], expected: Expected, now: float, kid: str) -> AccessClaims:
    """Return the claims that the gatekeeper uses; raise ClaimRefused or TokenStale for a wrong one."""
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
    if claims.get("iss") not in expected.issuers:
        raise IssuerDiffers(kid=kid)
    not_before = _time(claims, "nbf", kid) if "nbf" in claims else verified.issued_at
    if now + START_LEEWAY < max(not_before, verified.issued_at):
        raise TokenNotYetValid(kid=kid)
    check_expiry(verified, now)
    return verified


def check_expiry(claims: AccessClaims, now: float) -> None:
    """Raise TokenExpired if ``exp`` is past, beyond the leeway."""
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


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("duplicate member")
    return members


def _refuse(constant: str) -> Any:
    raise ValueError(f"{constant} is not JSON")


_decoder = json.JSONDecoder(object_pairs_hook=_unique, parse_constant=_refuse)


def read_json(raw: bytes) -> Any:
    """Parse exactly one JSON value in UTF-8; raise ValueError for duplicate members, NaN or Infinity.

    Parsers differ in what they do with duplicate members (RFC 8259 section 4): a token that has them would
    mean different things to different readers.
    """
    try:
        return _decoder.decode(raw.decode("utf-8"))
    except RecursionError:
        raise ValueError("nested too deeply") from None


def read_object(raw: bytes) -> dict[str, Any]:
    """Parse exactly one JSON object, as ``read_json`` does; raise ValueError for any other value."""
    value = read_json(raw)
    if type(value) is not dict:
        raise ValueError("not an object")
    return value


def digest(token: str) -> bytes:
    """Return the SHA-256 of a token's text: a cache key from which no token can be recovered."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()
