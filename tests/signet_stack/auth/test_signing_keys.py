"""Signing keys over the management API: states, transitions, constraints, and a rotation under traffic."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import jwt
import psycopg
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from jwt.algorithms import RSAAlgorithm

from signet_stack.context import Context
from tests.signet_stack.auth.conftest import Project, TestClock, error, serve_project

PATH = "/v1/projects/local/config/auth/signing-keys"


@pytest.fixture
def keys(make_context: Callable[..., Context]) -> Iterator[Project]:
    """Return a project of this test's own."""
    clock = TestClock()
    with serve_project(make_context(clock), clock) as project:
        project.http.headers["Authorization"] = f"Bearer {project.context.management_token}"
        yield project


def ask(project: Project, method: str, path: str = "", **body: Any) -> httpx.Response:
    return project.http.request(method, PATH + path, json=body or None)


def made(project: Project, **body: Any) -> str:
    project.clock.advance(1)  # keys are listed by age
    answer = ask(project, "POST", **{"algorithm": "ES256", **body})
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


def states(project: Project) -> list[str]:
    return [key["status"] for key in ask(project, "GET").json()["keys"]]


def kid_of(token: str) -> str:
    return str(jwt.get_unverified_header(token)["kid"])


def as_user(project: Project, token: str) -> int:
    return project.get("/user", headers={"Authorization": f"Bearer {token}"}).status_code


@pytest.mark.parametrize("authorization", ["", "Bearer wrong", "Basic sbp_test", "sbp_test"])
def test_only_the_management_token_opens(keys: Project, authorization: str) -> None:
    answer = keys.http.get(PATH, headers={"Authorization": authorization})
    assert answer.status_code == 401
    assert "token" in answer.json()["message"]


def test_another_project_is_not_here(keys: Project) -> None:
    assert keys.http.get("/v1/projects/other/config/auth").status_code == 404


@pytest.mark.parametrize("algorithm", ["ES256", "RS256", "EdDSA"])
def test_a_new_key_stands_by_published_and_signs_after_rotation(keys: Project, algorithm: str) -> None:
    kid = made(keys, algorithm=algorithm)
    published = {key["kid"]: key for key in keys.get("/.well-known/jwks.json").json()["keys"]}
    assert published[kid]["alg"] == algorithm
    assert published[kid]["key_ops"] == ["verify"]
    shown = ask(keys, "GET", f"/{kid}").json()
    assert shown.keys() == {"id", "algorithm", "status", "public_jwk", "created_at", "updated_at"}
    assert shown["public_jwk"] == published[kid]
    assert not {"d", "p", "q"} & published[kid].keys()
    assert kid_of(keys.sign_up()["access_token"]) != kid
    assert ask(keys, "PATCH", f"/{kid}", status="in_use").json()["status"] == "in_use"
    assert states(keys) == ["previously_used", "in_use"]
    token = keys.sign_up()["access_token"]
    assert kid_of(token) == kid
    assert as_user(keys, token) == 200


def test_a_second_standby_key_is_refused(keys: Project) -> None:
    made(keys)
    answer = ask(keys, "POST", algorithm="ES256")
    assert answer.status_code == 422
    assert "standby key already" in answer.json()["message"]


def test_a_key_can_be_in_use_at_once(keys: Project) -> None:
    made(keys, status="in_use")
    assert states(keys) == ["previously_used", "in_use"]


ALLOWED = {
    ("standby", "in_use"),
    ("standby", "previously_used"),
    ("standby", "revoked"),
    ("previously_used", "in_use"),
    ("previously_used", "standby"),
    ("previously_used", "revoked"),
    ("revoked", "standby"),
    ("revoked", "previously_used"),
}
WAYS = {
    "standby": [],
    "in_use": ["in_use"],
    "previously_used": ["previously_used"],
    "revoked": ["revoked"],
}


@pytest.mark.parametrize("after", WAYS)
@pytest.mark.parametrize("before", WAYS)
def test_transitions(keys: Project, before: str, after: str) -> None:
    kid = made(keys)
    for status in WAYS[before]:
        assert ask(keys, "PATCH", f"/{kid}", status=status).status_code == 200
    answer = ask(keys, "PATCH", f"/{kid}", status=after)
    assert answer.status_code == (200 if (before, after) in ALLOWED else 422), answer.text
    status = after if (before, after) in ALLOWED else before
    assert ask(keys, "GET", f"/{kid}").json()["status"] == status
    assert states(keys).count("in_use") == 1


@pytest.mark.parametrize("state", WAYS)
def test_only_a_revoked_key_is_deleted(keys: Project, state: str) -> None:
    kid = made(keys)
    for status in WAYS[state]:
        ask(keys, "PATCH", f"/{kid}", status=status)
    answer = ask(keys, "DELETE", f"/{kid}")
    assert answer.status_code == (200 if state == "revoked" else 422)
    assert ask(keys, "GET", f"/{kid}").status_code == (404 if state == "revoked" else 200)


