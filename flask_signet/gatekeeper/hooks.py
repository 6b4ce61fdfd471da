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
from enum import Enum
from functools import partial
from typing import Any
from weakref import WeakSet

from flask import Flask, current_app, flash, g, request, session
from werkzeug import Response
from werkzeug.exceptions import SecurityError

from .auth_http import AuthHttp
from .breaker import Breaker
from .cookies import SessionCookies
from .current import EXTENSION, current_identity, end_session
from .errors import SESSION_END_WORDS, GatekeeperError, SessionEnded, SessionOver, TokenError
from .flows import (
    Flow,
    FlowCookies,
    SharedFlowCookies,
)
from .jwks import InlineKeySet, KeySet
from .legacy import LegacyTokens
from .private_cookies import CookieCipher, PrivateCookies
from .refresh import Refresher
from .refusals import (
    CrossSiteCookie,
    SessionUnavailable,
    StepUpRequired,
    bearer_refused,
    login_redirect_or_401,
    step_up_redirect,
    unauthorized,
)
from .revocation import RevocationCheck
from .sessions import RequestSession, Sessions
from .settings import GatekeeperSettings
from .shared_cookies import SharedCookies
from .tokens import Expected
from .verification import KeySource, Verifier

log = logging.getLogger("flask_signet.gatekeeper")

PUBLIC = "_gatekeeper_public"  # attributes that decorators set on view functions
BEARER = "_gatekeeper_bearer"
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})

_extensions: WeakSet[Gatekeeper] = WeakSet()


class Bearer(Enum):
    """How a view treats bearer tokens; views without this mark ignore them."""

    REQUIRED = "required"
    OPTIONAL = "optional"
    OR_COOKIE = "or_cookie"


class Gatekeeper:
    """The Flask extension; settings come from ``app.config`` unless they are given.

    One instance can serve several apps (``init_app``). Caches, threads and connections belong to one app in
    one process. ``clock`` returns unix seconds, ``monotonic`` monotonic seconds.
    """

    sessions: Sessions
    auth: AuthHttp
    breaker: Breaker
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
        if bound._settings.step_up_endpoint is not None:
            app.register_error_handler(StepUpRequired, bound.answer_step_up)
        app.context_processor(lambda: {"identity": current_identity()})
        app.extensions[EXTENSION] = bound

    def reset_after_fork(self) -> None:
        """Replace everything that holds a lock, a thread or a socket."""
        settings = self._settings
        self.breaker = breaker = Breaker(settings.max_waiting_threads, self._monotonic)
        self.auth = auth = AuthHttp(
            settings.supabase_url, settings.publishable_key, breaker, self._clock, settings.jwks_url
        )
        expected = Expected((settings.issuer, *settings.other_issuers), settings.audience)
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
        bearer: Bearer | None = getattr(view, BEARER, None)
        if bearer is not None:
            g.gatekeeper_bearer = bearer
            if bearer is not Bearer.OR_COOKIE or "Authorization" in request.headers:
                return self._authenticate_bearer(is_optional=bearer is Bearer.OPTIONAL)
            self._check_origin()
        g.gatekeeper_session = current = self.sessions.authenticate(
            request.cookies.to_dict(flat=False), request.headers.get("User-Agent", "")
        )
        g.identity = current.identity
        g.gatekeeper_ms = (time.perf_counter() - started) * 1000
        if current.end_reason is not None:
            session.clear()
            flash(SESSION_END_WORDS[current.end_reason], "notice")
        is_closed = self._settings.is_closed or bearer is Bearer.OR_COOKIE
        if g.identity is None and is_closed and not getattr(view, PUBLIC, False):
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
        if "Vary" in response.headers:
            response.vary.add("Cookie")
        else:  # parsing the header costs more than writing it
            response.headers["Vary"] = "Cookie"
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
            raise SessionUnavailable(current.failure) from current.failure
        has_message = current.end_reason is not None
        return login_redirect_or_401(self._settings.login_endpoint, has_message=has_message)

    def redirect_ended_session(self, error: SessionEnded) -> Response:
        """Sign out and return the login redirect or 401: the handler for a SessionEnded that a view raises.

        A view raises it when another service (the data API) reports that the session is over.
        """
        g.gatekeeper_refused = True
        if "gatekeeper_bearer" in g and g.gatekeeper_session.identity is None:
            g.identity = None
            return bearer_refused(SessionOver())
        end_session(error.reason)
        return login_redirect_or_401(self._settings.login_endpoint, has_message=True)

    def answer_step_up(self, error: StepUpRequired) -> Response | StepUpRequired:
        """Redirect browsers to the step-up page: the handler for StepUpRequired."""
        assert self._settings.step_up_endpoint is not None  # noqa: S101 - registered only then
        return step_up_redirect(self._settings.step_up_endpoint, error)

    def _check_origin(self) -> None:
        """Raise CrossSiteCookie unless the browser says that a page of this site sends the request."""
        if request.method in SAFE_METHODS:
            return
        site, origin = request.headers.get("Sec-Fetch-Site"), request.headers.get("Origin")
        own_origins = (self._settings.site_url, request.host_url.rstrip("/"))
        if site != "same-origin" and (site is not None or origin not in own_origins):
            raise CrossSiteCookie(detail=f"site={site!r} origin={origin!r}")

    def _authenticate_bearer(self, *, is_optional: bool) -> Response | None:
        g.gatekeeper_refused = True
        if is_optional and "Authorization" not in request.headers:
            return None
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not token:
            return unauthorized("Bearer", "no_token")
        try:
            g.identity = self.sessions.authenticate_bearer(token.strip())
        except TokenError as error:
            log.info("decision=unauthorized code=%s kid=%s", error.code, error.kid)
            return bearer_refused(error)
        except GatekeeperError as failure:
            raise SessionUnavailable(failure) from failure
        return None

    def _is_personal(self, current: RequestSession) -> bool:
        """Return whether another person, or the same one a moment later, would get another response."""
        depends_on_session = (
            g.identity is not None or current.failure is not None or "gatekeeper_refused" in g
        )
        sets_cookies = current.store is not None or current.clear or "gatekeeper_flows" in g
        return depends_on_session or sets_cookies


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
