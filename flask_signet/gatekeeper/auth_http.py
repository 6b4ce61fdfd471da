"""HTTP client for Auth: the key set, refreshes, and the owner of a token; and what Auth's answers mean.

Trust: answers are data from the network. Every wait and every body has a limit; a call follows no redirect,
keeps no cookie and reads a bounded number of bytes. Each process has one connection pool, replaced after a
fork, because two processes on one connection would read each other's answers.
"""

from __future__ import annotations

import http.cookiejar
import json
import re
import threading
import time
import weakref
from collections.abc import Callable
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from typing import Any

import httpx

from .breaker import PROBE_SECONDS, Breaker
from .deadline import limit_total_time
from .errors import AuthMisconfigured, AuthUnavailable, SessionEnded
from .settings import is_loopback
from .tokens import SessionTokens

CONNECT_SECONDS = 2.0
READ_SECONDS = 5.0
KEY_SET_SECONDS = 3.0
MAX_KEY_SET_BYTES = 64 * 1024
MAX_ANSWER_BYTES = 256 * 1024
OUTAGE_STATUSES = frozenset({502, 503, 504})  # a gateway answers for Auth
API_VERSION = "2024-01-01"

# Error codes of Auth that mean: this session is over, and why.
DEAD_CODES = {
    "refresh_token_not_found": "ended_elsewhere",
    "refresh_token_already_used": "reused",
    "session_not_found": "ended_elsewhere",
    "session_expired": "timebox",
    "user_banned": "banned",
    "user_not_found": "unknown_user",
    "validation_failed": "invalid",
}
# Auth has one code for every session limit; the message distinguishes them.
EXPIRED_BECAUSE = {"(Inactivity)": "inactivity", "(Revoked by Newer Login)": "newer_login"}
MAX_RETRY_AFTER = 60  # seconds

MAX_USER_AGENT = 500  # characters
_NOT_SENDABLE = re.compile(r"[^ -~]")  # a header holds printable ASCII (RFC 9110 section 5.5)


class AnswerRefused(Exception):
    """Raised when an answer is too large, too slow or not of the expected kind."""


class NoCookies(http.cookiejar.CookieJar):
    """A cookie jar that stores nothing: the client is shared, so one person's cookie could reach another."""

    def set_cookie(self, cookie: http.cookiejar.Cookie) -> None:
        """Ignore the cookie."""


@dataclass(frozen=True, slots=True)
class Answer:
    """A status, Retry-After, and the JSON object of the body (empty if the body is not an object)."""

    status: int
    body: dict[str, Any] = field(repr=False)
    retry_after: str | None = None


class AuthHttp:
    """Calls to one project's Auth service."""

    def __init__(
        self,
        supabase_url: str,
        publishable_key: str,
        breaker: Breaker,
        clock: Callable[[], float] = time.time,
        jwks_url: str | None = None,
    ) -> None:
        self._jwks_url = jwks_url
        self._breaker = breaker
        self._clock = clock
        self._base = f"{supabase_url}/auth/v1"
        self.is_loopback = is_loopback(supabase_url)
        self._headers = {
            "apikey": publishable_key,
            "X-Supabase-Api-Version": API_VERSION,
            "Accept": "application/json",
            "Accept-Encoding": "identity",
        }
        self._lock = threading.Lock()
        self._client: httpx.Client | None = None

    def fetch_key_set(self) -> bytes:
        """Return the raw JWKS document; raise AnswerRefused or httpx.HTTPError."""
        deadline = time.monotonic() + KEY_SET_SECONDS  # requests wait no longer for it
        url, headers = f"{self._base}/.well-known/jwks.json", self._headers
        if self._jwks_url is not None:  # perhaps another host, which needs no API key of ours
            url = self._jwks_url
            headers = {name: self._headers[name] for name in ("Accept", "Accept-Encoding")}
        timeout = httpx.Timeout(KEY_SET_SECONDS, connect=CONNECT_SECONDS)
        with self._http().stream("GET", url, headers=headers, timeout=timeout) as response:
            if response.status_code != httpx.codes.OK:
                raise AnswerRefused(f"key set: status {response.status_code}")
            return _read(response, MAX_KEY_SET_BYTES, deadline)

    def refresh(self, refresh_token: str, user_agent: str = "") -> Answer:
        """Exchange a refresh token (POST /token?grant_type=refresh_token).

        Auth stores ``user_agent`` with the session, so the browser's is forwarded. Raises AuthUnavailable.
        """
        content = json.dumps({"refresh_token": refresh_token})
        return self._call(
            "POST",
            "/token?grant_type=refresh_token",
            content=content,
            user_agent=forwardable_user_agent(user_agent),
        )

    def exchange_code(self, code: str, verifier: str) -> Answer:
        """Exchange the code of a PKCE flow (POST /token?grant_type=pkce).

        Raises AuthUnavailable; while the breaker is open without sending the code, which works only once.
        """
        if self._breaker.is_open:
            raise AuthUnavailable("the breaker is open", retry_after=1)
        content = json.dumps({"auth_code": code, "code_verifier": verifier})
        return self._call("POST", "/token?grant_type=pkce", content=content)

    def get_user(self, access_token: str) -> Answer:
        """Return the owner of a live token (GET /user); raise AuthUnavailable."""
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
        started = self._breaker.now()
        answer = self._send(method, self._base + path, headers, content)
        if answer.status in OUTAGE_STATUSES:
            self._breaker.failed(f"status {answer.status}", since=started)
        elif answer.status == httpx.codes.TOO_MANY_REQUESTS:
            self._breaker.limited(retry_after(answer.retry_after, self._clock()))
        else:
            self._breaker.succeeded()
        return answer

    def _send(self, method: str, url: str, headers: dict[str, str], content: str | None) -> Answer:
        read_seconds = PROBE_SECONDS if self._breaker.is_open else READ_SECONDS
        timeout = httpx.Timeout(read_seconds, connect=min(CONNECT_SECONDS, read_seconds))
        started = self._breaker.now()
        try:
            with (
                self._breaker.observe(),
                self._http().stream(
                    method, url, headers=headers, content=content, timeout=timeout
                ) as response,
            ):
                raw = _read(response, MAX_ANSWER_BYTES)
                return Answer(response.status_code, _object(raw), response.headers.get("Retry-After"))
        except (httpx.HTTPError, AnswerRefused) as error:
            reason = f"{type(error).__name__}: {error}"
            self._breaker.failed(reason, since=started)
            raise AuthUnavailable(reason) from error

    def _http(self) -> httpx.Client:
        with self._lock:
            if self._client is None:
                self._client = httpx.Client(
                    timeout=httpx.Timeout(READ_SECONDS, connect=CONNECT_SECONDS),
                    limits=httpx.Limits(max_connections=20, max_keepalive_connections=5, keepalive_expiry=5),
                    cookies=NoCookies(),
                    follow_redirects=False,
                    # Proxies of the environment are for other hosts, not for this machine.
                    trust_env=not self.is_loopback,
                )
                limit_total_time(self._client, CONNECT_SECONDS + READ_SECONDS)
                # Close sockets with their owner, not at some later garbage collection.
                weakref.finalize(self, self._client.close)
            return self._client


