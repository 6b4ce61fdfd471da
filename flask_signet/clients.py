"""Supabase clients: one anonymous, one per signed-in request, on one connection pool.

Trust: a client acts as one person for its whole life and never outlives its request. The package's defaults
are for desktop programs: a thread that spends the refresh token, a stored session, repeated writes, and a new
TLS context for each client. All of that is switched off here.
"""

from __future__ import annotations

import threading
import weakref
from typing import TYPE_CHECKING

import httpx
from flask import Flask, current_app, has_request_context, request

from .gatekeeper.auth_http import NoCookies, forwardable_user_agent
from .gatekeeper.deadline import limit_total_time
from .gatekeeper.identity import Identity
from .gatekeeper.settings import is_loopback

if TYPE_CHECKING:
    from supabase import Client

EXTENSION = "supabase_clients"
CONNECT_SECONDS = 2.0
READ_SECONDS = 10.0  # above the 8 s that hosted databases give a statement
TOTAL_SECONDS = CONNECT_SECONDS + READ_SECONDS  # of one call


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
                self._http = httpx.Client(
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


def _clients() -> SupabaseClients:
    found = current_app.extensions[EXTENSION]
    assert isinstance(found, SupabaseClients)  # noqa: S101 - set by register()
    return found
