"""/verify: links and codes that were mailed, once each, within their time and their tries."""

from __future__ import annotations

import hashlib
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from signet_stack.auth import one_time_tokens
from tests.signet_stack.auth.conftest import Project, claims_of, error, new_email, refusal
from tests.signet_stack.auth.steps import SITE, ban, fragment, signed, waiting, wrong


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


def test_the_code_is_stored_nowhere_but_in_the_mailbox(project: Project) -> None:
    email, mail = waiting(project)
    ((stored, user),) = project.rows(
        "select row_to_json(one_time_tokens)::jsonb - 'id' - 'user_id', row_to_json(users)::text"
        " from auth.one_time_tokens join auth.users on users.id = user_id where relates_to = %s",
        email,
    )
    assert stored.pop("token_hash") == mail["token_hash"]
    assert mail["code"] not in stored.values()
    assert mail["token_hash"] not in user


def test_nobody_computes_a_links_hash_from_the_address_and_a_code(project: Project) -> None:
    """Tries at a hash are not counted, so a million of them must not stand for every code of an address."""
    email, mail = waiting(project)
    computed = hashlib.sha224((email + mail["code"]).encode()).hexdigest()
    assert error(project.post("/verify", {"type": "signup", "token_hash": computed})) == (403, "otp_expired")
    assert len(mail["token_hash"]) == len(computed)


INVALID = (400, "validation_failed")
NO_TYPE = (*INVALID, "Verify requires a verification type")
ONE_OF_TWO = (*INVALID, "Verify requires either a token or a token hash")
HASH_ONLY = (*INVALID, "Only the token_hash and type should be provided")
WHOSE = (*INVALID, "Only an email address or phone number should be provided on verify")
BAD_PHONE = (*INVALID, "Invalid phone number format (E.164 required)")
DEAD_CODE = (403, "otp_expired", "Token has expired or is invalid")
DEAD_LINK = (403, "otp_expired", "Email link is invalid or has expired")


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({}, NO_TYPE),
        ({"type": "signup"}, ONE_OF_TWO),
        ({"type": "signup", "token": "1", "token_hash": "2"}, ONE_OF_TWO),
        ({"type": "signup", "token_hash": "x", "email": "a@b.c"}, HASH_ONLY),
        ({"type": "signup", "token_hash": "x", "phone": "1"}, HASH_ONLY),
        ({"type": "signup", "token_hash": "x", "redirect_to": SITE}, HASH_ONLY),
        ({"type": "signup", "token": "1"}, WHOSE),
        ({"type": "signup", "token": "1", "email": "a@b.c", "phone": "1"}, WHOSE),
        (
            {"type": "signup", "token": "1", "email": "no address"},
            (422, "validation_failed", "Invalid email format"),
        ),
        ({"type": "signup", "token": "1", "email": "nobody@b.c"}, DEAD_CODE),
        ({"type": "sms", "token": "1", "phone": "+1 555 0100"}, DEAD_CODE),
        (
            {"type": "sms", "token": "1", "phone": "no number"},
            BAD_PHONE,
        ),
        ({"type": "signup", "token_hash": "unknown"}, DEAD_LINK),
        ({"type": "unheard of", "token_hash": "x"}, (*INVALID, "Invalid email verification type")),
        ({"type": "unheard of", "token": "1", "email": "nobody@b.c"}, DEAD_CODE),
    ],
)
def test_refusals(project: Project, body: dict[str, Any], expected: tuple[int, str, str]) -> None:
    assert refusal(project.post("/verify", body)) == expected


def test_where_to_go_afterwards_may_stand_in_the_address(project: Project) -> None:
    """Clients send their `redirectTo` so, with a hash as with a code."""
    _, mail = waiting(project)
    body = {"type": "signup", "token_hash": mail["token_hash"]}
    assert project.post("/verify", body, params={"redirect_to": SITE}).status_code == 200


def test_one_redeemed_token_voids_the_others_of_the_user(project: Project) -> None:
    email, mail = waiting(project)
    project.post("/recover", {"email": email})
    recovery = project.mails(email)[0]
    assert project.post("/verify", {"type": "signup", "token_hash": mail["token_hash"]}).status_code == 200
    late = project.post("/verify", {"type": "recovery", "token_hash": recovery["token_hash"]})
    assert refusal(late) == DEAD_LINK


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
    for _ in range(5):
        answer = project.post("/verify", {"type": "signup", "email": email, "token": wrong(mail["code"])})
        assert error(answer) == (403, "otp_expired")
        assert answer.json()["msg"] == "Token has expired or is invalid"
    right = project.post("/verify", {"type": "signup", "email": email, "token": mail["code"]})
    assert error(right) == (403, "otp_expired")


