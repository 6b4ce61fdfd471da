"""Bearer checks for users and administrators, in the hosted service's order.

Trust boundary: the gateway has checked the API key. A request without a user's token acts as the key's role,
as if it carried the short-lived token that the hosted gateway makes of the key.
"""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from signet_stack.auth import access_tokens, sessions, users
from signet_stack.auth.access_tokens import ADMIN_ROLES, Claims, bad_jwt, uuid_claim
from signet_stack.auth.errors import AuthError
from signet_stack.auth.service import Operation
from signet_stack.auth.sessions import Session
from signet_stack.auth.users import NIL, Rows, User

NO_BEARER = AuthError(401, "no_authorization", "This endpoint requires a valid Bearer token")


@dataclass(frozen=True, slots=True)
class Credentials:
    """The credentials of a request: a bearer token, else the role of its API key, else neither."""

    token: str | None
    key_role: str | None


@dataclass(frozen=True, slots=True)
class Bearer:
    """A user who is signed in, with the claims of the token."""

    user: User
    session: Session | None
    claims: Claims

    @property
    def is_aal2(self) -> bool:
        """Whether the session passed a second factor; its row decides, never the token's claim."""
        return self.session is not None and self.session.aal == sessions.AAL2

    @property
    def session_id(self) -> UUID | None:
        """The session that the token belongs to, if any."""
        return self.session.id if self.session else None


def claims_of(op: Operation, credentials: Credentials) -> Claims:
    """Return the verified claims of a request; raise AuthError."""
    if credentials.token is not None:
        return access_tokens.verify(credentials.token, op.context.signing_keys.published(), op.now)
    if credentials.key_role is None:
        raise AuthError(NO_BEARER.status, NO_BEARER.code, NO_BEARER.message)
    return {"role": credentials.key_role}


def require_user(op: Operation, connection: Rows, claims: Claims, *, lock: bool = False) -> Bearer:
    """Return the user of a token and its session; raise AuthError."""
    if not claims.get("sub"):
        raise bad_jwt("invalid claim: missing sub claim")
    user_id = uuid_claim(claims["sub"])
    if user_id is None:
        raise bad_jwt("invalid claim: sub claim must be a UUID", 400)
    user = users.find_by_id(connection, user_id, lock=lock)
    if user is None:
        raise AuthError(403, "user_not_found", "User from sub claim in JWT does not exist")
    session = _session(connection, claims)
    if user.is_banned(op.now):
        raise AuthError(403, "user_banned", "User is banned")
    return Bearer(user, session, claims)


def require_admin(op: Operation, connection: Rows, claims: Claims) -> None:
    """Raise AuthError unless the token's role may administer; a session that it names must live."""
    if claims.get("role") not in ADMIN_ROLES:
        raise AuthError(403, "not_admin", "User not allowed")
    session = _session(connection, claims)
    if session and sessions.expiry_reason(session.life, sessions.limits_of(op.settings), op.now):
        raise AuthError(403, "session_expired", "Session is no longer valid")


def _session(connection: Rows, claims: Claims) -> Session | None:
    """Return the session of a token; without one, or with the nil UUID, there is none to check."""
    value = claims.get("session_id")
    if not value:
        return None
    session_id = uuid_claim(value)
    if session_id is None:
        raise bad_jwt("invalid claim: session_id claim must be a UUID")
    if session_id == NIL:
        return None
    session = sessions.find(connection, session_id)
    if session is None:
        raise sessions.not_found()
    return session
