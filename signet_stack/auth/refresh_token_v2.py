"""Refresh tokens of version 2: session and counter under a MAC; the session's row holds the counter.

Layout: 0x00, session id (16 bytes), counter as unsigned LEB128, HMAC-SHA256 of all before (16 bytes),
SHA-256 of all before (4 bytes); base64url without padding. Pure: the caller holds the session's lock.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import re
import secrets
from dataclasses import dataclass
from uuid import UUID

_TEXT = re.compile(r"[A-Za-z0-9_-]{51,64}")
_VERSION = b"\0"
_HEAD, _MAC, _CHECKSUM = 17, 16, 4
MAX_COUNTER = 2**63 - 1


@dataclass(frozen=True, slots=True)
class TokenV2:
    """A well-formed token whose MAC is not checked yet."""

    session_id: UUID
    counter: int
    signed: bytes
    mac: bytes

    def is_signed_with(self, key: str | None) -> bool:
        """Whether the session's key made this token; a session of version 1 has none."""
        return key is not None and hmac.compare_digest(_mac(key, self.signed), self.mac)


@dataclass(frozen=True, slots=True)
class Advance:
    """The token was the current one: the counter moves on."""


@dataclass(frozen=True, slots=True)
class Repeat:
    """An older token that is forgiven: the current one is given again."""

    cause: str


@dataclass(frozen=True, slots=True)
class Reused:
    """An older token that is not forgiven."""


@dataclass(frozen=True, slots=True)
class NotIssued:
    """A counter that was never given out."""


Decision = Advance | Repeat | Reused | NotIssued


def new_key() -> str:
    """Return a session's key: 32 random bytes as base64url without padding."""
    return _encode(secrets.token_bytes(32))


def make_token(session_id: UUID, counter: int, key: str) -> str:
    """Return the token of a session's counter."""
    signed = _VERSION + session_id.bytes + _leb128(counter)
    with_mac = signed + _mac(key, signed)
    return _encode(with_mac + hashlib.sha256(with_mac).digest()[:_CHECKSUM])


def parse_token(text: str) -> TokenV2 | None:
    """Read a token's parts; None when it is not of this format or its checksum is wrong."""
    if not _TEXT.fullmatch(text):
        return None
    try:
        raw = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except binascii.Error:
        return None
    with_mac, checksum = raw[:-_CHECKSUM], raw[-_CHECKSUM:]
    signed, mac = with_mac[:-_MAC], with_mac[-_MAC:]
    counter = _from_leb128(signed[_HEAD:])
    is_whole = hashlib.sha256(with_mac).digest()[:_CHECKSUM] == checksum and _encode(raw) == text
    if not is_whole or not signed.startswith(_VERSION) or counter is None:
        return None
    return TokenV2(UUID(bytes=signed[1:_HEAD]), counter, signed, mac)


def decide(
    stored: int, presented: int, seconds_since_refresh: float | None, interval: int, *, allows_reuse: bool
) -> Decision:
    """Return what presenting a counter does; ``interval`` is the reuse interval in seconds."""
    difference = stored - presented
    if difference < 0:
        return NotIssued()
    if difference == 0:
        return Advance()
    forgiven = {
        "concurrent-refresh": seconds_since_refresh is not None and abs(seconds_since_refresh) < interval,
        "fail-to-save": difference == 1,  # the last answer may have been lost, however long ago
        "always-allow": allows_reuse,
    }
    causes = [cause for cause, applies in forgiven.items() if applies]
    return Repeat(",".join(causes)) if causes else Reused()


def _mac(key: str, signed: bytes) -> bytes:
    secret = base64.urlsafe_b64decode(key + "=" * (-len(key) % 4))
    return hmac.digest(secret, signed, "sha256")[:_MAC]


def _encode(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def _leb128(number: int) -> bytes:
    out = bytearray()
    while True:
        low, number = number & 0x7F, number >> 7
        out.append(low | (0x80 if number else 0))
        if not number:
            return bytes(out)


def _from_leb128(raw: bytes) -> int | None:
    """Return the number that the bytes are, all of them and in the shortest form; None for others."""
    number = 0
    for position, byte in enumerate(raw):
        number |= (byte & 0x7F) << (7 * position)
    return number if raw and _leb128(number) == raw and number <= MAX_COUNTER else None
