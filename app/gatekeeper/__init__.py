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
from .cookies import PrivateCookies
from .hooks import Doorkeeper, current_identity, end_session, start_session
from .identity import Identity, SessionTokens
from .jwks import KeySet
from .marks import public
from .seal import Seal
from .sessions import Sessions
from .settings import GatekeeperSettings
from .tokens import Expected
from .verification import Verifier

__all__ = [
    "Gatekeeper",
    "GatekeeperSettings",
    "Identity",
    "SessionTokens",
    "current_identity",
    "end_session",
    "public",
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
        auth = AuthHttp(settings.supabase_url, settings.publishable_key)
        keys = KeySet(auth.fetch_key_set, allow_development_key=auth.is_loopback, clock=self._monotonic)
        verifier = Verifier(keys, Expected(settings.issuer, settings.audience), self._clock)
        cookies = PrivateCookies(settings.site_url, Seal(settings.secret_keys))
        sessions = Sessions(cookies, verifier, auth.refresh, self._clock, self._monotonic)
        Doorkeeper(settings, sessions).register(app)
