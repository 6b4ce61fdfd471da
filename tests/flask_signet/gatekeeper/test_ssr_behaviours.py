"""Behaviours of @supabase/ssr that need whole requests; the others are in test_shared_cookies.py."""

from __future__ import annotations

from typing import Any

import pytest
from flask import Flask, request

from flask_signet.gatekeeper import SessionTokens, current_identity, public, start_session
from tests.flask_signet.gatekeeper.faulty_auth import FaultyAuth
from tests.flask_signet.gatekeeper.gatekept import make_app, signed_in

COOKIE = "sb-127-auth-token"


@pytest.fixture
def app(auth: FaultyAuth) -> Flask:
    app = make_app(auth, cookie_mode="shared")

    @app.post("/enter")
    @public
    def enter() -> dict[str, Any]:
        before = current_identity()
        start_session(SessionTokens(request.form["access_token"], request.form["refresh_token"]))
        after = current_identity()
        return {"before": before and before.email, "after": after and after.email}

    return app


def test_without_cookies_nothing_is_asked_and_nothing_is_set(app: Flask, auth: FaultyAuth) -> None:
    response = app.test_client().get("/")
    assert "Set-Cookie" not in response.headers
    assert sum(auth.calls.values()) == 0


def test_a_session_with_time_left_sets_nothing_and_asks_nothing(app: Flask, auth: FaultyAuth) -> None:
    client = signed_in(app, auth.sign_in())
    client.get("/private")
    calls = dict(auth.calls)
    assert "Set-Cookie" not in client.get("/private").headers
    assert auth.calls == calls


def test_an_expired_session_is_exchanged_once_and_written_in_one_answer(app: Flask, auth: FaultyAuth) -> None:
    client = signed_in(app, auth.sign_in(age=4000))
    response = client.get("/private")
    assert auth.calls["refresh"] == 1
    names = {line.partition("=")[0] for line in response.headers.getlist("Set-Cookie")}
    assert names == {COOKIE}
    assert response.headers["Cache-Control"] == "private, no-store"
    client.get("/private")
    assert auth.calls["refresh"] == 1


def test_a_sign_in_without_a_flow_sets_no_other_cookie(app: Flask, auth: FaultyAuth) -> None:
    client = app.test_client()
    pair = auth.sign_in()
    form = {name: pair[name] for name in ("access_token", "refresh_token")}
    responses = [client.get("/login"), client.post("/enter", data=form), client.post("/logout")]
    lines = [line for response in responses for line in response.headers.getlist("Set-Cookie")]
    assert {line.partition("=")[0] for line in lines} == {COOKIE, "session"}


def test_what_was_set_in_a_request_is_what_is_read_in_it(app: Flask, auth: FaultyAuth) -> None:
    pair = auth.sign_in()
    form = {name: pair[name] for name in ("access_token", "refresh_token")}
    assert app.test_client().post("/enter", data=form).json == {"before": None, "after": "alice@example.com"}
