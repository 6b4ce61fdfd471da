"""Cookies: names, attributes, chunks. No other module calls ``set_cookie`` of a response.

Trust: a cookie holds whatever a browser, a neighbouring subdomain or an attacker sends; reading never raises.
The two modes define the content: ``private_cookies`` accepts only values encrypted with our key,
``shared_cookies`` reads and writes what ``@supabase/ssr`` does.
"""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass
from itertools import takewhile

from werkzeug import Response

from .errors import SessionTooLarge
from .tokens import AccessClaims, SessionTokens

MAX_AGE = 400 * 24 * 3600  # seconds, the longest that browsers keep a cookie
MAX_COPIES = 4  # cookies of one name that are tried
MAX_HEADER = 7000  # characters of session cookies; servers refuse a Cookie header over 8 kB

Sent = Mapping[str, Sequence[str]]  # every cookie of the request with all its values


@dataclass(frozen=True, slots=True)
class StoredSession:
    """The content of the cookies: the token pair and the time of sign-in (unix seconds, 0 if unknown)."""

    tokens: SessionTokens
    signed_in_at: int


@dataclass(frozen=True, slots=True)
class Reading:
    """The result of reading a request's cookies.

    ``others``: further sessions, if several cookies of one name were sent (an old one of a parent domain).
    """

    session: StoredSession | None = None
    is_unreadable: bool = False  # cookies were sent, but they hold no session
    is_outdated: bool = False  # valid, but to be written again
    others: tuple[StoredSession, ...] = ()

    @property
    def sessions(self) -> tuple[StoredSession, ...]:
        """All sessions that were sent, in the order of the cookies."""
        return () if self.session is None else (self.session, *self.others)


class SessionCookies(ABC):
    """A session in one cookie, or in ``name.0``, ``name.1``, … if its value exceeds ``chunk`` characters."""

    is_forgeable = True  # whether others than this app can make a cookie that holds a session

    def __init__(
        self, name: str, *, chunk: int, is_secure: bool, http_only: bool, domain: str | None = None
    ) -> None:
        self.name = name
        self._chunk = chunk
        self._is_secure = is_secure
        self._http_only = http_only
        self._domain = domain
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
            values = list(sent.get(name, ()))
            if self._domain is not None and len(values) > 1:
                self._set(response, name, "", 0, None)
            if values != [value]:
                self._set(response, name, value, MAX_AGE, self._domain)

    def clear(self, response: Response, sent: Sent) -> None:
        """Expire every session cookie that was sent."""
        self._expire(response, sent, keep=())

    def values(self, sent: Sent) -> list[str]:
        """Return the possible values: of the whole cookie, then of its chunks up to the first missing one.

        There are several if cookies of several domains were sent. Browsers send them in the same order for
        each name (RFC 6265 section 5.4), so the n-th chunks belong together.
        """
        chunks: list[Sequence[str]] = []
        while (name := f"{self.name}.{len(chunks)}") in sent:
            chunks.append(sent[name])
        copies = max((len(chunk) for chunk in chunks), default=0)
        joined = [_join_nth(chunks, number) for number in range(min(copies, MAX_COPIES))]
        return [*sent.get(self.name, ()), *joined][:MAX_COPIES]

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
                self._set(response, name, "", 0, self._domain)
                if self._domain is not None:  # a cookie from before COOKIE_DOMAIN was set
                    self._set(response, name, "", 0, None)

    def _set(self, response: Response, name: str, value: str, max_age: int, domain: str | None) -> None:
        set_cookie(
            response,
            name,
            value,
            max_age,
            is_secure=self._is_secure,
            http_only=self._http_only,
            domain=domain,
        )


def set_cookie(
    response: Response,
    name: str,
    value: str,
    max_age: int,
    *,
    is_secure: bool,
    http_only: bool,
    domain: str | None = None,
) -> None:
    """Set a cookie of the gatekeeper, or expire it with ``max_age`` 0 (seconds)."""
    response.set_cookie(
        name,
        value,
        max_age=max_age,
        path="/",
        secure=is_secure,
        httponly=http_only,
        domain=domain,
        samesite="Lax",
    )


def _join_nth(chunks: Sequence[Sequence[str]], number: int) -> str:
    """Join the n-th value of each chunk, up to the first chunk that has fewer."""
    return "".join(chunk[number] for chunk in takewhile(lambda chunk: number < len(chunk), chunks))
