"""Hostile access tokens: signed by a published key, but not the token of a signed-in person."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from tests.flask_signet.gatekeeper.attacks.cases import Case
from tests.support.token_mint import ALICE, ISSUER, NOW, Mint, claims

NIL = "00000000-0000-0000-0000-000000000000"
NOT_UUIDS: dict[str, Any] = {
    "missing": ...,
    "null": None,
    "empty": "",
    "int": 7,
    "list": [ALICE],
    "upper_case": ALICE.upper(),
    "nil": NIL,
    "braces": "{" + ALICE + "}",
    "no_dashes": ALICE.replace("-", ""),
    "sql": f"{ALICE}' or true --",
    "newline": ALICE + "\n",
}


def attacks(mint: Mint) -> Iterator[Case]:
    """Yield the cases of this group."""
    yield from _times(mint)
    yield from _identities(mint)
    yield from _audiences_and_issuers(mint)


def _times(mint: Mint) -> Iterator[Case]:
    odd: dict[str, Any] = {
        "missing": ...,
        "string": str(NOW + 3600),
        "float": NOW + 3600.5,
        "whole_float": float(NOW + 3600),
        "huge": 10**18,
        "over_2_53": 2**53,
        "400_digits": 10**400,
        "true": True,
        "false": False,
        "null": None,
        "list": [NOW + 3600],
        "negative": -1,
        "zero": 0,
    }
    for name in ("exp", "iat"):
        for label, value in odd.items():
            yield f"{name}_{label}", mint.token(payload=claims(**{name: value})), "claim_refused"
    raw = json.dumps(claims())
    for label, text in {"1e400": "1e400", "exponent": "17e8", "5000_digits": "9" * 5000}.items():
        payload = raw.replace(f'"exp": {NOW + 3600}', f'"exp": {text}').encode()
        code = "payload_malformed" if label == "5000_digits" else "claim_refused"
        yield f"exp_{label}", mint.sign(json.dumps(mint.header()).encode(), payload), code
    for label, changes in {
        "nbf_string": {"nbf": "now"},
        "nbf_float": {"nbf": NOW + 0.5},
        "nbf_null": {"nbf": None},
        "life_too_long": {"exp": NOW + 604_801},
        "life_zero": {"exp": NOW},
        "life_negative": {"iat": NOW + 10, "exp": NOW + 5},
    }.items():
        yield label, mint.token(payload=claims(**changes)), "claim_refused"
    for label, changes in {"iat_future": {"iat": NOW + 31}, "nbf_future": {"nbf": NOW + 31}}.items():
        yield label, mint.token(payload=claims(**changes)), "token_not_yet_valid"
    for label, age in {"6_s": 6, "1_h": 3600, "1_day": 86_400}.items():
        expired = claims(iat=NOW - age - 3600, exp=NOW - age)
        yield f"expired_{label}", mint.token(payload=expired), "token_expired"


def _identities(mint: Mint) -> Iterator[Case]:
    for name in ("sub", "session_id"):
        for label, value in NOT_UUIDS.items():
            yield f"{name}_{label}", mint.token(payload=claims(**{name: value})), "claim_refused"
    roles: list[Any] = ["anon", "service_role", "supabase_admin", "postgres", "authenticator", "none", ""]
    roles += ["Authenticated", "authenticated ", "AUTHENTICATED", None, 1, ["authenticated"], ..., True]
    for role in roles:
        label = "missing" if role is ... else repr(role)
        yield f"role_{label}", mint.token(payload=claims(role=role)), "claim_refused"
    for value in (True, "false", 0, None, []):
        yield f"is_anonymous_{value!r}", mint.token(payload=claims(is_anonymous=value)), "claim_refused"
    for value in (None, 1, ["alice@example.com"], {"email": "x"}):
        yield f"email_{value!r}", mint.token(payload=claims(email=value)), "claim_refused"


def _audiences_and_issuers(mint: Mint) -> Iterator[Case]:
    audiences: list[Any] = [[], ["authenticated", "x"], ["x"], "x", "", "Authenticated", " authenticated"]
    audiences += ["authenticated ", None, 1, {"authenticated": 1}, ["authenticated", "authenticated"], ...]
    for number, audience in enumerate(audiences):
        yield f"aud_{number}", mint.token(payload=claims(aud=audience)), "claim_refused"
    issuers: list[Any] = [
        f"{ISSUER}/",
        f"{ISSUER}#",
        f"{ISSUER}?x=1",
        ISSUER.upper(),
        ISSUER.replace("54321", "54322"),
        ISSUER.replace("127.0.0.1", "localhost"),
        ISSUER.replace("/auth/v1", "/auth/v1/../v1"),
        ISSUER.replace("http:", "https:"),
        f" {ISSUER}",
        "https://otherproject.supabase.co/auth/v1",
        "",
        [ISSUER],
        None,
        1,
        ...,
    ]
    for number, issuer in enumerate(issuers):
        yield f"iss_{number}", mint.token(payload=claims(iss=issuer)), "issuer_differs"
