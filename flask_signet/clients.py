"""The only two ways to get a Supabase client: as nobody, or as the person who is signed in.

Trust: a client carries one identity for its whole life, and none outlives its request. The package's defaults
are for a desktop program: they start a thread that spends the refresh token, keep the last session for
whoever comes next, retry writes, and build a TLS context for each client. None of that is wanted here.
"""

from __future__ import annotations

import http.cookiejar
import threading
import weakref
from typing import TYPE_CHECKING

import httpx
from flask import Flask, current_app, has_request_context, request

from app.settings import Settings
from app.settings_reader import is_loopback
from flask_signet.gatekeeper import Identity
from flask_signet.gatekeeper.user_agent import forwardable

if TYPE_CHECKING:
    from supabase import Client

EXTENSION = "supabase_clients"


class _NoCookies(http.cookiejar.CookieJar):
    """Stores nothing: the client is shared by everybody, so a cookie in it would be too."""

    def set_cookie(self, cookie: http.cookiejar.Cookie) -> None:
        """Ignore the cookie."""


class SupabaseClients:
    """Makes clients on one connection pool; the pool is made at first need, after any fork."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._lock = threading.Lock()
        self._http: httpx.Client | None = None

    def client(self, access_token: str | None, user_agent: str = "") -> Client:
        """Return a new client that acts as the token's person, or as nobody."""
        # Imported on first need: it costs a worker 176 ms and 15 MB that many never spend.
        from supabase import ClientOptions, create_client

        # Given here, the header also keeps the client from looking for a stored session.
        headers = {"Authorization": f"Bearer {access_token or self._settings.publishable_key}"}
        if user_agent:
            headers["User-Agent"] = user_agent
        options = ClientOptions(
            headers=headers,
            auto_refresh_token=False,
            persist_session=False,
            flow_type="implicit",  # mails carry a token hash; a PKCE link would die after five minutes
            postgrest_client_retry=False,
            httpx_client=self._shared_http(),
        )
        return create_client(self._settings.supabase_url, self._settings.publishable_key, options)

    def _shared_http(self) -> httpx.Client:
        with self._lock:
            if self._http is None:
                self._http = httpx.Client(
                    timeout=httpx.Timeout(10.0, connect=2.0),
                    limits=httpx.Limits(max_connections=40, max_keepalive_connections=8, keepalive_expiry=5),
                    cookies=_NoCookies(),
                    follow_redirects=False,
                    trust_env=not is_loopback(self._settings.supabase_url),
                )
                weakref.finalize(self, self._http.close)
            return self._http


def register(app: Flask, settings: Settings) -> None:
    """Give the app its clients."""
    app.extensions[EXTENSION] = SupabaseClients(settings)


def anonymous_client() -> Client:
    """Return a client that is nobody, for signing in and up.

    It speaks in the name of the browser that the present request comes from, because Auth notes that name
    with the session that it begins.
    """
    sent = request.headers.get("User-Agent", "") if has_request_context() else ""
    return _clients().client(None, forwardable(sent))


def user_client(identity: Identity) -> Client:
    """Return a client that the data API treats as this person; row-level security does the rest."""
    return _clients().client(identity.access_token)


def _clients() -> SupabaseClients:
    found = current_app.extensions[EXTENSION]
    assert isinstance(found, SupabaseClients)  # noqa: S101 - put there by register()
    return found
