"""Faults of Auth during a refresh, over real HTTP: only a known error code ends a session."""

from __future__ import annotations

import json
import logging
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest

from tests.flask_signet.gatekeeper.faulty_auth import Fault, FaultyAuth, answers, cuts_off, hangs
from tests.flask_signet.gatekeeper.gatekept import Clock, make_app, session_cookie, signed_in

HTML = b"<html><body>Bad Gateway</body></html>"
EXPIRED = "Invalid Refresh Token: Session Expired"


def dead(code: str, message: str = "", status: int = 400) -> Fault:
    return answers(status, {"code": code, "message": message})


DEAD: dict[str, tuple[Fault, str]] = {
    "refresh_token_not_found": (dead("refresh_token_not_found"), "another device"),
    "refresh_token_already_used": (dead("refresh_token_already_used"), "old copy"),
    "session_expired": (dead("session_expired", EXPIRED), "time limit"),
    "inactivity": (dead("session_expired", f"{EXPIRED} (Inactivity)"), "unused"),
    "newer_login": (dead("session_expired", f"{EXPIRED} (Revoked by Newer Login)"), "signed in on another"),
    "session_not_found": (dead("session_not_found", status=403), "by a new password"),
    "user_banned": (dead("user_banned"), "suspended"),
    "user_not_found": (dead("user_not_found", status=403), "no longer exists"),
    "validation_failed": (dead("validation_failed"), "not valid"),
}


@pytest.mark.parametrize("name", DEAD)
def test_a_dead_session_is_cleared_and_the_login_page_says_why(auth: FaultyAuth, name: str) -> None:
    client = signed_in(make_app(auth), auth.sign_in(age=4000))
    auth.faults["refresh"], words = DEAD[name]
    response = client.get("/private")
    assert (response.status_code, response.headers["Location"]) == (303, "/login?next=/private")
    assert session_cookie(client) is None
    assert words in " ".join(client.get("/login").json["messages"])


@pytest.mark.parametrize("name", DEAD)
def test_a_session_that_auth_ended_is_over_even_while_its_token_is_good(auth: FaultyAuth, name: str) -> None:
    client = signed_in(make_app(auth), auth.sign_in(age=3560))
    auth.faults["refresh"] = DEAD[name][0]
    assert client.get("/private").status_code == 303
    assert session_cookie(client) is None


LATER: dict[str, Fault] = {
    "409": answers(409, {"code": "conflict"}),
    "429": answers(429, {"code": "over_request_rate_limit"}),
    "400_other": answers(400, {"code": "bad_json"}),
    "500": answers(500, {"code": "unexpected_failure"}),
    "502_html": answers(502, HTML, {"Content-Type": "text/html"}),
    "503": answers(503, b""),
    "200_html": answers(200, HTML),
    "200_list": answers(200, b"[]"),
    "200_deep": answers(200, b"[" * 100_000),
    "200_no_utf8": answers(200, b"\xff"),
    "200_no_tokens": answers(200, {}),
    "302": answers(302, b"", {"Location": "/elsewhere"}),
    "401_gateway": answers(401, {"message": "Invalid API key", "hint": "Double check"}),
    "403_gateway": answers(403, HTML),
    "half": cuts_off,
    "too_much": answers(200, b" " * 300_000),
}


@pytest.mark.parametrize("name", LATER)
def test_an_unclear_answer_keeps_an_expired_session_for_later(auth: FaultyAuth, name: str) -> None:
    clock = Clock(time.time)
    client = signed_in(make_app(auth, clock), auth.sign_in(age=4000))
    before = session_cookie(client)
    auth.faults["refresh"] = LATER[name]
    response = client.get("/private")
    assert response.status_code == 503
    assert response.headers["Retry-After"] == "5"
    assert session_cookie(client) == before
    assert client.get("/").status_code == 200
    del auth.faults["refresh"]
    clock.offset += 2
    assert client.get("/private").status_code == 200
    assert session_cookie(client) != before


@pytest.mark.parametrize("name", LATER)
def test_a_session_that_is_still_good_survives_a_failed_refresh(auth: FaultyAuth, name: str) -> None:
    client = signed_in(make_app(auth), auth.sign_in(age=3560))
    auth.faults["refresh"] = LATER[name]
    before = session_cookie(client)
    for _ in range(5):
        assert client.get("/private").status_code == 200
    assert auth.calls["refresh"] == 1, "after a failure it is left alone for a minute"
    assert session_cookie(client) == before


@pytest.mark.parametrize(
    ("fault", "level"), [("500", logging.WARNING), ("401_gateway", logging.ERROR)], ids=str
)
def test_a_failed_exchange_is_logged_once_even_if_every_page_is_served(
    auth: FaultyAuth, caplog: pytest.LogCaptureFixture, fault: str, level: int
) -> None:
    client = signed_in(make_app(auth), auth.sign_in(age=3560))
    auth.faults["refresh"] = LATER[fault]
    for _ in range(5):
        assert client.get("/private").status_code == 200
    logged = [record for record in caplog.records if "exchange=failed" in record.getMessage()]
    assert [record.levelno for record in logged] == [level]


