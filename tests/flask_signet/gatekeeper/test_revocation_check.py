"""A session that ended elsewhere ends here within REVOCATION_CHECK_SECONDS, at one question per interval."""

from __future__ import annotations

import threading
import time

import pytest

from tests.flask_signet.gatekeeper.faulty_auth import FaultyAuth, answers
from tests.flask_signet.gatekeeper.gatekept import Clock, make_app, signed_in


def test_a_session_ended_elsewhere_ends_here_within_the_interval(auth: FaultyAuth) -> None:
    clock = Clock(time.time)
    client = signed_in(make_app(auth, clock, revocation_check_seconds=60), auth.sign_in())
    session_id = client.get("/private").json["session_id"]
    auth.end(session_id)
    clock.offset += 20
    assert client.get("/private").status_code == 200
    assert auth.calls["user"] == 0
    clock.offset += 40
    assert client.get("/private").status_code == 303
    assert auth.calls["user"] == 1
    assert any("ended" in message for message in client.get("/login").json["messages"])


def test_the_interval_is_not_shortened_by_traffic(auth: FaultyAuth) -> None:
    clock = Clock(time.time)
    client = signed_in(make_app(auth, clock, revocation_check_seconds=60), auth.sign_in(age=100))
    for _ in range(200):
        assert client.get("/private").status_code == 200
    assert auth.calls["user"] == 1


def test_a_background_check_finds_a_session_that_ended_elsewhere(auth: FaultyAuth) -> None:
    clock = Clock(time.time)
    client = signed_in(make_app(auth, clock, revocation_check_seconds=60), auth.sign_in())
    auth.end(client.get("/private").json["session_id"])
    clock.offset += 40
    assert client.get("/private").status_code == 200
    for thread in threading.enumerate():
        if thread.name == "auth-call":
            thread.join(30)
    assert client.get("/private").status_code == 303
    assert auth.calls["user"] == 1


def test_a_check_that_fails_lets_the_session_go_on(
    auth: FaultyAuth, caplog: pytest.LogCaptureFixture
) -> None:
    client = signed_in(make_app(auth, revocation_check_seconds=60), auth.sign_in(age=100))
    auth.faults["user"] = answers(500)
    assert client.get("/private").status_code == 200
    assert "check_failed" in caplog.text


def test_without_the_setting_auth_is_never_asked(auth: FaultyAuth) -> None:
    client = signed_in(make_app(auth), auth.sign_in(age=3000))
    for _ in range(50):
        client.get("/private")
    assert auth.calls == {**dict.fromkeys(auth.calls, 0), "jwks": 1}
