"""A user's sessions, read and ended as that user.

Trust boundary: the database functions identify the user by the token's claims alone, so no argument reaches
another user's sessions. A session's device name comes from the device itself. Every function raises
SessionEnded when the user's session was ended elsewhere.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast
from uuid import UUID

from app.account.user_agents import device_words
from app.service_errors import explained_as_user
from flask_signet.clients import anonymous_client, user_client
from flask_signet.gatekeeper import Identity, SessionEnded


@dataclass(frozen=True, slots=True)
class Session:
    """A session as Auth stores it; its last use is that of its last refresh."""

    id: UUID
    device: str
    signed_in_at: datetime
    last_used_at: datetime
    is_current: bool

    @classmethod
    def of(cls, row: dict[str, Any]) -> Session:
        """Parse a row of the data API."""
        return cls(
            id=UUID(row["id"]),
            device=device_words(row["user_agent"] or ""),
            signed_in_at=datetime.fromisoformat(row["created_at"]),
            last_used_at=datetime.fromisoformat(row["last_refreshed_at"] or row["created_at"]),
            is_current=row["is_current"],
        )


def list_sessions(identity: Identity) -> list[Session]:
    """Return the user's sessions: the present one first, then the others, most recently used first."""
    with explained_as_user():
        rows = user_client(identity).rpc("list_my_sessions").execute().data
    if not rows:
        raise SessionEnded("ended_elsewhere")
    found = [Session.of(row) for row in cast("list[dict[str, Any]]", rows)]
    return sorted(found, key=lambda session: not session.is_current)


def end_session(identity: Identity, session_id: UUID) -> bool:
    """End one of the user's sessions; return whether there was one with this id."""
    with explained_as_user():
        done = user_client(identity).rpc("end_my_session", {"session_id": str(session_id)}).execute().data
    return done is True


def end_other_sessions(identity: Identity) -> None:
    """End all of the user's sessions except the present one."""
    with explained_as_user():
        anonymous_client().auth.admin.sign_out(identity.access_token, "others")
