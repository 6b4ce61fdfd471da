"""Sessions from sign-in to sign-out: started, renewed in both cookie modes, ended for good."""

from __future__ import annotations

import json
import logging
import threading
import time
from typing import Any
from uuid import UUID

import pytest

from flask_signet.gatekeeper import SessionEnded, SessionTokens, bearer_only
from flask_signet.gatekeeper.sessions import EndedSessions
from tests.flask_signet.gatekeeper.faulty_auth import FaultyAuth, answers, reply
from tests.flask_signet.gatekeeper.gatekept import make_app, put_cookie, session_cookie, signed_in
from tests.support.background import StoppedClock
from tests.support.patience import HANG_SECONDS
from tests.support.token_mint import ecdsa_twin
from tests.support.verified import CLAIMS


def sign_in(client: Any, pair: dict[str, Any]) -> Any:
    form = {name: pair[name] for name in ("access_token", "refresh_token")}
    return client.post("/session", data=form)


def test_signing_in_sets_the_cookie_and_opens_the_door(auth: FaultyAuth) -> None:
    client = make_app(auth).test_client()
    response = sign_in(client, auth.sign_in())
    assert response.headers["Cache-Control"] == "private, no-store"
    assert client.get("/private").status_code == 200


def test_signing_in_empties_the_session_that_was_there_before(auth: FaultyAuth) -> None:
    client = make_app(auth).test_client()
    with client.session_transaction() as before:
        before["csrf_token"] = "planted"
    sign_in(client, auth.sign_in())
    with client.session_transaction() as after:
        assert "csrf_token" not in after


@pytest.mark.parametrize("token", ["junk", "a.b.c"])
def test_tokens_that_do_not_verify_start_no_session(auth: FaultyAuth, token: str) -> None:
    client = make_app(auth).test_client()
    client.application.testing = False
    assert sign_in(client, {"access_token": token, "refresh_token": "r"}).status_code == 500
    assert session_cookie(client) is None


def test_a_session_near_its_end_is_renewed_with_both_tokens(auth: FaultyAuth) -> None:
    client = signed_in(make_app(auth), auth.sign_in(age=3560))
    expires_at = client.get("/private").json["expires_at"]
    assert expires_at > time.time() + 3500
    assert client.get("/private").status_code == 200
    assert auth.calls["refresh"] == 1


@pytest.mark.parametrize("age", [3560, 4000], ids=["still good", "expired"])
@pytest.mark.parametrize(
    ("browser", "told"), [("Firefox/147.0", "Firefox/147.0"), ("Gerät/1", "Ger?t/1")], ids=["plain", "odd"]
)
def test_a_session_is_renewed_in_the_name_of_the_browser(
    auth: FaultyAuth, age: int, browser: str, told: str
) -> None:
    client = signed_in(make_app(auth), auth.sign_in(age=age))
    assert client.get("/private", headers={"User-Agent": browser}).status_code == 200
    assert auth.seen_user_agents == [told]


def test_after_a_sign_out_a_replayed_cookie_opens_nothing(auth: FaultyAuth) -> None:
    app = make_app(auth)
    client = signed_in(app, auth.sign_in())
    stolen = session_cookie(client)
    assert client.post("/logout").status_code == 200
    assert session_cookie(client) is None
    assert client.get("/login").json["messages"] == ["You are signed out."]
    client.set_cookie("sb-80", stolen or "")
    response = client.get("/private")
    assert response.status_code == 303
    assert session_cookie(client) is None


def test_after_a_sign_out_the_twin_of_the_token_opens_nothing_either(auth: FaultyAuth) -> None:
    """(r, n-s) is a good signature too, so what is over is the session and not this text."""
    app = make_app(auth)
    pair = auth.sign_in()
    twin = {**pair, "access_token": ecdsa_twin(pair["access_token"])}
    assert signed_in(app, twin).get("/private").status_code == 200
    signed_in(app, pair).post("/logout")
    assert signed_in(app, twin).get("/private").status_code == 303
    bearer = {"Authorization": f"Bearer {twin['access_token']}"}
    assert app.test_client().get("/api", headers=bearer).status_code == 401


def test_a_sign_out_covers_the_tokens_that_a_refresh_gave_in_between(auth: FaultyAuth) -> None:
    """Two tabs hold the same old cookie; one renews it and signs out, the other must not come back."""
    app = make_app(auth)
    pair = auth.sign_in(age=4000)
    first, second = signed_in(app, pair), signed_in(app, pair)
    first.get("/private")
    renewed = session_cookie(first)
    first.post("/logout")
    assert second.get("/private").status_code == 303
    assert session_cookie(second) is None
    second.set_cookie("sb-80", renewed or "")
    assert second.get("/private").status_code == 303


