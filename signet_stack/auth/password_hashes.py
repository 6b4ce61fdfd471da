"""Hash and compare passwords with bcrypt. Slow on purpose: never called while a database connection is held.

Cost 10, as on the hosted service, so that hashes can move there and back.
"""

from __future__ import annotations

import re

import bcrypt

from signet_stack.auth.password_rules import MAX_BYTES

COST = 10
_BCRYPT = re.compile(r"\$2[aby]\$(0[4-9]|[12][0-9]|3[01])\$[./A-Za-z0-9]{53}")


class PasswordHashes:
    """Makes hashes of one cost; ``cost`` below 10 is for tests only."""

    def __init__(self, cost: int = COST) -> None:
        self._cost = cost
        # The hash of no password. Comparing with it takes as long as with a real one.
        self._nobody = f"$2b${cost:02d}$" + "." * 53

    def make(self, password: str) -> str:
        """Return the hash of a password of at most 72 bytes."""
        return bcrypt.hashpw(password.encode(), bcrypt.gensalt(self._cost)).decode()

    def matches(self, password: str, hashed: str | None) -> bool:
        """Whether the password is the hashed one. Without a hash, takes as long and says no."""
        if not hashed or not is_bcrypt(hashed):
            hashed = self._nobody
        # Go's bcrypt ignores what follows, Python's refuses it: hashes made there must open here.
        return bcrypt.checkpw(password.encode()[:MAX_BYTES], hashed.encode())


def is_bcrypt(hashed: str) -> bool:
    """Whether a text is a complete bcrypt hash."""
    return _BCRYPT.fullmatch(hashed) is not None
