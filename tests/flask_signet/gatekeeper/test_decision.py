"""The decision for every result of token verification."""

from __future__ import annotations

import dataclasses

import pytest

from flask_signet.gatekeeper.decision import (
    Decision,
    Refresh,
    SignedIn,
    SignOut,
    decide,
    is_near_expiry,
)
from flask_signet.gatekeeper.errors import (
    ClaimRefused,
    IssuerDiffers,
    KeyUnknown,
    SignatureInvalid,
    TokenError,
    TokenExpired,
    TokenMalformed,
    TokenNotYetValid,
)
from flask_signet.gatekeeper.tokens import AccessClaims
from tests.support.token_mint import NOW
from tests.support.verified import CLAIMS


@pytest.mark.parametrize(
    ("verdict", "now", "expected"),
    [
        (CLAIMS, NOW, SignedIn(CLAIMS)),
        (CLAIMS, NOW + 3540, SignedIn(CLAIMS)),
        (CLAIMS, NOW + 3541, Refresh(CLAIMS)),
        (CLAIMS, NOW + 3604, Refresh(CLAIMS)),
        (TokenExpired(), NOW, Refresh(None)),
        (KeyUnknown(), NOW, Refresh(None)),
        (IssuerDiffers(), NOW, Refresh(None)),
        (TokenNotYetValid(), NOW, Refresh(None)),
        (SignatureInvalid(), NOW, SignOut("invalid")),
        (TokenMalformed(), NOW, SignOut("invalid")),
        (ClaimRefused("role"), NOW, SignOut("invalid")),
    ],
    ids=str,
)
def test_the_result_of_verification_decides(
    verdict: AccessClaims | TokenError, now: int, expected: Decision
) -> None:
    assert decide(verdict, now) == expected


@pytest.mark.parametrize(("life", "margin"), [(3600, 60), (240, 60), (120, 30), (60, 15), (8, 2)])
def test_a_token_is_exchanged_in_its_last_minute_or_quarter(life: int, margin: int) -> None:
    claims = dataclasses.replace(CLAIMS, expires_at=NOW + life)
    assert not is_near_expiry(claims, NOW + life - margin)
    assert is_near_expiry(claims, NOW + life - margin + 0.5)
