"""Closed by default: nothing private leaves without a session, however the request is spelled."""

from __future__ import annotations

import http.client
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from flask import Blueprint, Flask
from werkzeug.serving import make_server

from flask_signet.gatekeeper import public
from tests.flask_signet.gatekeeper.faulty_auth import FaultyAuth
from tests.flask_signet.gatekeeper.gatekept import make_app, signed_in

SECRET_TEXT = b"only for members"

SPELLINGS = """
/profile /profile/ /profile. /PROFILE /profile%00 /profile%20 /profile;.png /profile?x=.png /profile%2f.png
/login/../profile /login/%2e%2e/profile /login%2f..%2fprofile //profile //evil/profile /./profile /\\profile
/%2e/profile /profile/.. /profile/x /loginhistory /authors /errors/export /u/bob.png /u/bob%2epng
/_next/static/../profile /favicon.ico/../profile /static/../profile /static/..%2fprofile /static//etc/passwd
/static/%2e%2e/%2e%2e/etc/passwd /members/static /static /static/ /members.static * http://localhost/profile
"""
METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PROPFIND"]


@pytest.fixture
def app(auth: FaultyAuth, tmp_path: Any) -> Flask:
    app = make_app(auth)
    members = Blueprint("members", __name__, url_prefix="/members")

    @members.get("/static")
    def static() -> bytes:  # the name alone must not open it
        return SECRET_TEXT

    @app.route("/profile", methods=["GET", "POST", "PUT", "PATCH", "DELETE"])
    def profile() -> bytes:
        return SECRET_TEXT

    for rule in ("/loginhistory", "/authors", "/errors/export", "/u/<name>"):
        app.add_url_rule(rule, rule, lambda name="": SECRET_TEXT)
    app.register_blueprint(members)
    return app


@pytest.fixture
def port(app: Flask) -> Iterator[int]:
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield server.server_port
    server.shutdown()
    thread.join()
    server.server_close()


def test_no_spelling_and_no_method_reaches_a_closed_view(port: int) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", port)
    for method in METHODS:
        for path in SPELLINGS.split():
            connection.putrequest(method, path, skip_accept_encoding=True)
            connection.putheader("Content-Length", "0")
            connection.endheaders()
            response = connection.getresponse()
            body = response.read()
            assert SECRET_TEXT not in body, (method, path)
            if method != "OPTIONS" or not path.startswith("/static/"):
                assert response.status in (303, 400, 401, 404, 405, 501), (method, path, response.status)
    connection.close()


def test_a_member_reaches_them(app: Flask, auth: FaultyAuth) -> None:
    client = signed_in(app, auth.sign_in())
    for path in ("/profile", "/members/static", "/u/bob.png"):
        assert client.get(path).data == SECRET_TEXT
    assert client.get("/no-such-page").status_code == 404
    assert client.post("/profile").data == SECRET_TEXT


@pytest.mark.parametrize(
    ("method", "headers", "status", "location"),
    [
        ("GET", {}, 303, "/login?next=/private"),
        ("GET", {"Accept": "text/html,*/*;q=0.8"}, 303, "/login?next=/private"),
        ("HEAD", {}, 303, "/login?next=/private"),
        ("GET", {"Accept": "application/json"}, 401, None),
        ("GET", {"Accept": "application/json, text/html;q=0.5"}, 401, None),
        ("POST", {"Accept": "application/json"}, 401, None),
        ("POST", {"Content-Type": "application/json"}, 401, None),
        ("PUT", {}, 401, None),
        ("DELETE", {}, 401, None),
        ("OPTIONS", {}, 401, None),
        ("POST", {}, 303, "/login"),
        ("POST", {"Referer": "http://localhost/private?page=2"}, 303, "/login?next=/private?page%3D2"),
        ("POST", {"Referer": "https://evil.example/private"}, 303, "/login"),
        ("POST", {"Referer": "http://localhost:81/private"}, 303, "/login"),
        ("POST", {"Referer": "http://["}, 303, "/login"),
        ("GET", {"Connection": "Upgrade", "Upgrade": "websocket"}, 303, "/login?next=/private"),
    ],
    ids=str,
)
def test_a_closed_page_leads_to_the_login_or_is_a_401(
    auth: FaultyAuth, method: str, headers: dict[str, str], status: int, location: str | None
) -> None:
    response = make_app(auth).test_client().open("/private", method=method, headers=headers)
    assert response.status_code == status
    assert response.headers.get("Location") == location
    assert response.headers.get("WWW-Authenticate") == ("Bearer" if status == 401 else None)
    assert response.headers["Cache-Control"] == "private, no-store"
    assert "Cookie" in response.headers["Vary"]