def tokens_from(answer: Answer, now: float) -> SessionTokens:
    """Return the token pair of a refresh; raise SessionEnded, AuthUnavailable or AuthMisconfigured.

    Only an error code that says so ends a session; every unclear answer keeps its cookies. ``now`` is in unix
    seconds, for a Retry-After that is a date.
    """
    if answer.status == 200:
        access_token, refresh_token = answer.body.get("access_token"), answer.body.get("refresh_token")
        if isinstance(access_token, str) and isinstance(refresh_token, str):
            user = answer.body.get("user")
            return SessionTokens(access_token, refresh_token, user if isinstance(user, dict) else None)
        raise AuthUnavailable("answer without tokens")
    code = error_code(answer)
    if 400 <= answer.status < 500 and code in DEAD_CODES:
        raise SessionEnded(_end_reason(code, str(answer.body.get("message", answer.body.get("msg", "")))))
    if answer.status in (401, 403) and not code:
        raise AuthMisconfigured(f"status {answer.status}: {answer.body.get('message', 'no message')}")
    raise AuthUnavailable(
        f"status {answer.status} {code}".strip(), retry_after=retry_after(answer.retry_after, now)
    )


def error_code(answer: Answer) -> str:
    """Return Auth's error code from either shape of its error bodies, or an empty string."""
    for name in ("error_code", "code"):
        if isinstance(value := answer.body.get(name), str):
            return value
    return ""


def retry_after(header: str | None, now: float) -> int | None:
    """Return the seconds of a Retry-After header (RFC 9110 section 10.2.3), from 1 to MAX_RETRY_AFTER."""
    if header is None:
        return None
    if header.strip().isdecimal():
        seconds = min(int(header.strip()[:6]), MAX_RETRY_AFTER)
    else:
        try:
            seconds = int(parsedate_to_datetime(header).timestamp() - now)
        except (ValueError, OverflowError):
            return None
    return max(1, min(seconds, MAX_RETRY_AFTER))


def forwardable_user_agent(user_agent: str) -> str:
    """Return a client's User-Agent as a valid header value, possibly empty."""
    return _NOT_SENDABLE.sub("?", user_agent)[:MAX_USER_AGENT].strip()


def _end_reason(code: str, message: str) -> str:
    if code == "session_expired":
        for suffix, reason in EXPIRED_BECAUSE.items():
            if message.endswith(suffix):
                return reason
    return DEAD_CODES[code]


def _read(response: httpx.Response, limit: int, deadline: float = float("inf")) -> bytes:
    # Plain text was requested; a few compressed kilobytes could unpack into gigabytes.
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