def test_a_revoked_key_is_unpublished_and_refused_and_the_user_stays(keys: Project) -> None:
    session = keys.sign_up()
    token, old = session["access_token"], kid_of(session["access_token"])
    made(keys, status="in_use")
    assert as_user(keys, token) == 200
    assert keys.http.get("/rest/v1/", headers={"Authorization": f"Bearer {token}"}).status_code == 200
    ask(keys, "PATCH", f"/{old}", status="revoked")
    assert old not in [key["kid"] for key in keys.get("/.well-known/jwks.json").json()["keys"]]
    assert as_user(keys, token) == 403
    data_api = keys.http.get("/rest/v1/", headers={"Authorization": f"Bearer {token}"})
    assert (data_api.status_code, data_api.json()["code"]) == (401, "PGRST301")
    renewed = keys.refresh(session["refresh_token"])
    assert as_user(keys, renewed.json()["access_token"]) == 200


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"algorithm": "HS256"}, 400),
        ({"algorithm": ["ES256"]}, 400),
        ({"algorithm": "ES256", "status": "revoked"}, 400),
        ({"algorithm": "ES256", "private_jwk": "text"}, 400),
        ({"algorithm": "ES256", "private_jwk": {"kty": "oct", "k": "AAAA"}}, 422),
        ({"algorithm": "ES256", "private_jwk": {"kty": "EC", "crv": "P-256", "x": "AA", "y": "AA"}}, 422),
    ],
)
def test_keys_that_cannot_be_made(keys: Project, body: dict[str, Any], status: int) -> None:
    answer = ask(keys, "POST", **body)
    assert answer.status_code == status
    assert answer.json()["message"]
    assert states(keys) == ["in_use"]


def test_a_key_can_be_brought_along_unless_it_is_too_short(keys: Project) -> None:
    for bits, status in ((1024, 422), (2048, 201)):
        private = rsa.generate_private_key(public_exponent=65537, key_size=bits)
        jwk = RSAAlgorithm.to_jwk(private, as_dict=True)
        assert ask(keys, "POST", algorithm="RS256", private_jwk=jwk).status_code == status
    published = keys.get("/.well-known/jwks.json").json()["keys"]
    assert [key["n"] for key in published if key["kty"] == "RSA"] == [jwk["n"]]


@pytest.mark.parametrize("method", ["GET", "PATCH", "DELETE"])
@pytest.mark.parametrize("kid", ["unknown", "00000000-0000-4000-8000-000000000000"])
def test_keys_that_do_not_exist(keys: Project, method: str, kid: str) -> None:
    body = {"status": "revoked"} if method == "PATCH" else {}
    assert ask(keys, method, f"/{kid}", **body).status_code == 404


@pytest.mark.parametrize(
    "statement",
    [
        "update signet_stack.signing_keys set status = 'revoked'",
        "delete from signet_stack.signing_keys",
        "insert into signet_stack.signing_keys select gen_random_uuid(), algorithm, status, private_jwk,"
        " public_jwk, created_at, updated_at from signet_stack.signing_keys",
    ],
)
def test_the_database_itself_keeps_exactly_one_key_in_use(keys: Project, statement: str) -> None:
    with pytest.raises(psycopg.IntegrityError):
        keys.rows(statement)


@pytest.mark.parametrize("role", ["anon", "authenticated", "service_role", "postgres"])
def test_private_keys_are_for_the_auth_role_only(keys: Project, role: str) -> None:
    pool = keys.context.database.data
    with pool.connection() as connection:
        is_allowed = "select has_table_privilege(%s, 'signet_stack.signing_keys', 'select')"
        admin = keys.context.database.auth
        with admin.connection() as own:
            assert own.execute(is_allowed, (role,)).fetchone() == (False,)
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute("select private_jwk from signet_stack.signing_keys")


def test_two_rotations_at_once_leave_one_key_in_use(keys: Project) -> None:
    first = made(keys, status="in_use")
    second = made(keys)
    ask(keys, "PATCH", f"/{second}", status="previously_used")
    ask(keys, "PATCH", f"/{first}", status="in_use")
    old = next(key["id"] for key in ask(keys, "GET").json()["keys"] if key["id"] not in (first, second))
    with ThreadPoolExecutor(8) as pool:
        moves = [old, second] * 8
        answers = list(pool.map(lambda kid: ask(keys, "PATCH", f"/{kid}", status="in_use"), moves))
    assert {answer.status_code for answer in answers} <= {200, 422}
    assert states(keys).count("in_use") == 1


def test_nobody_signs_in_again_while_keys_rotate_under_traffic(keys: Project) -> None:
    session, failures = keys.sign_up(), []
    first = kid_of(session["access_token"])
    stop, seen = threading.Event(), {first}

    def traffic() -> None:
        token, refresh = session["access_token"], session["refresh_token"]
        while not stop.is_set():
            renewed = keys.refresh(refresh)
            if renewed.status_code != 200 or as_user(keys, token) != 200:
                failures.append((renewed.status_code, renewed.text))
            token, refresh = renewed.json()["access_token"], renewed.json()["refresh_token"]
            seen.add(kid_of(token))

    thread = threading.Thread(target=traffic)
    thread.start()
    try:
        for _ in range(3):
            count = len(seen)
            ask(keys, "PATCH", f"/{made(keys)}", status="in_use")
            while len(seen) == count and thread.is_alive():
                pass
    finally:
        stop.set()
        thread.join(30)
    assert failures == []
    assert len(seen) == 4


def test_the_order_of_the_key_set_is_stable(keys: Project) -> None:
    made(keys)
    first = keys.get("/.well-known/jwks.json")
    keys.context.signing_keys.reload()
    assert keys.get("/.well-known/jwks.json").content == first.content
    assert first.headers["cache-control"] == "public, max-age=600"


def test_a_standby_key_verifies_already(keys: Project) -> None:
    key = keys.context.signing_keys.get(made(keys))
    token = jwt.encode({"role": "service_role"}, key.private, key.algorithm, headers={"kid": key.kid})
    assert keys.get("/admin/users", headers={"Authorization": f"Bearer {token}"}).status_code == 200
    assert error(keys.get("/admin/users", headers={"Authorization": "Bearer a.b.c"}))[1] == "bad_jwt"
