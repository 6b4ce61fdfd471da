"""Supabase clients: one anonymous, one per signed-in request, on one connection pool.

Trust: a client acts as one person for its whole life and never outlives its request. The package's defaults
are for desktop programs: a thread that spends the refresh token, a stored session, repeated writes, and a new
TLS context for each client. All of that is switched off here.
"""

from __future__ import annotations

import threading
import weakref
from typing import TYPE_CHECKING, Any

import httpx
from flask import Flask, current_app, has_app_context, has_request_context, request

from .gatekeeper.auth_http import OUTAGE_STATUSES, NoCookies, forwardable_user_agent
from .gatekeeper.breaker import Breaker
from .gatekeeper.current import EXTENSION as GATEKEEPER
from .gatekeeper.current import current_gatekeeper
from .gatekeeper.deadline import limit_total_time
from .gatekeeper.errors import AuthUnavailable
from .gatekeeper.identity import Identity
from .gatekeeper.settings import is_loopback

if TYPE_CHECKING:
    from supabase import Client

EXTENSION = "supabase_clients"
CONNECT_SECONDS = 2.0
READ_SECONDS = 10.0  # above the 8 s that hosted databases give a statement
TOTAL_SECONDS = CONNECT_SECONDS + READ_SECONDS  # of one call


class _Http(httpx.Client):
    """The shared HTTP client; its calls to Auth respect the gatekeeper's breaker, if there is one."""

    def send(self, request: httpx.Request, **options: Any) -> httpx.Response:
        """Send a request; raise httpx.ConnectError at once while the breaker is open.

        The package reports that as a retryable error, as for an Auth that cannot be reached.
        """
        breaker = _breaker()
        if breaker is None or not request.url.path.startswith("/auth/v1/"):
            return super().send(request, **options)
        started = breaker.now()
        try:
            with breaker.guard():
                response = super().send(request, **options)
        except AuthUnavailable as error:
            raise httpx.ConnectError(str(error), request=request) from error
        except httpx.TransportError as error:
            breaker.failed(type(error).__name__, since=started)
            raise
        if response.status_code not in OUTAGE_STATUSES:
            breaker.succeeded()
        return response


class SupabaseClients:
    """Client factory of one project; the connection pool is created on first use, after any fork."""

    def __init__(self, supabase_url: str, publishable_key: str) -> None:
        self._supabase_url = supabase_url
        self._publishable_key = publishable_key
        self._lock = threading.Lock()
        self._http: httpx.Client | None = None

    def client(self, access_token: str | None, user_agent: str = "") -> Client:
        """Return a new client that acts as the token's owner, or as ``anon`` without a token."""
        # Imported on first use: the package costs a worker 176 ms and 15 MB.
        from supabase import ClientOptions, create_client

        # With this header the client does not look for a stored session.
        headers = {"Authorization": f"Bearer {access_token or self._publishable_key}"}
        if user_agent:
            headers["User-Agent"] = user_agent
        options = ClientOptions(
            headers=headers,
            auto_refresh_token=False,
            persist_session=False,
            flow_type="implicit",  # mails carry a token hash; a PKCE link would expire after five minutes
            postgrest_client_retry=False,
            httpx_client=self._shared_http(),
        )
        return create_client(self._supabase_url, self._publishable_key, options)

    def _shared_http(self) -> httpx.Client:
        with self._lock:
            if self._http is None:
                self._http = _Http(
                    timeout=httpx.Timeout(READ_SECONDS, connect=CONNECT_SECONDS),
                    limits=httpx.Limits(max_connections=40, max_keepalive_connections=8, keepalive_expiry=5),
                    cookies=NoCookies(),
                    follow_redirects=False,
                    trust_env=not is_loopback(self._supabase_url),
                )
                limit_total_time(self._http, TOTAL_SECONDS)
                weakref.finalize(self, self._http.close)
            return self._http


def register(app: Flask, supabase_url: str, publishable_key: str) -> None:
    """Register the clients of a project; afterwards ``anonymous_client`` and ``user_client`` work."""
    app.extensions[EXTENSION] = SupabaseClients(supabase_url, publishable_key)


def anonymous_client() -> Client:
    """Return a client without a session, for sign-in and sign-up.

    It forwards the browser's User-Agent, because Auth stores it with the session that it starts.
    """
    sent = request.headers.get("User-Agent", "") if has_request_context() else ""
    return _clients().client(None, forwardable_user_agent(sent))


def user_client(identity: Identity) -> Client:
    """Return a client whose requests run under this person's row-level security policies."""
    return _clients().client(identity.access_token)


def _breaker() -> Breaker | None:
    if not has_app_context() or GATEKEEPER not in current_app.extensions:
        return None
    return current_gatekeeper().breaker


def _clients() -> SupabaseClients:
    found = current_app.extensions[EXTENSION]
    assert isinstance(found, SupabaseClients)  # noqa: S101 - set by register()
    return found
