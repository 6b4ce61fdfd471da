"""Rows of auth.sessions and their methods of sign-in; ending them by scope."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from psycopg import sql
from psycopg.rows import class_row

from devstack.auth.errors import AuthError
from devstack.auth.session_validity import Life
from devstack.auth.users import Rows

AAL1 = "aal1"  # there are no second factors here
# Sign-ins that prove access to the mailbox just as a new password would.
MAIL_METHODS = frozenset({"otp", "magiclink", "recovery"})


@dataclass(frozen=True, slots=True)
class Client:
    """Where a request comes from."""

    user_agent: str
    ip: str | None


@dataclass(frozen=True, slots=True)
class Session:
    """One session, as stored."""

    id: UUID
    user_id: UUID
    created_at: datetime
    not_after: datetime | None
    refreshed_at: datetime | None  # without a time zone, in UTC
    tag: str | None
    refresh_token_hmac_key: str | None = field(repr=False)
    refresh_token_counter: int | None

    @property
    def life(self) -> Life:
        """What its validity depends on."""
        return Life(self.created_at, self.last_refreshed_at, self.not_after)

    @property
    def last_refreshed_at(self) -> datetime | None:
        """When it was refreshed last, with its time zone."""
        return None if self.refreshed_at is None else self.refreshed_at.replace(tzinfo=UTC)


_SELECT = sql.SQL(
    "select id, user_id, created_at, not_after, refreshed_at, tag, refresh_token_hmac_key,"
    " refresh_token_counter from auth.sessions where {} {}"
)
SKIP_LOCKED = "for update skip locked"


def find(connection: Rows, session_id: UUID, lock: str = "") -> Session | None:
    """Return a session; ``lock`` is a locking clause, with SKIP_LOCKED a locked row reads as missing."""
    statement = _SELECT.format(sql.SQL("id = %s"), sql.SQL(lock))
    with connection.cursor(row_factory=class_row(Session)) as cursor:
        return cursor.execute(statement, (session_id,)).fetchone()


def others_of(connection: Rows, session: Session) -> list[Session]:
    """Return the other sessions of the same user and tag."""
    condition = sql.SQL("user_id = %s and id <> %s and tag is not distinct from %s")
    with connection.cursor(row_factory=class_row(Session)) as cursor:
        return cursor.execute(
            _SELECT.format(condition, sql.SQL("")), (session.user_id, session.id, session.tag)
        ).fetchall()


def insert(
    connection: Rows, user_id: UUID, method: str, client: Client, now: datetime, hmac_key: str | None
) -> UUID:
    """Begin a session; with a key its refresh tokens are of version 2."""
    session_id = uuid.uuid4()
    counter = None if hmac_key is None else 0
    connection.execute(
        "insert into auth.sessions (id, user_id, created_at, updated_at, aal, user_agent, ip,"
        " refresh_token_hmac_key, refresh_token_counter) values (%s, %s, %s, %s, %s, %s, %s, %s, %s)",
        (session_id, user_id, now, now, AAL1, client.user_agent, client.ip, hmac_key, counter),
    )
    connection.execute(
        "insert into auth.mfa_amr_claims (session_id, created_at, updated_at, authentication_method, id)"
        " values (%s, %s, %s, %s, %s)",
        (session_id, now, now, method, uuid.uuid4()),
    )
    return session_id


def methods(connection: Rows, session_id: UUID) -> list[dict[str, Any]]:
    """Return the `amr` claim of a session, newest first."""
    rows = connection.execute(
        "select authentication_method, updated_at from auth.mfa_amr_claims where session_id = %s"
        " order by updated_at desc, id",
        (session_id,),
    ).fetchall()
    return [{"method": method, "timestamp": int(at.timestamp())} for method, at in rows]


def end(connection: Rows, user_id: UUID, session_id: UUID | None, scope: str) -> None:
    """End sessions of a user: `local` this one, `others` all but this one, `global` all.

    Without a session of one's own, every scope is global.
    """
    if session_id is None or scope == "global":
        connection.execute("delete from auth.sessions where user_id = %s", (user_id,))
    elif scope == "local":
        connection.execute("delete from auth.sessions where id = %s and user_id = %s", (session_id, user_id))
    else:
        connection.execute("delete from auth.sessions where id <> %s and user_id = %s", (session_id, user_id))


def not_found() -> AuthError:
    """Return the error for a token whose session is gone."""
    return AuthError(403, "session_not_found", "Session from session_id claim in JWT does not exist")
