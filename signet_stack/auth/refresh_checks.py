"""What both versions of refresh tokens check before an exchange, in the hosted service's order."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from signet_stack.auth import sessions
from signet_stack.auth.errors import AuthError
from signet_stack.auth.service import Auth
from signet_stack.auth.session_validity import Limits, fault, is_superseded, session_expired
from signet_stack.auth.sessions import SKIP_LOCKED, Session
from signet_stack.auth.users import Rows, User

REUSE_HEADER = "sb-auth-refresh-token-reuse"
CAUSE_HEADER = "sb-auth-refresh-token-reuse-cause"
ROTATED_HEADER = "sb-auth-refresh-token-rotated"


class Locked(Exception):
    """Raised when somebody else holds a row that is needed."""


def check_ban(auth: Auth, user: User) -> None:
    """Raise AuthError while the owner of a refresh token is banned."""
    if user.is_banned(auth.now()):
        raise AuthError(400, "user_banned", "Invalid Refresh Token: User Banned")


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


def not_found() -> AuthError:
    """Return the error for a token that nobody has, or no longer."""
    return AuthError(400, "refresh_token_not_found", "Invalid Refresh Token: Refresh Token Not Found")


def already_used(headers: dict[str, str] | None = None) -> AuthError:
    """Return the error for a token that was exchanged long ago; what it costs is committed."""
    message = "Invalid Refresh Token: Already Used"
    return AuthError(400, "refresh_token_already_used", message, headers=headers, keeps_changes=True)


def _limits(auth: Auth) -> Limits:
    return Limits(auth.settings.sessions_timebox, auth.settings.sessions_inactivity_timeout)
