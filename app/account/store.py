"""A person's sessions, read and ended as that person.

Trust boundary: the functions of the database know whose session asks from its claims alone, so no argument
reaches anybody else's sessions. What a session says about its device, the device said itself.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast
from uuid import UUID

from app.account.user_agents import device_words
from app.service_errors import explained
from flask_signet.clients import anonymous_client, user_client
from flask_signet.gatekeeper import Identity


@dataclass(frozen=True, slots=True)
class Session:
    """One session as Auth stores it; its last use is known as of its last renewal."""

    id: UUID
    device: str
    signed_in_at: datetime
    last_used_at: datetime
    is_current: bool

    @classmethod
    def of(cls, row: dict[str, Any]) -> Session:
        """Read a row as the data API sends it."""
        return cls(
            id=UUID(row["id"]),
            device=device_words(row["user_agent"] or ""),
            signed_in_at=datetime.fromisoformat(row["created_at"]),
            last_used_at=datetime.fromisoformat(row["last_refreshed_at"] or row["created_at"]),
            is_current=row["is_current"],
        )


def list_sessions(identity: Identity) -> list[Session]:
    """Return the person's sessions: the one that asks, then the others, most recently used first.

    The list is empty when the session that asks has ended.
    """
    with explained():
        rows = user_client(identity).rpc("list_my_sessions").execute().data
    found = [Session.of(row) for row in cast("list[dict[str, Any]]", rows)]
    return sorted(found, key=lambda session: not session.is_current)


def end_session(identity: Identity, session_id: UUID) -> bool:
    """End one of the person's sessions; return whether there was one of this id."""
    with explained():
        done = user_client(identity).rpc("end_my_session", {"session_id": str(session_id)}).execute().data
    return done is True


def end_other_sessions(identity: Identity) -> None:
    """End all of the person's sessions but the one that asks."""
    with explained():
        anonymous_client().auth.admin.sign_out(identity.access_token, "others")
