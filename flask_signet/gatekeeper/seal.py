"""Seal a value so that only this app can make it or read it (AES-256-GCM, a key derived from SECRET_KEY).

A value that opens was made here, under this name, by a holder of the secret; anything else is nobody's. The
first secret seals; all of them open, so SECRET_KEY can change while people stay signed in.
"""

from __future__ import annotations

import base64
import binascii
import os
from collections.abc import Callable, Sequence

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

_PURPOSE = b"signet session cookie v1"
_NONCE_BYTES = 12
_TAG_BYTES = 16


class Seal:
    """Seals and opens values for one purpose; ``secrets`` are the present key and its predecessors."""

    def __init__(
        self, secrets: Sequence[str | bytes], random_bytes: Callable[[int], bytes] = os.urandom
    ) -> None:
        self._ciphers = [AESGCM(_derive(secret)) for secret in secrets]
        self._random_bytes = random_bytes

    def seal(self, value: bytes, name: str) -> str:
        """Return the sealed value as base64url text, bound to ``name``."""
        nonce = self._random_bytes(_NONCE_BYTES)
        sealed = self._ciphers[0].encrypt(nonce, value, name.encode())
        return base64.urlsafe_b64encode(nonce + sealed).rstrip(b"=").decode("ascii")

    def open(self, text: str, name: str) -> tuple[bytes, bool] | None:
        """Return the value and whether the present key sealed it, or None when no key of ours did."""
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


def _derive(secret: str | bytes) -> bytes:
    raw = secret if isinstance(secret, bytes) else secret.encode()
    return HKDF(algorithm=SHA256(), length=32, salt=None, info=_PURPOSE).derive(raw)
