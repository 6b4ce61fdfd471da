"""Rows of auth.sessions with their sign-in methods; whether a session may be refreshed; ending by scope."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from dataclasses import dataclass, field, fields
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from psycopg import sql
from psycopg.rows import class_row

from signet_stack.auth import users
from signet_stack.auth.errors import AuthError
from signet_stack.auth.users import Rows, User
from signet_stack.auth_settings import AuthSettings

AAL1, AAL2 = "aal1", "aal2"
SECOND_FACTORS = frozenset({"totp", "mfa/phone", "mfa/webauthn"})
EXPIRED = "Session Expired"
# Sign-ins that prove access to the mailbox just as a new password would.
MAIL_METHODS = frozenset({"otp", "magiclink", "recovery"})


class AccountChanged(Exception):
    """Raised when an account changed between the check of a proof and the start of its session."""


@dataclass(frozen=True, slots=True)
class Client:
    """Where a request comes from."""

    user_agent: str
    ip: str | None


@dataclass(frozen=True, slots=True)
class Limits:
    """Seconds; 0 is off."""

    timebox: float = 0.0
    inactivity: float = 0.0


@dataclass(frozen=True, slots=True)
class Lifetime:
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


@dataclass(frozen=True, slots=True)
class Session:
    """One session, as stored."""

    id: UUID
    user_id: UUID
    created_at: datetime
    not_after: datetime | None
    refreshed_at: datetime | None  # without a time zone, in UTC
    tag: str | None
    aal: str | None
    factor_id: UUID | None
    refresh_token_hmac_key: str | None = field(repr=False)
    refresh_token_counter: int | None

    @property
    def life(self) -> Lifetime:
        """What its validity depends on."""
        return Lifetime(self.created_at, self.last_refreshed_at, self.not_after)

    @property
    def last_refreshed_at(self) -> datetime | None:
        """When it was refreshed last, with its time zone."""
        return None if self.refreshed_at is None else self.refreshed_at.replace(tzinfo=UTC)


_NAMES = tuple(item.name for item in fields(Session))
COLUMNS = sql.SQL(", ").join(sql.Identifier("sessions", name) for name in _NAMES)
# Composed once: composing takes longer than PostgreSQL needs for the answer.
_BY_ID = sql.SQL("select {} from auth.sessions where id = %s").format(COLUMNS).as_bytes()
_OTHERS = (
    sql.SQL("select {} from auth.sessions where user_id = %s and id <> %s and tag is not distinct from %s")
    .format(COLUMNS)
    .as_bytes()
)
_WITH_OWNER = (
    sql.SQL(
        "select {}, {} from auth.sessions join auth.users on users.id = sessions.user_id"
        " where sessions.id = %s and users.instance_id = %s"
    )
    .format(COLUMNS, users.COLUMNS)
    .as_bytes()
)
SKIP_LOCKED = b" for update skip locked"
# All that a sign-in writes, in one round trip. The user's row comes first: who waits, waits for that one.
_START = (
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
_METHODS = sql.SQL(
    "select authentication_method, updated_at from auth.mfa_amr_claims where session_id = %(session)s"
    " order by updated_at desc, id"
)
_NOTE_REFRESH = (
    sql.SQL("""
    with noted as (
        update auth.sessions set refreshed_at = %(at)s, updated_at = %(now)s, user_agent = %(agent)s,
            ip = %(ip)s::inet, refresh_token_counter = coalesce(%(counter)s::bigint, refresh_token_counter)
        where id = %(session)s
    ) {}
    """)
    .format(_METHODS)
    .as_bytes()
)


def find(connection: Rows, session_id: UUID, lock: bytes = b"") -> Session | None:
    """Return a session; ``lock`` is a locking clause, with SKIP_LOCKED a locked row reads as missing."""
    with connection.cursor(row_factory=class_row(Session)) as cursor:
        return cursor.execute(_BY_ID + lock, (session_id,)).fetchone()


def find_with_owner(connection: Rows, session_id: UUID) -> tuple[Session, User] | None:
    """Return a session and whose it is, in one round trip."""
    row = connection.execute(_WITH_OWNER, (session_id, users.NIL)).fetchone()
    return None if row is None else (Session(*row[: len(_NAMES)]), User(*row[len(_NAMES) :]))


def others_of(connection: Rows, session: Session) -> list[Session]:
    """Return the other sessions of the same user and tag."""
    with connection.cursor(row_factory=class_row(Session)) as cursor:
        return cursor.execute(_OTHERS, (session.user_id, session.id, session.tag)).fetchall()


def start(
    connection: Rows, user: User, method: str, client: Client, now: datetime, hmac_key: str | None
) -> tuple[User, UUID]:
    """Insert a session; with a key its refresh tokens are of version 2.

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
    present = users.fetch_one(connection, _START, values)
    if present is None:
        raise AccountChanged
    return present, session_id


def methods(connection: Rows, session_id: UUID) -> list[dict[str, Any]]:
    """Return the `amr` claim of a session, newest first."""
    return [amr_entry(*row) for row in connection.execute(_METHODS, {"session": session_id}).fetchall()]


