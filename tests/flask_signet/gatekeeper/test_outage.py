"""Auth in trouble, over real HTTP: who waits, who is served, and how many calls are made."""

from __future__ import annotations

import base64
import json
import threading
from typing import Any

import pytest
from supabase import AuthRetryableError

from flask_signet import clients
from flask_signet.gatekeeper.breaker import FAILURES_TO_OPEN, SLOW_SECONDS
from flask_signet.gatekeeper.current import EXTENSION
from flask_signet.gatekeeper.sessions import UNSIGNED_BURST
from tests.flask_signet.gatekeeper.faulty_auth import PASSWORD, FaultyAuth, answers, hangs
from tests.flask_signet.gatekeeper.gatekept import Clock, make_app, session_cookie, signed_in
from tests.support.patience import HANG_SECONDS, wait_until

SHARED = "sb-127-auth-token"


@pytest.fixture
def clock() -> Clock:
    return Clock.stopped()


def breaker_of(app: Any) -> Any:
    return app.extensions[EXTENSION].breaker


def test_while_auth_hangs_two_requests_wait_and_the_others_get_a_503_with_their_cookie_kept(
    auth: FaultyAuth, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("flask_signet.gatekeeper.auth_http.READ_SECONDS", HANG_SECONDS)
    release = threading.Event()
    auth.faults["refresh"] = hangs(release)
    app = make_app(auth, clock)
    clients = [signed_in(app, auth.sign_in(age=4000)) for _ in range(6)]
    before = [session_cookie(client) for client in clients]
    statuses: list[int] = []
    threads = [
        threading.Thread(target=lambda client=client: statuses.append(client.get("/private").status_code))
        for client in clients
    ]
    for thread in threads:
        thread.start()
    wait_until(lambda: auth.calls["refresh"] == 6, "all exchanges begin")
    clock.offset += SLOW_SECONDS + 1
    wait_until(lambda: len(statuses) == 4, "all but two requests stop waiting")
    late = signed_in(app, auth.sign_in(age=4000))
    assert late.get("/private").status_code == 503
    assert auth.calls["refresh"] == 6, "a refused request causes no call"
    assert signed_in(app, auth.sign_in()).get("/private").status_code == 200
    release.set()
    for thread in threads:
        thread.join(HANG_SECONDS)
    assert statuses[:4] == [503] * 4
    assert [session_cookie(client) for client in clients] == before


def fail_until_open(auth: FaultyAuth, app: Any) -> None:
    auth.faults["refresh"] = answers(503)
    for _ in range(FAILURES_TO_OPEN):
        assert signed_in(app, auth.sign_in(age=4000)).get("/private").status_code == 503


def test_while_auth_is_down_many_sessions_cause_few_calls(auth: FaultyAuth, clock: Clock) -> None:
    app = make_app(auth, clock)
    fail_until_open(auth, app)
    for client in [signed_in(app, auth.sign_in(age=4000)) for _ in range(30)]:
        assert client.get("/private").headers["Retry-After"] == "1"
    assert auth.calls["refresh"] == FAILURES_TO_OPEN


def test_after_an_outage_a_probe_in_the_background_closes_the_breaker(auth: FaultyAuth, clock: Clock) -> None:
    app = make_app(auth, clock)
    fail_until_open(auth, app)
    del auth.faults["refresh"]
    clock.offset += 1
    client = signed_in(app, auth.sign_in(age=4000))
    client.get("/private")
    wait_until(lambda: not breaker_of(app).is_open, "the probe succeeds")
    assert client.get("/private").status_code == 200
    assert auth.calls["refresh"] == FAILURES_TO_OPEN + 1, "the probe's result serves the session it was for"
    assert signed_in(app, auth.sign_in(age=4000)).get("/private").status_code == 200


def test_due_revocation_checks_pass_at_once_while_the_breaker_is_open(auth: FaultyAuth, clock: Clock) -> None:
    app = make_app(auth, clock, revocation_check_seconds=60)
    clients = [signed_in(app, auth.sign_in()) for _ in range(20)]
    auth.faults["user"] = answers(503)
    clock.offset += 61
    for client in clients:
        assert client.get("/private").status_code == 200
    assert auth.calls["user"] == FAILURES_TO_OPEN


def test_a_valid_session_near_its_end_is_served_while_the_breaker_is_open(
    auth: FaultyAuth, clock: Clock
) -> None:
    app = make_app(auth, clock)
    fail_until_open(auth, app)
    assert signed_in(app, auth.sign_in(age=3560)).get("/private").status_code == 200


def test_after_a_429_no_session_is_exchanged_until_retry_after(auth: FaultyAuth, clock: Clock) -> None:
    app = make_app(auth, clock)
    auth.faults["refresh"] = answers(429, {"code": "over_request_rate_limit"}, {"Retry-After": "20"})
    for _ in range(10):
        response = signed_in(app, auth.sign_in(age=4000)).get("/private")
        assert response.status_code == 503
        assert int(response.headers["Retry-After"]) >= 20
    assert auth.calls["refresh"] == 1
    del auth.faults["refresh"]
    clock.offset += 23
    assert signed_in(app, auth.sign_in(age=4000)).get("/private").status_code == 200


def forged_cookie(auth: FaultyAuth, number: int) -> str:
    """Return a shared cookie whose token names a key that is not published."""
    token = auth.mint.token(header=auth.mint.header(kid=f"made-up-{number}"))
    document = json.dumps({"access_token": token, "refresh_token": f"made-up-{number}"})
    return "base64-" + base64.urlsafe_b64encode(document.encode()).rstrip(b"=").decode()


def test_forged_shared_cookies_cause_few_calls_and_more_of_them_later(auth: FaultyAuth, clock: Clock) -> None:
    app = make_app(auth, clock, cookie_mode="shared")
    for number in range(50):
        client = app.test_client()
        client.set_cookie(SHARED, forged_cookie(auth, number))
        assert client.get("/private").status_code == (303 if number < UNSIGNED_BURST else 503)
    assert auth.calls["refresh"] == UNSIGNED_BURST
    assert client.get_cookie(SHARED) is not None, "a person's cookie is kept for the next try"
    expired = signed_in(app, auth.sign_in(age=4000))
    assert expired.get("/private").status_code == 200, "tokens that a published key signed have no budget"
    clock.offset += 3
    assert client.get("/private").status_code == 303


def test_after_a_key_is_revoked_every_private_session_is_exchanged(auth: FaultyAuth, clock: Clock) -> None:
    """Only this app can write a private cookie, so there is nothing to limit."""
    app = make_app(auth, clock)
    auth.algorithm, auth.published = "RS256", ["ES256", "RS256"]
    clients = [signed_in(app, auth.sign_in()) for _ in range(UNSIGNED_BURST + 5)]
    auth.algorithm, auth.published = "ES256", ["ES256"]
    for client in clients:
        assert client.get("/private").status_code == 200
    assert auth.calls["refresh"] == UNSIGNED_BURST + 5


def test_sign_ins_share_the_breaker_with_refreshes(auth: FaultyAuth, clock: Clock) -> None:
    app = make_app(auth, clock)
    clients.register(app, auth.url, "sb_publishable_test")
    credentials = {"email": "alice@example.com", "password": PASSWORD}
    fail_until_open(auth, app)
    with app.app_context():
        with pytest.raises(AuthRetryableError):
            clients.anonymous_client().auth.sign_in_with_password(credentials)
        assert auth.calls["sign_in"] == 0, "a refused sign-in waits for nothing"
        clock.offset += 1
        assert clients.anonymous_client().auth.sign_in_with_password(credentials).session
    del auth.faults["refresh"]
    assert signed_in(app, auth.sign_in(age=4000)).get("/private").status_code == 200


def test_sign_ins_that_cannot_reach_auth_open_the_breaker(auth: FaultyAuth, clock: Clock) -> None:
    app = make_app(auth, clock)
    clients.register(app, "http://127.0.0.1:1", "sb_publishable_test")
    with app.app_context():
        for _ in range(FAILURES_TO_OPEN):
            with pytest.raises(AuthRetryableError):
                clients.anonymous_client().auth.sign_in_with_password({"email": "a", "password": "b"})
    assert breaker_of(app).is_open
