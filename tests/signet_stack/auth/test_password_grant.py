"""POST /token?grant_type=password: the checks in their order."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any

import bcrypt
import pytest

from tests.signet_stack.auth.conftest import (
    API_VERSION,
    PASSWORD,
    Project,
    claims_of,
    error,
    new_email,
    refusal,
)
from tests.signet_stack.auth.steps import ban

INVALID = (400, "validation_failed")
WRONG = (400, "invalid_credentials", "Invalid login credentials")
NO_ID_TOKENS = 'Provider (issuer "google") is not enabled'
UNKNOWN_GRANT = (400, "invalid_credentials", "unsupported_grant_type")
BOTH = {"email": "a@b.c", "phone": "1"}


@pytest.mark.parametrize(
    ("settings", "grant", "body", "expected"),
    [
        ({}, "", {}, UNKNOWN_GRANT),
        ({}, "magic", {}, UNKNOWN_GRANT),
        ({}, "id_token", {"provider": "google"}, (400, "provider_disabled", NO_ID_TOKENS)),
        ({}, "web3", {}, (422, "web3_provider_disabled", "Web3 provider is disabled")),
        (
            {"external_email_enabled": False},
            "password",
            BOTH,
            (*INVALID, "Only an email address or phone number should be provided on login."),
        ),
        (
            {"external_email_enabled": False},
            "password",
            {"email": "a@b.c"},
            (422, "email_provider_disabled", "Email logins are disabled"),
        ),
        ({}, "password", {"phone": "1"}, (422, "phone_provider_disabled", "Phone logins are disabled")),
        ({}, "password", {}, (*INVALID, "missing email or phone")),
        ({}, "password", {"email": "nobody@b.c", "password": "x"}, WRONG),
        ({}, "password", {"email": "no address", "password": "x"}, WRONG),
    ],
)
def test_refusals_in_their_order(
    project: Project,
    settings: dict[str, Any],
    grant: str,
    body: dict[str, Any],
    expected: tuple[int, str, str],
) -> None:
    project.set(**settings)
    assert refusal(project.post(f"/token?grant_type={grant}", body)) == expected


def test_a_user_without_password_is_unknown_even_when_banned(project: Project) -> None:
    email = new_email()
    project.post("/otp", {"email": email})
    ban(project, email)
    for password in ("", "x"):
        refused = project.post("/token?grant_type=password", {"email": email, "password": password})
        assert refusal(refused) == WRONG


def test_the_right_password_opens_a_session(project: Project) -> None:
    email = new_email()
    user = project.sign_up(email)["user"]
    answer = project.post("/token?grant_type=password", {"email": email.upper(), "password": PASSWORD})
    session = answer.json()
    claims = claims_of(session["access_token"])
    assert session["weak_password"] is None
    assert session["token_type"] == "bearer"
    assert (claims["sub"], claims["aud"], claims["role"]) == (user["id"], "authenticated", "authenticated")
    assert answer.headers["sb-auth-session-id"] == claims["session_id"]
    assert answer.headers["sb-auth-user-id"] == user["id"]
    assert answer.headers["sb-auth-refresh-token-counter"] == "0"
    assert answer.headers["cache-control"] == "no-store"


def test_wrong_password_and_unknown_address_read_the_same(project: Project) -> None:
    email = new_email()
    project.sign_up(email)
    known = project.post("/token?grant_type=password", {"email": email, "password": "wrong"})
    unknown = project.post("/token?grant_type=password", {"email": new_email(), "password": "wrong"})
    assert known.status_code == unknown.status_code == 400
    assert known.content == unknown.content
    assert {*known.headers} == {*unknown.headers}


def test_a_password_that_became_too_weak_still_opens_and_is_reported(project: Project) -> None:
    email = new_email()
    project.sign_up(email)
    project.set(password_min_length=40)
    assert project.sign_in(email)["weak_password"] == {
        "message": "Password should be at least 40 characters.",
        "reasons": ["length"],
    }


def test_an_unconfirmed_address_is_told_only_with_the_right_password(project: Project) -> None:
    project.set(mailer_autoconfirm=False)
    email = new_email()
    project.post("/signup", {"email": email, "password": PASSWORD})
    path = "/token?grant_type=password"
    assert error(project.post(path, {"email": email, "password": "wrong"})) == (400, "invalid_credentials")
    assert error(project.post(path, {"email": email, "password": PASSWORD})) == (400, "email_not_confirmed")


def test_a_ban_runs_out(project: Project) -> None:
    email = new_email()
    user = project.sign_up(email)["user"]
    project.admin("PUT", f"/admin/users/{user['id']}", {"ban_duration": "1h"})
    refused = project.post("/token?grant_type=password", {"email": email, "password": PASSWORD})
    assert refusal(refused) == (400, "user_banned", "User is banned")
    project.clock.advance(3600)
    project.sign_in(email)


def test_a_password_that_changed_while_it_was_compared_opens_nothing(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No connection is held while bcrypt works, so the account is looked at again."""
    email = new_email()
    project.sign_up(email)
    compare = bcrypt.checkpw

    def change_meanwhile(password: bytes, hashed: bytes) -> bool:
        project.rows("update auth.users set encrypted_password = 'other' where email = %s", email)
        return compare(password, hashed)

    monkeypatch.setattr(bcrypt, "checkpw", change_meanwhile)
    assert (
        refusal(project.post("/token?grant_type=password", {"email": email, "password": PASSWORD})) == WRONG
    )
    sessions = "select sessions.id from auth.sessions join auth.users on users.id = user_id where email = %s"
    assert len(project.rows(sessions, email)) == 1