@pytest.mark.parametrize("kind", ["signup", "reauthentication"])
def test_guesses_at_once_are_counted_one_by_one(
    project: Project, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    email, mail = waiting(project)
    token = signed(project, sub=project.rows("select id::text from auth.users where email = %s", email)[0][0])
    if kind == "reauthentication":
        project.set(security_update_password_require_reauthentication=True)
        project.rows("update auth.users set email_confirmed_at = now() where email = %s", email)
        project.get("/reauthenticate", token)
    compared: list[str] = []
    compare = one_time_tokens.matches

    def spy(stored: str, secret: str, address: str, code: str) -> bool:
        compared.append(code)
        time.sleep(0.02)  # long enough for others to come in between, if they could
        return compare(stored, secret, address, code)

    def guess(code: str) -> httpx.Response:
        if kind == "signup":
            return project.post("/verify", {"type": kind, "email": email, "token": code})
        return project.put("/user", {"password": "another password", "nonce": code}, token)

    monkeypatch.setattr(one_time_tokens, "matches", spy)
    codes = [f"{number:06d}" for number in range(40) if f"{number:06d}" != mail["code"]]
    with ThreadPoolExecutor(20) as pool:
        assert {answer.status_code for answer in pool.map(guess, codes)} <= {403, 422}
    assert len(compared) == 5


def test_four_wrong_codes_cost_nothing(project: Project) -> None:
    email, mail = waiting(project)
    for _ in range(4):
        project.post("/verify", {"type": "signup", "email": email, "token": wrong(mail["code"])})
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


def test_the_reason_is_added_to_where_the_link_leads(project: Project) -> None:
    _, mail = waiting(project)
    project.clock.advance(601)
    parameters = {"type": "signup", "token": mail["token_hash"], "redirect_to": f"{SITE}/welcome?a=b"}
    location = project.get("/verify", params=parameters).headers["location"]
    assert location.startswith(f"{SITE}/welcome?a=b#")
    assert fragment(location)["error_code"] == "otp_expired"


def test_a_banned_user_is_told_in_the_fragment(project: Project) -> None:
    email, mail = waiting(project)
    ban(project, email)
    answer = project.get("/verify", params={"type": "signup", "token": mail["token_hash"]})
    found = fragment(answer.headers["location"])
    assert (found["error"], found["error_code"]) == ("access_denied", "user_banned")


@pytest.mark.parametrize(
    ("wishes", "reached"),
    [
        ({"redirect_to": f"{SITE}/a", "Referer": f"{SITE}/b"}, f"{SITE}/a"),
        ({"redirect_to": "https://evil.example/", "Referer": f"{SITE}/b"}, f"{SITE}/b"),
        ({"Referer": "https://evil.example/"}, SITE),
        ({}, SITE),
    ],
)
def test_a_redirect_leads_where_the_caller_wants_or_came_from(
    project: Project, wishes: dict[str, str], reached: str
) -> None:
    parameters = {"type": "signup", "token": "x"}
    if target := wishes.pop("redirect_to", ""):
        parameters["redirect_to"] = target
    location = project.get("/verify", params=parameters, headers=wishes).headers["location"]
    assert location.partition("#")[0] == reached


def test_head_uses_no_link_up(project: Project) -> None:
    _, mail = waiting(project)
    parameters = {"type": "signup", "token": mail["token_hash"]}
    assert project.call("HEAD", "/verify", params=parameters).status_code == 405
    assert "access_token" in project.get("/verify", params=parameters).headers["location"]


def test_a_link_without_parameters_is_json(project: Project) -> None:
    assert refusal(project.get("/verify?token=x")) == NO_TYPE
    no_token = (*INVALID, "Verify requires a token or a token hash")
    assert refusal(project.get("/verify?type=signup")) == no_token


def test_a_link_of_an_unknown_type_is_told_in_the_fragment(project: Project) -> None:
    found = fragment(project.get("/verify?type=spell&token=x").headers["location"])
    assert (found["error"], found["error_code"]) == ("invalid_request", "validation_failed")


def test_a_link_needs_no_api_key(project: Project) -> None:
    answer = project.get("/verify", params={"type": "signup", "token": "x"}, headers={"apikey": ""})
    assert answer.status_code == 303
