"""The Flask extension: authenticate each request, refuse closed views, write session cookies.

Trust: the decision is made before any view runs, whatever the URL looks like. In a closed app every view
that is not marked public is closed, unknown URLs too. If the check itself fails, the request has no identity.
"""

from __future__ import annotations

import copy
import logging
import os
import time
from collections.abc import Callable
from functools import partial
from typing import Any
from weakref import WeakSet

from flask import Flask, current_app, flash, g, request, session
from werkzeug import Response
from werkzeug.exceptions import SecurityError

from .auth_http import AuthHttp
from .breaker import Breaker
from .cookies import SessionCookies
from .errors import SESSION_END_WORDS, GatekeeperError, SessionEnded, TokenError
from .flows import (
    Flow,
    FlowCookies,
    FlowKind,
    FlowTokens,
    SharedFlowCookies,
    challenge_of,
    finish,
    new_flow,
    with_flow,
    with_note,
)
from .jwks import InlineKeySet, KeySet
from .legacy import LegacyTokens
from .private_cookies import CookieCipher, PrivateCookies
from .refresh import Refresher
from .refusals import bearer_refused, login_redirect_or_401, unauthorized, unavailable
from .revocation import RevocationCheck
from .sessions import RequestSession, Sessions
from .settings import GatekeeperSettings
from .shared_cookies import SharedCookies
from .tokens import Expected, Identity, SessionTokens
from .verification import KeySource, Verifier

log = logging.getLogger("flask_signet.gatekeeper")

EXTENSION = "gatekeeper"
PUBLIC = "_gatekeeper_public"  # attributes that decorators set on view functions
BEARER_ONLY = "_gatekeeper_bearer_only"

_extensions: WeakSet[Gatekeeper] = WeakSet()


