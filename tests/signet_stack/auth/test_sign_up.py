"""POST /signup: the checks in their order, and what it tells about addresses that have an account."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.signet_stack.auth.conftest import PASSWORD, Project, claims_of, error, new_email, refusal
from tests.signet_stack.auth.steps import ban, waiting

INVALID = (400, "validation_failed")
WEAK = (422, "weak_password", "Password should be at least 8 characters.")
TOO_LONG = (*INVALID, "Password cannot be longer than 72 characters")
BAD_EMAIL = (*INVALID, "Unable to validate email address: invalid format")
HALF_PKCE = (*INVALID, "PKCE flow requires code_challenge_method and code_challenge")
BOTH = (*INVALID, "Only an email address or phone number should be provided on signup.")


@pytest.mark.parametrize(
    ("settings", "body", "expected"),
    [
        ({}, {}, (422, "anonymous_provider_disabled", "Anonymous sign-ins are disabled")),
        (
            {"disable_signup": True},
            {},
            (422, "anonymous_provider_disabled", "Anonymous sign-ins are disabled"),
        ),
        (
            {"disable_signup": True},
            {"email": "a@b.c"},
            (422, "signup_disabled", "Signups not allowed for this instance"),
        ),
        ({}, {"email": "a@b.c"}, (*INVALID, "Signup requires a valid password")),
        ({}, {"email": "a@b.c", "password": "x" * 73}, TOO_LONG),
        ({}, {"email": "a@b.c", "password": "七" * 25}, TOO_LONG),
        ({}, {"email": "a@b.c", "password": "short12"}, WEAK),
        ({}, {"email": "a@b.c", "phone": "1", "password": "short12"}, WEAK),
        ({}, {"email": "a@b.c", "phone": "1", "password": PASSWORD}, BOTH),
        ({}, {"email": "no address", "password": PASSWORD, "code_challenge": "x" * 43}, HALF_PKCE),
        ({}, {"email": "a@b.c", "password": PASSWORD, "code_challenge_method": "s256"}, HALF_PKCE),
        (
            {},
            {"phone": "1", "password": PASSWORD},
            (400, "phone_provider_disabled", "Phone signups are disabled"),
        ),
        (
            {"external_email_enabled": False},
            {"email": "no address", "password": PASSWORD},
            (400, "email_provider_disabled", "Email signups are disabled"),
        ),
        ({}, {"email": "not an address", "password": PASSWORD}, BAD_EMAIL),
        ({}, {"email": "a@b.c\r\nBcc: x@y.z", "password": PASSWORD}, BAD_EMAIL),
        (
            {},
            {"email": "a" * 251 + "@b.cd", "password": PASSWORD},
            (*INVALID, "An email address is too long"),
        ),
    ],
)
def test_refusals_in_their_order(
    project: Project, settings: dict[str, Any], body: dict[str, Any], expected: tuple[int, str, str]
) -> None:
    project.set(**settings)
    assert refusal(project.post("/signup", body)) == expected


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({"email": 7, "password": PASSWORD}, (400, "bad_json")),
        ({"email": "a@b.c", "password": "long enough\0"}, INVALID),
    ],
)
def test_fields_that_cannot_be_read(
    project: Project, body: dict[str, Any], expected: tuple[int, str]
) -> None:
    assert error(project.post("/signup", body)) == expected


def test_a_required_character_set_that_is_missing_is_named(project: Project) -> None:
    project.set(password_required_characters=r"abc:0123\:")
    answer = project.post("/signup", {"email": new_email(), "password": "ABCDEFGHIJ"})
    assert error(answer) == (422, "weak_password")
    assert answer.json()["weak_password"] == {"reasons": ["characters"]}
    assert "abc, 0123:" in answer.json()["msg"]


def test_with_autoconfirm_a_new_address_gets_a_session(project: Project) -> None:
    email = new_email()
    session = project.sign_up(email.upper())
    assert session["user"]["email"] == email
    assert session["user"]["user_metadata"]["email_verified"] is True
    assert session["user"]["identities"][0]["identity_data"]["email_verified"] is True
    assert "weak_password" not in session
    claims = claims_of(session["access_token"])
    assert claims["amr"][0]["method"] == "password"
    assert claims["exp"] == session["expires_at"] == claims["iat"] + session["expires_in"]
    assert project.mails(email) == []


def test_with_autoconfirm_a_known_address_is_refused(project: Project) -> None:
    email = new_email()
    project.sign_up(email)
    refused = project.post("/signup", {"email": email, "password": PASSWORD})
    assert refusal(refused) == (422, "user_already_exists", "User already registered")


def test_a_second_sign_up_changes_neither_password_nor_data(project: Project) -> None:
    project.set(mailer_autoconfirm=False)
    email = new_email()
    first = project.post("/signup", {"email": email, "password": PASSWORD}).json()
    again = {"email": email, "password": "another one", "data": {"name": "Mallory"}}
    assert error(project.post("/signup", again)) == (429, "over_email_send_rate_limit")
    project.clock.advance(61)
    second = project.post("/signup", again).json()
    assert second["id"] == first["id"]
    assert "name" not in second["user_metadata"]
    project.set(mailer_autoconfirm=True)
    assert project.post("/signup", again).json()["access_token"]
    project.sign_in(email)


def test_two_sign_ups_of_one_address_at_once_make_one_account(project: Project) -> None:
    email = new_email()
    with ThreadPoolExecutor(8) as pool:
        answers = list(
            pool.map(lambda _: project.post("/signup", {"email": email, "password": PASSWORD}), range(8))
        )
    assert sorted(answer.status_code for answer in answers) == [200] + [422] * 7
    assert project.rows("select count(*) from auth.users where email = %s", email) == [(1,)]


@pytest.mark.parametrize("data", [{"deep": [[[]]]}, {"half": "\ud800"}, {"n": 10**400}])
def test_odd_metadata_is_stored_and_read_again(project: Project, data: dict[str, Any]) -> None:
    raw = json.dumps({"email": new_email(), "password": PASSWORD, "data": data})
    answer = project.call("POST", "/signup", content=raw)
    assert answer.status_code == 200, answer.text
    assert project.get("/user", answer.json()["access_token"]).status_code == 200


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        (b"", "bad_json"),
        (b"[]", "bad_json"),
        (b"{", "bad_json"),
        (b'{"data": {"a": NaN}, "email": "a@b.c"}', "bad_json"),
        (b'{"data": {"a": 1e999}, "email": "a@b.c"}', "bad_json"),
        (b'{"data": ' + b'{"a":' * 40 + b"1" + b"}" * 41, "validation_failed"),
        (b'{"data": ' + b'{"a":' * 9000 + b"1" + b"}" * 9001, "validation_failed"),
    ],
    ids=["empty", "list", "half", "nan", "overflow", "deep", "deeper"],
)
def test_a_body_that_cannot_be_stored_is_refused(project: Project, raw: bytes, expected: str) -> None:
    assert error(project.call("POST", "/signup", content=raw)) == (400, expected)


def test_neither_content_type_nor_unknown_fields_matter(project: Project) -> None:
    raw = json.dumps({"email": new_email(), "password": PASSWORD, "unheard_of": 1})
    answer = project.call("POST", "/signup", content=raw, headers={"Content-Type": "text/plain"})
    assert answer.status_code == 200


def test_a_form_is_no_json(project: Project) -> None:
    answer = project.call("POST", "/signup", data={"email": new_email(), "password": PASSWORD})
    assert error(answer) == (400, "bad_json")


def test_a_banned_address_that_waits_is_not_let_in_by_signing_up_again(project: Project) -> None:
    email, _ = waiting(project)
    ban(project, email)
    project.set(mailer_autoconfirm=True)
    refused = project.post("/signup", {"email": email, "password": PASSWORD})
    assert error(refused) == (400, "user_banned")
