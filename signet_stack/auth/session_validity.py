"""Whether a session may still be refreshed. Checked there and nowhere else, as on the hosted service."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from signet_stack.auth.errors import AuthError


@dataclass(frozen=True, slots=True)
class Limits:
    """Seconds; 0 is off."""

    timebox: float = 0.0
    inactivity: float = 0.0


@dataclass(frozen=True, slots=True)
class Life:
    """What the check needs to know about one session."""

    created_at: datetime
    refreshed_at: datetime | None = None
    not_after: datetime | None = None

    def last_refresh(self, token_updated_at: datetime | None = None) -> datetime:
        """Return when the session was last used; a token of version 1 may know it better than the session."""
        if self.refreshed_at is not None:
            return self.refreshed_at
        if token_updated_at is not None and token_updated_at > self.created_at:
            return token_updated_at
        return self.created_at


def fault(life: Life, limits: Limits, now: datetime, token_updated_at: datetime | None = None) -> str | None:
    """Return why a session is over, in the words of the error, or None while it lives."""
    if life.not_after is not None and now > life.not_after:
        return "Session Expired"
    if limits.timebox and now > life.created_at + timedelta(seconds=limits.timebox):
        return "Session Expired"
    idle_since = life.last_refresh(token_updated_at)
    if limits.inactivity and now > idle_since + timedelta(seconds=limits.inactivity):
        return "Session Expired (Inactivity)"
    return None


def is_superseded(
    life: Life,
    others: Iterable[Life],
    limits: Limits,
    now: datetime,
    token_updated_at: datetime | None = None,
) -> bool:
    """Whether another living session of the same user was used later than this one."""
    last = life.last_refresh(token_updated_at)
    return any(other.last_refresh() > last for other in others if fault(other, limits, now) is None)


def session_expired(why: str) -> AuthError:
    """Return the error of the refresh grant for a session that is over."""
    return AuthError(400, "session_expired", f"Invalid Refresh Token: {why}")
