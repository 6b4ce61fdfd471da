"""The gatekeeper's own three calls to Auth: the key set, a refresh, and who a token belongs to.

Trust: Auth's answers are data from the network. Every wait and every body has a deadline; a call follows no
redirect, keeps no cookie and reads a bounded number of bytes. One connection pool serves a process; a forked
worker begins with one of its own (forks.py), or two of them would read each other's answers.
"""

from __future__ import annotations

import http.cookiejar
import json
import threading
import time
import weakref
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import httpx

from .settings import LOOPBACK_HOSTS
from .user_agent import forwardable

CONNECT_SECONDS = 2.0
READ_SECONDS = 5.0
KEY_SET_SECONDS = 3.0
MAX_KEY_SET_BYTES = 64 * 1024
MAX_ANSWER_BYTES = 256 * 1024
API_VERSION = "2024-01-01"


class AnswerRefused(Exception):
    """Raised when an answer is too large, too slow or not of the expected kind."""


class _NoCookies(http.cookiejar.CookieJar):
    """A cookie jar that stores nothing: one person's cookie must never travel with another's request."""

    def set_cookie(self, cookie: http.cookiejar.Cookie) -> None:
        """Ignore the cookie."""


@dataclass(frozen=True, slots=True)
class Answer:
    """A status, the headers that matter, and the JSON object of the body (empty when it is none)."""

    status: int
    body: dict[str, Any] = field(repr=False)
    retry_after: str | None = None


class AuthHttp:
    """Calls to one project's Auth service."""

    def __init__(self, supabase_url: str, publishable_key: str) -> None:
        self._base = f"{supabase_url}/auth/v1"
        self.is_loopback = urlsplit(supabase_url).hostname in LOOPBACK_HOSTS
        self._headers = {
            "apikey": publishable_key,
            "X-Supabase-Api-Version": API_VERSION,
            "Accept": "application/json",
            "Accept-Encoding": "identity",
        }
        self._lock = threading.Lock()
        self._client: httpx.Client | None = None

    def fetch_key_set(self) -> bytes:
        """Return the raw JWKS document; raise AnswerRefused or httpx.HTTPError when there is none."""
        deadline = time.monotonic() + KEY_SET_SECONDS
        url = f"{self._base}/.well-known/jwks.json"
        timeout = httpx.Timeout(KEY_SET_SECONDS, connect=CONNECT_SECONDS)
        with self._http().stream("GET", url, headers=self._headers, timeout=timeout) as response:
            if response.status_code != httpx.codes.OK:
                raise AnswerRefused(f"key set: status {response.status_code}")
            return _read(response, MAX_KEY_SET_BYTES, deadline)

    def refresh(self, refresh_token: str, user_agent: str = "") -> Answer:
        """Exchange a refresh token (POST /token?grant_type=refresh_token); raise httpx.HTTPError.

        Auth notes ``user_agent`` as the session's: it should be the person's, not this process's.
        """
        content = json.dumps({"refresh_token": refresh_token})
        return self._call(
            "POST", "/token?grant_type=refresh_token", content=content, user_agent=forwardable(user_agent)
        )

    def get_user(self, access_token: str) -> Answer:
        """Ask whose token this is and whether its session lives (GET /user); raise httpx.HTTPError."""
        return self._call("GET", "/user", bearer=access_token)

    def _call(
        self,
        method: str,
        path: str,
        *,
        content: str | None = None,
        bearer: str | None = None,
        user_agent: str = "",
    ) -> Answer:
        headers = dict(self._headers)
        if content is not None:
            headers["Content-Type"] = "application/json"
        if bearer is not None:
            headers["Authorization"] = f"Bearer {bearer}"
        if user_agent:
            headers["User-Agent"] = user_agent
        deadline = time.monotonic() + CONNECT_SECONDS + READ_SECONDS
        with self._http().stream(method, self._base + path, headers=headers, content=content) as response:
            raw = _read(response, MAX_ANSWER_BYTES, deadline)
            return Answer(response.status_code, _object(raw), response.headers.get("Retry-After"))

    def _http(self) -> httpx.Client:
        with self._lock:
            if self._client is None:
                self._client = httpx.Client(
                    timeout=httpx.Timeout(READ_SECONDS, connect=CONNECT_SECONDS),
                    limits=httpx.Limits(max_connections=20, max_keepalive_connections=5, keepalive_expiry=5),
                    cookies=_NoCookies(),
                    follow_redirects=False,
                    # A proxy from the environment is for the world outside, never for this machine.
                    trust_env=not self.is_loopback,
                )
                # Sockets are closed with their owner, not whenever the garbage collector meets them.
                weakref.finalize(self, self._client.close)
            return self._client


def _read(response: httpx.Response, limit: int, deadline: float) -> bytes:
    # A few packed kilobytes can unpack into gigabytes, and we asked for plain text.
    if response.headers.get("Content-Encoding", "identity") != "identity":
        raise AnswerRefused("compressed")
    body = bytearray()
    for chunk in response.iter_raw():
        body += chunk
        if len(body) > limit:
            raise AnswerRefused(f"more than {limit} bytes")
        if time.monotonic() > deadline:
            raise AnswerRefused("too slow")
    return bytes(body)


def _object(raw: bytes) -> dict[str, Any]:
    try:
        value = json.loads(raw)
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}
