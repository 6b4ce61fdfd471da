"""What stands for a token in memory: enough to recognise it, nothing to use."""

from __future__ import annotations

import hashlib


def digest(token: str) -> bytes:
    """Return the SHA-256 of a token's text."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()
