"""A small app behind the gatekeeper, in front of an Auth server that tests control."""

from __future__ import annotations

import time
from typing import Any

from flask import Blueprint, Flask, g, get_flashed_messages
from flask.testing import FlaskClient

from flask_signet.gatekeeper import (
    Gatekeeper,
    GatekeeperSettings,
    SessionTokens,
    bearer_only,
    bearer_or_cookie,
    current_identity,
    end_session,
    login_required,
    public,
    start_session,
)
from tests.flask_signet.gatekeeper.faulty_auth import FaultyAuth

SECRET = "a-secret-key-of-more-than-32-bytes-for-tests"
SITE = "http://localhost"


class Clock:
    """Unix and monotonic seconds that follow this machine's clocks, or stand still, plus a test's offset."""

    def __init__(self, base: Any, monotonic: Any = time.monotonic) -> None:
        self._base = base
        self._monotonic = monotonic
        self.offset = 0.0

    @classmethod
    def stopped(cls) -> Clock:
        """Return a clock that only a test moves."""
        now = time.time()
        return cls(lambda: now, lambda: now)

    def monotonic(self) -> float:
        """Return monotonic seconds."""
        return float(self._monotonic()) + self.offset

    def __call__(self) -> float:
        return float(self._base()) + self.offset


def make_app(auth: FaultyAuth, clock: Clock | None = None, **changes: Any) -> Flask:
    """Return an app with a page of each kind; ``clock`` moves both of the gatekeeper's clocks."""
    clock = clock or Clock(time.time)
    app = Flask(__name__)
    app.config.update(TESTING=True, SECRET_KEY=SECRET)
    settings: dict[str, Any] = {
        "supabase_url": auth.url,
        "publishable_key": "sb_publishable_test",
        "site_url": SITE,
        "secret_keys": (SECRET,),
        "issuer": auth.issuer,
        **changes,
    }
    Gatekeeper(
        app,
        GatekeeperSettings(**settings),
        clock=clock,
        monotonic=clock.monotonic,
    )
    add_pages(app)
    return app


def add_pages(app: Flask) -> None:
    """Give an app a page of each kind."""
    bp = Blueprint("auth", __name__)

    @bp.get("/login")
    @public
    def login() -> dict[str, Any]:
        return {"messages": get_flashed_messages(), "signed_in": current_identity() is not None}

    @bp.post("/session")
    @public
    def new_session() -> str:
        from flask import request

        start_session(SessionTokens(request.form["access_token"], request.form["refresh_token"]))
        return "welcome"

    @bp.post("/logout")
    def logout() -> str:
        end_session()
        return "bye"

    @app.get("/")
    @public
    def home() -> dict[str, Any]:
        identity = current_identity()
        return {"email": identity.email if identity else None, "messages": get_flashed_messages()}

    @app.get("/private")
    @app.post("/private")
    def private() -> dict[str, Any]:
        return {"session_id": str(g.identity.session_id), "expires_at": g.identity.expires_at}

    @app.get("/api")
    @bearer_only
    def api() -> dict[str, Any]:
        return {"user": str(g.identity.user_id)}

    @app.get("/api/optional")
    @bearer_only(optional=True)
    def api_optional() -> dict[str, Any]:
        return {"user": str(g.identity.user_id) if g.identity else None}

    @app.route("/api/shared", methods=["GET", "POST", "DELETE"])
    @bearer_or_cookie
    def api_shared() -> dict[str, Any]:
        return {"session_id": str(g.identity.session_id)}

    @app.get("/member")
    @login_required
    def member() -> str:
        return "member"

    app.register_blueprint(bp)


def signed_in(app: Flask, pair: dict[str, Any]) -> FlaskClient:
    """Return a client whose cookie holds these tokens, however old they are."""
    client = app.test_client()
    put_cookie(client, app, pair)
    return client


def put_cookie(client: FlaskClient, app: Flask, pair: dict[str, Any]) -> None:
    """Give a client the session cookie of these tokens."""
    from flask_signet.gatekeeper.cookies import StoredSession
    from flask_signet.gatekeeper.current import EXTENSION
    from tests.support.verified import CLAIMS

    cookies = app.extensions[EXTENSION].sessions.cookies
    tokens = SessionTokens(pair["access_token"], pair["refresh_token"], pair.get("user"))
    for name, value in cookies.prepare(StoredSession(tokens, 1), CLAIMS).items():
        client.set_cookie(name, value)


def session_cookie(client: FlaskClient) -> str | None:
    """Return the session cookie that a client holds."""
    cookie = client.get_cookie("sb-80")
    return cookie.value if cookie else None
