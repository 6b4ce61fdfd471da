"""Shared-secret projects (HS256): no public key exists, so Auth verifies each token.

The web app must not hold the secret, hence one ``GET /user`` per token, cached for half a minute. Signing
keys replace this slow way; a warning says so once per process.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from functools import partial

from .auth_http import Answer
from .breaker import Breaker
from .errors import AuthUnavailable, ClaimRefused, KeyUnknown, PayloadMalformed, TokenHeaderRefused
from .tokens import (
    AccessClaims,
    Expected,
    check_claims,
    check_expiry,
    decode_segment,
    digest,
    read_object,
    split,
)

log = logging.getLogger("flask_signet.gatekeeper")

REMEMBER_SECONDS = 30.0
MAX_REMEMBERED = 4096
KID = "legacy-secret"
MIGRATION_PAGE = "https://supabase.com/docs/guides/auth/signing-keys"


class LegacyTokens:
    """Verifies HS256 tokens with Auth; ``clock`` returns unix seconds."""

    def __init__(
        self,
        ask_user: Callable[[str], Answer],
        expected: Expected,
        clock: Callable[[], float],
        breaker: Breaker,
    ) -> None:
        self._ask_user = ask_user
        self._breaker = breaker
        self._expected = expected
        self._clock = clock
        self._lock = threading.Lock()
        self._remembered: dict[bytes, tuple[AccessClaims, float]] = {}
        self._has_warned = False

    def verify(self, token: str) -> AccessClaims:
        """Return the claims of a token that Auth accepts; raise TokenError or AuthUnavailable."""
        self._warn_once()
        now = self._clock()
        known = self._remembered.get(digest(token))
        if known is not None and _is_fresh(known[1], now):
            check_expiry(known[0], now)
            return known[0]
        claims = self._read(token, now)
        self._ask(token, claims)
        with self._lock:
            kept = {known: entry for known, entry in self._remembered.items() if _is_fresh(entry[1], now)}
            if len(kept) < MAX_REMEMBERED:
                kept[digest(token)] = (claims, now)
            self._remembered = kept
        return claims

    def _read(self, token: str, now: float) -> AccessClaims:
        """Check everything but the signature, so that a token that cannot be valid causes no call."""
        header, payload, _ = split(token)
        try:
            algorithm = read_object(decode_segment(header)).get("alg")
        except ValueError as error:
            raise TokenHeaderRefused(str(error)) from None
        if algorithm != "HS256":
            raise KeyUnknown("an asymmetric token, but the project publishes no key")
        try:
            claims = read_object(decode_segment(payload))
        except ValueError as error:
            raise PayloadMalformed(str(error)) from None
        return check_claims(claims, self._expected, now, KID)

    def _ask(self, token: str, claims: AccessClaims) -> None:
        answer = self._breaker.ask(partial(self._ask_user, token))
        if answer.status in (401, 403):
            raise KeyUnknown("Auth refuses this token", kid=KID)  # a refresh shows whether the session lives
        if answer.status != 200:
            raise AuthUnavailable(f"GET /user: status {answer.status}")
        if answer.body.get("id") != str(claims.user_id):
            raise ClaimRefused("sub", kid=KID)

    def _warn_once(self) -> None:
        if not self._has_warned:
            self._has_warned = True
            log.warning(
                "This project publishes no signing key, so every page waits for Auth. Migrate it: %s",
                MIGRATION_PAGE,
            )


def _is_fresh(asked_at: float, now: float) -> bool:
    """Return whether a cached answer is still valid; one from the future (clock set back) is not."""
    return 0 <= now - asked_at < REMEMBER_SECONDS