def test_a_hash_from_go_opens_with_more_than_72_bytes(project: Project) -> None:
    email = new_email()
    project.sign_up(email, "x" * 72)
    project.sign_in(email, "x" * 72 + "ignored")


def test_the_hash_is_bcrypt(project: Project) -> None:
    email = new_email()
    project.sign_up(email)
    ((hashed,),) = project.rows("select encrypted_password from auth.users where email = %s", email)
    assert hashed.startswith("$2b$")


@pytest.mark.parametrize("version", ["2023-12-31", "yesterday", "2024-1-1"])
def test_other_versions_get_the_older_shape(project: Project, version: str) -> None:
    answer = project.post("/token", {}, headers={"X-Supabase-Api-Version": version})
    assert "msg" in answer.json()


def test_a_weak_password_in_the_newer_shape_has_no_code_header(project: Project) -> None:
    body = {"email": new_email(), "password": "short"}
    answer = project.post("/signup", body, headers=API_VERSION)
    assert answer.json()["weak_password"] == {"reasons": ["length"]}
    assert "x-sb-error-code" not in answer.headers


def test_passwords_that_a_seed_hashed_in_sql_sign_in(
    project: Project, superuser_sql: Callable[[str], None]
) -> None:
    """As seeds of hosted projects do it: `crypt(…, gen_salt('bf'))` of pgcrypto, and '' for the tokens."""
    email, user_id = new_email(), str(uuid.uuid4())
    superuser_sql(
        "insert into auth.users (instance_id, id, aud, role, email, encrypted_password, email_confirmed_at,"
        " created_at, updated_at, confirmation_token, recovery_token, email_change_token_new, email_change)"
        f" values ('00000000-0000-0000-0000-000000000000', '{user_id}', 'authenticated', 'authenticated',"
        f" '{email}', extensions.crypt('{PASSWORD}', extensions.gen_salt('bf')), now(), now(), now(),"
        " '', '', '', '')"
    )
    assert project.sign_in(email)["user"]["id"] == user_id
    wrong = project.post("/token?grant_type=password", {"email": email, "password": "another password"})
    assert error(wrong) == (400, "invalid_credentials")
