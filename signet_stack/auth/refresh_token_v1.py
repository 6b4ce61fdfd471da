"""Refresh tokens of version 1: format, the decision about a presented token, rows of auth.refresh_tokens.

Each token is a row that is exchanged once and then names its parent. The caller reads the rows under lock and
carries out the decision.
"""

from __future__ import annotations

import re
import secrets
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import Enum, auto
from uuid import UUID

from psycopg import sql
from psycopg.rows import class_row

from signet_stack.auth.users import NIL, Rows

LENGTH = 12
_ALPHABET = "abcdefghijklmnopqrstuvwxyz234567"
_FORMAT = re.compile(r"[a-z0-9]{12}")


class Effect(Enum):
    """What presenting a token of version 1 does."""

    SWAP = auto()  # the token is spent, a child takes its place
    RETURN_ACTIVE = auto()  # the answer to an earlier exchange was lost: the child, again
    BRANCH = auto()  # late request within the interval: another child
    REUSE = auto()  # a token that was spent long ago: it may be stolen


@dataclass(frozen=True, slots=True)
class Presented:
    """The row of the presented token."""

    is_revoked: bool
    is_parent_of_active: bool
    updated_at: datetime


def new_token() -> str:
    """Return twelve characters of lower-case base32: 60 bits."""
    return "".join(secrets.choice(_ALPHABET) for _ in range(LENGTH))


def is_well_formed(token: str) -> bool:
    """Whether a text of twelve characters can be a token."""
    return _FORMAT.fullmatch(token) is not None


def decide(presented: Presented, now: datetime, interval: int) -> Effect:
    """Return what happens; ``interval`` is the reuse interval in seconds."""
    if not presented.is_revoked:
        return Effect.SWAP
    if presented.is_parent_of_active:
        return Effect.RETURN_ACTIVE
    if interval and now <= presented.updated_at + timedelta(seconds=interval):
        return Effect.BRANCH
    return Effect.REUSE


@dataclass(frozen=True, slots=True)
class TokenRow:
    """One token, as stored."""

    id: int
    token: str = field(repr=False)
    user_id: str | None
    session_id: UUID | None
    revoked: bool | None
    parent: str | None = field(repr=False)
    updated_at: datetime


_SELECT = sql.SQL(
    "select id, token, user_id, session_id, revoked, parent, updated_at from auth.refresh_tokens where {}"
)
_BY_TOKEN = _SELECT.format(sql.SQL("token = %s")).as_bytes()
_NEWEST_ACTIVE = _SELECT.format(
    sql.SQL("session_id = %s and revoked is not true order by id desc limit 1")
).as_bytes()


def find(connection: Rows, token: str, lock: bytes = b"") -> TokenRow | None:
    """Return a token's row; ``lock`` is a locking clause."""
    with connection.cursor(row_factory=class_row(TokenRow)) as cursor:
        return cursor.execute(_BY_TOKEN + lock, (token,)).fetchone()


def newest_active(connection: Rows, session_id: UUID) -> TokenRow | None:
    """Return the newest token of a session that was not exchanged yet."""
    with connection.cursor(row_factory=class_row(TokenRow)) as cursor:
        return cursor.execute(_NEWEST_ACTIVE, (session_id,)).fetchone()


def insert(
    connection: Rows, user_id: UUID, session_id: UUID, now: datetime, parent: str | None = None
) -> str:
    """Insert a new token and return it; ``parent`` is the token that it replaces."""
    token = new_token()
    connection.execute(
        "insert into auth.refresh_tokens"
        " (instance_id, token, user_id, session_id, revoked, parent, created_at, updated_at)"
        " values (%s, %s, %s, %s, false, %s, %s, %s)",
        (NIL, token, str(user_id), session_id, parent, now, now),
    )
    return token


def touch(connection: Rows, token: str, now: datetime, *, revoke: bool) -> None:
    """Note that a token was presented; ``revoke`` spends it."""
    connection.execute(
        "update auth.refresh_tokens set revoked = revoked or %s, updated_at = %s where token = %s",
        (revoke, now, token),
    )


def revoke_family(connection: Rows, session_id: UUID, now: datetime) -> None:
    """Spend every token of a session; the session itself stays."""
    connection.execute(
        "update auth.refresh_tokens set revoked = true, updated_at = %s"
        " where session_id = %s and revoked is not true",
        (now, session_id),
    )


def delete(connection: Rows, token: str) -> None:
    """Delete a token's row."""
    connection.execute("delete from auth.refresh_tokens where token = %s", (token,))
