"""Rows of auth.sessions and their methods of sign-in; ending them by scope."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from psycopg import sql
from psycopg.rows import class_row

from devstack.auth import users
from devstack.auth.errors import AuthError
from devstack.auth.session_validity import Life
from devstack.auth.users import Rows, User

AAL1 = "aal1"  # there are no second factors here
# Sign-ins that prove access to the mailbox just as a new password would.
MAIL_METHODS = frozenset({"otp", "magiclink", "recovery"})


class AccountChanged(Exception):
    """Raised when an account is no longer what it was when somebody proved to be its owner."""


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
# All that a sign-in writes, in one round trip. The user's row comes first: who waits, waits for that one.
_BEGIN = (
    sql.SQL("""
    with person as (
        update auth.users set last_sign_in_at = %(now)s, updated_at = %(now)s
        where id = %(user)s and encrypted_password is not distinct from %(password)s
            and (banned_until is null or banned_until <= %(now)s)
        returning {}
    ), identity as (
        update auth.identities set last_sign_in_at = %(now)s, updated_at = %(now)s
        from person where user_id = person.id and provider = 'email'
    ), session as (
        insert into auth.sessions (id, user_id, created_at, updated_at, aal, user_agent, ip,
            refresh_token_hmac_key, refresh_token_counter)
        select %(session)s, person.id, %(now)s, %(now)s, %(aal)s::auth.aal_level, %(agent)s, %(ip)s::inet,
            %(key)s, %(counter)s::bigint
        from person returning id
    ), method as (
        insert into auth.mfa_amr_claims (session_id, created_at, updated_at, authentication_method, id)
        select session.id, %(now)s, %(now)s, %(method)s, %(amr)s from session
    )
    select * from person
    """)
    .format(users.COLUMNS)
    .as_bytes()
)


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


def begin(
    connection: Rows, user: User, method: str, client: Client, now: datetime, hmac_key: str | None
) -> tuple[User, UUID]:
    """Begin a session; with a key its refresh tokens are of version 2.

    Raises AccountChanged when the user has another password by now, is banned or gone: no connection is held
    while a password is compared, so what it was compared with may be old.
    """
    session_id = uuid.uuid4()
    values = {
        "user": user.id,
        "password": user.encrypted_password,
        "now": now,
        "session": session_id,
        "aal": AAL1,
        "agent": client.user_agent,
        "ip": client.ip,
        "key": hmac_key,
        "counter": None if hmac_key is None else 0,
        "method": method,
        "amr": uuid.uuid4(),
    }
    present = users.fetch_one(connection, _BEGIN, values)
    if present is None:
        raise AccountChanged
    return present, session_id


def methods(connection: Rows, session_id: UUID) -> list[dict[str, Any]]:
    """Return the `amr` claim of a session, newest first."""
    rows = connection.execute(
        "select authentication_method, updated_at from auth.mfa_amr_claims where session_id = %s"
        " order by updated_at desc, id",
        (session_id,),
    ).fetchall()
    return [amr_entry(method, at) for method, at in rows]


def amr_entry(method: str, at: datetime) -> dict[str, Any]:
    """Return one entry of an `amr` claim."""
    return {"method": method, "timestamp": int(at.timestamp())}


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
