"""The checks of a bearer token, in their order: what is no token, what does not hold, what is gone."""

from __future__ import annotations

import base64
import json
import uuid
from typing import Any

import jwt
import pytest

from signet_stack.signing_keys import new_private_jwk
from tests.signet_stack.auth.conftest import Project, claims_of, error
from tests.signet_stack.auth.steps import ban, signed


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


def test_the_signature_is_of_the_key_that_is_named(project: Project) -> None:
    key = project.context.signing_keys.in_use()
    stranger = jwt.PyJWK(new_private_jwk("ES256", key.kid)).key
    session = project.sign_up()
    claims = claims_of(session["access_token"])
    forged = jwt.encode(claims, stranger, "ES256", headers={"kid": key.kid})
    assert error(project.get("/user", forged)) == (403, "bad_jwt")
    assert "signature is invalid" in project.get("/user", forged).json()["msg"]


def test_the_user_is_looked_for_first_then_the_session_then_the_ban(project: Project) -> None:
    session = project.sign_up()
    token, user_id = session["access_token"], session["user"]["id"]
    ban(project, session["user"]["email"])
    assert error(project.get("/user", token)) == (403, "user_banned")
    project.rows("delete from auth.sessions where user_id = %s", user_id)
    assert error(project.get("/user", token)) == (403, "session_not_found")
    project.rows("delete from auth.users where id = %s", user_id)
    assert error(project.get("/user", token)) == (403, "user_not_found")


@pytest.mark.parametrize(
    ("method", "path"), [("PUT", "/user"), ("POST", "/logout"), ("GET", "/reauthenticate"), ("GET", "/user")]
)
def test_every_call_of_a_user_checks_the_token(project: Project, method: str, path: str) -> None:
    no_scheme = project.call(method, path, headers={"Authorization": "Basic x"}, json={})
    assert error(no_scheme) == (401, "no_authorization")
    assert no_scheme.json()["msg"] == "This endpoint requires a valid Bearer token"
    assert error(project.call(method, path, "a.b.c", json={})) == (403, "bad_jwt")
    gone = project.sign_up()["access_token"]
    project.post("/logout", token=gone)
    assert error(project.call(method, path, gone, json={})) == (403, "session_not_found")
