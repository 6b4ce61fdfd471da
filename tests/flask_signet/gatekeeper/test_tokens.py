"""The check of access tokens: what passes, and what is refused by which code."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flask_signet.gatekeeper.errors import TokenError, TokenRejected, TokenStale
from flask_signet.gatekeeper.jwks import parse_key_set
from flask_signet.gatekeeper.tokens import AccessClaims, Expected, verify_access_token
from tests.flask_signet.gatekeeper.attacks import algorithms, encodings, signatures
from tests.flask_signet.gatekeeper.attacks import claims as claim_attacks
from tests.support.token_mint import ALICE, ISSUER, NOW, SESSION, Mint, b64, claims, ecdsa_twin

MINT = Mint()
KEYS = parse_key_set(json.dumps(MINT.jwks).encode(), allow_development_key=False).keys
EXPECTED = Expected((ISSUER,))
# Each case: name, token, and the code of the refusal that it must meet (RFC 8725 and its successor).
ATTACKS = [
    case for group in (algorithms, encodings, signatures, claim_attacks) for case in group.attacks(MINT)
]
REFRESHED = {"token_expired", "token_not_yet_valid", "key_unknown", "issuer_differs"}


def verify(token: str, now: float = NOW) -> AccessClaims:
    return verify_access_token(token, KEYS, EXPECTED, now)


def test_there_are_at_least_300_attacks_with_unique_names() -> None:
    assert len({name for name, _, _ in ATTACKS}) == len(ATTACKS) >= 300


@pytest.mark.parametrize(("token", "code"), [case[1:] for case in ATTACKS], ids=[case[0] for case in ATTACKS])
def test_a_hostile_token_is_refused_by_its_own_code(token: str, code: str) -> None:
    with pytest.raises(TokenError) as refusal:
        verify(token)
    assert refusal.value.code == code
    assert isinstance(refusal.value, TokenStale if code in REFRESHED else TokenRejected)


@pytest.mark.parametrize("algorithm", ["ES256", "RS256", "EdDSA"])
def test_a_good_token_gives_its_claims(algorithm: str) -> None:
    verified = verify(MINT.token(algorithm))
    assert (str(verified.user_id), str(verified.session_id)) == (ALICE, SESSION)
    assert (verified.email, verified.role) == ("alice@example.com", "authenticated")
    assert (verified.issued_at, verified.expires_at) == (NOW, NOW + 3600)


@pytest.mark.parametrize(
    "changes",
    [
        {"aud": ["authenticated"]},
        {"email": ...},
        {"email": ""},
        {"is_anonymous": ...},
        {"amr": ...},
        {"nbf": NOW + 30},
        {"iat": NOW + 30},
        {"iat": NOW - 3605, "exp": NOW - 5},
        {"exp": NOW + 604_800},
        {"user_metadata": {"name": "Ünïcødé 🙂"}},
    ],
    ids=str,
)
def test_variants_of_a_good_token_pass(changes: dict[str, Any]) -> None:
    verify(MINT.token(payload=claims(**changes)))


def test_a_header_without_typ_passes() -> None:
    verify(MINT.token(header=MINT.header(typ=...)))


def test_the_ecdsa_twin_passes_and_names_the_same_session() -> None:
    """Every ES256 verifier accepts (r, n-s); a session must never be known by the text of its token."""
    token = MINT.token()
    twin = ecdsa_twin(token)
    assert twin != token
    assert verify(twin) == verify(token)


def test_time_is_checked_to_the_second_of_the_leeway() -> None:
    token = MINT.token()
    assert verify(token, NOW + 3605)
    with pytest.raises(TokenError, match="token_expired"):
        verify(token, NOW + 3605.1)
    assert verify(token, NOW - 30)
    with pytest.raises(TokenError, match="token_not_yet_valid"):
        verify(token, NOW - 30.1)


def test_no_refusal_repeats_the_token() -> None:
    for _, token, _ in ATTACKS:
        with pytest.raises(TokenError) as refusal:
            verify(token)
        assert len(token) < 40 or token[:40] not in f"{refusal.value!r}{refusal.value}"


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


def assert_only_ours(token: str) -> None:
    """A token is verified or refused with a TokenError; nothing else may come out."""
    try:
        verify(token)
    except TokenError:
        return


@given(st.text())
def test_any_text_is_only_ever_refused(text: str) -> None:
    with pytest.raises(TokenError):
        verify(text)


@given(st.binary(), st.binary(), st.binary())
def test_any_three_segments_are_only_ever_refused(header: bytes, payload: bytes, signature: bytes) -> None:
    with pytest.raises(TokenError):
        verify(f"{b64(header)}.{b64(payload)}.{b64(signature)}")


@given(st.dictionaries(st.sampled_from(["alg", "kid", "typ", "crit", "jku", "x"]), ANYTHING))
def test_any_header_is_only_ever_refused_or_good(header: dict[str, Any]) -> None:
    assert_only_ours(MINT.token(header=json.dumps(header).encode()))


@given(st.dictionaries(st.sampled_from(sorted(claims())) | st.text(), ANYTHING))
def test_any_signed_payload_is_only_ever_refused(payload: dict[str, Any]) -> None:
    with pytest.raises(TokenError):
        verify(MINT.sign(json.dumps(MINT.header()).encode(), json.dumps({**payload, "role": "x"}).encode()))


@given(st.data())
@settings(max_examples=300)
def test_no_mutation_of_a_good_token_passes(data: st.DataObject) -> None:
    token = data.draw(st.sampled_from([MINT.token("EdDSA"), MINT.token("RS256"), MINT.token("ES256")]))
    position = data.draw(st.integers(0, len(token) - 1))
    replacement = data.draw(st.characters() | st.sampled_from("ABCxyz019-_.="))
    mutated = token[:position] + replacement + token[position + 1 :]
    if mutated != token:
        with pytest.raises(TokenError):
            verify(mutated)
