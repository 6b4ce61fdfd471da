"""/verify: links and codes that were mailed, once each, within their time and their tries."""

from __future__ import annotations

import base64
import hashlib
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.stack.auth.conftest import PASSWORD, Project, claims_of, error, new_email

VERIFIER = "v" * 50
CHALLENGE = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).rstrip(b"=").decode()
PKCE = {"code_challenge": CHALLENGE, "code_challenge_method": "s256"}
SITE = "http://127.0.0.1:8000"


def waiting(project: Project, **extra: Any) -> tuple[str, dict[str, Any]]:
    """Sign somebody up who must confirm; return the address and the mail."""
    project.set(mailer_autoconfirm=False)
    email = new_email()
    answer = project.post("/signup", {"email": email, "password": PASSWORD, **extra})
    assert answer.status_code == 200, answer.text
    return email, project.mails(email)[0]


def fragment(location: str) -> dict[str, str]:
    """Return the parameters after the # of a redirect."""
    return {name: values[0] for name, values in parse_qs(urlsplit(location).fragment, True).items()}


def test_the_link_of_a_mail_leads_to_the_apps_page(project: Project) -> None:
    _, mail = waiting(project)
    link = urlsplit(mail["link"])
    assert f"{link.scheme}://{link.netloc}{link.path}" == f"{SITE}/auth/confirm"
    assert parse_qs(link.query) == {"token_hash": [mail["token_hash"]], "type": ["signup"]}
    assert mail["code"] in mail["text"]
    assert mail["code"] in mail["html"]
    assert mail["link"] in mail["text"]


def test_the_hash_opens_a_session_once(project: Project) -> None:
    email, mail = waiting(project)
    session = project.post("/verify", {"type": "signup", "token_hash": mail["token_hash"]}).json()
    assert claims_of(session["access_token"])["amr"][0]["method"] == "otp"
    assert session["user"]["email_confirmed_at"]
    assert session["user"]["user_metadata"]["email_verified"] is True
    assert session["user"]["identities"][0]["identity_data"]["email_verified"] is True
    again = project.post("/verify", {"type": "signup", "token_hash": mail["token_hash"]})
    assert error(again) == (403, "otp_expired")
    assert again.json()["msg"] == "Email link is invalid or has expired"
    project.sign_in(email)


@pytest.mark.parametrize("kind", ["signup", "email"])
def test_the_code_opens_a_session_with_the_address(project: Project, kind: str) -> None:
    email, mail = waiting(project)
    answer = project.post("/verify", {"type": kind, "email": email.upper(), "token": mail["code"]})
    assert answer.status_code == 200, answer.text


def test_code_and_hash_are_not_stored_as_such(project: Project) -> None:
    email, mail = waiting(project)
    ((stored, user),) = project.rows(
        "select token_hash, row_to_json(users)::text from auth.one_time_tokens"
        " join auth.users on users.id = user_id where relates_to = %s",
        email,
    )
    assert stored == hashlib.sha224((email + mail["code"]).encode()).hexdigest() == mail["token_hash"]
    assert mail["token_hash"] not in user


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({}, (400, "validation_failed")),
        ({"type": "signup"}, (400, "validation_failed")),
        ({"type": "signup", "token": "1", "token_hash": "2"}, (400, "validation_failed")),
        ({"type": "signup", "token_hash": "x", "email": "a@b.c"}, (400, "validation_failed")),
        ({"type": "signup", "token": "1"}, (400, "validation_failed")),
        ({"type": "signup", "token": "1", "email": "no address"}, (422, "validation_failed")),
        ({"type": "signup", "token": "1", "email": "nobody@b.c"}, (403, "otp_expired")),
        ({"type": "signup", "token_hash": "unknown"}, (403, "otp_expired")),
        ({"type": "sms", "token": "1", "phone": "1"}, (403, "otp_expired")),
        ({"type": "unheard of", "token_hash": "x"}, (403, "otp_expired")),
    ],
)
def test_refusals(project: Project, body: dict[str, Any], expected: tuple[int, str]) -> None:
    assert error(project.post("/verify", body)) == expected


def test_a_token_is_for_its_purpose_and_its_address(project: Project) -> None:
    email, mail = waiting(project)
    other, _ = waiting(project)
    for body in (
        {"type": "recovery", "token_hash": mail["token_hash"]},
        {"type": "recovery", "email": email, "token": mail["code"]},
        {"type": "signup", "email": other, "token": mail["code"]},
    ):
        assert error(project.post("/verify", body)) == (403, "otp_expired")


def test_after_its_time_a_token_is_dead(project: Project) -> None:
    _, mail = waiting(project)
    project.clock.advance(601)
    assert error(project.post("/verify", {"type": "signup", "token_hash": mail["token_hash"]})) == (
        403,
        "otp_expired",
    )


def test_after_five_wrong_codes_the_right_one_is_dead(project: Project) -> None:
    email, mail = waiting(project)
    wrong = f"{(int(mail['code']) + 1) % 10**6:06d}"
    for _ in range(5):
        answer = project.post("/verify", {"type": "signup", "email": email, "token": wrong})
        assert error(answer) == (403, "otp_expired")
        assert answer.json()["msg"] == "Token has expired or is invalid"
    right = project.post("/verify", {"type": "signup", "email": email, "token": mail["code"]})
    assert error(right) == (403, "otp_expired")


