"""GET and PUT /user, POST /logout, and the checks of a bearer token."""

from __future__ import annotations

import uuid
from typing import Any

import jwt
import pytest

from tests.stack.auth.conftest import PASSWORD, Project, claims_of, error, new_email


def signed(project: Project, key: Any = None, **claims: Any) -> str:
    """Sign any claims with the project's key."""
    key = key or project.context.signing_keys.in_use()
    return jwt.encode(claims, key.private, key.algorithm, headers={"kid": key.kid})


@pytest.mark.parametrize(
    ("authorization", "expected"),
    [
        ("Basic abc", (401, "no_authorization")),
        ("Bearer", (401, "no_authorization")),
        ("Bearer a b", (401, "no_authorization")),
        ("Bearer not-a-token", (403, "bad_jwt")),
        ("bearer a.b.c", (403, "bad_jwt")),
        ("Bearer sb_publishable_test", (403, "bad_jwt")),
        ("", (403, "bad_jwt")),
    ],
)
def test_what_is_no_bearer_token(project: Project, authorization: str, expected: tuple[int, str]) -> None:
    headers = {"Authorization": authorization} if authorization else {}
    assert error(project.get("/user", headers=headers)) == expected


@pytest.mark.parametrize(
    ("claims", "expected", "words"),
    [
        ({}, (403, "bad_jwt"), "missing sub claim"),
        ({"sub": "alice"}, (400, "bad_jwt"), "sub claim must be a UUID"),
        ({"sub": str(uuid.uuid4())}, (403, "user_not_found"), "User from sub claim in JWT does not exist"),
        ({"sub": "user", "session_id": "x"}, (403, "bad_jwt"), "session_id claim must be a UUID"),
        (
            {"sub": "user", "session_id": str(uuid.uuid4())},
            (403, "session_not_found"),
            "Session from session_id claim in JWT does not exist",
        ),
        ({"sub": "user", "exp": 1}, (403, "bad_jwt"), "token is expired"),
        ({"sub": "user", "exp": "soon"}, (403, "bad_jwt"), "invalid claims"),
        ({"sub": "user", "nbf": 2**40}, (403, "bad_jwt"), "not valid yet"),
    ],
)
def test_claims_that_do_not_hold(
    project: Project, claims: dict[str, Any], expected: tuple[int, str], words: str
) -> None:
    if claims.get("sub") == "user":
        claims = {**claims, "sub": project.sign_up()["user"]["id"]}
    answer = project.get("/user", signed(project, **claims))
    assert error(answer) == expected
    assert words in answer.json()["msg"]


@pytest.mark.parametrize("session_id", ["", None, "00000000-0000-0000-0000-000000000000"])
def test_no_session_in_the_token_is_no_session_to_check(project: Project, session_id: str | None) -> None:
    user = project.sign_up()["user"]
    token = signed(project, sub=user["id"], session_id=session_id)
    assert project.get("/user", token).json()["id"] == user["id"]


def test_a_token_expires_without_leeway(project: Project) -> None:
    token = project.sign_up()["access_token"]
    project.clock.advance(3599)
    assert project.get("/user", token).status_code == 200
    project.clock.advance(1)
    assert error(project.get("/user", token)) == (403, "bad_jwt")


@pytest.mark.parametrize("algorithm", ["HS256", "none", "RS256"])
def test_the_key_decides_the_algorithm(project: Project, algorithm: str) -> None:
    kid = project.context.signing_keys.in_use().kid
    claims = {"sub": project.sign_up()["user"]["id"]}
    header = {"alg": algorithm, "kid": kid, "typ": "JWT"}
    parts = jwt.encode(claims, "s" * 32, "HS256", headers={"kid": kid}).split(".")
    import base64
    import json

    parts[0] = base64.urlsafe_b64encode(json.dumps(header).encode()).rstrip(b"=").decode()
    answer = project.get("/user", ".".join(parts))
    assert error(answer) == (403, "bad_jwt")
    assert f"signing method {algorithm} is invalid" in answer.json()["msg"]


def test_an_unknown_kid_is_refused(project: Project) -> None:
    key = project.context.signing_keys.in_use()
    token = jwt.encode({"sub": "x"}, key.private, key.algorithm, headers={"kid": "other"})
    assert "unrecognized JWT kid other" in project.get("/user", token).json()["msg"]


def test_another_audience_is_refused(project: Project) -> None:
    token = project.sign_up()["access_token"]
    answer = project.get("/user", token, headers={"X-JWT-AUD": "others"})
    assert error(answer) == (400, "validation_failed")


@pytest.mark.parametrize(
    ("scope", "first", "second"),
    [("global", 403, 403), ("", 403, 403), ("local", 403, 200), ("others", 200, 403)],
)
def test_scopes_of_logout(project: Project, scope: str, first: int, second: int) -> None:
    email = new_email()
    one, two = project.sign_up(email)["access_token"], project.sign_in(email)["access_token"]
    answer = project.post(f"/logout?scope={scope}" if scope else "/logout", token=one)
    assert (answer.status_code, answer.content) == (204, b"")
    assert project.get("/user", one).status_code == first
    assert project.get("/user", two).status_code == second


def test_logout_with_an_unknown_scope_ends_nothing(project: Project) -> None:
    token = project.sign_up()["access_token"]
    assert error(project.post("/logout?scope=all", token=token)) == (400, "validation_failed")
    assert project.get("/user", token).status_code == 200


def test_a_second_logout_finds_no_session(project: Project) -> None:
    session = project.sign_up()
    project.post("/logout", token=session["access_token"])
    assert error(project.post("/logout", token=session["access_token"])) == (403, "session_not_found")
    assert error(project.refresh(session["refresh_token"])) == (400, "refresh_token_not_found")


