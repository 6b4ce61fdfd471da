"""Token verifier of one process: the key set, the expected claims, and a cache of verified tokens.

The cache is keyed by digest, bounded, and dropped whenever the key set changes, so that the tokens of a
revoked key are refused with it.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable
from typing import Protocol

from .errors import KeyUnknown
from .jwks import Keys, Snapshot
from .legacy import LegacyTokens
from .tokens import AccessClaims, Expected, check_expiry, check_form, digest, verify_access_token

CACHE_SIZE = 4096  # tokens, about 0.6 kB each


class KeySource(Protocol):
    """A KeySet or an InlineKeySet."""

    @property
    def is_cold(self) -> bool:
        """Whether no key set was fetched yet."""

    def current(self) -> Snapshot:
        """Return the current key set."""

    def look_again_for(self, kid: str, *, from_auth: bool = False) -> Snapshot:
        """Return the key set, fetched again because ``kid`` is missing."""


class VerifiedTokens:
    """LRU cache of verified tokens' claims."""

    def __init__(self, size: int = CACHE_SIZE) -> None:
        self._size = size
        self._lock = threading.Lock()
        self._keys: Keys | None = None
        self._claims: OrderedDict[bytes, AccessClaims] = OrderedDict()

    def get(self, token: str, keys: Keys) -> AccessClaims | None:
        """Return the claims of a token that was verified with this key set object, or None."""
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
        """Cache the claims of a token that was verified with this key set object."""
        with self._lock:
            if self._keys is not keys:
                return
            self._claims[digest(token)] = claims
            if len(self._claims) > self._size:
                self._claims.popitem(last=False)

    def __len__(self) -> int:
        """Return the number of cached tokens."""
        return len(self._claims)


class Verifier:
    """Verifies access tokens; ``clock`` returns unix seconds."""

    def __init__(
        self, keys: KeySource, legacy: LegacyTokens, expected: Expected, clock: Callable[[], float]
    ) -> None:
        self._keys = keys
        self._legacy = legacy
        self._expected = expected
        self._clock = clock
        self._verified = VerifiedTokens()

    @property
    def expected(self) -> Expected:
        """What a token must name."""
        return self._expected

    @property
    def cached_tokens(self) -> int:
        """The number of verified tokens in the cache."""
        return len(self._verified)

    def key_set(self) -> Snapshot:
        """Return the key set that the next request would use; raise KeysUnavailable."""
        return self._keys.current()

    def verify(self, token: str, *, from_auth: bool = False) -> AccessClaims:
        """Return the claims of a valid token; raise TokenError, KeysUnavailable or AuthUnavailable.

        ``from_auth`` marks a token that Auth issued a moment ago.
        """
        if self._keys.is_cold:
            check_form(token)  # a malformed token must not cause a fetch
        snapshot = self._keys.current()
        if snapshot.is_legacy:
            return self._legacy.verify(token)
        claims = self._verified.get(token, snapshot.keys)
        if claims is not None:
            check_expiry(claims, self._clock())
            return claims
        try:
            claims = verify_access_token(token, snapshot.keys, self._expected, self._clock())
        except KeyUnknown as error:
            snapshot = self._keys.look_again_for(error.kid or "", from_auth=from_auth)
            claims = verify_access_token(token, snapshot.keys, self._expected, self._clock())
        self._verified.put(token, snapshot.keys, claims)
        return claims
