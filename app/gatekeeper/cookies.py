"""The session cookie: its name, its attributes, how it is read and written. Nothing else sets it.

Trust: a cookie is whatever a browser, a neighbouring subdomain or an attacker sends. In private mode only a
value that our own key sealed is a session at all; everything else is none, and reading never raises. The
seal covers the value as a whole, so chunks of two generations never make a session.

Name and attributes follow SITE_URL, never the request: ``__Host-sb`` and Secure on https; on loopback http
the port is part of the name, because cookies do not tell ports apart.
"""

from __future__ import annotations

import json
from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from werkzeug import Response

from .errors import SessionTooLarge
from .identity import SessionTokens
from .seal import Seal

MAX_AGE = 400 * 24 * 3600  # seconds, the longest that browsers keep a cookie
CHUNK = 3800  # characters; browsers drop a cookie whose name and value exceed 4096 bytes
MAX_CHUNKS = 2  # servers refuse a Cookie header over 8 kB

Sent = Mapping[str, Sequence[str]]  # every cookie of the request with all its values


@dataclass(frozen=True, slots=True)
class StoredSession:
    """What the cookie holds: the token pair, and when the person signed in (unix seconds)."""

    tokens: SessionTokens
    signed_in_at: int


@dataclass(frozen=True, slots=True)
class Reading:
    """The outcome of reading: a session or none, and whether what was sent should be replaced."""

    session: StoredSession | None = None
    is_unreadable: bool = False  # something was sent, but it is no session of ours
    is_outdated: bool = False  # sealed with a former key


class PrivateCookies:
    """Session cookies that only this app can read."""

    def __init__(self, site_url: str, seal: Seal) -> None:
        parts = urlsplit(site_url)
        self.is_secure = parts.scheme == "https"
        self.name = "__Host-sb" if self.is_secure else f"sb-{parts.port or 80}"
        self._seal = seal

    def read(self, sent: Sent) -> Reading:
        """Return the session that the request's cookies hold, if they hold one."""
        parts = self._parts(sent)
        if not parts:
            return Reading()
        if any(len(values) != 1 for values in parts):
            return Reading(is_unreadable=True)  # two cookies of one name: one of them is not ours
        opened = self._seal.open("".join(values[0] for values in parts), self.name)
        session = None if opened is None else _unpack(opened[0])
        if opened is None or session is None:
            return Reading(is_unreadable=True)
        return Reading(session, is_outdated=not opened[1])

    def prepare(self, session: StoredSession) -> dict[str, str]:
        """Return the cookies that hold a session; raise SessionTooLarge when it does not fit."""
        text = self._seal.seal(_pack(session), self.name)
        chunks = [text[start : start + CHUNK] for start in range(0, len(text), CHUNK)]
        if len(chunks) > MAX_CHUNKS:
            raise SessionTooLarge(f"{len(text)} characters")
        if len(chunks) == 1:
            return {self.name: text}
        return {f"{self.name}.{number}": chunk for number, chunk in enumerate(chunks)}

    def write(self, response: Response, prepared: Mapping[str, str], sent: Sent) -> None:
        """Put prepared cookies into the response, and expire those of an earlier layout."""
        self._expire(response, sent, keep=prepared)
        for name, value in prepared.items():
            self._set(response, name, value, MAX_AGE)

    def clear(self, response: Response, sent: Sent) -> None:
        """Make the browser forget every session cookie that it sent."""
        self._expire(response, sent, keep=())

    def _parts(self, sent: Sent) -> list[Sequence[str]]:
        if self.name in sent:
            return [sent[self.name]]
        parts: list[Sequence[str]] = []
        while (name := f"{self.name}.{len(parts)}") in sent:
            parts.append(sent[name])
        return parts

    def _expire(self, response: Response, sent: Sent, keep: Container[str]) -> None:
        for name in sent:
            if name not in keep and (name == self.name or name.startswith(f"{self.name}.")):
                self._set(response, name, "", 0)

    def _set(self, response: Response, name: str, value: str, max_age: int) -> None:
        response.set_cookie(
            name, value, max_age=max_age, path="/", secure=self.is_secure, httponly=True, samesite="Lax"
        )


def _pack(session: StoredSession) -> bytes:
    tokens = session.tokens
    return json.dumps([tokens.access_token, tokens.refresh_token, session.signed_in_at]).encode()


def _unpack(raw: bytes) -> StoredSession | None:
    """Read what ``_pack`` wrote; None for a layout of another version."""
    try:
        access_token, refresh_token, signed_in_at = json.loads(raw)
    except (ValueError, TypeError):
        return None
    if not (isinstance(access_token, str) and isinstance(refresh_token, str) and type(signed_in_at) is int):
        return None
    return StoredSession(SessionTokens(access_token, refresh_token), signed_in_at)
