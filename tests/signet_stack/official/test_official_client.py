"""Every supported Auth call through the official client; the same tests on any project."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from supabase import AuthApiError
from supabase_auth.errors import AuthError

from signet_stack.auth.mfa import totp
from tests.signet_stack.official.conftest import Target, new_email
from tests.support.cast import PASSWORD

ANOTHER = "another battery staple"


def code_of(caught: pytest.ExceptionInfo[AuthError]) -> str | None:
    return caught.value.code


def test_sign_in_and_who_is_it(target: Target) -> None:
    email = target.person()
    client = target.signed_in(email)
    found = client.auth.get_user()
    assert found is not None
    assert found.user.email == email
    assert found.user.identities is not None
    claims = client.auth.get_claims()
    assert claims is not None
    assert claims["claims"]["sub"] == found.user.id
    assert claims["claims"]["role"] == "authenticated"


def test_a_wrong_password(target: Target) -> None:
    email = target.person()
    with pytest.raises(AuthApiError) as caught:
        target.client().auth.sign_in_with_password({"email": email, "password": "wrong"})
    assert code_of(caught) == "invalid_credentials"


def test_a_weak_password(target: Target) -> None:
    client = target.signed_in()
    with pytest.raises(AuthError) as caught:
        client.auth.update_user({"password": "a"})
    assert code_of(caught) == "weak_password"


def test_refresh(target: Target) -> None:
    client = target.signed_in()
    first = client.auth.get_session()
    assert first is not None
    second = client.auth.refresh_session(first.refresh_token).session
    assert second is not None
    assert second.refresh_token != first.refresh_token
    # The answer to a refresh can be lost: the token before the current one gives the current one.
    third = client.auth.refresh_session(first.refresh_token).session
    assert third is not None
    assert third.refresh_token == second.refresh_token


def test_a_refresh_token_that_nobody_has(target: Target) -> None:
    with pytest.raises(AuthApiError) as caught:
        target.client().auth.refresh_session("abcdefghijkl")
    assert code_of(caught) == "refresh_token_not_found"


def test_set_session(target: Target) -> None:
    session = target.signed_in().auth.get_session()
    assert session is not None
    adopted = target.client().auth.set_session(session.access_token, session.refresh_token)
    assert adopted.user is not None


@pytest.mark.parametrize(
    ("scope", "first", "second"), [("local", False, True), ("others", True, False), ("global", False, False)]
)
def test_sign_out(target: Target, scope: str, first: bool, second: bool) -> None:
    email = target.person()
    tokens = []
    for _ in range(2):
        session = target.signed_in(email).auth.get_session()
        assert session is not None
        tokens.append(session.access_token)
    target.client().auth.admin.sign_out(tokens[0], scope)  # type: ignore[arg-type]
    for token, lives in zip(tokens, (first, second), strict=True):
        if lives:
            assert target.client().auth.get_user(token) is not None
        else:
            with pytest.raises(AuthApiError) as caught:
                target.client().auth.get_user(token)
            assert code_of(caught) == "session_not_found"


def test_update_user(target: Target) -> None:
    email = target.person()
    client = target.signed_in(email)
    assert client.auth.update_user({"data": {"colour": "green"}}).user.user_metadata["colour"] == "green"
    with pytest.raises(AuthApiError) as caught:
        client.auth.update_user({"password": PASSWORD})
    assert code_of(caught) == "same_password"
    client.auth.update_user({"password": ANOTHER})
    target.client().auth.sign_in_with_password({"email": email, "password": ANOTHER})


@pytest.mark.parametrize("kind", ["magiclink", "recovery"])
def test_links_and_codes(target: Target, kind: str) -> None:
    email = target.person()
    for way in ("hash", "code"):
        made = target.admin().auth.admin.generate_link({"type": kind, "email": email})  # type: ignore[arg-type,misc]
        link = made.properties
        proof = (
            {"type": kind, "token_hash": link.hashed_token}
            if way == "hash"
            else {"type": kind, "email": email, "token": link.email_otp}
        )
        opened = target.client().auth.verify_otp(proof)  # type: ignore[arg-type]
        assert opened.session is not None
        with pytest.raises(AuthApiError) as caught:
            target.client().auth.verify_otp(proof)  # type: ignore[arg-type]
        assert code_of(caught) == "otp_expired"


def test_sign_up_by_a_generated_link(target: Target) -> None:
    email = new_email()
    made = target.admin().auth.admin.generate_link({"type": "signup", "email": email, "password": PASSWORD})
    target.users.append(made.user.id)
    opened = target.client().auth.verify_otp({"type": "signup", "token_hash": made.properties.hashed_token})
    assert opened.user is not None
    assert opened.user.email_confirmed_at is not None


def test_asking_for_a_mail_tells_nothing(target: Target) -> None:
    target.client().auth.reset_password_for_email(new_email())
    target.client().auth.resend({"type": "signup", "email": new_email()})
    with pytest.raises(AuthApiError) as caught:
        target.client().auth.sign_in_with_otp(
            {"email": new_email(), "options": {"should_create_user": False}}
        )
    assert code_of(caught) == "otp_disabled"


def test_administration(target: Target) -> None:
    admin, email = target.admin().auth.admin, new_email()
    user = admin.create_user({"email": email, "password": PASSWORD, "user_metadata": {"n": 1}}).user
    target.users.append(user.id)
    assert admin.get_user_by_id(user.id).user.user_metadata["n"] == 1
    assert user.id in [listed.id for listed in admin.list_users(per_page=50)]
    with pytest.raises(AuthApiError) as caught:
        target.client().auth.sign_in_with_password({"email": email, "password": PASSWORD})
    assert code_of(caught) == "email_not_confirmed"
    admin.update_user_by_id(user.id, {"email_confirm": True, "app_metadata": {"plan": "gold"}})
    assert target.signed_in(email).auth.get_session() is not None
    admin.update_user_by_id(user.id, {"ban_duration": "1h"})
    with pytest.raises(AuthApiError) as banned:
        target.client().auth.sign_in_with_password({"email": email, "password": PASSWORD})
    assert code_of(banned) == "user_banned"


def test_deletion(target: Target) -> None:
    admin, email = target.admin().auth.admin, target.person()
    client, user_id = target.signed_in(email), target.users[0]
    admin.delete_user(user_id, should_soft_delete=True)
    with pytest.raises(AuthApiError) as ended:
        client.auth.get_user()
    assert code_of(ended) == "session_not_found"
    assert admin.get_user_by_id(user_id).user.email != email
    admin.delete_user(user_id)
    target.users.clear()
    with pytest.raises(AuthApiError) as gone:
        admin.get_user_by_id(user_id)
    assert code_of(gone) == "user_not_found"


def test_only_administrators_administer(target: Target) -> None:
    with pytest.raises(AuthApiError) as caught:
        target.client().auth.admin.list_users()
    assert code_of(caught) == "not_admin"


def test_anonymous_sign_in_is_off(target: Target) -> None:
    with pytest.raises(AuthApiError) as caught:
        target.client().auth.sign_in_anonymously()
    assert code_of(caught) == "anonymous_provider_disabled"


def test_second_factors(target: Target) -> None:
    client = target.signed_in()
    mfa = client.auth.mfa
    factor = mfa.enroll({"factor_type": "totp", "friendly_name": "phone"})
    assert factor.totp is not None
    assert factor.totp.qr_code.startswith("data:image/svg+xml")
    challenge = mfa.challenge({"factor_id": factor.id})
    with pytest.raises(AuthApiError) as caught:
        mfa.verify({"factor_id": factor.id, "challenge_id": challenge.id, "code": "wrong"})
    assert code_of(caught) == "mfa_verification_failed"
    level = mfa.get_authenticator_assurance_level()
    assert (level.current_level, level.next_level) == ("aal1", "aal1")
    code = totp(factor.totp.secret, datetime.now(UTC))
    verified = mfa.challenge_and_verify({"factor_id": factor.id, "code": code})
    level = mfa.get_authenticator_assurance_level()
    assert (level.current_level, level.next_level) == ("aal2", "aal2")
    assert [found.id for found in mfa.list_factors().totp] == [factor.id]
    admin = target.admin().auth.admin.mfa
    listed = admin.list_factors({"user_id": verified.user.id})
    assert [found.id for found in listed] == [factor.id]
    assert mfa.unenroll({"factor_id": factor.id}).id == factor.id
    spare = mfa.enroll({"factor_type": "totp", "friendly_name": "spare"})
    assert admin.delete_factor({"user_id": verified.user.id, "id": spare.id}).id == spare.id
    assert admin.list_factors({"user_id": verified.user.id}) == []
