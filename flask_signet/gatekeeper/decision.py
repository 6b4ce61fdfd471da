"""The session decision: a pure function from the result of token verification to one of three actions."""

from __future__ import annotations

from dataclasses import dataclass

from .errors import TokenError, TokenStale
from .tokens import AccessClaims

REFRESH_MARGIN = 60  # seconds before the end of a token's life
REFRESH_SHARE = 4  # at most a quarter of the token's life


@dataclass(frozen=True, slots=True)
class SignedIn:
    """The token is valid and not near its end."""

    claims: AccessClaims


@dataclass(frozen=True, slots=True)
class Refresh:
    """Exchange the refresh token. ``claims``: those of the present token if it is still valid."""

    claims: AccessClaims | None


@dataclass(frozen=True, slots=True)
class SignOut:
    """The session cannot be used; ``reason`` is a key of errors.SESSION_END_WORDS."""

    reason: str


Decision = SignedIn | Refresh | SignOut


def decide(verdict: AccessClaims | TokenError, now: float) -> Decision:
    """Return the decision; ``verdict`` is the result of token verification, ``now`` in unix seconds."""
    if isinstance(verdict, AccessClaims):
        return Refresh(verdict) if is_near_expiry(verdict, now) else SignedIn(verdict)
    return Refresh(None) if isinstance(verdict, TokenStale) else SignOut("invalid")


def is_near_expiry(claims: AccessClaims, now: float) -> bool:
    """Return whether a token is within REFRESH_MARGIN, or the last quarter of its life, of its end."""
    life = claims.expires_at - claims.issued_at
    return claims.expires_at - now < min(REFRESH_MARGIN, life / REFRESH_SHARE)
