"""The gatekeeper: sessions of Supabase Auth for Flask, checked on the spot.

What ``@supabase/ssr`` and its middleware are to Next.js. It can be lifted out whole: it imports nothing from
the app around it. ``Gatekeeper(app)`` closes every view of an app; ``public`` opens one.

    from gatekeeper import Gatekeeper, current_identity, public

    Gatekeeper(app)
"""

from __future__ import annotations

import time
from collections.abc import Callable

from flask import Flask

from .auth_http import AuthHttp
from .cookies import SessionCookies
from .hooks import (
    Doorkeeper,
    current_identity,
    end_session,
    login_required,
    session_in_doubt,
    start_session,
)
from .identity import Identity, SessionTokens
from .jwks import InlineKeySet, KeySet
from .legacy import LegacyTokens
from .marks import bearer_only, public
from .private_cookies import PrivateCookies
from .revocation import RevocationCheck
from .seal import Seal
from .sessions import Sessions
from .settings import GatekeeperSettings
from .shared_cookies import SharedCookies
from .tokens import Expected
from .verification import KeySource, Verifier

__all__ = [
    "Gatekeeper",
    "GatekeeperSettings",
    "Identity",
    "SessionTokens",
    "bearer_only",
    "current_identity",
    "end_session",
    "login_required",
    "public",
    "session_in_doubt",
    "start_session",
]


class Gatekeeper:
    """The Flask extension: settings come from ``app.config`` unless they are given."""

    def __init__(
        self,
        app: Flask | None = None,
        settings: GatekeeperSettings | None = None,
        *,
        clock: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._settings = settings
        self._clock = clock
        self._monotonic = monotonic
        if app is not None:
            self.init_app(app)

    def init_app(self, app: Flask) -> None:
        """Close the app: from now on every view that is not public wants somebody signed in."""
        settings = self._settings or GatekeeperSettings.from_config(app.config)
        Doorkeeper(settings, lambda: self._sessions(settings)).register(app)

    def _sessions(self, settings: GatekeeperSettings) -> Sessions:
        auth = AuthHttp(settings.supabase_url, settings.publishable_key)
        expected = Expected(settings.issuer, settings.audience)
        legacy = LegacyTokens(auth.get_user, expected, self._clock)
        verifier = Verifier(self._keys(settings, auth), legacy, expected, self._clock)
        revocation = None
        if settings.revocation_check_seconds is not None:
            revocation = RevocationCheck(auth.get_user, settings.revocation_check_seconds, self._clock)
        return Sessions(_cookies(settings), verifier, auth.refresh, revocation, self._clock, self._monotonic)

    def _keys(self, settings: GatekeeperSettings, auth: AuthHttp) -> KeySource:
        if settings.jwks is not None:
            return InlineKeySet(settings.jwks.encode(), allow_development_key=auth.is_loopback)
        return KeySet(auth.fetch_key_set, allow_development_key=auth.is_loopback, clock=self._monotonic)


def _cookies(settings: GatekeeperSettings) -> SessionCookies:
    if settings.cookie_mode == "shared":
        return SharedCookies(settings.site_url, settings.supabase_url)
    return PrivateCookies(settings.site_url, Seal(settings.secret_keys))
