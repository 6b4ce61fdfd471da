"""Rows of auth.users. Lookups see one instance, one audience and no single-sign-on user."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, fields
from datetime import datetime
from typing import Any
from uuid import UUID

from psycopg import Connection, sql
from psycopg.rows import TupleRow, class_row

from devstack.auth.access_tokens import AUDIENCE

NIL = UUID(int=0)  # the one instance
Rows = Connection[TupleRow]
_JSON = frozenset({"raw_app_meta_data", "raw_user_meta_data"})
# The real server cannot read these as null.
_EMPTY_TEXTS = ("confirmation_token", "recovery_token", "email_change_token_new")


@dataclass(frozen=True, slots=True)
class User:
    """One account, as stored."""

    id: UUID
    aud: str | None
    role: str | None
    email: str | None
    phone: str | None
    encrypted_password: str | None = field(repr=False)
    email_confirmed_at: datetime | None
    invited_at: datetime | None
    confirmation_sent_at: datetime | None
    recovery_sent_at: datetime | None
    email_change: str | None
    email_change_sent_at: datetime | None
    email_change_confirm_status: int | None
    last_sign_in_at: datetime | None
    raw_app_meta_data: dict[str, Any] | None
    raw_user_meta_data: dict[str, Any] | None
    created_at: datetime | None
    updated_at: datetime | None
    phone_confirmed_at: datetime | None
    confirmed_at: datetime | None
    banned_until: datetime | None
    reauthentication_sent_at: datetime | None
    is_sso_user: bool
    deleted_at: datetime | None
    is_anonymous: bool

    @property
    def address(self) -> str:
        """The e-mail address, empty when there is none."""
        return self.email or ""

    def is_banned(self, now: datetime) -> bool:
        """Whether a ban is in force."""
        return self.banned_until is not None and now < self.banned_until


COLUMNS = sql.SQL(", ").join(sql.Identifier("users", item.name) for item in fields(User))
_SELECT = sql.SQL("select {} from auth.users where {} {}")
_BY_ID = sql.SQL("id = %s and instance_id = %s")
_BY_EMAIL = sql.SQL("instance_id = %s and lower(email) = %s and aud = %s and not is_sso_user")


def find_by_id(connection: Rows, user_id: UUID, *, lock: bool = False) -> User | None:
    """Return a user; ``lock`` holds the row until the transaction ends."""
    return _one(connection, _BY_ID, (user_id, NIL), lock)


def find_by_email(
    connection: Rows, email: str, audience: str = AUDIENCE, *, lock: bool = False
) -> User | None:
    """Return the user of an address in lower case."""
    return _one(connection, _BY_EMAIL, (NIL, email, audience), lock)


def insert(connection: Rows, user_id: UUID, now: datetime, **columns: Any) -> User:
    """Make a user; raise psycopg's UniqueViolation when the address or the id is taken."""
    values = {
        "id": user_id,
        "instance_id": NIL,
        "aud": AUDIENCE,
        "role": AUDIENCE,
        "created_at": now,
        "updated_at": now,
        "email_change": "",
        **dict.fromkeys(_EMPTY_TEXTS, ""),
        **columns,
    }
    statement = sql.SQL("insert into auth.users ({}) values ({}) returning {}").format(
        sql.SQL(", ").join(map(sql.Identifier, values)),
        sql.SQL(", ").join([sql.Placeholder()] * len(values)),
        COLUMNS,
    )
    with connection.cursor(row_factory=class_row(User)) as cursor:
        return cursor.execute(statement, _bound(values)).fetchone() or _gone()


def update(connection: Rows, user_id: UUID, now: datetime, **columns: Any) -> User:
    """Change columns of a user and return it."""
    values = {**columns, "updated_at": now}
    statement = sql.SQL("update auth.users set {} where id = %s returning {}").format(
        sql.SQL(", ").join(sql.SQL("{} = %s").format(sql.Identifier(name)) for name in values), COLUMNS
    )
    with connection.cursor(row_factory=class_row(User)) as cursor:
        return cursor.execute(statement, [*_bound(values), user_id]).fetchone() or _gone()


def merged(stored: dict[str, Any] | None, changes: dict[str, Any]) -> dict[str, Any]:
    """Merge metadata one level deep; null deletes a key."""
    return {name: value for name, value in {**(stored or {}), **changes}.items() if value is not None}


def _one(connection: Rows, condition: sql.SQL, parameters: tuple[Any, ...], lock: bool) -> User | None:
    statement = _SELECT.format(COLUMNS, condition, sql.SQL("for update" if lock else ""))
    with connection.cursor(row_factory=class_row(User)) as cursor:
        return cursor.execute(statement, parameters).fetchone()


def _bound(values: dict[str, Any]) -> list[Any]:
    return [json.dumps(value) if name in _JSON else value for name, value in values.items()]


def _gone() -> User:
    raise LookupError("the user was deleted in the meantime")