def test_an_exchange_that_ends_after_the_sign_out_brings_nothing_back(auth: FaultyAuth) -> None:
    app = make_app(auth)
    pair = auth.sign_in(age=3560)
    client, other = signed_in(app, pair), signed_in(app, pair)
    entered, release = threading.Event(), threading.Event()

    def slow(handler: Any) -> None:
        entered.set()
        release.wait(HANG_SECONDS)
        reply(handler, *auth.refresh(json.loads(handler.body)["refresh_token"]))

    auth.faults["refresh"] = slow
    statuses: list[int] = []
    late = threading.Thread(target=lambda: statuses.append(client.get("/private").status_code))
    late.start()
    assert entered.wait(HANG_SECONDS)
    other.post("/logout")
    release.set()
    late.join(HANG_SECONDS)
    assert statuses == [303]
    assert session_cookie(client) is None


@pytest.mark.parametrize("uptime", [0.0, 5.0, -1000.0, 1e9])
def test_the_memory_of_ended_sessions_depends_on_no_uptime(uptime: float) -> None:
    """A monotonic clock may start anywhere: near zero on a machine that was just booted."""
    clock = StoppedClock(uptime)
    ended = EndedSessions(clock)
    assert CLAIMS.session_id not in ended
    ended.add(CLAIMS.session_id, 100)
    assert CLAIMS.session_id in ended
    clock.now += 100
    assert CLAIMS.session_id not in ended
    for number in range(1000):
        clock.now += 1
        ended.add(UUID(int=number), 10)
    assert len(ended._until) <= 11


def test_signing_in_again_after_a_sign_out_works(auth: FaultyAuth) -> None:
    client = signed_in(make_app(auth), auth.sign_in())
    client.post("/logout")
    sign_in(client, auth.sign_in())
    assert client.get("/private").status_code == 200


@pytest.mark.parametrize("age", [0, 3560, 4000], ids=["fresh", "near_expiry", "expired"])
def test_shared_cookies_live_the_same_life(auth: FaultyAuth, age: int) -> None:
    app = make_app(auth, cookie_mode="shared")
    client = signed_in(app, auth.sign_in(age=age))
    name = "sb-127-auth-token"
    before = client.get_cookie(name)
    response = client.get("/private")
    assert response.status_code == 200
    after = client.get_cookie(name)
    assert (before == after) is (age == 0), "an unchanged session writes nothing"
    assert ("Set-Cookie" in response.headers) is (age != 0)
    client.post("/logout")
    assert client.get_cookie(name) is None


def shared_header(app: Any, *pairs: dict[str, Any]) -> dict[str, str]:
    """Return the Cookie header of a browser that holds several cookies of one name."""
    values = []
    for pair in pairs:
        client = app.test_client()
        put_cookie(client, app, pair)
        cookie = client.get_cookie("sb-127-auth-token")
        assert cookie is not None
        values.append(f"sb-127-auth-token={cookie.value}")
    return {"Cookie": "; ".join(values)}


def test_an_old_cookie_of_a_parent_domain_ends_no_session(auth: FaultyAuth) -> None:
    app = make_app(auth, cookie_mode="shared")
    dead, foreign = auth.sign_in(age=4000), FaultyAuth().sign_in()
    auth.end(dead["refresh_token"].partition(":")[0])
    client = app.test_client(use_cookies=False)
    for good in (auth.sign_in(), auth.sign_in(age=4000)):
        headers = shared_header(app, dead, foreign, good)
        response = client.get("/private", headers=headers)
        assert response.status_code == 200
        assert response.json["session_id"] == good["refresh_token"].partition(":")[0]
    response = client.get("/private", headers=shared_header(app, dead, foreign))
    assert response.status_code == 303
    assert "Max-Age=0" in response.headers["Set-Cookie"]


def test_a_former_secret_key_keeps_people_signed_in(auth: FaultyAuth) -> None:
    client = signed_in(make_app(auth), auth.sign_in())
    old = session_cookie(client)
    rotated = make_app(auth, secret_keys=("another-secret-key-of-32-bytes-or-more", *make_secret()))
    other = rotated.test_client()
    other.set_cookie("sb-80", old or "")
    assert other.get("/private").status_code == 200
    new = session_cookie(other)
    assert new != old, "the cookie is sealed anew with the present key"
    without_fallback = make_app(auth, secret_keys=("another-secret-key-of-32-bytes-or-more",)).test_client()
    without_fallback.set_cookie("sb-80", new or "")
    assert without_fallback.get("/private").status_code == 200


