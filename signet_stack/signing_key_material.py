"""Make key pairs, take in imported ones, and cut the public half out of them. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from jwt.algorithms import ECAlgorithm, OKPAlgorithm, RSAAlgorithm

RSA_BITS = 3072
MIN_RSA_BITS = 2048
_PUBLIC_MEMBERS = frozenset({"kty", "crv", "x", "y", "n", "e"})
_PRIVATE_MEMBERS = frozenset({"d", "p", "q", "dp", "dq", "qi"})


class KeyRefused(ValueError):
    """Raised when an imported key cannot sign with the algorithm; the message says why."""


def _es256() -> Any:
    return ECAlgorithm.to_jwk(ec.generate_private_key(ec.SECP256R1()), as_dict=True)


def _rs256() -> Any:
    key = rsa.generate_private_key(public_exponent=65537, key_size=RSA_BITS)
    return RSAAlgorithm.to_jwk(key, as_dict=True)


def _eddsa() -> Any:
    return OKPAlgorithm.to_jwk(ed25519.Ed25519PrivateKey.generate(), as_dict=True)


_MAKERS: Mapping[str, Callable[[], Any]] = {"ES256": _es256, "RS256": _rs256, "EdDSA": _eddsa}
ALGORITHMS = tuple(_MAKERS)


def new_private_jwk(algorithm: str, kid: str) -> dict[str, Any]:
    """Return a new key pair as a JWK (RFC 7517)."""
    return _named(_MAKERS[algorithm](), algorithm, kid)


def imported_private_jwk(algorithm: str, kid: str, given: Mapping[str, Any]) -> dict[str, Any]:
    """Return a key pair that somebody brings along, under its new id; raise KeyRefused."""
    members = {name: given[name] for name in _PUBLIC_MEMBERS | _PRIVATE_MEMBERS if name in given}
    try:
        key = jwt.PyJWK(members, algorithm).key
        _check_strength(key)
        jwt.encode({}, key, algorithm)
    except KeyRefused:
        raise
    except (jwt.PyJWTError, ValueError, TypeError, KeyError, AttributeError):
        raise KeyRefused(f"private_jwk is not a private key that signs with {algorithm}") from None
    return _named(members, algorithm, kid)


def _check_strength(key: Any) -> None:
    if isinstance(key, rsa.RSAPrivateKey) and key.key_size < MIN_RSA_BITS:
        raise KeyRefused(f"An RSA key must have {MIN_RSA_BITS} bits or more; this one has {key.key_size}")
    if isinstance(key, ec.EllipticCurvePrivateKey) and not isinstance(key.curve, ec.SECP256R1):
        raise KeyRefused("An ES256 key must be on the curve P-256")


def public_jwk(private: Mapping[str, Any]) -> dict[str, Any]:
    """Return the half that is published: verifiers need nothing else."""
    public = {name: value for name, value in private.items() if name in _PUBLIC_MEMBERS}
    return {**public, "kid": private["kid"], "alg": private["alg"], "use": "sig", "key_ops": ["verify"]}


def _named(members: Mapping[str, Any], algorithm: str, kid: str) -> dict[str, Any]:
    kept = {name: value for name, value in members.items() if name in _PUBLIC_MEMBERS | _PRIVATE_MEMBERS}
    return {**kept, "kid": kid, "alg": algorithm, "use": "sig", "key_ops": ["sign", "verify"]}
