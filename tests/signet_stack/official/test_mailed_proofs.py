"""The calls of the official client that send a mail; skipped where there is no mailbox to read it in."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from supabase import AuthApiError, Client

from tests.signet_stack.official.conftest import Target, new_email
from tests.support.cast import PASSWORD

ANOTHER = "another battery staple"
Mails = Callable[[str], list[dict[str, Any]]]


@pytest.fixture
def mails(target: Target) -> Mails:
    """Return a function that reads the mails to an address, newest first."""

    address, key = f"{target.url}/mailbox/api/mails", {"apikey": target.secret_key}

    def read(email: str) -> list[dict[str, Any]]:
        answer = target.http.get(address, params={"to": email}, headers=key)
        return list(answer.raise_for_status().json()["mails"])

    if target.http.get(address, headers=key).status_code != 200:
        pytest.skip("this project shows its mails to nobody")
    return read


def opened(target: Target, proof: dict[str, Any]) -> Client:
    """Redeem what was mailed, and return the client that is signed in by it."""
    client = target.client()
    answer = client.auth.verify_otp(proof)  # type: ignore[arg-type]
    assert answer.session is not None
    assert answer.user is not None
    target.users.append(answer.user.id)
    return client


def waiting(target: Target) -> str:
    """Make an account that nobody has confirmed, and return its address."""
    email = new_email()
    made = target.admin().auth.admin.create_user({"email": email, "password": PASSWORD})
    target.users.append(made.user.id)
    return email


def test_sign_up(target: Target, mails: Mails) -> None:
    email, client = new_email(), target.client()
    answer = client.auth.sign_up(
        {"email": email, "password": PASSWORD, "options": {"data": {"colour": "green"}}}
    )
    assert answer.user is not None
    target.users.append(answer.user.id)
    if answer.session is None:  # where addresses must be confirmed
        client = opened(target, {"type": "signup", "email": email, "token": mails(email)[0]["code"]})
    found = client.auth.get_user()
    assert found is not None
    assert found.user.user_metadata["colour"] == "green"
    assert [one.provider for one in client.auth.get_user_identities().identities] == ["email"]


def test_a_confirmation_is_sent_again(target: Target, mails: Mails) -> None:
    email = waiting(target)
    target.client().auth.resend({"type": "signup", "email": email})
    proof = {"type": "signup", "token_hash": mails(email)[0]["token_hash"]}
    assert opened(target, {**proof, "options": {"redirect_to": target.url}}).auth.get_user() is not None


def test_a_link_to_sign_in_for_somebody_new(target: Target, mails: Mails) -> None:
    email = new_email()
    target.client().auth.sign_in_with_otp({"email": email})
    client = opened(target, {"type": "email", "email": email, "token": mails(email)[0]["code"]})
    client.auth.sign_out({"scope": "local"})
    assert client.auth.get_session() is None


def test_a_code_is_exchanged_for_a_session(target: Target, mails: Mails) -> None:
    """The client keeps the verifier of its PKCE flow; the link of the mail leads to the code."""
    email, client = target.person(), target.client()
    client.auth.reset_password_for_email(email)
    link = {"type": "recovery", "token": mails(email)[0]["token_hash"]}
    location = target.http.get(f"{target.url}/auth/v1/verify", params=link).headers["location"]
    code = location.partition("code=")[2]
    with pytest.raises(AuthApiError) as caught:
        client.auth.exchange_code_for_session({"auth_code": code, "code_verifier": "w" * 50})
    assert caught.value.code == "bad_code_verifier"
    assert client.auth.exchange_code_for_session({"auth_code": code}).session is not None


def test_a_new_password_with_a_mailed_code(target: Target, mails: Mails) -> None:
    email = target.person()
    client = target.signed_in(email)
    client.auth.reauthenticate()
    client.auth.update_user({"password": ANOTHER, "nonce": mails(email)[0]["code"]})
    target.client().auth.sign_in_with_password({"email": email, "password": ANOTHER})


def test_a_change_of_address(target: Target, mails: Mails) -> None:
    old, new = target.person(), new_email()
    client = target.signed_in(old)
    assert client.auth.update_user({"email": new}).user.new_email == new
    first, second = (
        {"type": "email_change", "token_hash": mails(address)[0]["token_hash"]} for address in (old, new)
    )
    assert target.client().auth.verify_otp(first).session is None  # type: ignore[arg-type]
    found = opened(target, second).auth.get_user()
    assert found is not None
    assert found.user.email == new


def test_an_invitation(target: Target, mails: Mails) -> None:
    email = new_email()
    invited = target.admin().auth.admin.invite_user_by_email(email, {"data": {"team": "x"}}).user
    target.users.append(invited.id)
    proof = {"type": "invite", "token_hash": mails(email)[0]["token_hash"]}
    client = opened(target, proof)
    client.auth.update_user({"password": PASSWORD})
    found = target.signed_in(email).auth.get_user()
    assert found is not None
    assert found.user.user_metadata["team"] == "x"
