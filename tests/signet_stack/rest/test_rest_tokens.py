"""The data API's check of tokens: PostgREST's rules, a memory that a new key set empties."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from signet_stack.rest import tokens
from signet_stack.rest.errors import RestError
from signet_stack.rest.tokens import TokenVerifier
from signet_stack.signing_keys import SigningKey
from tests.flask_signet.gatekeeper.attacks import algorithms, encodings, signatures
from tests.flask_signet.gatekeeper.attacks import claims as claim_attacks
from tests.support.token_mint import ALICE, NOW, Mint, b64, claims

MINT = Mint()
KEYS = {jwk["kid"]: SigningKey(jwk["kid"], jwk["alg"], "in_use", jwk, None) for jwk in MINT.jwks["keys"]}
# What the gatekeeper refuses and PostgREST does not look at: other header members, claims of the session.
NOT_LOOKED_AT = {"token_header_refused", "claim_refused", "issuer_differs"}
ATTACKS = [
    case for group in (algorithms, encodings, signatures, claim_attacks) for case in group.attacks(MINT)
]
# JSON with a member twice is good JSON to PostgREST; six seconds are within its leeway.
PASSING = {"duplicate_sub", "duplicate_sub_escaped", "duplicate_role", "duplicate_exp",
           "duplicate_nested", "expired_6_s"}  # fmt: skip


class Clock:
    """Time that a test moves."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> datetime:
        return datetime.fromtimestamp(self.now, UTC)


def make_verifier() -> tuple[TokenVerifier, dict[str, SigningKey], Clock]:
    keys, clock = dict(KEYS), Clock()
    return TokenVerifier(lambda: keys, clock), keys, clock


def refusal(token: str, now: int = NOW) -> RestError | None:
    verifier, _, clock = make_verifier()
    clock.now = now
    try:
        verifier.verify(token)
    except RestError as error:
        return error
    return None


@pytest.mark.parametrize("algorithm", ["ES256", "RS256", "EdDSA"])
def test_a_good_token_gives_its_claims(algorithm: str) -> None:
    verifier, _, _ = make_verifier()
    assert verifier.verify(MINT.token(algorithm)) == claims()


def test_a_token_without_kid_is_tried_with_every_key() -> None:
    for algorithm in ("ES256", "RS256", "EdDSA"):
        assert refusal(MINT.token(algorithm, header=MINT.header(algorithm, kid=...))) is None


@pytest.mark.parametrize(
    ("token", "message"),
    [
        ("", "Empty JWT is sent in Authorization header"),
        ("a", "Expected 3 parts in JWT; got 1"),
        ("a.b.c.d.e", "Expected 3 parts in JWT; got 5"),
        ("a.b.c", "JWT cryptographic operation failed"),
        (MINT.token(header=MINT.header(alg="none")), "Wrong or unsupported encoding algorithm"),
        (MINT.token(header=MINT.header(alg="HS256")), "Wrong or unsupported encoding algorithm"),
        (MINT.token(header=MINT.header(alg=["ES256"])), "Wrong or unsupported encoding algorithm"),
        (MINT.token(header=MINT.header(kid="unknown")), "No suitable key or wrong key type"),
        (MINT.token(header=MINT.header(alg="RS256")), "No suitable key or wrong key type"),
        (MINT.token(header=MINT.header(crit=["exp"])), "JWT cryptographic operation failed"),
        (Mint().token(), "JWT cryptographic operation failed"),
    ],
    ids=[
        "empty",
        "1 part",
        "5 parts",
        "no base64",
        "none",
        "HS256",
        "list",
        "kid",
        "other alg",
        "crit",
        "other key",
    ],
)
def test_a_token_that_is_not_ours_is_PGRST301(token: str, message: str) -> None:
    error = refusal(token)
    assert error is not None
    assert (error.code, error.message) == ("PGRST301", message)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"exp": NOW - 31}, "JWT expired"),
        ({"exp": NOW + 100.5}, "JWT expired"),
        ({"exp": 10**30}, "JWT expired"),
        ({"exp": "never"}, "The JWT 'exp' claim must be a number"),
        ({"exp": True}, "The JWT 'exp' claim must be a number"),
        ({"nbf": NOW + 31}, "JWT not yet valid"),
        ({"nbf": []}, "The JWT 'nbf' claim must be a number"),
        ({"iat": NOW + 31}, "JWT issued at future"),
        ({"iat": "now"}, "The JWT 'iat' claim must be a number"),
        ({"aud": 1}, "The JWT 'aud' claim must be a string or an array of strings"),
        ({"aud": ["a", 1]}, "The JWT 'aud' claim must be a string or an array of strings"),
    ],
    ids=str,
)
def test_a_token_that_does_not_hold_now_is_PGRST303(changes: dict[str, Any], message: str) -> None:
    error = refusal(MINT.token(payload=claims(**changes)))
    assert error is not None
    assert (error.code, error.message) == ("PGRST303", message)


