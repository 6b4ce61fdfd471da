"""What to do with a request, given what its cookies hold: a pure function and its four answers."""

from __future__ import annotations

from dataclasses import dataclass

from .errors import TokenError, TokenStale
from .identity import AccessClaims

REFRESH_MARGIN = 60  # seconds before the end of a token's life
REFRESH_SHARE = 4  # but never earlier than in the last quarter of it


@dataclass(frozen=True, slots=True)
class Anonymous:
    """Nobody is signed in. ``clear``: cookies were sent that are no session of ours."""

    clear: bool = False


@dataclass(frozen=True, slots=True)
class SignedIn:
    """The token is good and has time left."""

    claims: AccessClaims


@dataclass(frozen=True, slots=True)
class Refresh:
    """Exchange the refresh token. ``claims`` are those of the present token while it is still good."""

    claims: AccessClaims | None


@dataclass(frozen=True, slots=True)
class SignOut:
    """The session cannot be used; ``reason`` is a key of errors.SESSION_END_WORDS."""

    reason: str


Decision = Anonymous | SignedIn | Refresh | SignOut


def decide(
    *, has_session: bool, is_unreadable: bool, verdict: AccessClaims | TokenError | None, now: float
) -> Decision:
    """Return what to do; ``verdict`` is what verifying the access token gave, ``now`` in unix seconds."""
    if not has_session:
        return Anonymous(clear=is_unreadable)
    if isinstance(verdict, AccessClaims):
        return Refresh(verdict) if is_near_expiry(verdict, now) else SignedIn(verdict)
    if isinstance(verdict, TokenStale):
        return Refresh(None)
    return SignOut("invalid")


def is_near_expiry(claims: AccessClaims, now: float) -> bool:
    """Return whether so little of a token's life is left that it should be exchanged."""
    life = claims.expires_at - claims.issued_at
    return claims.expires_at - now < min(REFRESH_MARGIN, life / REFRESH_SHARE)