class Gatekeeper:
    """The Flask extension; settings come from ``app.config`` unless they are given.

    One instance can serve several apps (``init_app``). Caches, threads and connections belong to one app in
    one process. ``clock`` returns unix seconds, ``monotonic`` monotonic seconds.
    """

    sessions: Sessions
    auth: AuthHttp
    _flow_cookies: FlowCookies
    _settings: GatekeeperSettings

    def __init__(
        self,
        app: Flask | None = None,
        settings: GatekeeperSettings | None = None,
        *,
        clock: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._given_settings = settings
        self._clock = clock
        self._monotonic = monotonic
        if app is not None:
            self.init_app(app)

    def init_app(self, app: Flask) -> None:
        """Close the app: every view that is not public requires a session. Raises ValueError for settings.

        Register hooks that read ``g.identity`` after this call.
        """
        bound = copy.copy(self)
        bound._settings = self._given_settings or GatekeeperSettings.from_config(app.config)
        bound._flow_cookies = _flow_cookies(bound._settings, self._clock)
        bound.reset_after_fork()
        _extensions.add(bound)
        app.before_request(bound.before_request)
        app.after_request(bound.after_request)
        app.register_error_handler(SessionEnded, bound.redirect_ended_session)
        app.context_processor(lambda: {"identity": current_identity()})
        app.extensions[EXTENSION] = bound

    def reset_after_fork(self) -> None:
        """Replace everything that holds a lock, a thread or a socket."""
        settings = self._settings
        breaker = Breaker(settings.max_waiting_threads, self._monotonic)
        self.auth = auth = AuthHttp(settings.supabase_url, settings.publishable_key, breaker, self._clock)
        expected = Expected(settings.issuer, settings.audience)
        keys: KeySource
        if settings.jwks is not None:
            keys = InlineKeySet(settings.jwks.encode(), allow_development_key=auth.is_loopback)
        else:
            keys = KeySet(auth.fetch_key_set, allow_development_key=auth.is_loopback, clock=self._monotonic)
        legacy = LegacyTokens(auth.get_user, expected, self._clock, breaker)
        verifier = Verifier(keys, legacy, expected, self._clock)
        revocation = None
        if settings.revocation_check_seconds is not None:
            interval = settings.revocation_check_seconds
            revocation = RevocationCheck(auth.get_user, interval, self._clock, breaker)
        verify_new = partial(verifier.verify, from_auth=True)
        refresher = Refresher(auth.refresh, verify_new, breaker, self._clock, self._monotonic)
        self.sessions = Sessions(
            _cookies(settings), verifier, refresher, revocation, self._clock, self._monotonic
        )

    @property
    def settings(self) -> GatekeeperSettings:
        """The settings in use."""
        return self._settings

    def before_request(self) -> Response | None:
        """Authenticate the request; return the login redirect or 401 if the view requires a session."""
        started = time.perf_counter()
        g.identity = None
        g.gatekeeper_session = current = RequestSession()
        view = current_app.view_functions.get(request.endpoint or "")
        if _is_static_file() or isinstance(request.routing_exception, SecurityError):
            return None  # Flask serves the file, or refuses the untrusted host
        if getattr(view, BEARER_ONLY, False):
            return self._authenticate_bearer()
        g.gatekeeper_session = current = self.sessions.authenticate(
            request.cookies.to_dict(flat=False), request.headers.get("User-Agent", "")
        )
        g.identity = current.identity
        g.gatekeeper_ms = (time.perf_counter() - started) * 1000
        if current.end_reason is not None:
            session.clear()
            flash(SESSION_END_WORDS[current.end_reason], "notice")
        if g.identity is None and self._settings.is_closed and not getattr(view, PUBLIC, False):
            return self.refuse()
        return None

    def after_request(self, response: Response) -> Response:
        """Write changed session cookies, and forbid caching of personal responses."""
        current: RequestSession | None = g.get("gatekeeper_session")
        if current is None or _is_static_file():
            return response
        if current.identity is not None and self.sessions.is_ended(current.identity):
            current.store = None  # signed out by another request meanwhile
        if current.store is not None:
            self.sessions.cookies.write(response, current.store, current.sent)
        elif current.clear:
            self.sessions.cookies.clear(response, current.sent)
        if "gatekeeper_flows" in g:
            self._flow_cookies.write(response, g.gatekeeper_flows, request.cookies.to_dict(flat=False))
        if self._is_personal(current):
            response.headers["Cache-Control"] = "private, no-store"
        response.vary.add("Cookie")
        if self._settings.show_timing and "gatekeeper_ms" in g:
            response.headers.add("Server-Timing", f"gatekeeper;dur={g.gatekeeper_ms:.3f}")
        return response

    def now(self) -> float:
        """Return the time in unix seconds."""
        return self._clock()

    def pending_flows(self) -> tuple[Flow, ...]:
        """Return the PKCE flows of this browser, with the changes that this request made."""
        if "gatekeeper_flows" in g:
            changed: tuple[Flow, ...] = g.gatekeeper_flows
            return changed
        return self._flow_cookies.read(request.cookies.to_dict(flat=False))

    def refuse(self) -> Response:
        """Return the login redirect or 401; raise a 503 if a session was sent that cannot be checked now."""
        g.gatekeeper_refused = True
        current: RequestSession = g.gatekeeper_session
        if current.failure is not None:
            raise unavailable(current.failure) from current.failure
        has_message = current.end_reason is not None
        return login_redirect_or_401(self._settings.login_endpoint, has_message=has_message)

    def redirect_ended_session(self, error: SessionEnded) -> Response:
        """Sign out and return the login redirect or 401: the handler for a SessionEnded that a view raises.

        A view raises it when another service (the data API) reports that the session is over.
        """
        end_session(error.reason)
        g.gatekeeper_refused = True
        return login_redirect_or_401(self._settings.login_endpoint, has_message=True)

    def _authenticate_bearer(self) -> Response | None:
        g.gatekeeper_refused = True
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not token:
            return unauthorized("Bearer", "no_token")
        try:
            g.identity = self.sessions.authenticate_bearer(token.strip())
        except TokenError as error:
            log.info("decision=unauthorized code=%s kid=%s", error.code, error.kid)
            return bearer_refused(error)
        except GatekeeperError as failure:
            raise unavailable(failure) from failure
        return None

    def _is_personal(self, current: RequestSession) -> bool:
        """Return whether another person, or the same one a moment later, would get another response."""
        depends_on_session = (
            g.identity is not None or current.failure is not None or "gatekeeper_refused" in g
        )
        sets_cookies = current.store is not None or current.clear or "gatekeeper_flows" in g
        return depends_on_session or sets_cookies


def current_gatekeeper() -> Gatekeeper:
    """Return the gatekeeper of the current app."""
    found = current_app.extensions[EXTENSION]
    assert isinstance(found, Gatekeeper)  # noqa: S101 - set by init_app
    return found


def current_identity() -> Identity | None:
    """Return the signed-in person of the current request, or None."""
    identity: Identity | None = g.get("identity")
    return identity


def session_in_doubt() -> bool:
    """Return whether a session was sent that cannot be checked now: neither signed in nor signed out."""
    current: RequestSession | None = g.get("gatekeeper_session")
    return current is not None and current.failure is not None


def start_session(tokens: SessionTokens) -> Identity:
    """Sign the current request in with the token pair that Auth just issued.

    The access token is verified first. Flask's own session is emptied, so that nothing set before the sign-in
    (form tokens above all) stays valid; pending PKCE flows end. Raises TokenError, KeysUnavailable,
    AuthUnavailable or SessionTooLarge.
    """
    identity = current_gatekeeper().sessions.start(g.gatekeeper_session, tokens)
    session.clear()
    g.gatekeeper_flows = ()
    g.identity = identity
    return identity


def end_session(reason: str = "signed_out") -> None:
    """Sign the current request out and flash why; ``reason`` is a key of SESSION_END_WORDS.

    This ends the session in this process only: the caller ends it at Auth first.
    """
    current_gatekeeper().sessions.end(g.gatekeeper_session)
    g.identity = None
    session.clear()
    flash(SESSION_END_WORDS[reason], "notice")


def begin_flow(kind: FlowKind) -> str:
    """Begin a PKCE flow in this browser; return the S256 challenge to send to Auth.

    Call it before the request to Auth that sends a mail (``signup``, ``recovery``, ``email_change``,
    ``magiclink``) or redirects to a provider (``oauth``). The verifier goes into a cookie of this response.
    """
    gatekeeper = current_gatekeeper()
    flow = new_flow(kind, gatekeeper.now())
    g.gatekeeper_flows = with_flow(gatekeeper.pending_flows(), flow)
    return challenge_of(flow.verifier)


def annotate_flow(kind: FlowKind, note: str) -> None:
    """Attach a note to the newest pending flow of a kind, such as the id of the account that it made."""
    g.gatekeeper_flows = with_note(current_gatekeeper().pending_flows(), kind, note)


def pending_flow(kind: FlowKind) -> Flow | None:
    """Return the newest flow of a kind that this browser began within the last hour, or None."""
    flows = current_gatekeeper().pending_flows()
    return next((flow for flow in reversed(flows) if flow.kind == kind), None)


def finish_flow(code: str) -> FlowTokens:
    """Exchange the code that Auth appended to a return address for a token pair.

    The flow's kind and note are in ``flow`` of the result. No session is started: ``start_session`` does.
    Raises FlowRefused, AuthUnavailable or AuthMisconfigured.
    """
    gatekeeper = current_gatekeeper()
    flows = gatekeeper.pending_flows()
    tokens = finish(flows, code, gatekeeper.auth.exchange_code, gatekeeper.now())
    g.gatekeeper_flows = tuple(flow for flow in flows if flow is not tokens.flow)
    return tokens


def _cookies(settings: GatekeeperSettings) -> SessionCookies:
    if settings.cookie_mode == "shared":
        return SharedCookies(settings.site_url, settings.supabase_url, settings.cookie_domain)
    return PrivateCookies(settings.site_url, CookieCipher(settings.secret_keys), settings.cookie_domain)


def _flow_cookies(settings: GatekeeperSettings, clock: Callable[[], float]) -> FlowCookies:
    cipher = CookieCipher(settings.secret_keys)
    if settings.cookie_mode == "shared":
        return SharedFlowCookies(settings.site_url, cipher, settings.supabase_url, clock)
    return FlowCookies(settings.site_url, cipher, clock)


def _is_static_file() -> bool:
    """Return whether Flask's own static view serves this request, not a view with the same name."""
    blueprint, _, name = (request.endpoint or "").rpartition(".")
    if name != "static":
        return False
    owner: Any = current_app.blueprints.get(blueprint) if blueprint else current_app
    return owner is not None and owner.has_static_folder


def _reset_after_fork() -> None:
    # Servers that load the app before they fork (gunicorn --preload) copy held locks and open sockets. Two
    # workers on one connection would read each other's answers, tokens included.
    for gatekeeper in list(_extensions):
        gatekeeper.reset_after_fork()


if hasattr(os, "register_at_fork"):  # not on Windows
    os.register_at_fork(after_in_child=_reset_after_fork)
