"""Broken tokens for the inspector: one for each refusal, made from a signed-in person's own token.

Tokens whose text is changed keep the real signature. Those that need a valid signature over other claims are
signed by a key that exists in this process only; the inspector adds it to the key set, requests never see it.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import ec

from flask_signet.gatekeeper.tokens import Expected, VerificationKey

KID = "lab-key-of-this-process"
ALGORITHM = "ES256"


@cache
def _private_key() -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


def lab_key() -> VerificationKey:
    """Return the public half of the lab's own key."""
    return VerificationKey(KID, ALGORITHM, _private_key().public_key(), jwt.get_algorithm_by_name(ALGORITHM))


def _header(**changes: Any) -> bytes:
    return json.dumps({"alg": ALGORITHM, "kid": KID, "typ": "JWT", **changes}).encode()


def _sign(header: bytes, payload: bytes) -> str:
    text = f"{_encoded(header)}.{_encoded(payload)}"
    signature = jwt.get_algorithm_by_name(ALGORITHM).sign(text.encode(), _private_key())
    return f"{text}.{_encoded(signature)}"


def _encoded(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def _signed(**changes: Any) -> Callable[[Mapping[str, Any], str], str]:
    """Return a maker of tokens with a valid signature and changed claims; ``...`` removes a claim."""

    def make(claims: Mapping[str, Any], _token: str) -> str:
        changed = {name: value for name, value in {**claims, **changes}.items() if value is not ...}
        return _sign(_header(), json.dumps(changed).encode())

    return make


def _with_header(**changes: Any) -> Callable[[Mapping[str, Any], str], str]:
    def make(claims: Mapping[str, Any], _token: str) -> str:
        return _sign(_header(**changes), json.dumps(claims).encode())

    return make


def _expired(claims: Mapping[str, Any], token: str) -> str:
    return _signed(iat=claims["iat"] - 7200, exp=claims["iat"] - 3600)(claims, token)


def _future(claims: Mapping[str, Any], token: str) -> str:
    return _signed(iat=claims["iat"] + 86400, exp=claims["iat"] + 90000)(claims, token)


def _other_user(claims: Mapping[str, Any], token: str) -> str:
    """Replace the user in the payload and keep the signature: what a forger would try first."""
    head, _, signature = token.split(".")
    changed = {**claims, "sub": "00000000-0000-4000-8000-000000000001"}
    return f"{head}.{_encoded(json.dumps(changed).encode())}.{signature}"


# Name, code of the refusal, maker. Order as in the checks.
BROKEN: dict[str, tuple[str, str, Callable[[Mapping[str, Any], str], str]]] = {
    "too_long": ("longer than 8,192 characters", "token_too_long", lambda _, token: token + "A" * 8192),
    "cut": ("cut off at the last dot", "token_malformed", lambda _, token: token.rpartition(".")[0]),
    "header": ("a header with jku, a foreign key address", "token_header_refused", _with_header(jku="https://evil.example")),
    "none": ("alg none", "algorithm_refused", _with_header(alg="none")),
    "unknown_key": ("a key that is not published", "key_unknown", _with_header(kid="nobody-published-this")),
    "unfit_key": ("RS256 with a key for ES256", "key_unfit", _with_header(alg="RS256")),
    "signature": ("another user in the payload", "signature_invalid", _other_user),
    "payload": ("a payload that is a list", "payload_malformed", lambda *_: _sign(_header(), b"[]")),
    "audience": ("for another audience", "claim_refused", _signed(aud="somewhere-else")),
    "role": ("role service_role", "claim_refused", _signed(role="service_role")),
    "session": ("without a session id", "claim_refused", _signed(session_id=...)),
    "issuer": ("from another Auth service", "issuer_differs", _signed(iss="https://other.supabase.co/auth/v1")),
    "future": ("issued tomorrow", "token_not_yet_valid", _future),
    "expired": ("expired an hour ago", "token_expired", _expired),
}  # fmt: skip


def make_broken(kind: str, claims: Mapping[str, Any], token: str) -> str:
    """Return a broken token of one kind; ``claims`` and ``token`` are a good token's."""
    return BROKEN[kind][2](claims, token)


def sample_claims(expected: Expected, now: float) -> dict[str, Any]:
    """Return the claims of a good token for readers who are not signed in; ``now`` is in unix seconds."""
    return {
        "iss": expected.issuers[0],
        "sub": "6f1a9c56-8ed4-4c0f-9a35-0a4f5a0b7a11",
        "aud": expected.audience,
        "role": expected.role,
        "email": "alice@example.com",
        "session_id": "0b6f3c1e-52a8-4f0e-8b55-3a1f6c2d9e42",
        "aal": "aal1",
        "is_anonymous": False,
        "iat": int(now),
        "exp": int(now) + 3600,
    }


def make_good(claims: Mapping[str, Any]) -> str:
    """Return a token with these claims that the inspector accepts and no request does."""
    return _signed()(claims, "")