def test_what_a_gateway_says_cannot_forge_a_line_of_the_log(
    auth: FaultyAuth, caplog: pytest.LogCaptureFixture
) -> None:
    client = signed_in(make_app(auth), auth.sign_in(age=4000))
    auth.faults["refresh"] = answers(401, {"message": "no\ndecision=signed_in"})
    assert client.get("/private").status_code == 503
    assert not any("\n" in record.getMessage() for record in caplog.records)


def test_after_a_minute_it_is_tried_again(auth: FaultyAuth) -> None:
    auth.token_life = 604_800
    clock = Clock(time.time)
    client = signed_in(make_app(auth, clock), auth.sign_in(age=604_800 - 59))
    auth.faults["refresh"] = answers(500)
    assert client.get("/private").status_code == 200
    del auth.faults["refresh"]
    clock.offset += 61
    assert client.get("/private").status_code == 200
    assert auth.calls["refresh"] == 2


def test_retry_after_is_handed_on_and_respected(auth: FaultyAuth) -> None:
    clock = Clock(time.time)
    client = signed_in(make_app(auth, clock), auth.sign_in(age=4000))
    auth.faults["refresh"] = answers(429, {"code": "over_request_rate_limit"}, {"Retry-After": "20"})
    assert client.get("/private").headers["Retry-After"] == "20"
    clock.offset += 19
    assert client.get("/private").status_code == 503
    assert auth.calls["refresh"] == 1
    del auth.faults["refresh"]
    clock.offset += 4
    assert client.get("/private").status_code == 200


def test_an_auth_server_that_refuses_connections_is_a_503(auth: FaultyAuth) -> None:
    keys = auth.jwks().decode()
    app = make_app(auth, jwks=keys, supabase_url="http://127.0.0.1:1")
    client = signed_in(app, auth.sign_in(age=4000))
    assert client.get("/private").status_code == 503
    assert session_cookie(client) is not None
    assert signed_in(app, auth.sign_in()).get("/private").status_code == 200


def test_a_hanging_refresh_ends_at_the_read_limit(auth: FaultyAuth, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("flask_signet.gatekeeper.auth_http.READ_SECONDS", 0.2)
    release = threading.Event()
    client = signed_in(make_app(auth), auth.sign_in(age=4000))
    auth.faults["refresh"] = hangs(release)
    assert client.get("/private").status_code == 503
    assert session_cookie(client) is not None
    release.set()


def test_a_slow_success_is_a_success(auth: FaultyAuth) -> None:
    auth.delay = 1.0
    client = signed_in(make_app(auth), auth.sign_in(age=4000))
    assert client.get("/private").status_code == 200


Spoil = Callable[[FaultyAuth, dict[str, Any]], dict[str, Any]]


@pytest.mark.parametrize(
    "spoil",
    [
        lambda auth, pair: {**pair, "access_token": "not.a.token"},
        lambda auth, pair: {**pair, "access_token": FaultyAuth().sign_in()["access_token"]},
        lambda auth, pair: {**pair, "access_token": auth.access_token("no-session")},
        lambda auth, pair: {**pair, "access_token": auth.sign_in(role="service_role")["access_token"]},
        lambda auth, pair: auth.sign_in(age=4000),
    ],
    ids=["no_token", "foreign_key", "no_session", "wrong_role", "expired"],
)
def test_a_new_token_that_does_not_verify_is_a_503_and_keeps_the_session(
    auth: FaultyAuth, spoil: Spoil
) -> None:
    client = signed_in(make_app(auth), auth.sign_in(age=4000))
    before = session_cookie(client)
    auth.faults["refresh"] = answers(200, spoil(auth, auth.sign_in()))
    assert client.get("/private").status_code == 503
    assert session_cookie(client) == before


@pytest.mark.parametrize("offset", [-5, 5])
def test_a_clock_skew_of_five_seconds_is_tolerated(auth: FaultyAuth, offset: int) -> None:
    auth.clock_offset = offset
    app = make_app(auth)
    for age in (0, 1800, 3539, 3600 + offset + 4):
        assert signed_in(app, auth.sign_in(age=age)).get("/private").status_code == 200


def test_a_lost_answer_is_made_up_for_by_the_next_request(auth: FaultyAuth) -> None:
    """Auth exchanged the token but the answer never came: the parent of the active token still works."""
    clock = Clock(time.time)
    pair = auth.sign_in(age=4000)
    client = signed_in(make_app(auth, clock), pair)

    def loses(handler: Any) -> None:
        auth.refresh(json.loads(handler.body)["refresh_token"])
        handler.close_connection = True

    auth.faults["refresh"] = loses
    assert client.get("/private").status_code == 503
    del auth.faults["refresh"]
    clock.offset += 2
    assert client.get("/private").status_code == 200
