"""Carry the gatekeeper's decisions out on Flask's requests and responses.

Trust: the decision falls before any view runs and whatever the URL looks like. A view is closed unless it was
marked public; an unknown URL is closed too. When something goes wrong in here, nobody is signed in.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

from flask import Flask, current_app, flash, g, jsonify, redirect, request, session, url_for
from werkzeug import Response
from werkzeug.exceptions import ServiceUnavailable

from .errors import SESSION_END_WORDS, AuthUnavailable
from .identity import Identity, SessionTokens
from .marks import is_public
from .sessions import Sessions, Visit
from .settings import GatekeeperSettings

EXTENSION = "gatekeeper"
DEFAULT_RETRY_AFTER = 5  # seconds
NOTHING_SAVED = "Your session is over, so nothing was saved. Sign in and send it again."
SIGN_IN_FIRST = "Sign in to see this page."
UNAVAILABLE = "The sign-in service is not answering. You are still signed in; try again in a moment."
_RETURN_PATH = re.compile(r"/(?![/\\])[!-\[\]-~]{0,511}")


class Doorkeeper:
    """The gatekeeper's hooks for one app; it lives as long as the process."""

    def __init__(self, settings: GatekeeperSettings, sessions: Sessions) -> None:
        self.settings = settings
        self.sessions = sessions

    def register(self, app: Flask) -> None:
        """Put the hooks in place; whatever else looks at ``g.identity`` must be registered later."""
        app.before_request(self.before_request)
        app.after_request(self.after_request)
        app.context_processor(lambda: {"identity": current_identity()})
        app.extensions[EXTENSION] = self

    def before_request(self) -> Response | None:
        """Find out who is there, and send away whoever must be signed in and is not."""
        started = time.perf_counter()
        g.identity = None
        g.gatekeeper_visit = visit = Visit()
        if not _is_static():
            g.gatekeeper_visit = visit = self.sessions.arrive(request.cookies.to_dict(flat=False))
            g.identity = visit.identity
        g.gatekeeper_ms = (time.perf_counter() - started) * 1000
        if visit.end_reason is not None:
            session.clear()
            flash(SESSION_END_WORDS[visit.end_reason], "notice")
        if g.identity is not None or _is_static() or is_public(_view()):
            return None
        return self._send_away(visit)

    def after_request(self, response: Response) -> Response:
        """Write changed session cookies, and keep every cache away from what belongs to one person."""
        if _is_static():
            return response
        visit: Visit = g.get("gatekeeper_visit") or Visit()
        identity = visit.identity
        if identity is not None and self.sessions.is_ended(identity):
            visit.store = None  # signed out in another thread while this request was under way
        cookies = self.sessions.cookies
        if visit.store is not None:
            cookies.write(response, visit.store, visit.sent)
        elif visit.clear:
            cookies.clear(response, visit.sent)
        if identity is not None or visit.store is not None or visit.clear:
            response.headers["Cache-Control"] = "private, no-store"
        response.vary.add("Cookie")
        if self.settings.show_timing:
            response.headers.add("Server-Timing", f"gatekeeper;dur={g.get('gatekeeper_ms', 0):.3f}")
        return response

    def _send_away(self, visit: Visit) -> Response:
        if visit.failure is not None:
            told = visit.failure.retry_after if isinstance(visit.failure, AuthUnavailable) else None
            raise ServiceUnavailable(UNAVAILABLE, retry_after=told or DEFAULT_RETRY_AFTER) from visit.failure
        if _wants_json() or request.method not in ("GET", "HEAD", "POST"):
            response = jsonify(code="not_signed_in", message="Sign in first.")
            response.status_code = 401
            response.headers["WWW-Authenticate"] = "Bearer"
            return response
        if request.method == "POST":
            flash(NOTHING_SAVED, "notice")
        elif visit.end_reason is None:
            flash(SIGN_IN_FIRST, "notice")
        login = url_for(self.settings.login_endpoint, next=_return_path())
        return redirect(login, 303)


def doorkeeper() -> Doorkeeper:
    """Return the gatekeeper of the current app."""
    found = current_app.extensions[EXTENSION]
    assert isinstance(found, Doorkeeper)  # noqa: S101 - put there by register()
    return found


def current_identity() -> Identity | None:
    """Return who the current request is, or None when nobody is signed in."""
    identity: Identity | None = g.get("identity")
    return identity


def start_session(tokens: SessionTokens) -> Identity:
    """Sign the current request in with the token pair that Auth just gave.

    The access token is verified here first. Flask's own session is emptied, so nothing that was set before
    signing in (form tokens above all) is good afterwards. Raises TokenError, KeysUnavailable or
    SessionTooLarge.
    """
    identity = doorkeeper().sessions.start(g.gatekeeper_visit, tokens)
    session.clear()
    g.identity = identity
    return identity


def end_session(reason: str = "signed_out") -> None:
    """Sign the current request out and say why; ``reason`` is a key of SESSION_END_WORDS.

    Ends the session for this app only; ending it at Auth is the caller's part and comes first.
    """
    doorkeeper().sessions.end(g.gatekeeper_visit)
    g.identity = None
    session.clear()
    flash(SESSION_END_WORDS[reason], "notice")


def _view() -> Callable[..., Any] | None:
    return current_app.view_functions.get(request.endpoint or "")


def _is_static() -> bool:
    return (request.endpoint or "").rpartition(".")[2] == "static"


def _wants_json() -> bool:
    accept = request.accept_mimetypes
    return request.is_json or accept["application/json"] > accept["text/html"]


def _return_path() -> str | None:
    """Return where to come back to after signing in: a plain path of this site, or None."""
    path = request.full_path.removesuffix("?")
    if request.method == "POST":
        referrer = urlsplit(request.referrer or "")
        if referrer.netloc != request.host:
            return None
        path = f"{referrer.path}?{referrer.query}" if referrer.query else referrer.path
    return path if _RETURN_PATH.fullmatch(path) else None
