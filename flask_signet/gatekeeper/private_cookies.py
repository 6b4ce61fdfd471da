"""Private cookie mode: the token pair, encrypted (AES-256-GCM), HttpOnly.

Only a value that our own key encrypted is a session, so a forged, foreign or tampered cookie causes no call
to Auth. The authentication tag covers the whole value: chunks of two generations never decrypt.

Name and attributes follow the settings, never the request: ``__Host-sb`` and Secure on https (``__Secure-sb``
with COOKIE_DOMAIN); on loopback http the port is part of the name, because cookies ignore ports.
"""

from __future__ import annotations

import base64
import binascii
import json
import os
from collections.abc import Callable, Sequence
from urllib.parse import urlsplit

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from .cookies import Reading, Sent, SessionCookies, StoredSession
from .tokens import AccessClaims, SessionTokens

CHUNK = 3800  # characters; browsers drop a cookie whose name and value exceed 4096 bytes

_PURPOSE = b"signet session cookie v1"
_NONCE_BYTES = 12
_TAG_BYTES = 16


class CookieCipher:
    """AES-256-GCM with a key derived from SECRET_KEY (HKDF) and the cookie's name as associated data.

    The first secret encrypts; all of them decrypt, so that SECRET_KEY can change without sign-outs.
    """

    def __init__(
        self, secrets: Sequence[str | bytes], random_bytes: Callable[[int], bytes] = os.urandom
    ) -> None:
        self._ciphers = [AESGCM(_derive(secret)) for secret in secrets]
        self._random_bytes = random_bytes

    def encrypt(self, value: bytes, name: str) -> str:
        """Return the encrypted value as base64url text, bound to ``name``."""
        nonce = self._random_bytes(_NONCE_BYTES)
        sealed = self._ciphers[0].encrypt(nonce, value, name.encode())
        return base64.urlsafe_b64encode(nonce + sealed).rstrip(b"=").decode("ascii")

    def decrypt(self, text: str, name: str) -> tuple[bytes, bool] | None:
        """Return the value and whether the present key encrypted it, or None if no key decrypts it."""
        try:
            raw = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
        except (binascii.Error, ValueError):
            return None
        if len(raw) < _NONCE_BYTES + _TAG_BYTES:
            return None
        for position, cipher in enumerate(self._ciphers):
            try:
                value = cipher.decrypt(raw[:_NONCE_BYTES], raw[_NONCE_BYTES:], name.encode())
            except InvalidTag:
                continue
            return value, position == 0
        return None


class PrivateCookies(SessionCookies):
    """Session cookies that only this app can read and write."""

    is_forgeable = False

    def __init__(self, site_url: str, cipher: CookieCipher, domain: str | None = None) -> None:
        parts = urlsplit(site_url)
        is_secure = parts.scheme == "https"
        prefix = "__Secure" if domain else "__Host"  # browsers refuse __Host- with a domain
        name = f"{prefix}-sb" if is_secure else f"sb-{parts.port or 80}"
        super().__init__(name, chunk=CHUNK, is_secure=is_secure, http_only=True, domain=domain)
        self._cipher = cipher

    def read(self, sent: Sent) -> Reading:
        """Return the session that the request's cookies hold, if any."""
        found: list[tuple[StoredSession, bool]] = []
        for value in self.values(sent):
            decrypted = self._cipher.decrypt(value, self.name)
            session = None if decrypted is None else _unpack(decrypted[0])
            if decrypted is not None and session is not None:
                found.append((session, not decrypted[1]))
        if not found:
            return Reading(is_unreadable=self.was_sent(sent))
        sessions = [session for session, _ in found]
        return Reading(sessions[0], is_outdated=found[0][1], others=tuple(sessions[1:]))

    def prepare(self, session: StoredSession, claims: AccessClaims) -> dict[str, str]:
        """Return the cookies that hold a session; raise SessionTooLarge if servers would refuse them."""
        return self.split(self._cipher.encrypt(_pack(session), self.name))


def _pack(session: StoredSession) -> bytes:
    tokens = session.tokens
    return json.dumps([tokens.access_token, tokens.refresh_token, session.signed_in_at]).encode()


def _unpack(raw: bytes) -> StoredSession | None:
    """Parse what ``_pack`` wrote; None for the layout of another version."""
    try:
        access_token, refresh_token, signed_in_at = json.loads(raw)
    except (ValueError, TypeError):
        return None
    if not (isinstance(access_token, str) and isinstance(refresh_token, str) and type(signed_in_at) is int):
        return None
    return StoredSession(SessionTokens(access_token, refresh_token), signed_in_at)


def _derive(secret: str | bytes) -> bytes:
    raw = secret if isinstance(secret, bytes) else secret.encode()
    return HKDF(algorithm=SHA256(), length=32, salt=None, info=_PURPOSE).derive(raw)
