"""Session cookies: names, attributes, chunks. Nothing else reads or sets them.

Trust: a cookie is whatever a browser, a neighbouring subdomain or an attacker sends; reading never raises.
What a session is, the two modes decide: ``private_cookies`` takes only what our own key sealed,
``shared_cookies`` reads and writes what ``@supabase/ssr`` does.
"""

from __future__ import annotations

import re
from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from werkzeug import Response

from .errors import SessionTooLarge
from .identity import AccessClaims, SessionTokens

MAX_AGE = 400 * 24 * 3600  # seconds, the longest that browsers keep a cookie
MAX_HEADER = 7000  # characters of session cookies; servers refuse a Cookie header over 8 kB

Sent = Mapping[str, Sequence[str]]  # every cookie of the request with all its values


@dataclass(frozen=True, slots=True)
class StoredSession:
    """What the cookies hold: the token pair, and when the person signed in (unix seconds, 0 unknown)."""

    tokens: SessionTokens
    signed_in_at: int


@dataclass(frozen=True, slots=True)
class Reading:
    """The outcome of reading: a session or none, and whether what was sent should be replaced."""

    session: StoredSession | None = None
    is_unreadable: bool = False  # something was sent, but it is no session
    is_outdated: bool = False  # good, but to be written anew


class SessionCookies(Protocol):
    """What both modes offer."""

    def read(self, sent: Sent) -> Reading:
        """Return the session that the request's cookies hold, if they hold one."""

    def prepare(self, session: StoredSession, claims: AccessClaims) -> dict[str, str]:
        """Return the cookies that hold a session; raise SessionTooLarge when they would be refused."""

    def write(self, response: Response, prepared: Mapping[str, str], sent: Sent) -> None:
        """Put prepared cookies into the response."""

    def clear(self, response: Response, sent: Sent) -> None:
        """Make the browser forget every session cookie that it sent."""


@dataclass(frozen=True, slots=True)
class ChunkedCookie:
    """A value kept in one cookie, or in ``name.0``, ``name.1``, … when it is longer than ``chunk``."""

    name: str
    chunk: int  # characters
    is_secure: bool
    http_only: bool
    _family: re.Pattern[str] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        """Prepare the pattern of all names that this cookie can have."""
        pattern = re.compile(re.escape(self.name) + r"(?:\.(?:0|[1-9][0-9]{0,3}))?")
        object.__setattr__(self, "_family", pattern)

    def collect(self, sent: Sent) -> list[Sequence[str]]:
        """Return the values of the whole cookie, else of its chunks up to the first that is missing."""
        if self.name in sent:
            return [sent[self.name]]
        parts: list[Sequence[str]] = []
        while (name := f"{self.name}.{len(parts)}") in sent:
            parts.append(sent[name])
        return parts

    def was_sent(self, sent: Sent) -> bool:
        """Return whether anything under this cookie's names was sent."""
        return any(self._family.fullmatch(name) for name in sent)

    def split(self, text: str) -> dict[str, str]:
        """Return the cookies for a value; raise SessionTooLarge when a server would refuse them."""
        if len(text) > MAX_HEADER:
            raise SessionTooLarge(f"{len(text)} characters")
        if len(text) <= self.chunk:
            return {self.name: text}
        starts = range(0, len(text), self.chunk)
        return {f"{self.name}.{n}": text[s : s + self.chunk] for n, s in enumerate(starts)}

    def write(self, response: Response, prepared: Mapping[str, str], sent: Sent) -> None:
        """Set what changed, and expire what an earlier layout left."""
        self._expire(response, sent, keep=prepared)
        for name, value in prepared.items():
            if list(sent.get(name, ())) != [value]:
                self._set(response, name, value, MAX_AGE)

    def clear(self, response: Response, sent: Sent) -> None:
        """Expire every cookie of this name that was sent."""
        self._expire(response, sent, keep=())

    def _expire(self, response: Response, sent: Sent, keep: Container[str]) -> None:
        for name in sent:
            if name not in keep and self._family.fullmatch(name):
                self._set(response, name, "", 0)

    def _set(self, response: Response, name: str, value: str, max_age: int) -> None:
        response.set_cookie(
            name,
            value,
            max_age=max_age,
            path="/",
            secure=self.is_secure,
            httponly=self.http_only,
            samesite="Lax",
        )