def test_a_token_without_session_logs_out_everywhere(project: Project) -> None:
    session = project.sign_up()
    token = signed(project, sub=session["user"]["id"])
    assert project.post("/logout?scope=local", token=token).status_code == 204
    assert project.get("/user", session["access_token"]).status_code == 403


def test_a_new_password_ends_the_other_sessions_and_open_tokens(project: Project) -> None:
    email = new_email()
    mine, other = project.sign_up(email)["access_token"], project.sign_in(email)["access_token"]
    project.post("/recover", {"email": email})
    answer = project.put("/user", {"password": "another password"}, mine)
    assert answer.status_code == 200
    assert "access_token" not in answer.json()
    assert project.get("/user", mine).status_code == 200
    assert project.get("/user", other).status_code == 403
    body = {"type": "recovery", "token_hash": project.mails(email)[0]["token_hash"]}
    assert error(project.post("/verify", body)) == (403, "otp_expired")
    project.sign_in(email, "another password")


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"password": PASSWORD}, (422, "same_password")),
        ({"password": ""}, (422, "weak_password")),
        ({"password": "short"}, (422, "weak_password")),
        ({"password": "x" * 73}, (400, "validation_failed")),
        ({"app_metadata": {"admin": True}}, (403, "not_admin")),
        ({"email": "no address"}, (400, "validation_failed")),
        ({"phone": "12345"}, (400, "phone_provider_disabled")),
    ],
)
def test_refused_changes(project: Project, change: dict[str, Any], expected: tuple[int, str]) -> None:
    assert error(project.put("/user", change, project.sign_up()["access_token"])) == expected


def test_a_single_sign_on_user_changes_elsewhere(project: Project) -> None:
    session = project.sign_up()
    project.rows("update auth.users set is_sso_user = true where id = %s", session["user"]["id"])
    answer = project.put("/user", {"password": "another password"}, session["access_token"])
    assert error(answer) == (422, "user_sso_managed")


def test_metadata_is_merged_and_null_deletes(project: Project) -> None:
    token = project.sign_up()["access_token"]
    project.put("/user", {"data": {"a": 1, "b": {"c": 2}}}, token)
    user = project.put("/user", {"data": {"a": None, "d": 3}}, token).json()
    kept = user["user_metadata"]
    assert "a" not in kept
    assert (kept["b"], kept["d"], kept["email_verified"]) == ({"c": 2}, 3, True)


def test_an_address_changes_after_both_confirmations(project: Project) -> None:
    old, new = new_email(), new_email()
    token = project.sign_up(old)["access_token"]
    user = project.put("/user", {"email": new}, token).json()
    assert (user["email"], user["new_email"]) == (old, new)
    hashes = [project.mails(address)[0]["token_hash"] for address in (old, new)]
    first = project.post("/verify", {"type": "email_change", "token_hash": hashes[0]})
    assert first.json()["code"] == "200"
    assert project.get("/user", token).json()["email"] == old
    again = project.post("/verify", {"type": "email_change", "token_hash": hashes[0]})
    assert error(again) == (403, "otp_expired")
    session = project.post("/verify", {"type": "email_change", "token_hash": hashes[1]}).json()
    assert session["user"]["email"] == new
    assert "new_email" not in session["user"]
    assert session["user"]["identities"][0]["email"] == new
    project.sign_in(new)


def test_a_confirmation_before_mails_were_sent_again_does_not_count(project: Project) -> None:
    old, new = new_email(), new_email()
    token = project.sign_up(old)["access_token"]
    project.put("/user", {"email": new}, token)
    for _ in range(2):
        body = {"type": "email_change", "token_hash": project.mails(old)[0]["token_hash"]}
        assert "msg" in project.post("/verify", body).json()
        project.clock.advance(61)
        project.post("/resend", {"type": "email_change", "email": old})
    assert project.get("/user", token).json()["email"] == old


def test_a_link_of_a_change_says_that_the_other_one_is_missing(project: Project) -> None:
    old, new = new_email(), new_email()
    project.put("/user", {"email": new}, project.sign_up(old)["access_token"])
    parameters = {"type": "email_change", "token": project.mails(new)[0]["token_hash"]}
    location = project.get("/verify", params=parameters).headers["location"]
    assert "#message=Confirmation+link+accepted" in location


def test_without_secure_change_the_new_address_confirms_alone(project: Project) -> None:
    project.set(mailer_secure_email_change_enabled=False)
    old, new = new_email(), new_email()
    project.put("/user", {"email": new}, project.sign_up(old)["access_token"])
    assert project.mails(old) == []
    body = {"type": "email_change", "email": new, "token": project.mails(new)[0]["code"]}
    assert project.post("/verify", body).json()["user"]["email"] == new


def test_a_taken_address_is_refused_at_once_and_at_the_end(project: Project) -> None:
    project.set(mailer_secure_email_change_enabled=False)
    taken, wanted = new_email(), new_email()
    project.sign_up(taken)
    token = project.sign_up()["access_token"]
    assert error(project.put("/user", {"email": taken}, token)) == (422, "email_exists")
    project.put("/user", {"email": wanted}, token)
    project.sign_up(wanted)
    body = {"type": "email_change", "token_hash": project.mails(wanted)[0]["token_hash"]}
    assert error(project.post("/verify", body)) == (422, "email_exists")


def test_a_token_keeps_its_claims_until_the_next_refresh(project: Project) -> None:
    session = project.sign_up()
    project.put("/user", {"data": {"name": "A"}}, session["access_token"])
    renewed = project.refresh(session["refresh_token"]).json()["access_token"]
    assert "name" not in claims_of(session["access_token"])["user_metadata"]
    assert claims_of(renewed)["user_metadata"]["name"] == "A"
