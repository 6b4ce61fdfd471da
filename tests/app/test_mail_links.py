"""The links of mails: which can be redeemed, and what is wrong with the others."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.auth.mail_links import CodeLink, MailLink, read_link

HASH = "3a7bd3e2360a3d29eea436fcfb7e44c735d117c42d1c1835420b6b99"


@pytest.mark.parametrize("kind", ["signup", "invite", "magiclink", "recovery", "email_change", "email"])
@pytest.mark.parametrize("token_hash", [HASH, f"pkce_{HASH}"], ids=["plain", "of a PKCE client"])
def test_a_whole_link_can_be_redeemed(kind: str, token_hash: str) -> None:
    assert read_link({"token_hash": token_hash, "type": kind}) == MailLink(token_hash, kind)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("parameters", "trouble"),
    [
        ({}, "incomplete"),
        ({"token_hash": HASH}, "incomplete"),
        ({"type": "email"}, "incomplete"),
        ({"token_hash": "", "type": "email"}, "incomplete"),
        ({"token_hash": HASH[:10], "type": "email"}, "incomplete"),
        ({"token_hash": HASH, "type": "sms"}, "incomplete"),
        ({"token_hash": f"{HASH} ", "type": "email"}, "incomplete"),
        ({"token_hash": "<script>alert(1)</script>", "type": "email"}, "incomplete"),
        ({"token_hash": "a" * 201, "type": "email"}, "incomplete"),
        ({"code": "0b1c"}, "incomplete"),
        ({"fragment": "link"}, "fragment"),
        ({"error": "access_denied", "error_code": "otp_expired"}, "expired"),
        ({"error_code": "otp_expired", "code": "x"}, "expired"),
    ],
    ids=[
        "nothing",
        "no type",
        "no token",
        "empty token",
        "cut off",
        "unknown type",
        "blank at the end",
        "no token at all",
        "too long",
        "code cut off",
        "fragment of a default template",
        "answer of a default template",
        "answer with a code",
    ],
)
def test_any_other_link_has_a_named_trouble(parameters: dict[str, str], trouble: str) -> None:
    assert read_link(parameters) == trouble


@given(st.dictionaries(st.sampled_from(["token_hash", "type", "code", "error", "next"]), st.text()))
def test_no_link_raises_and_none_but_a_token_passes(parameters: dict[str, str]) -> None:
    link = read_link(parameters)
    assert isinstance(link, str | CodeLink) or link.token_hash.isascii()


def test_a_token_is_not_printed() -> None:
    assert HASH not in repr(MailLink(HASH, "email"))


@pytest.mark.parametrize("purpose", ["signup", "recovery", "magiclink", "email_change", "", "other"])
def test_a_code_says_what_it_is_for(purpose: str) -> None:
    code = "0e9f3f62-6a34-4a0b-9d54-0e6a53a4c6c1"
    link = read_link({"code": code, "for": purpose})
    assert link == CodeLink(code, "" if purpose == "other" else purpose)
    assert code not in repr(link)
