"""Private mode: the token pair, sealed, in a cookie that no script and no other app can read.

Only a value that our own key sealed is a session at all, so a forged, foreign or tampered cookie costs no
call to Auth. The seal covers the value as a whole: chunks of two generations never make a session.

Name and attributes follow SITE_URL, never the request: ``__Host-sb`` and Secure on https; on loopback http
the port is part of the name, because cookies do not tell ports apart.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from urllib.parse import urlsplit

from werkzeug import Response

from .cookies import ChunkedCookie, Reading, Sent, StoredSession
from .identity import AccessClaims, SessionTokens
from .seal import Seal

CHUNK = 3800  # characters; browsers drop a cookie whose name and value exceed 4096 bytes


class PrivateCookies:
    """Session cookies that only this app can read."""

    def __init__(self, site_url: str, seal: Seal) -> None:
        parts = urlsplit(site_url)
        is_secure = parts.scheme == "https"
        name = "__Host-sb" if is_secure else f"sb-{parts.port or 80}"
        self._cookie = ChunkedCookie(name, CHUNK, is_secure=is_secure, http_only=True)
        self._seal = seal

    def read(self, sent: Sent) -> Reading:
        """Return the session that the request's cookies hold, if they hold one."""
        parts = self._cookie.collect(sent)
        if not parts:
            return Reading(is_unreadable=self._cookie.was_sent(sent))
        if any(len(values) != 1 for values in parts):
            return Reading(is_unreadable=True)  # two cookies of one name: one of them is not ours
        opened = self._seal.open("".join(values[0] for values in parts), self._cookie.name)
        session = None if opened is None else _unpack(opened[0])
        if opened is None or session is None:
            return Reading(is_unreadable=True)
        return Reading(session, is_outdated=not opened[1])

    def prepare(self, session: StoredSession, claims: AccessClaims) -> dict[str, str]:
        """Return the cookies that hold a session; raise SessionTooLarge when they would be refused."""
        return self._cookie.split(self._seal.seal(_pack(session), self._cookie.name))

    def write(self, response: Response, prepared: Mapping[str, str], sent: Sent) -> None:
        """Put prepared cookies into the response."""
        self._cookie.write(response, prepared, sent)

    def clear(self, response: Response, sent: Sent) -> None:
        """Make the browser forget every session cookie that it sent."""
        self._cookie.clear(response, sent)


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