def note_refresh(
    connection: Rows, session_id: UUID, client: Client, now: datetime, counter: int | None = None
) -> list[dict[str, Any]]:
    """Store time and client of a refresh, and return the `amr` claim of the session in one round trip.

    ``counter`` is the one of version 2.
    """
    values = {
        "session": session_id,
        "at": now.replace(tzinfo=None),
        "now": now,
        "agent": client.user_agent,
        "ip": client.ip,
        "counter": counter,
    }
    return [amr_entry(*row) for row in connection.execute(_NOTE_REFRESH, values).fetchall()]


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


def elevate(
    connection: Rows, session_id: UUID, factor_id: UUID, method: str, now: datetime
) -> list[dict[str, Any]]:
    """Raise a session to aal2 by a second factor; return its `amr` claim."""
    connection.execute(
        "insert into auth.mfa_amr_claims (session_id, created_at, updated_at, authentication_method, id)"
        " values (%(session)s, %(now)s, %(now)s, %(method)s, %(id)s)"
        " on conflict (session_id, authentication_method) do update set updated_at = excluded.updated_at",
        {"session": session_id, "now": now, "method": method, "id": uuid.uuid4()},
    )
    connection.execute(
        "update auth.sessions set aal = 'aal2', factor_id = %s, updated_at = %s where id = %s",
        (factor_id, now, session_id),
    )
    return methods(connection, session_id)


def lower(connection: Rows, factor_id: UUID, method: str) -> None:
    """Take aal2 and the method from the sessions that a removed factor raised; none ends."""
    connection.execute(
        "with lowered as ("
        " update auth.sessions set aal = 'aal1', factor_id = null where factor_id = %s returning id)"
        " delete from auth.mfa_amr_claims using lowered"
        " where session_id = lowered.id and authentication_method = %s",
        (factor_id, method),
    )


def end_below_aal2(connection: Rows, user_id: UUID) -> None:
    """End the sessions of a user that did not pass a second factor."""
    connection.execute("delete from auth.sessions where user_id = %s and aal < 'aal2'", (user_id,))


def level(amr: Iterable[dict[str, Any]]) -> str:
    """Return the `aal` claim of a session with these methods."""
    return AAL2 if any(entry["method"] in SECOND_FACTORS for entry in amr) else AAL1


def close(connection: Rows, session_id: UUID, now: datetime) -> None:
    """Write the end of a refused session where policies on `auth.sessions` read it: in `not_after`.

    The hosted service refuses such a session at its next refresh only, and leaves its row alone.
    """
    connection.execute(
        "update auth.sessions set not_after = least(not_after, %s) where id = %s", (now, session_id)
    )


def close_others(connection: Rows, user_id: UUID, session_id: UUID, now: datetime) -> None:
    """Write the end of the other sessions of a user, which a new login without a tag replaces."""
    connection.execute(
        "update auth.sessions set not_after = least(not_after, %s)"
        " where user_id = %s and id <> %s and tag is null",
        (now, user_id, session_id),
    )


def set_counter(connection: Rows, session_id: UUID, hmac_key: str, counter: int) -> None:
    """Store the key and the counter of a session's refresh tokens of version 2."""
    connection.execute(
        "update auth.sessions set refresh_token_hmac_key = %s, refresh_token_counter = %s where id = %s",
        (hmac_key, counter, session_id),
    )


def not_found() -> AuthError:
    """Return the error for a token whose session is gone."""
    return AuthError(403, "session_not_found", "Session from session_id claim in JWT does not exist")


def expiry_reason(
    life: Lifetime, limits: Limits, now: datetime, token_updated_at: datetime | None = None
) -> str | None:
    """Return why a session is over, in the words of the error, or None while it lives.

    `not_after` comes last, unlike in the hosted service: here it also holds the end of sessions that were
    refused before, and a second refusal shall name the first reason.
    """
    if limits.timebox and now > life.created_at + timedelta(seconds=limits.timebox):
        return EXPIRED
    idle_since = life.last_refresh(token_updated_at)
    if limits.inactivity and now > idle_since + timedelta(seconds=limits.inactivity):
        return "Session Expired (Inactivity)"
    if life.not_after is not None and now > life.not_after:
        return EXPIRED
    return None


def is_superseded(
    life: Lifetime,
    others: Iterable[Lifetime],
    limits: Limits,
    now: datetime,
    token_updated_at: datetime | None = None,
) -> bool:
    """Whether another living session of the same user was used later than this one."""
    last = life.last_refresh(token_updated_at)
    return any(other.last_refresh() > last for other in others if expiry_reason(other, limits, now) is None)


def limits_of(settings: AuthSettings) -> Limits:
    """Return the limits that the settings put on sessions."""
    return Limits(settings.sessions_timebox, settings.sessions_inactivity_timeout)


def expired(why: str, *, keeps_changes: bool = False) -> AuthError:
    """Return the error of the refresh grant for a session that is over."""
    return AuthError(400, "session_expired", f"Invalid Refresh Token: {why}", keeps_changes=keeps_changes)