def make_secret() -> tuple[str]:
    from tests.flask_signet.gatekeeper.gatekept import SECRET

    return (SECRET,)


@pytest.mark.parametrize("cookie", ["junk", "", "A" * 5000, "é", "base64-x", '"quoted\\073"'])
def test_a_broken_cookie_is_no_session_and_is_cleared(auth: FaultyAuth, cookie: str) -> None:
    client = make_app(auth).test_client(use_cookies=False)
    response = client.get("/", headers={"Cookie": f"sb-80={cookie}; other=1"})
    assert response.status_code == 200
    assert response.headers["Set-Cookie"].startswith("sb-80=;")
    assert client.get("/private", headers={"Cookie": f"sb-80={cookie}"}).status_code == 303


def test_decisions_are_logged_by_code_and_never_with_a_token(
    auth: FaultyAuth, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    app = make_app(auth)
    pairs = [auth.sign_in(), auth.sign_in(age=3990), auth.sign_in(age=4000), auth.sign_in(role="anon")]
    for pair in pairs:
        client = signed_in(app, pair)
        client.get("/private")
        client.post("/logout")
    auth.faults["refresh"] = answers(500)
    put_cookie(client, app, last := auth.sign_in(age=4000))
    client.get("/private")
    app.test_client(use_cookies=False).get("/", headers={"Cookie": "sb-80=junk"})
    client.get("/api", headers={"Authorization": "Bearer junk"})
    assert "decision=sign_out code=claim_refused" in caplog.text
    assert "decision=refresh kid=es-key session=" in caplog.text
    assert "decision=anonymous code=cookie_unreadable" in caplog.text
    assert "decision=unauthorized code=token_malformed" in caplog.text
    assert "decision=unavailable code=auth_unavailable" in caplog.text
    for pair in [*pairs, last]:
        assert pair["access_token"] not in caplog.text
        assert pair["refresh_token"] not in caplog.text


def test_tokens_never_show_in_a_repr(auth: FaultyAuth) -> None:
    pair = auth.sign_in()
    tokens = SessionTokens(pair["access_token"], pair["refresh_token"], {"email": "secret@example.com"})
    assert repr(tokens) == "SessionTokens()"


def test_tokens_too_large_for_a_cookie_are_refused_at_sign_in(auth: FaultyAuth) -> None:
    client = make_app(auth).test_client()
    client.application.testing = False
    huge = auth.sign_in(user_metadata={"biography": "x" * 5500})
    assert sign_in(client, huge).status_code == 500
    assert session_cookie(client) is None


def test_a_session_that_grew_too_large_goes_on_with_its_old_cookie(
    auth: FaultyAuth, caplog: pytest.LogCaptureFixture
) -> None:
    client = signed_in(make_app(auth), auth.sign_in(age=3560))
    auth.faults["refresh"] = answers(200, auth.sign_in(user_metadata={"biography": "x" * 5500}))
    before = session_cookie(client)
    assert client.get("/private").status_code == 200
    assert session_cookie(client) == before
    assert "session_too_large" in caplog.text


def with_ended_view(auth: FaultyAuth) -> Any:
    """Return an app with views whose data service says that the session is over."""
    app = make_app(auth)

    def notes() -> str:
        raise SessionEnded("ended_elsewhere")

    app.add_url_rule("/notes", "notes", notes, methods=["GET", "POST"])
    app.add_url_rule("/api/notes", "api_notes", bearer_only(lambda: notes()))
    return app


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_view_can_end_the_session_by_raising(auth: FaultyAuth, method: str) -> None:
    client = signed_in(with_ended_view(auth), auth.sign_in())
    response = client.open("/notes", method=method, headers={"Referer": "http://localhost/notes"})
    assert (response.status_code, response.headers["Location"]) == (303, "/login?next=/notes")
    assert response.headers["Cache-Control"] == "private, no-store"
    assert session_cookie(client) is None
    messages = " ".join(client.get("/login").json["messages"])
    assert "another device" in messages
    assert ("nothing was saved" in messages) is (method == "POST")


def test_a_program_gets_a_401_for_a_session_that_a_view_ended(auth: FaultyAuth) -> None:
    app = with_ended_view(auth)
    response = signed_in(app, auth.sign_in()).get("/notes", headers={"Accept": "application/json"})
    assert response.status_code == 401
    bearer = {"Authorization": f"Bearer {auth.sign_in()['access_token']}"}
    response = app.test_client().get("/api/notes", headers=bearer)
    assert response.status_code == 401
    assert response.json["code"] == "session_over"
    assert "Set-Cookie" not in response.headers
