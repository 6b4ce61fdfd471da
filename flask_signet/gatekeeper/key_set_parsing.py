"""Read a published key set (JWKS, RFC 7517) and keep only the keys that are fit to verify with.

A key set comes from the configured Auth server, yet it is checked like a stranger's: a private or symmetric
key in it, a weak one, or two under one id would make the check of tokens worthless.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import jwt
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from jwt.exceptions import PyJWTError

from .strict_json import read_object
from .tokens import ALGORITHMS, KID_PATTERN, VerificationKey

MAX_KEYS = 32
RSA_BITS = range(2048, 8193)
PRIVATE_MEMBERS = frozenset({"d", "p", "q", "dp", "dq", "qi", "oth", "k"})
# The official CLI signs with this key, whose private half is public: good for one's own machine only.
PUBLIC_DEVELOPMENT_KID = "b81269f1-21d8-4f2e-b719-c2240a840d90"
_KINDS = {("EC", "P-256"): "ES256", ("RSA", None): "RS256", ("OKP", "Ed25519"): "EdDSA"}


class KeySetRefused(ValueError):
    """Raised when a key set as a whole cannot be used; the message says why."""


@dataclass(frozen=True, slots=True)
class ParsedKeySet:
    """The usable keys by kid, and a line for each key that was left out."""

    keys: dict[str, VerificationKey]
    refused: tuple[str, ...]


def parse_key_set(raw: bytes, *, allow_development_key: bool) -> ParsedKeySet:
    """Return the keys of a JWKS that may verify tokens; an empty set is returned as such.

    Raises KeySetRefused when it is not a key set, or holds keys of which none is usable.
    """
    try:
        members = read_object(raw).get("keys")
    except ValueError as error:
        raise KeySetRefused(f"not a key set: {error}") from None
    if not isinstance(members, list):
        raise KeySetRefused("not a key set: no list of keys")
    if len(members) > MAX_KEYS:
        raise KeySetRefused(f"more than {MAX_KEYS} keys")
    keys: dict[str, VerificationKey] = {}
    refused: list[str] = []
    kids = [member.get("kid") if isinstance(member, dict) else None for member in members]
    for member, kid in zip(members, kids, strict=True):
        reason = _fault(member, kid)
        if reason is None and kids.count(kid) > 1:
            reason = "the same kid twice"
        if reason is None and kid == PUBLIC_DEVELOPMENT_KID and not allow_development_key:
            reason = "the official CLI's public development key"
        parsed = _load(member) if reason is None else reason
        if isinstance(parsed, VerificationKey):
            keys[parsed.kid] = parsed
        else:
            refused.append(f"{repr(kid[:128]) if isinstance(kid, str) else '(no kid)'}: {parsed}")
    if refused and not keys:
        raise KeySetRefused("no usable key: " + "; ".join(refused))
    return ParsedKeySet(keys, tuple(refused))


def _fault(member: Any, kid: Any) -> str | None:
    """Return why a member is not acceptable as a public verification key, or None."""
    if not isinstance(member, dict):
        return "not an object"
    if not isinstance(kid, str) or KID_PATTERN.fullmatch(kid) is None:
        return "no usable kid"
    if PRIVATE_MEMBERS & member.keys():
        return "private or symmetric members"
    if _algorithm(member) is None:
        return "unknown kind of key"
    if member.get("alg", _algorithm(member)) != _algorithm(member):
        return "alg does not fit the key"
    if member.get("use", "sig") != "sig":
        return "not for signatures"
    operations = member.get("key_ops", ["verify"])
    if not isinstance(operations, list) or "verify" not in operations:
        return "not for verifying"
    return None


def _algorithm(member: dict[str, Any]) -> str | None:
    kind, curve = member.get("kty"), member.get("crv")
    if not isinstance(kind, str) or not isinstance(curve, str | None):
        return None
    return _KINDS.get((kind, curve))


def _load(member: dict[str, Any]) -> VerificationKey | str:
    """Return the key, or why its numbers are not a key to trust."""
    algorithm = _algorithm(member)
    assert algorithm in ALGORITHMS  # noqa: S101 - _fault came first
    try:
        loaded = jwt.PyJWK(member, algorithm)
    except (PyJWTError, UnsupportedAlgorithm, ValueError, TypeError, KeyError, OverflowError) as error:
        return f"unreadable ({type(error).__name__})"
    if isinstance(loaded.key, RSAPublicKey):
        if loaded.key.key_size not in RSA_BITS:
            return f"RSA of {loaded.key.key_size} bits"
        exponent = loaded.key.public_numbers().e
        if exponent < 3 or exponent % 2 == 0:
            return "RSA exponent"
    return VerificationKey(member["kid"], algorithm, loaded.key, loaded.Algorithm)
