"""Key-set parsing: bad keys are left out, a set of only bad ones is refused."""

from __future__ import annotations

import json
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from hypothesis import given
from hypothesis import strategies as st

from flask_signet.gatekeeper.jwks import (
    PUBLIC_DEVELOPMENT_KID,
    InlineKeySet,
    KeySetRefused,
    ParsedKeySet,
    parse_key_set,
)
from tests.support.token_mint import Mint, b64

MINT = Mint()
GOOD = MINT.jwk("EdDSA", kid="good")


def parse(*members: Any, allow_development_key: bool = False) -> ParsedKeySet:
    raw = json.dumps({"keys": list(members)}).encode()
    return parse_key_set(raw, allow_development_key=allow_development_key)


def rsa_jwk(bits: int = 2048, exponent: int | None = None) -> dict[str, Any]:
    numbers = rsa.generate_private_key(public_exponent=65537, key_size=bits).public_key().public_numbers()
    e = exponent or numbers.e
    return {
        "kty": "RSA",
        "kid": "k",
        "n": b64(numbers.n.to_bytes(bits // 8, "big")),
        "e": b64(e.to_bytes((e.bit_length() + 7) // 8, "big")),
    }


def off_curve() -> dict[str, Any]:
    return MINT.jwk("ES256", y=MINT.jwk("ES256")["x"])


BAD: dict[str, Any] = {
    "null": None,
    "string": "key",
    "list": [],
    "no_kid": {name: value for name, value in MINT.jwk("ES256").items() if name != "kid"},
    "kid_number": MINT.jwk("ES256", kid=1),
    "kid_with_blank": MINT.jwk("ES256", kid="a b"),
    "use_enc": MINT.jwk("ES256", use="enc"),
    "use_list": MINT.jwk("ES256", use=["sig"]),
    "key_ops_sign_only": MINT.jwk("ES256", key_ops=["sign"]),
    "key_ops_empty": MINT.jwk("ES256", key_ops=[]),
    "key_ops_string": MINT.jwk("ES256", key_ops="verify"),
    "symmetric": {"kty": "oct", "kid": "k", "k": b64(b"x" * 32), "alg": "HS256"},
    "private_ec": MINT.jwk("ES256", d=b64(b"x" * 32)),
    "private_rsa_member": MINT.jwk("RS256", p="AQAB"),
    "private_ed": MINT.jwk("EdDSA", d=b64(b"x" * 32)),
    "symmetric_member": MINT.jwk("ES256", k="secret"),
    "unknown_kty": MINT.jwk("ES256", kty="XX"),
    "kty_list": MINT.jwk("ES256", kty=["EC"]),
    "unknown_curve": MINT.jwk("ES256", crv="P-384"),
    "curve_list": MINT.jwk("ES256", crv=["P-256"]),
    "x25519": MINT.jwk("EdDSA", crv="X25519"),
    "alg_of_another_key": MINT.jwk("ES256", alg="RS256"),
    "alg_none": MINT.jwk("ES256", alg="none"),
    "alg_hs256": MINT.jwk("ES256", alg="HS256"),
    "alg_list": MINT.jwk("ES256", alg=["ES256"]),
    "off_curve": off_curve(),
    "x_missing": MINT.jwk("ES256", x=None),
    "x_short": MINT.jwk("ES256", x="AAAA"),
    "x_not_base64": MINT.jwk("ES256", x="!!!"),
    "ed_short": MINT.jwk("EdDSA", x="AAAA"),
    "rsa_1024": rsa_jwk(1024),
    "rsa_e_1": rsa_jwk(exponent=1),
    "rsa_e_even": rsa_jwk(exponent=65536),
    "rsa_n_list": {**rsa_jwk(), "n": [1]},
    "development_key": MINT.jwk("ES256", kid=PUBLIC_DEVELOPMENT_KID),
}


@pytest.mark.parametrize("member", BAD.values(), ids=BAD)
def test_a_bad_key_is_left_out_and_the_good_one_stays(member: Any) -> None:
    parsed = parse(member, GOOD)
    assert set(parsed.keys) == {"good"}
    assert len(parsed.refused) == 1


@pytest.mark.parametrize("member", BAD.values(), ids=BAD)
def test_a_set_of_bad_keys_only_is_refused_as_a_whole(member: Any) -> None:
    with pytest.raises(KeySetRefused, match="no usable key"):
        parse(member)


def test_two_keys_under_one_kid_are_both_left_out() -> None:
    twins = [MINT.jwk("ES256", kid="same"), MINT.jwk("RS256", kid="same")]
    parsed = parse(*twins, GOOD)
    assert set(parsed.keys) == {"good"}
    assert len(parsed.refused) == 2


@pytest.mark.parametrize("absent", [("alg",), ("use",), ("key_ops",), ("alg", "use", "key_ops")], ids=str)
def test_optional_members_may_be_absent(absent: tuple[str, ...]) -> None:
    jwk = {name: value for name, value in MINT.jwk("ES256").items() if name not in absent}
    assert parse(jwk).keys["es-key"].algorithm == "ES256"


def test_the_development_key_is_good_on_loopback() -> None:
    assert parse(MINT.jwk("ES256", kid=PUBLIC_DEVELOPMENT_KID), allow_development_key=True).keys


def test_an_empty_set_is_reported_as_empty() -> None:
    assert parse() == ParsedKeySet({}, ())


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"[]",
        b"{}",
        b"null",
        b'{"keys": {}}',
        b'{"keys": null}',
        b"<html>",
        b'{"keys":[]}x',
        b'\xef\xbb\xbf{"keys":[]}',
        b'{"keys":[],"keys":[]}',
        '{"keys":[]}'.encode("utf-16"),
        b"\xff",
        b"[" * 3000,
    ],
    ids=repr,
)
def test_what_is_no_key_set_is_refused(raw: bytes) -> None:
    with pytest.raises(KeySetRefused):
        parse_key_set(raw, allow_development_key=False)


def test_more_keys_than_any_project_has_are_refused() -> None:
    with pytest.raises(KeySetRefused, match="more than 32"):
        parse(*[MINT.jwk("EdDSA", kid=f"k{number}") for number in range(33)])


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)
MEMBER = st.sampled_from([MINT.jwk("ES256"), MINT.jwk("RS256"), GOOD])


@given(MEMBER, st.sampled_from(["kty", "crv", "x", "y", "n", "e", "kid", "alg", "use", "key_ops"]), JSON)
def test_any_change_of_a_key_gives_a_key_or_a_refusal(member: dict[str, Any], name: str, value: Any) -> None:
    parsed = parse({**member, name: value}, MINT.jwk("ES256", kid="always-good"))
    assert "always-good" in parsed.keys or value == "always-good"


@given(st.binary())
def test_any_bytes_give_a_set_or_a_refusal(raw: bytes) -> None:
    with pytest.raises(KeySetRefused):
        parse_key_set(raw, allow_development_key=False)


def test_the_settings_may_hold_the_array_of_keys_alone() -> None:
    """Official servers read both forms from SUPABASE_JWKS; an endpoint always answers the object."""
    raw = json.dumps([MINT.jwk("ES256")]).encode()
    assert set(InlineKeySet(raw).current().keys) == {"es-key"}
    with pytest.raises(KeySetRefused):
        parse_key_set(raw, allow_development_key=False)
    with pytest.raises(KeySetRefused, match="no keys"):
        InlineKeySet(b"[]")
    with pytest.raises(KeySetRefused, match="private"):
        InlineKeySet(json.dumps([MINT.jwk("ES256", d="x")]).encode())