def test_four_wrong_codes_cost_nothing(project: Project) -> None:
    email, mail = waiting(project)
    wrong = f"{(int(mail['code']) + 1) % 10**6:06d}"
    for _ in range(4):
        project.post("/verify", {"type": "signup", "email": email, "token": wrong})
    right = project.post("/verify", {"type": "signup", "email": email, "token": mail["code"]})
    assert right.status_code == 200


def test_a_banned_user_cannot_redeem(project: Project) -> None:
    email = new_email()
    user = project.sign_up(email)["user"]
    project.post("/recover", {"email": email})
    project.admin("PUT", f"/admin/users/{user['id']}", {"ban_duration": "1h"})
    body = {"type": "recovery", "token_hash": project.mails(email)[0]["token_hash"]}
    assert error(project.post("/verify", body)) == (403, "user_banned")


def test_opening_a_link_redirects_with_a_session(project: Project) -> None:
    _, mail = waiting(project)
    answer = project.get("/verify", params={"type": "signup", "token": mail["token_hash"]})
    found = fragment(answer.headers["location"])
    assert answer.status_code == 303
    assert answer.headers["location"].startswith(f"{SITE}#")
    assert (found["type"], found["token_type"], found["sb"]) == ("signup", "bearer", "")
    assert project.get("/user", found["access_token"]).status_code == 200
    assert project.refresh(found["refresh_token"]).status_code == 200


def test_opening_a_dead_link_redirects_with_the_reason(project: Project) -> None:
    _, mail = waiting(project)
    project.clock.advance(601)
    parameters = {"type": "signup", "token": mail["token_hash"], "redirect_to": f"{SITE}/welcome?a=b"}
    answer = project.get("/verify", params=parameters)
    assert answer.status_code == 303
    assert answer.headers["location"].startswith(f"{SITE}/welcome?a=b#")
    assert fragment(answer.headers["location"]) == {
        "error": "access_denied",
        "error_code": "otp_expired",
        "error_description": "Email link is invalid or has expired",
        "sb": "",
    }


def test_head_uses_no_link_up(project: Project) -> None:
    _, mail = waiting(project)
    parameters = {"type": "signup", "token": mail["token_hash"]}
    assert project.call("HEAD", "/verify", params=parameters).status_code == 405
    assert "access_token" in project.get("/verify", params=parameters).headers["location"]


def test_a_link_without_parameters_is_json(project: Project) -> None:
    assert error(project.get("/verify")) == (400, "validation_failed")


def test_a_link_needs_no_api_key(project: Project) -> None:
    answer = project.get("/verify", params={"type": "signup", "token": "x"}, headers={"apikey": ""})
    assert answer.status_code == 303


def test_a_pkce_link_leads_to_a_code_and_the_code_to_a_session(project: Project) -> None:
    _, mail = waiting(project, **PKCE)
    assert mail["token_hash"].startswith("pkce_")
    location = project.get("/verify", params={"type": "signup", "token": mail["token_hash"]}).headers[
        "location"
    ]
    code = parse_qs(urlsplit(location).query)["code"][0]
    path = "/token?grant_type=pkce"
    wrong = project.post(path, {"auth_code": code, "code_verifier": "w" * 50})
    assert error(wrong) == (400, "bad_code_verifier")
    session = project.post(path, {"auth_code": code, "code_verifier": VERIFIER})
    assert session.status_code == 200
    assert "weak_password" not in session.json()
    assert claims_of(session.json()["access_token"])["amr"][0]["method"] == "email/signup"
    again = project.post(path, {"auth_code": code, "code_verifier": VERIFIER})
    assert error(again) == (404, "flow_state_not_found")


def test_a_pkce_flow_lives_five_minutes_from_its_request(project: Project) -> None:
    _, mail = waiting(project, **PKCE)
    project.clock.advance(301)
    location = project.get("/verify", params={"type": "signup", "token": mail["token_hash"]}).headers[
        "location"
    ]
    body = {"auth_code": parse_qs(urlsplit(location).query)["code"][0], "code_verifier": VERIFIER}
    assert error(project.post("/token?grant_type=pkce", body)) == (422, "flow_state_expired")


def test_a_dead_pkce_link_says_so_in_query_and_fragment(project: Project) -> None:
    location = project.get("/verify", params={"type": "signup", "token": "pkce_x"}).headers["location"]
    assert parse_qs(urlsplit(location).query)["error_code"] == ["otp_expired"]
    assert fragment(location)["error_code"] == "otp_expired"


@pytest.mark.parametrize("body", [{}, {"auth_code": "x"}, {"code_verifier": "x"}])
def test_the_pkce_grant_needs_both_parts(project: Project, body: dict[str, str]) -> None:
    assert error(project.post("/token?grant_type=pkce", body)) == (400, "validation_failed")


def test_a_pkce_hash_by_post_opens_the_session_directly(project: Project) -> None:
    email, mail = waiting(project, **PKCE)
    assert project.post("/verify", {"type": "signup", "token_hash": mail["token_hash"]}).status_code == 200
    email, mail = waiting(project, **PKCE)
    body = {"type": "signup", "email": email, "token": mail["code"]}
    assert project.post("/verify", body).status_code == 200
