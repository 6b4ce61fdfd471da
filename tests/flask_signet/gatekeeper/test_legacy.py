"""Projects that sign with a shared secret: Auth is asked, not too often, and the log says what to do."""

from __future__ import annotations

import hashlib
import hmac
import json
import time
from typing import Any

import pytest

from tests.flask_signet.gatekeeper.faulty_auth import FaultyAuth, answers
from tests.flask_signet.gatekeeper.gatekept import Clock, make_app, session_cookie, signed_in
from tests.support.token_mint import b64, claims


@pytest.fixture(autouse=True)
def _legacy(auth: FaultyAuth) -> None:
    auth.published = []


def pair(auth: FaultyAuth, *, age: int = 0, **changes: Any) -> dict[str, Any]:
    """Return a session whose access token is signed with a secret that only Auth knows."""
    session = auth.sign_in()
    now = int(time.time()) - age
    payload = claims(iss=auth.issuer, iat=now, exp=now + 3600, **changes)
    text = f"{b64(json.dumps({'alg': 'HS256', 'typ': 'JWT'}).encode())}.{b64(json.dumps(payload).encode())}"
    mac = hmac.new(b"a secret of the project", text.encode(), hashlib.sha256).digest()
    return {**session, "access_token": f"{text}.{b64(mac)}"}


def test_auth_is_asked_once_in_thirty_seconds(auth: FaultyAuth, caplog: pytest.LogCaptureFixture) -> None:
    clock = Clock(time.time)
    client = signed_in(make_app(auth, clock), pair(auth))
    for _ in range(20):
        assert client.get("/private").status_code == 200
    assert auth.calls["user"] == 1
    clock.offset += 31
    assert client.get("/private").status_code == 200
    assert auth.calls["user"] == 2
    warnings = [record for record in caplog.records if "signing-keys" in record.getMessage()]
    assert len(warnings) == 1


def test_a_clock_that_was_set_back_makes_no_answer_last(auth: FaultyAuth) -> None:
    clock = Clock(time.time)
    client = signed_in(make_app(auth, clock), pair(auth, age=3000))
    assert client.get("/private").status_code == 200
    clock.offset -= 1000
    assert client.get("/private").status_code == 200
    assert auth.calls["user"] == 2


@pytest.mark.parametrize(
    "changes",
    [{"role": "service_role"}, {"aud": "x"}, {"sub": "x"}, {"session_id": ...}, {"is_anonymous": True}],
    ids=str,
)
def test_what_is_no_session_of_a_person_is_not_worth_asking(
    auth: FaultyAuth, changes: dict[str, Any]
) -> None:
    client = signed_in(make_app(auth), pair(auth, **changes))
    assert client.get("/private").status_code == 303
    assert auth.calls["user"] == 0


def test_a_token_of_another_user_is_refused(auth: FaultyAuth) -> None:
    client = signed_in(make_app(auth), pair(auth))
    auth.faults["user"] = answers(200, {"id": "22222222-2222-4222-8222-222222222222"})
    assert client.get("/private").status_code == 303


@pytest.mark.parametrize("status", [401, 403])
def test_a_token_that_auth_refuses_gets_one_refresh(auth: FaultyAuth, status: int) -> None:
    session = pair(auth)
    client = signed_in(make_app(auth), session)
    auth.faults["user"] = answers(status, {"code": "bad_jwt"})
    auth.faults["refresh"] = answers(400, {"code": "refresh_token_not_found"})
    assert client.get("/private").status_code == 303
    assert session_cookie(client) is None
    assert auth.calls["refresh"] == 1


@pytest.mark.parametrize("status", [429, 500, 502])
def test_an_unclear_answer_keeps_the_session_for_later(auth: FaultyAuth, status: int) -> None:
    client = signed_in(make_app(auth), pair(auth))
    auth.faults["user"] = answers(status)
    assert client.get("/private").status_code == 503
    assert session_cookie(client) is not None


def test_an_expired_token_is_exchanged(auth: FaultyAuth) -> None:
    fresh = pair(auth)
    client = signed_in(make_app(auth), pair(auth, age=4000))
    auth.faults["refresh"] = answers(200, fresh)
    assert client.get("/private").status_code == 200


@pytest.mark.parametrize("header", [b"[]", b"{}", b'{"alg":"none"}', b'{"alg":"ES256","kid":"es-key"}', b"x"])
def test_other_headers_are_refused(auth: FaultyAuth, header: bytes) -> None:
    session = pair(auth)
    _, payload, signature = session["access_token"].split(".")
    client = signed_in(make_app(auth), {**session, "access_token": f"{b64(header)}.{payload}.{signature}"})
    auth.faults["refresh"] = answers(400, {"code": "refresh_token_not_found"})
    assert client.get("/private").status_code == 303
    assert auth.calls["user"] == 0


def test_once_the_project_publishes_a_key_the_secret_opens_nothing_more(auth: FaultyAuth) -> None:
    clock = Clock(time.time)
    session = pair(auth)
    client = signed_in(make_app(auth, clock), session)
    assert client.get("/private").status_code == 200
    auth.published = ["ES256"]
    clock.offset += 601
    assert client.get("/private").status_code == 303
    assert auth.calls["user"] == 1
