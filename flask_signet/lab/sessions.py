"""The sessions page: own sessions and refresh tokens as the database has them, limits, and replays."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import httpx
from flask import request
from psycopg import Connection
from psycopg.rows import dict_row

from flask_signet.gatekeeper.auth_http import forwardable_user_agent
from flask_signet.gatekeeper.cookies import StoredSession
from flask_signet.gatekeeper.current import current_gatekeeper
from flask_signet.gatekeeper.tokens import SessionTokens
from signet_stack.api_clients import ManagementApi

SECONDS = 10.0
LIMIT = 20  # seconds
REUSE_INTERVAL = "security_refresh_token_reuse_interval"
LIMITS = ("sessions_timebox", "sessions_inactivity_timeout")

_SESSIONS = """
    select s.id::text, s.created_at, s.refreshed_at, s.not_after, s.aal::text,
        coalesce(s.user_agent, '') as browser,
        (select count(*) from auth.refresh_tokens t where t.session_id = s.id) as tokens,
        (select count(*) from auth.refresh_tokens t where t.session_id = s.id and t.revoked) as spent,
        s.refresh_token_counter as counter
    from auth.sessions s where s.user_id = %s order by s.created_at desc limit 20
"""


@dataclass(frozen=True, slots=True)
class Exchange:
    """The answer to one exchange of a refresh token."""

    label: str
    status: int
    words: str
    tokens: SessionTokens | None = None


def own_sessions(connection: Connection[Any], user_id: str) -> list[dict[str, Any]]:
    """Return the user's sessions with the number of refresh tokens, the newest first."""
    with connection.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(_SESSIONS, (user_id,)).fetchall()


def limits(project: ManagementApi) -> dict[str, Any]:
    """Return the limits in force."""
    config = project.call("GET", "/config/auth")
    return {name: config.get(name) or 0 for name in LIMITS}


def set_limit(project: ManagementApi, name: str, seconds: int) -> None:
    """Set one limit on sessions; 0 takes it away."""
    project.call("PATCH", "/config/auth", {name: seconds})


def stored_session() -> StoredSession | None:
    """Return the session of the request's cookies."""
    found = current_gatekeeper().sessions.cookies.read(request.cookies.to_dict(flat=False)).sessions
    return found[0] if found else None


def exchange(refresh_token: str, label: str) -> Exchange:
    """Exchange a refresh token at Auth, once."""
    return _exchange(*_caller(), refresh_token, label)


def replay(project: ManagementApi, refresh_token: str) -> list[Exchange]:
    """Exchange a token and its successor, then the old one again, which Auth does not forgive meanwhile."""
    before = project.call("GET", "/config/auth").get(REUSE_INTERVAL)
    project.call("PATCH", "/config/auth", {REUSE_INTERVAL: 0})
    try:
        results = [exchange(refresh_token, "first exchange")]
        if (first := results[0].tokens) is not None:
            results.append(exchange(first.refresh_token, "its successor"))
            results.append(exchange(refresh_token, "the old token again"))
        return results
    finally:
        project.call("PATCH", "/config/auth", {REUSE_INTERVAL: before})


def exchange_twice(refresh_token: str) -> list[Exchange]:
    """Exchange one refresh token from two threads at once, as two browser tabs do."""
    api_url, headers = _caller()
    with ThreadPoolExecutor(2) as pool:
        running = [
            pool.submit(_exchange, api_url, headers, refresh_token, f"tab {number}") for number in (1, 2)
        ]
        return [one.result() for one in running]


def _caller() -> tuple[str, Mapping[str, str]]:
    """Return the API's address and the headers of an exchange for the browser of this request."""
    settings = current_gatekeeper().settings
    browser = forwardable_user_agent(request.headers.get("User-Agent", ""))
    return settings.supabase_url, {"apikey": settings.publishable_key, "User-Agent": browser or "lab"}


def _exchange(api_url: str, headers: Mapping[str, str], refresh_token: str, label: str) -> Exchange:
    try:
        response = httpx.post(
            f"{api_url}/auth/v1/token?grant_type=refresh_token",
            json={"refresh_token": refresh_token},
            headers=dict(headers),
            timeout=SECONDS,
            trust_env=False,
        )
        content: Mapping[str, Any] = response.json()
    except (httpx.HTTPError, ValueError) as error:
        return Exchange(label, 0, f"no answer ({type(error).__name__})")
    if response.is_success:
        tokens = SessionTokens(content["access_token"], content["refresh_token"], content.get("user"))
        return Exchange(label, 200, "a new access token and a new refresh token", tokens)
    return Exchange(label, response.status_code, f"{content.get('error_code')}: {content.get('msg')}")