def test_a_program_learns_what_is_wrong_and_what_to_do(auth: FaultyAuth) -> None:
    client = make_app(auth).test_client()
    accept = {"Accept": "application/json"}
    assert client.get("/private", headers=accept).json == {
        "code": "not_signed_in",
        "message": "This is for people who are signed in.",
        "hint": "Sign in, or send a valid access token as a bearer token.",
    }
    refused = client.get("/api", headers={"Authorization": "Bearer junk"}).json
    assert (refused["code"], bool(refused["hint"])) == ("token_malformed", True)


@pytest.mark.parametrize("path", ["//evil.example", "/\\evil", "/%0d%0aSet-Cookie:a=b", "/x%09y", "/é"])
def test_an_address_that_could_lead_away_is_not_carried_along(auth: FaultyAuth, path: str) -> None:
    response = make_app(auth).test_client().get(path)
    location = response.headers.get("Location", "/login")
    assert location.startswith(("/login", "http://localhost/"))
    assert "evil" not in location.replace("next=/%5Cevil", "")


def test_a_query_of_any_bytes_is_no_reason_to_fail(auth: FaultyAuth) -> None:
    client = make_app(auth).test_client()
    for query, location in (("x=\xff", "/login"), ("x=%ff", "/login?next=/private?x%3D%25ff")):
        response = client.get("/private", environ_overrides={"QUERY_STRING": query})
        assert (response.status_code, response.headers["Location"]) == (303, location)


def test_the_way_back_includes_where_the_app_is_mounted(auth: FaultyAuth) -> None:
    response = make_app(auth).test_client().get("/private", environ_overrides={"SCRIPT_NAME": "/app"})
    assert response.headers["Location"] == "/app/login?next=/app/private"


def test_a_closed_login_view_is_named_instead_of_leading_in_circles(auth: FaultyAuth) -> None:
    client = make_app(auth, login_endpoint="private").test_client()
    with pytest.raises(RuntimeError, match=r"'private' is closed.*@public"):
        client.get("/private")


def test_a_post_that_meets_an_ended_session_says_that_nothing_was_saved(auth: FaultyAuth) -> None:
    pair = auth.sign_in(age=4000)
    client = signed_in(make_app(auth), pair)
    auth.end(pair["refresh_token"].partition(":")[0])
    response = client.post("/private", headers={"Referer": "http://localhost/private"})
    assert response.headers["Location"] == "/login?next=/private"
    messages = client.get("/login").json["messages"]
    assert any("nothing was saved" in message for message in messages)
    assert any("another device" in message for message in messages)


def test_an_open_app_closes_only_what_says_so(auth: FaultyAuth) -> None:
    app = make_app(auth, is_closed=False)

    @app.get("/anything")
    def anything() -> str:
        return "open"

    client = app.test_client()
    assert client.get("/anything").status_code == 200
    assert client.get("/unknown").status_code == 404
    assert client.get("/member").headers["Location"] == "/login?next=/member"
    assert signed_in(app, auth.sign_in()).get("/member").data == b"member"


def test_an_error_inside_the_gatekeeper_admits_no_request(
    auth: FaultyAuth, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = make_app(auth)
    app.config["PROPAGATE_EXCEPTIONS"] = False
    app.testing = False
    monkeypatch.setattr("flask_signet.gatekeeper.sessions.decide", lambda **_: 1 / 0)
    response = signed_in(app, auth.sign_in()).get("/private")
    assert response.status_code == 500
    assert b"session_id" not in response.data


def test_a_host_that_is_not_ours_is_refused_before_anything_else(auth: FaultyAuth) -> None:
    app = make_app(auth)
    app.config["TRUSTED_HOSTS"] = ["localhost"]
    client = signed_in(app, auth.sign_in())
    for path in ("/", "/private", "/unknown"):
        assert client.get(path, headers={"Host": "evil.example"}).status_code == 400


def test_the_cost_of_the_check_is_shown_in_development_only(auth: FaultyAuth) -> None:
    shown = signed_in(make_app(auth, show_timing=True), auth.sign_in()).get("/private")
    assert shown.headers["Server-Timing"].startswith("gatekeeper;dur=")
    assert "Server-Timing" not in make_app(auth).test_client().get("/").headers


def test_a_view_marked_public_under_another_decorator_stays_marked(auth: FaultyAuth) -> None:
    app = make_app(auth)

    @app.get("/open")
    @public
    def page() -> str:
        return "open"

    assert app.test_client().get("/open").data == b"open"
