"""Who a request is, once its access token has been verified."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Protocol
from uuid import UUID


@dataclass(frozen=True, slots=True)
class AccessClaims:
    """The claims of a verified access token that the gatekeeper relies on; times are unix seconds."""

    user_id: UUID
    session_id: UUID
    email: str
    role: str
    issued_at: int
    expires_at: int
    kid: str


class AuthSession(Protocol):
    """The session of an answer of the ``supabase`` package's Auth client."""

    access_token: str
    refresh_token: str
    user: Any  # a pydantic model


@dataclass(frozen=True, slots=True)
class SessionTokens:
    """The token pair of one session. Credentials: never printed, never logged.

    ``user`` is Auth's user object, which only shared cookies carry, for browser clients.
    """

    access_token: str = field(repr=False)
    refresh_token: str = field(repr=False)
    user: dict[str, Any] | None = field(default=None, repr=False)

    @classmethod
    def of(cls, session: AuthSession) -> SessionTokens:
        """Take the tokens from a session that the ``supabase`` package returned."""
        user = session.user.model_dump(mode="json", exclude_none=True)
        return cls(session.access_token, session.refresh_token, user)


@dataclass(frozen=True, slots=True)
class Identity:
    """A signed-in person, with the token that lets the data API act as them."""

    user_id: UUID
    session_id: UUID
    email: str
    role: str
    issued_at: int  # unix seconds
    expires_at: int  # unix seconds
    access_token: str = field(repr=False)

    @classmethod
    def of(cls, claims: AccessClaims, access_token: str) -> Identity:
        """Join verified claims and the token that they came from."""
        return cls(
            user_id=claims.user_id,
            session_id=claims.session_id,
            email=claims.email,
            role=claims.role,
            issued_at=claims.issued_at,
            expires_at=claims.expires_at,
            access_token=access_token,
        )
