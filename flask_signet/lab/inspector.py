"""Token inspector: every check of the gatekeeper's token module as a row, with the reason of a refusal.

The verdict comes from ``verify_access_token``, the function that decides about requests. Nothing is stored or
logged.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from flask_signet.gatekeeper.errors import ClaimRefused, TokenError, TokenExpired
from flask_signet.gatekeeper.tokens import (
    MAX_TOKEN_LENGTH,
    Expected,
    VerificationKey,
    decode_segment,
    read_object,
    verify_access_token,
)

# In the order in which verify_access_token makes them.
CHECKS = ("form", "header", "key", "signature", "payload", "claims", "issuer", "start", "expiry")
REFUSED_AT = {
    "token_too_long": 0,
    "token_malformed": 0,
    "token_header_refused": 1,
    "algorithm_refused": 1,
    "key_unknown": 2,
    "key_unfit": 2,
    "signature_invalid": 3,
    "payload_malformed": 4,
    "claim_refused": 5,
    "issuer_differs": 6,
    "token_not_yet_valid": 7,
    "token_expired": 8,
}
REFUSALS = {
    "token_malformed": "not three parts of canonical base64url",
    "algorithm_refused": "the algorithm is none of ES256, RS256, EdDSA",
    "key_unknown": "no published key has this kid: unknown, revoked, or of another project",
    "signature_invalid": "this key did not sign this text",
    "issuer_differs": "iss names another Auth service",
    "token_not_yet_valid": "nbf or iat lies in the future",
}
CLAIM_MEANINGS = {
    "iss": "the Auth service that issued the token",
    "sub": "the user's id: auth.uid() in policies",
    "aud": "the audience: signed-in people",
    "exp": "the token expires",
    "iat": "the token was issued",
    "nbf": "the token is not valid before",
    "email": "the user's address",
    "phone": "the user's telephone number",
    "role": "the database role of the request",
    "aal": "the assurance level: aal2 after a second factor",
    "amr": "how the user proved who they are, and when",
    "session_id": "the row of auth.sessions that this token belongs to",
    "is_anonymous": "whether the account has no address",
    "app_metadata": "data that only administrators change",
    "user_metadata": "data that the user changes: never trust it in a policy",
    "jti": "the token's own id",
}
TIMES = frozenset({"exp", "iat", "nbf"})


@dataclass(frozen=True, slots=True)
class Check:
    """One check: ``passed`` is None when an earlier check failed and this one was not reached."""

    name: str
    passed: bool | None
    reason: str


@dataclass(frozen=True, slots=True)
class Claim:
    """One member of the payload with its meaning and, for times, the local reading."""

    name: str
    value: str
    meaning: str
    when: str = ""


@dataclass(frozen=True, slots=True)
class Inspection:
    """What the inspector shows of one token."""

    parts: tuple[str, ...]
    header: str
    payload: str
    checks: tuple[Check, ...]
    claims: tuple[Claim, ...]
    session_id: str

    @property
    def is_well_formed(self) -> bool:
        """Whether the text is a token at all: three parts, two of them JSON objects."""
        return bool(self.header and self.payload)

    @property
    def is_accepted(self) -> bool:
        """Whether every check passed, so that a page would accept the token."""
        return all(check.passed for check in self.checks)

    @property
    def has_genuine_signature(self) -> bool:
        """Whether a published key signed exactly this text."""
        return any(check.name == "signature" and check.passed for check in self.checks)


def inspect(
    token: str, keys: Mapping[str, VerificationKey], expected: Expected, now: float, states: Mapping[str, str]
) -> Inspection:
    """Inspect a token against a key set.

    ``states`` names the state of each key by its id, ``now`` is in unix seconds. The verdict is that of
    ``verify_access_token``; its error says which check refused, and all checks before that one passed.
    """
    parts = tuple(token.split("."))
    header, payload = _readable(parts, 0), _readable(parts, 1)
    claims = payload or {}
    refused_at, reason = len(CHECKS), ""
    try:
        verify_access_token(token, keys, expected, now)
    except TokenError as error:
        refused_at, reason = REFUSED_AT[error.code], explain(error, claims, now)
    passed = _passed(token, header or {}, claims, expected, now, states)
    return Inspection(
        parts=parts if len(parts) == 3 else (token,),
        header=_indented(header),
        payload=_indented(payload),
        checks=tuple(
            Check(name, True, passed[name]())
            if number < refused_at
            else Check(name, False, reason)
            if number == refused_at
            else Check(name, None, "not reached")
            for number, name in enumerate(CHECKS)
        ),
        claims=tuple(_claim(name, value, now) for name, value in claims.items()),
        session_id=str(claims.get("session_id", "")),
    )


def _passed(
    token: str,
    header: Mapping[str, Any],
    claims: Mapping[str, Any],
    expected: Expected,
    now: float,
    states: Mapping[str, str],
) -> Mapping[str, Callable[[], str]]:
    """Return what each check found, as functions: a value may be missing where the check was not reached."""
    kid = str(header.get("kid", ""))
    return {
        "form": lambda: f"three parts, {len(token)} of at most {MAX_TOKEN_LENGTH} characters",
        "header": lambda: f"alg {header['alg']}, kid {kid}, nothing unexpected",
        "key": lambda: f"published ({states.get(kid, 'state unknown')}), and made for {header['alg']}",
        "signature": lambda: "this key signed exactly this text",
        "payload": lambda: f"one JSON object with {len(claims)} members",
        "claims": lambda: f"aud {expected.audience}, role {expected.role}, sub and session_id are UUIDs",
        "issuer": lambda: str(claims["iss"]),
        "start": lambda: f"issued {ago(claims['iat'] - now)}",
        "expiry": lambda: f"expires {ago(claims['exp'] - now)}",
    }


def explain(error: TokenError, claims: Mapping[str, Any], now: float) -> str:
    """Return a refusal in words, with the time where time decides and the code that logs show."""
    if isinstance(error, TokenExpired):
        reason = f"expired {ago(claims['exp'] - now)}"
    elif isinstance(error, ClaimRefused):
        name = str(error).removeprefix("claim ")
        reason = f"{name} is {json.dumps(claims.get(name))[:60]}" if name in claims else f"{name} is missing"
    else:
        reason = REFUSALS.get(error.code, str(error))
    return f"{reason} ({error.code})"


def _claim(name: str, value: Any, now: float) -> Claim:
    when = ""
    if name in TIMES and isinstance(value, int) and 0 < value < 2**40:
        local = datetime.fromtimestamp(value, UTC).astimezone()
        when = f"{local:%d %B %Y, %H:%M:%S %Z} ({ago(value - now)})"
    return Claim(
        name, json.dumps(value, ensure_ascii=False), CLAIM_MEANINGS.get(name, "a claim of this project"), when
    )


def ago(seconds: float) -> str:
    """Return a distance in time in words: "in 4 minutes", "4 minutes ago"."""
    amount, unit = abs(seconds), "second"
    for size, name in ((86400, "day"), (3600, "hour"), (60, "minute")):
        if amount >= size:
            amount, unit = amount / size, name
            break
    words = f"{int(amount)} {unit}{'' if int(amount) == 1 else 's'}"
    return f"in {words}" if seconds > 0 else f"{words} ago"


def _readable(parts: tuple[str, ...], index: int) -> dict[str, Any] | None:
    try:
        return read_object(decode_segment(parts[index]))
    except (TokenError, ValueError, IndexError):
        return None


def _indented(value: Mapping[str, Any] | None) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False) if value is not None else ""
