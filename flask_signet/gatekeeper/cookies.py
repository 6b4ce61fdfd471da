"""Session cookies: names, attributes, chunks. No other module reads or sets them.

Trust: a cookie holds whatever a browser, a neighbouring subdomain or an attacker sends; reading never raises.
The two modes define the content: ``private_cookies`` accepts only values encrypted with our key,
``shared_cookies`` reads and writes what ``@supabase/ssr`` does.
"""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass

from werkzeug import Response

from .errors import SessionTooLarge
from .tokens import AccessClaims, SessionTokens

MAX_AGE = 400 * 24 * 3600  # seconds, the longest that browsers keep a cookie
MAX_HEADER = 7000  # characters of session cookies; servers refuse a Cookie header over 8 kB

Sent = Mapping[str, Sequence[str]]  # every cookie of the request with all its values


@dataclass(frozen=True, slots=True)
class StoredSession:
    """The content of the cookies: the token pair and the time of sign-in (unix seconds, 0 if unknown)."""

    tokens: SessionTokens
    signed_in_at: int


@dataclass(frozen=True, slots=True)
class Reading:
    """The result of reading a request's cookies."""

    session: StoredSession | None = None
    is_unreadable: bool = False  # cookies were sent, but they hold no session
    is_outdated: bool = False  # valid, but to be written again


class SessionCookies(ABC):
    """A session in one cookie, or in ``name.0``, ``name.1``, … if its value exceeds ``chunk`` characters."""

    is_forgeable = True  # whether others than this app can make a cookie that holds a session

    def __init__(self, name: str, *, chunk: int, is_secure: bool, http_only: bool) -> None:
        self.name = name
        self._chunk = chunk
        self._is_secure = is_secure
        self._http_only = http_only
        self._names = re.compile(re.escape(name) + r"(?:\.(?:0|[1-9][0-9]{0,3}))?")

    @abstractmethod
    def read(self, sent: Sent) -> Reading:
        """Return the session that the request's cookies hold, if any."""

    @abstractmethod
    def prepare(self, session: StoredSession, claims: AccessClaims) -> dict[str, str]:
        """Return the cookies that hold a session; raise SessionTooLarge if servers would refuse them."""

    def write(self, response: Response, prepared: Mapping[str, str], sent: Sent) -> None:
        """Set the cookies that changed and expire those of an earlier layout."""
        self._expire(response, sent, keep=prepared)
        for name, value in prepared.items():
            if list(sent.get(name, ())) != [value]:
                self._set(response, name, value, MAX_AGE)

    def clear(self, response: Response, sent: Sent) -> None:
        """Expire every session cookie that was sent."""
        self._expire(response, sent, keep=())

    def collect(self, sent: Sent) -> list[Sequence[str]]:
        """Return the values of the whole cookie, else of its chunks up to the first missing one."""
        if self.name in sent:
            return [sent[self.name]]
        parts: list[Sequence[str]] = []
        while (name := f"{self.name}.{len(parts)}") in sent:
            parts.append(sent[name])
        return parts

    def was_sent(self, sent: Sent) -> bool:
        """Return whether any cookie with a name of this session was sent."""
        return any(self._names.fullmatch(name) for name in sent)

    def split(self, text: str) -> dict[str, str]:
        """Return the cookies for a value; raise SessionTooLarge if servers would refuse them."""
        if len(text) > MAX_HEADER:
            raise SessionTooLarge(f"{len(text)} characters")
        if len(text) <= self._chunk:
            return {self.name: text}
        starts = range(0, len(text), self._chunk)
        return {f"{self.name}.{n}": text[s : s + self._chunk] for n, s in enumerate(starts)}

    def _expire(self, response: Response, sent: Sent, keep: Container[str]) -> None:
        for name in sent:
            if name not in keep and self._names.fullmatch(name):
                self._set(response, name, "", 0)

    def _set(self, response: Response, name: str, value: str, max_age: int) -> None:
        response.set_cookie(
            name,
            value,
            max_age=max_age,
            path="/",
            secure=self._is_secure,
            httponly=self._http_only,
            samesite="Lax",
        )
