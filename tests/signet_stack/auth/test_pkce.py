"""Proof key for code exchange: what a client commits to, the code that its link leads to, the exchange."""

from __future__ import annotations

import pytest

from tests.signet_stack.auth.conftest import PASSWORD, Project, claims_of, error, new_email, refusal
from tests.signet_stack.auth.steps import PKCE, VERIFIER, ban, exchange, fragment, query, waiting

INVALID = (400, "validation_failed")
HALF = "PKCE flow requires code_challenge_method and code_challenge"


def code_of(project: Project, kind: str, token_hash: str) -> str:
    """Open a link and return the code that it leads to."""
    location = project.get("/verify", params={"type": kind, "token": token_hash}).headers["location"]
    return query(location)["code"]


@pytest.mark.parametrize(
    ("challenge", "is_good"),
    [
        ({"code_challenge": "x" * 43}, False),
        ({"code_challenge_method": "s256"}, False),
        ({"code_challenge": "x" * 42, "code_challenge_method": "s256"}, False),
        ({"code_challenge": "x" * 129, "code_challenge_method": "s256"}, False),
        ({"code_challenge": "x" * 43 + "=", "code_challenge_method": "s256"}, False),
        ({"code_challenge": "x" * 43, "code_challenge_method": "s512"}, False),
        ({"code_challenge": "x" * 43, "code_challenge_method": "S256"}, True),
        ({"code_challenge": "aZ9._~-" + "x" * 121, "code_challenge_method": "Plain"}, True),
        ({}, True),
    ],
)
@pytest.mark.parametrize("path", ["/recover", "/otp", "/signup", "/user"])
def test_a_challenge_is_whole_or_not_there(
    project: Project, path: str, challenge: dict[str, str], is_good: bool
) -> None:
    method, token, body = "POST", None, {"email": new_email(), "password": PASSWORD, **challenge}
    if path == "/user":
        method, token, body = "PUT", project.sign_up()["access_token"], challenge
    answer = project.call(method, path, token, json=body)
    assert answer.status_code == 200 if is_good else error(answer) == INVALID


LENGTH = "code challenge has to be between 43 and 128 characters"
ALPHABET = "code challenge can only contain alphanumeric characters, hyphens, periods, underscores and tildes"


@pytest.mark.parametrize(
    ("challenge", "words"),
    [
        ({"code_challenge": "x" * 43}, HALF),
        ({"code_challenge": "x" * 42, "code_challenge_method": "s256"}, LENGTH),
        ({"code_challenge": "+" * 43, "code_challenge_method": "s256"}, ALPHABET),
    ],
)
def test_what_is_wrong_with_a_challenge_is_told(
    project: Project, challenge: dict[str, str], words: str
) -> None:
    assert refusal(project.post("/otp", {"email": new_email(), **challenge})) == (*INVALID, words)


def test_a_mail_that_is_sent_again_can_belong_to_a_flow(project: Project) -> None:
    email, _ = waiting(project)
    project.clock.advance(61)
    project.post("/resend", {"type": "signup", "email": email, **PKCE})
    code = code_of(project, "signup", project.mails(email)[0]["token_hash"])
    assert exchange(project, code, VERIFIER).status_code == 200


def test_the_plain_method_compares_the_verifier_itself(project: Project) -> None:
    _, mail = waiting(project, code_challenge=VERIFIER, code_challenge_method="plain")
    code = code_of(project, "signup", mail["token_hash"])
    assert error(exchange(project, code, "w" * 50)) == (400, "bad_code_verifier")
    assert exchange(project, code, VERIFIER).status_code == 200


@pytest.mark.parametrize(("path", "kind"), [("/recover", "recovery"), ("/otp", "magiclink")])
def test_the_session_says_how_it_was_opened(project: Project, path: str, kind: str) -> None:
    email = new_email()
    project.sign_up(email)
    project.post(path, {"email": email, **PKCE})
    code = code_of(project, kind, project.mails(email)[0]["token_hash"])
    session = exchange(project, code, VERIFIER).json()
    assert claims_of(session["access_token"])["amr"][0]["method"] == kind


@pytest.mark.parametrize(
    ("path", "kind", "status"), [("/recover", "recovery", 422), ("/otp", "magiclink", 200)]
)
def test_five_minutes_from_the_request_or_for_a_magic_link_from_the_code(
    project: Project, path: str, kind: str, status: int
) -> None:
    email = new_email()
    project.sign_up(email)
    project.post(path, {"email": email, **PKCE})
    project.clock.advance(299)
    code = code_of(project, kind, project.mails(email)[0]["token_hash"])
    project.clock.advance(2)
    answer = exchange(project, code, VERIFIER)
    assert answer.status_code == status
    assert status == 200 or error(answer) == (422, "flow_state_expired")


def test_a_user_who_was_banned_meanwhile_gets_no_session(project: Project) -> None:
    email, mail = waiting(project, **PKCE)
    code = code_of(project, "signup", mail["token_hash"])
    ban(project, email)
    assert error(exchange(project, code, VERIFIER)) == (400, "user_banned")


def test_half_of_a_change_of_address_is_told_in_query_and_fragment(project: Project) -> None:
    old = new_email()
    project.put("/user", {"email": new_email(), **PKCE}, project.sign_up(old)["access_token"])
    parameters = {"type": "email_change", "token": project.mails(old)[0]["token_hash"]}
    location = project.get("/verify", params=parameters).headers["location"]
    assert query(location)["message"] == fragment(location)["message"] != ""


def test_a_dead_link_says_so_in_query_and_fragment(project: Project) -> None:
    location = project.get("/verify", params={"type": "signup", "token": "pkce_x"}).headers["location"]
    assert query(location)["error_code"] == fragment(location)["error_code"] == "otp_expired"


@pytest.mark.parametrize("body", [{}, {"auth_code": "x"}, {"code_verifier": "x"}])
def test_the_pkce_grant_needs_both_parts(project: Project, body: dict[str, str]) -> None:
    assert error(project.post("/token?grant_type=pkce", body)) == (400, "validation_failed")


def test_a_pkce_hash_by_post_opens_the_session_directly(project: Project) -> None:
    email, mail = waiting(project, **PKCE)
    assert project.post("/verify", {"type": "signup", "token_hash": mail["token_hash"]}).status_code == 200
    email, mail = waiting(project, **PKCE)
    body = {"type": "signup", "email": email, "token": mail["code"]}
    assert project.post("/verify", body).status_code == 200