@pytest.mark.parametrize(
    "changes",
    [{"exp": NOW - 30}, {"exp": ...}, {"exp": None}, {"nbf": NOW + 30}, {"iat": NOW + 30}, {"aud": ...},
     {"aud": []}, {"aud": ["a", "b"]}, {"role": "anybody"}, {"iss": "elsewhere"}],
    ids=str,
)  # fmt: skip
def test_what_postgrest_lets_pass_passes(changes: dict[str, Any]) -> None:
    assert refusal(MINT.token(payload=claims(**changes))) is None


def test_a_refusal_is_a_challenge() -> None:
    error = refusal(MINT.token(payload=claims(exp=0)))
    assert error is not None
    assert error.status == 401
    challenge = 'Bearer error="invalid_token", error_description="JWT expired"'
    assert error.headers == (("WWW-Authenticate", challenge),)


def test_claims_that_are_no_object_are_PGRST303() -> None:
    for payload in (b"[]", b"1", b'"x"', b"{", b'{"exp":NaN}'):
        error = refusal(MINT.sign(b'{"alg":"ES256","kid":"es-key"}', payload))
        assert error is not None
        assert (error.code, error.message) == ("PGRST303", "Parsing claims failed")


@pytest.mark.parametrize(("token", "code"), [case[1:] for case in ATTACKS], ids=[case[0] for case in ATTACKS])
def test_a_hostile_token_is_refused_or_holds_what_we_signed(
    token: str, code: str, request: pytest.FixtureRequest
) -> None:
    name = request.node.callspec.id
    error = refusal(token)
    if code not in NOT_LOOKED_AT and name not in PASSING:
        assert error is not None


@given(
    st.text() | st.tuples(st.binary(), st.binary(), st.binary()).map(lambda parts: ".".join(map(b64, parts)))
)
def test_any_text_is_refused_and_nothing_else_happens(token: str) -> None:
    assert refusal(token) is not None


def test_time_is_checked_for_a_remembered_token_too() -> None:
    verifier, _, clock = make_verifier()
    token = MINT.token()
    verifier.verify(token)
    clock.now = NOW + 3631
    with pytest.raises(RestError, match="JWT expired"):
        verifier.verify(token)


def test_a_remembered_token_is_not_verified_again(monkeypatch: pytest.MonkeyPatch) -> None:
    verifier, _, _ = make_verifier()
    token = MINT.token()
    verifier.verify(token)
    monkeypatch.setattr(tokens, "_claims", None)
    assert verifier.verify(token)["sub"] == ALICE


def test_revoking_a_key_ends_what_it_signed_at_once() -> None:
    verifier, keys, _ = make_verifier()
    by_es, by_rs = MINT.token("ES256"), MINT.token("RS256")
    verifier.verify(by_es)
    del keys["es-key"]
    with pytest.raises(RestError, match="No suitable key"):
        verifier.verify(by_es)
    verifier.verify(by_rs)
    keys["es-key"] = KEYS["es-key"]
    verifier.verify(by_es)


def test_the_memory_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tokens, "MEMORY_SIZE", 3)
    verifier, _, _ = make_verifier()
    for number in range(6):
        verifier.verify(MINT.token(payload=claims(sub=str(number))))
    assert verifier._verified.claims.cache_info().currsize == 3
