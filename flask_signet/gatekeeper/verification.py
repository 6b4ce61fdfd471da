"""Verify access tokens for one process: the key set, what they must say, and a memory of those that passed.

The memory holds nothing that opens anything: it is keyed by a digest, bounded, and dropped whenever the key
set changes, so a revoked key is forgotten together with every token that it signed.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable
from typing import Protocol

from .digest import digest
from .errors import KeyUnknown
from .identity import AccessClaims
from .jwks import Keys, Snapshot
from .legacy import LegacyTokens
from .tokens import Expected, check_expiry, check_form, verify_access_token

MEMORY_SIZE = 4096  # tokens, about 0.6 kB each


class KeySource(Protocol):
    """Where keys come from: a KeySet or an InlineKeySet."""

    @property
    def is_cold(self) -> bool:
        """Whether no set is held yet."""

    def current(self) -> Snapshot:
        """Return the present set."""

    def look_again_for(self, kid: str, *, from_auth: bool = False) -> Snapshot:
        """Return a set in which a missing kid was looked for once more."""


class VerifiedTokens:
    """Claims of verified tokens, least recently used out first."""

    def __init__(self, size: int = MEMORY_SIZE) -> None:
        self._size = size
        self._lock = threading.Lock()
        self._keys: Keys | None = None
        self._claims: OrderedDict[bytes, AccessClaims] = OrderedDict()

    def get(self, token: str, keys: Keys) -> AccessClaims | None:
        """Return the claims that this token had under this very key set, if it was seen before."""
        key = digest(token)
        with self._lock:
            if self._keys is not keys:
                self._claims.clear()
                self._keys = keys
            claims = self._claims.get(key)
            if claims is not None:
                self._claims.move_to_end(key)
            return claims

    def put(self, token: str, keys: Keys, claims: AccessClaims) -> None:
        """Remember a token that was verified under this key set."""
        with self._lock:
            if self._keys is not keys:
                return
            self._claims[digest(token)] = claims
            if len(self._claims) > self._size:
                self._claims.popitem(last=False)

    def __len__(self) -> int:
        """Return how many tokens are remembered."""
        return len(self._claims)


class Verifier:
    """Checks tokens against the keys at hand; ``clock`` gives unix seconds."""

    def __init__(
        self, keys: KeySource, legacy: LegacyTokens, expected: Expected, clock: Callable[[], float]
    ) -> None:
        self._keys = keys
        self._legacy = legacy
        self._expected = expected
        self._clock = clock
        self._memory = VerifiedTokens()

    def verify(self, token: str, *, from_auth: bool = False) -> AccessClaims:
        """Return the claims of a good token; raise TokenError, KeysUnavailable or AuthUnavailable.

        ``from_auth`` marks a token that Auth handed out a moment ago.
        """
        if self._keys.is_cold:
            check_form(token)  # a text that is no token is no reason to meet the network
        snapshot = self._keys.current()
        if snapshot.is_legacy:
            return self._legacy.verify(token)
        claims = self._memory.get(token, snapshot.keys)
        if claims is not None:
            check_expiry(claims, self._clock())
            return claims
        try:
            claims = verify_access_token(token, snapshot.keys, self._expected, self._clock())
        except KeyUnknown as error:
            snapshot = self._keys.look_again_for(error.kid or "", from_auth=from_auth)
            claims = verify_access_token(token, snapshot.keys, self._expected, self._clock())
        self._memory.put(token, snapshot.keys, claims)
        return claims
