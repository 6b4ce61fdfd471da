"""What both versions of refresh tokens check before an exchange, in the hosted service's order."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from devstack.auth import sessions, users
from devstack.auth.errors import AuthError
from devstack.auth.service import Auth
from devstack.auth.session_validity import Limits, fault, is_superseded, session_expired
from devstack.auth.sessions import SKIP_LOCKED, Client, Session
from devstack.auth.users import Rows, User

REUSE_HEADER = "sb-auth-refresh-token-reuse"
CAUSE_HEADER = "sb-auth-refresh-token-reuse-cause"
ROTATED_HEADER = "sb-auth-refresh-token-rotated"


class Locked(Exception):
    """Raised when somebody else holds a row that is needed."""


def owner(connection: Rows, user_id: UUID, now: datetime) -> User:
    """Return the user of a refresh token; raise AuthError when there is none or it is banned."""
    user = users.find_by_id(connection, user_id)
    if user is None:
        raise not_found()
    if user.is_banned(now):
        raise AuthError(400, "user_banned", "Invalid Refresh Token: User Banned")
    return user


def check_life(auth: Auth, session: Session, token_updated_at: datetime | None = None) -> None:
    """Raise AuthError when one of the limits of the session has passed."""
    if why := fault(session.life, _limits(auth), auth.now(), token_updated_at):
        raise session_expired(why)


def lock(connection: Rows, session_id: UUID) -> Session:
    """Take the session's row; raise Locked when it is taken or gone."""
    session = sessions.find(connection, session_id, SKIP_LOCKED)
    if session is None:
        raise Locked
    return session


def check_newest(
    auth: Auth, connection: Rows, session: Session, token_updated_at: datetime | None = None
) -> None:
    """In single-session mode, raise AuthError when the user has signed in elsewhere since."""
    if not auth.settings.sessions_single_per_user:
        return
    taken = connection.execute(
        "select from auth.users where id = %s for update skip locked", (session.user_id,)
    )
    if taken.fetchone() is None:
        raise Locked
    others = [other.life for other in sessions.others_of(connection, session)]
    if is_superseded(session.life, others, _limits(auth), auth.now(), token_updated_at):
        raise session_expired("Session Expired (Revoked by Newer Login)")


def note_refresh(
    connection: Rows, session_id: UUID, client: Client, now: datetime, counter: int | None = None
) -> None:
    """Remember when, and from where, a session was refreshed; ``counter`` is the one of version 2."""
    connection.execute(
        "update auth.sessions set refreshed_at = %s, updated_at = %s, user_agent = %s, ip = %s,"
        " refresh_token_counter = coalesce(%s, refresh_token_counter) where id = %s",
        (now.replace(tzinfo=None), now, client.user_agent, client.ip, counter, session_id),
    )


def not_found() -> AuthError:
    """Return the error for a token that nobody has, or no longer."""
    return AuthError(400, "refresh_token_not_found", "Invalid Refresh Token: Refresh Token Not Found")


def already_used(headers: dict[str, str] | None = None) -> AuthError:
    """Return the error for a token that was exchanged long ago; what it costs is committed."""
    message = "Invalid Refresh Token: Already Used"
    return AuthError(400, "refresh_token_already_used", message, headers=headers, keeps_changes=True)


def _limits(auth: Auth) -> Limits:
    return Limits(auth.settings.sessions_timebox, auth.settings.sessions_inactivity_timeout)
