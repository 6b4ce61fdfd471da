"""Shared cookie mode: exactly the cookies of ``@supabase/ssr`` 0.12, for apps with a browser client.

The browser client must read them, so they are not HttpOnly, and every origin that can set a cookie can forge
them: their content is used only after the access token is verified. Prefer private mode.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from dataclasses import replace
from typing import Any
from urllib.parse import unquote, urlsplit

from .cookies import Reading, Sent, SessionCookies, StoredSession
from .errors import SessionTooLarge
from .tokens import AccessClaims, SessionTokens

CHUNK = 3180  # characters, as @supabase/ssr has it
_PREFIX = "base64-"
_BASE64URL = re.compile(r"[A-Za-z0-9_-]*")


class SharedCookies(SessionCookies):
    """Session cookies that ``@supabase/ssr`` reads and writes too."""

    def __init__(self, site_url: str, supabase_url: str, domain: str | None = None) -> None:
        super().__init__(
            storage_key(supabase_url),
            chunk=CHUNK,
            is_secure=urlsplit(site_url).scheme == "https",
            http_only=False,
            domain=domain,
        )

    def read(self, sent: Sent) -> Reading:
        """Return the session that the request's cookies hold, if any."""
        sessions = [session for value in self.values(sent) if (session := _unpack(value)) is not None]
        if not sessions:
            return Reading(is_unreadable=self.was_sent(sent))
        return Reading(sessions[0], others=tuple(sessions[1:]))

    def prepare(self, session: StoredSession, claims: AccessClaims) -> dict[str, str]:
        """Return the cookies that hold a session; raise SessionTooLarge if servers would refuse them.

        A session that is too large is stored without ``user``, which browser clients can ask Auth for.
        """
        try:
            return self._encode(session.tokens, claims)
        except SessionTooLarge:
            return self._encode(replace(session.tokens, user=None), claims)

    def _encode(self, tokens: SessionTokens, claims: AccessClaims) -> dict[str, str]:
        return self.split(encode_json(_document(tokens, claims)))


def encode_json(value: Any) -> str:
    """Encode a value as ``@supabase/ssr`` does: ``base64-`` and base64url of its JSON."""
    text = json.dumps(value, separators=(",", ":"), ensure_ascii=False)
    return _PREFIX + base64.urlsafe_b64encode(text.encode()).rstrip(b"=").decode("ascii")


def decode_json(text: str) -> Any:
    """Decode either encoding that versions of ``@supabase/ssr`` write; None for anything else."""
    try:
        return json.loads(_decode(text))
    except (ValueError, RecursionError, binascii.Error):
        return None


def storage_key(supabase_url: str) -> str:
    """Return the cookie name that the official clients derive from a project's URL."""
    label = (urlsplit(supabase_url).hostname or "").partition(".")[0]
    return f"sb-{label.replace(':', '')}-auth-token"


def _document(tokens: SessionTokens, claims: AccessClaims) -> dict[str, Any]:
    document: dict[str, Any] = {
        "access_token": tokens.access_token,
        "token_type": "bearer",
        "expires_in": claims.expires_at - claims.issued_at,
        "expires_at": claims.expires_at,
        "refresh_token": tokens.refresh_token,
    }
    if tokens.user is not None:
        document["user"] = tokens.user
    return document


def _unpack(text: str) -> StoredSession | None:
    """Return the session in a cookie value, or None."""
    document = decode_json(text)
    if not isinstance(document, dict):
        return None
    access_token, refresh_token = document.get("access_token"), document.get("refresh_token")
    if not isinstance(access_token, str) or not isinstance(refresh_token, str):
        return None
    user = document.get("user")
    tokens = SessionTokens(access_token, refresh_token, user if isinstance(user, dict) else None)
    return StoredSession(tokens, signed_in_at=0)


def _decode(text: str) -> str:
    if not text.startswith(_PREFIX):
        return unquote(text, errors="strict")  # raw JSON, which browsers send percent-encoded
    encoded = text.removeprefix(_PREFIX)
    if _BASE64URL.fullmatch(encoded) is None:
        raise ValueError("not base64url")
    return base64.urlsafe_b64decode(encoded + "=" * (-len(encoded) % 4)).decode("utf-8")
