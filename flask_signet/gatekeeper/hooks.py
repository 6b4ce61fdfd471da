"""Carry the gatekeeper's decisions out on Flask's requests and responses.

Trust: the decision falls before any view runs and whatever the URL looks like. In a closed app a view is
closed unless it was marked public, and an unknown URL is closed too. When something goes wrong in here,
nobody is signed in.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from functools import wraps
from typing import Any, ParamSpec

from flask import Flask, current_app, flash, g, request, session
from flask.typing import ResponseReturnValue
from werkzeug import Response
from werkzeug.exceptions import SecurityError

from .errors import SESSION_END_WORDS, GatekeeperError, TokenError
from .forks import renew_after_fork
from .identity import Identity, SessionTokens
from .marks import is_bearer_only, is_public
from .refusals import bearer_refused, sign_in_first, unauthorized, unavailable
from .sessions import Sessions, Visit
from .settings import GatekeeperSettings

P = ParamSpec("P")

log = logging.getLogger("gatekeeper")

EXTENSION = "gatekeeper"


class Doorkeeper:
    """The gatekeeper's hooks for one app; it lives as long as the process.

    ``make_sessions`` makes what a process needs of its own, once now and once in each process forked later.
    """

    def __init__(self, settings: GatekeeperSettings, make_sessions: Callable[[], Sessions]) -> None:
        self._settings = settings
        self._make_sessions = make_sessions
        self.sessions = make_sessions()
        renew_after_fork(self)

    def begin_anew(self) -> None:
        """Forget what the process that this one was forked from has open or under way."""
        self.sessions = self._make_sessions()

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
        view = current_app.view_functions.get(request.endpoint or "")
        if _is_static() or isinstance(request.routing_exception, SecurityError):
            return None  # a file for everybody; a host that is not ours, which Flask refuses
        if is_bearer_only(view):
            return self._admit_bearer()
        g.gatekeeper_visit = visit = self.sessions.arrive(
            request.cookies.to_dict(flat=False), request.headers.get("User-Agent", "")
        )
        g.identity = visit.identity
        g.gatekeeper_ms = (time.perf_counter() - started) * 1000
        if visit.end_reason is not None:
            session.clear()
            flash(SESSION_END_WORDS[visit.end_reason], "notice")
        if g.identity is None and self._settings.is_closed and not is_public(view):
            return self.send_away()
        return None

    def after_request(self, response: Response) -> Response:
        """Write changed session cookies, and keep every cache away from what belongs to one person."""
        visit: Visit | None = g.get("gatekeeper_visit")
        if visit is None or _is_static():
            return response
        if visit.identity is not None and self.sessions.is_ended(visit.identity):
            visit.store = None  # signed out in another thread while this request was under way
        if visit.store is not None:
            self.sessions.cookies.write(response, visit.store, visit.sent)
        elif visit.clear:
            self.sessions.cookies.clear(response, visit.sent)
        if self._is_personal(visit):
            response.headers["Cache-Control"] = "private, no-store"
        response.vary.add("Cookie")
        if self._settings.show_timing and "gatekeeper_ms" in g:
            response.headers.add("Server-Timing", f"gatekeeper;dur={g.gatekeeper_ms:.3f}")
        return response

    def _is_personal(self, visit: Visit) -> bool:
        """Return whether somebody else, or the same person a moment later, would get another answer."""
        is_told_apart = g.identity is not None or visit.failure is not None or "gatekeeper_guarded" in g
        return is_told_apart or visit.store is not None or visit.clear

    def send_away(self) -> Response:
        """Return the way in, or raise a 503 when a session was sent that cannot be looked at now."""
        g.gatekeeper_guarded = True
        visit: Visit = g.gatekeeper_visit
        if visit.failure is not None:
            raise unavailable(visit.failure) from visit.failure
        return sign_in_first(self._settings.login_endpoint, has_said_why=visit.end_reason is not None)

    def _admit_bearer(self) -> Response | None:
        g.gatekeeper_guarded = True
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not token:
            return unauthorized("Bearer", "no_token")
        try:
            g.identity = self.sessions.recognise(token.strip())
        except TokenError as error:
            log.info("decision=unauthorized code=%s kid=%s", error.code, error.kid)
            return bearer_refused(error)
        except GatekeeperError as failure:
            raise unavailable(failure) from failure
        return None


def doorkeeper() -> Doorkeeper:
    """Return the gatekeeper of the current app."""
    found = current_app.extensions[EXTENSION]
    assert isinstance(found, Doorkeeper)  # noqa: S101 - put there by register()
    return found


def current_identity() -> Identity | None:
    """Return who the current request is, or None when nobody is signed in."""
    identity: Identity | None = g.get("identity")
    return identity


def session_in_doubt() -> bool:
    """Return whether a session was sent that cannot be looked at now: neither signed in nor signed out."""
    visit: Visit | None = g.get("gatekeeper_visit")
    return visit is not None and visit.failure is not None


def login_required(view: Callable[P, ResponseReturnValue]) -> Callable[P, ResponseReturnValue]:
    """Close one view, in an app that is open by default."""

    @wraps(view)
    def closed(*args: P.args, **kwargs: P.kwargs) -> Any:
        if current_identity() is None:
            return doorkeeper().send_away()
        return current_app.ensure_sync(view)(*args, **kwargs)

    return closed


def start_session(tokens: SessionTokens) -> Identity:
    """Sign the current request in with the token pair that Auth just gave.

    The access token is verified here first. Flask's own session is emptied, so nothing that was set before
    signing in (form tokens above all) is good afterwards. Raises TokenError, KeysUnavailable,
    AuthUnavailable or SessionTooLarge.
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


def _is_static() -> bool:
    """Return whether Flask itself serves a file here; a view that is merely called so does not count."""
    blueprint, _, name = (request.endpoint or "").rpartition(".")
    if name != "static":
        return False
    owner = current_app.blueprints.get(blueprint) if blueprint else current_app
    return owner is not None and owner.has_static_folder
