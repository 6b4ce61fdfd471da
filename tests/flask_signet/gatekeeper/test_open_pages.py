"""Pages and files for everybody: who sees what, and what a cache may keep."""

from __future__ import annotations

from typing import Any

from flask import Blueprint

from tests.flask_signet.gatekeeper.faulty_auth import FaultyAuth
from tests.flask_signet.gatekeeper.gatekept import make_app, session_cookie, signed_in


def test_what_depends_on_a_session_is_kept_by_no_cache(auth: FaultyAuth) -> None:
    app = make_app(auth)
    token = auth.sign_in()["access_token"]
    strangers_app = make_app(auth, supabase_url="http://127.0.0.1:1")
    for client, path, headers, status in (
        (signed_in(app, auth.sign_in()), "/private", {}, 200),
        (signed_in(app, auth.sign_in()), "/", {}, 200),
        (signed_in(app, auth.sign_in()), "/nothing-here", {}, 404),
        (signed_in(app, auth.sign_in(age=4000)), "/", {}, 200),
        (signed_in(app, auth.sign_in(role="anon")), "/", {}, 200),  # its cookie is cleared
        (signed_in(strangers_app, auth.sign_in()), "/private", {}, 503),
        (signed_in(strangers_app, auth.sign_in()), "/", {}, 200),  # shown as to nobody, for the moment
        (app.test_client(), "/api", {}, 401),
        (app.test_client(), "/api", {"Authorization": f"Bearer {token}"}, 200),
    ):
        response = client.get(path, headers=headers)
        assert response.status_code == status
        assert response.headers["Cache-Control"] == "private, no-store"
        assert "Cookie" in response.headers["Vary"]


def test_a_page_for_everybody_may_be_kept(auth: FaultyAuth) -> None:
    response = make_app(auth).test_client().get("/")
    assert "Cache-Control" not in response.headers
    assert "Cookie" in response.headers["Vary"]


def test_static_files_are_for_everybody_and_set_no_cookie(auth: FaultyAuth, tmp_path: Any) -> None:
    (tmp_path / "style.css").write_text("body {}")
    app = make_app(auth)
    files = Blueprint("files", __name__, static_folder=str(tmp_path), static_url_path="/files")
    app.register_blueprint(files)
    client = signed_in(app, auth.sign_in(age=3990))
    response = client.get("/files/style.css")
    assert response.status_code == 200
    assert "Set-Cookie" not in response.headers
    assert auth.calls["refresh"] == 0
    response.close()


def test_a_public_page_shows_who_is_there_and_renews_the_session(auth: FaultyAuth) -> None:
    client = signed_in(make_app(auth), auth.sign_in(age=4000))
    before = session_cookie(client)
    assert client.get("/").json["email"] == "alice@example.com"
    assert session_cookie(client) != before
