"""Token inspector: its rows agree with the check that decides about requests, for every refusal."""

from __future__ import annotations

import inspect as inspect_module
import time

import pytest

from flask_signet.gatekeeper import errors, tokens
from flask_signet.gatekeeper.errors import TokenError
from flask_signet.gatekeeper.tokens import Expected, verify_access_token
from flask_signet.lab import broken_tokens
from flask_signet.lab.inspector import CHECKS, REFUSED_AT, Inspection, ago, inspect

EXPECTED = Expected(("http://127.0.0.1:54321/auth/v1",))
KEYS = {broken_tokens.KID: broken_tokens.lab_key()}
NOW = time.time()
CLAIMS = broken_tokens.sample_claims(EXPECTED, NOW)


def inspected(token: str, now: float = NOW) -> Inspection:
    return inspect(token, KEYS, EXPECTED, now, {broken_tokens.KID: "in use"})


def test_a_good_token_passes_every_check() -> None:
    found = inspected(broken_tokens.make_good(CLAIMS))
    assert found.is_accepted
    assert found.is_well_formed
    assert found.has_genuine_signature
    assert [check.name for check in found.checks] == list(CHECKS)


@pytest.mark.parametrize("kind", broken_tokens.BROKEN)
def test_each_broken_token_is_refused_where_the_real_check_refuses_it(kind: str) -> None:
    token = broken_tokens.make_broken(kind, CLAIMS, broken_tokens.make_good(CLAIMS))
    with pytest.raises(TokenError) as refusal:
        verify_access_token(token, KEYS, EXPECTED, NOW)
    assert refusal.value.code == broken_tokens.BROKEN[kind][1]
    found = inspected(token)
    number = REFUSED_AT[refusal.value.code]
    assert [check.passed for check in found.checks] == [True] * number + [False] + [None] * (8 - number)
    assert refusal.value.code in found.checks[number].reason
    assert not found.is_accepted


def test_every_refusal_of_the_token_module_has_a_row_and_a_broken_token() -> None:
    codes = {code for _, code, _ in broken_tokens.BROKEN.values()}
    assert codes == set(REFUSED_AT)


def test_an_expired_token_says_how_long_ago() -> None:
    token = broken_tokens.make_good(CLAIMS)
    assert inspected(token, NOW + 3600 + 250).checks[-1].reason == "expired 4 minutes ago (token_expired)"


@pytest.mark.parametrize("text", ["", "a", "a.b", "a.b.c.d", "\udcff", "é" * 9000, "e30.e30.e30", "." * 50])
def test_any_text_is_inspected_without_an_error(text: str) -> None:
    assert not inspected(text).is_accepted


def test_claims_have_a_meaning_and_times_a_local_reading() -> None:
    claims = {claim.name: claim for claim in inspected(broken_tokens.make_good(CLAIMS)).claims}
    assert "in 59 minutes" in claims["exp"].when
    assert claims["sub"].meaning.endswith("auth.uid() in policies")


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (-240, "4 minutes ago"),
        (60, "in 1 minute"),
        (-1, "1 second ago"),
        (7200, "in 2 hours"),
        (-90000, "1 day ago"),
    ],
)
def test_distances_in_time(seconds: float, words: str) -> None:
    assert ago(seconds) == words


def test_every_error_of_the_token_check_has_a_place() -> None:
    """The check raises these; others come from the session and from the key source."""
    source = inspect_module.getsource(tokens)
    raised = {name for name, kind in vars(errors).items() if isinstance(kind, type) and name in source}
    codes = {vars(errors)[name].code for name in raised if issubclass(vars(errors)[name], TokenError)}
    assert codes - {"token"} == set(REFUSED_AT)
