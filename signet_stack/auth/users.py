"""Rows of auth.users. Lookups see one instance, one audience and no single-sign-on user."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from datetime import datetime
from functools import lru_cache
from typing import Any, LiteralString
from uuid import UUID

from psycopg import Connection, sql
from psycopg.rows import TupleRow, class_row

from signet_stack.auth.access_tokens import AUDIENCE

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
_BY_ID = "id = %s and instance_id = %s"
_BY_EMAIL = "instance_id = %s and lower(email) = %s and aud = %s and not is_sso_user"


def find_by_id(connection: Rows, user_id: UUID, *, lock: bool = False) -> User | None:
    """Return a user; ``lock`` holds the row until the transaction ends."""
    return fetch_one(connection, _select(_BY_ID, lock), (user_id, NIL))


def find_by_email(
    connection: Rows, email: str, audience: str = AUDIENCE, *, lock: bool = False
) -> User | None:
    """Return the user of an address in lower case."""
    return fetch_one(connection, _select(_BY_EMAIL, lock), (NIL, email, audience))


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
    return fetch_one(connection, _insert(tuple(values)), _bound(values)) or _gone()


def update(connection: Rows, user_id: UUID, now: datetime, **columns: Any) -> User:
    """Change columns of a user and return it."""
    values = {**columns, "updated_at": now}
    return fetch_one(connection, _update(tuple(values)), [*_bound(values), user_id]) or _gone()


def merged(stored: dict[str, Any] | None, changes: dict[str, Any]) -> dict[str, Any]:
    """Merge metadata one level deep; null deletes a key."""
    return {name: value for name, value in {**(stored or {}), **changes}.items() if value is not None}


def fetch_one(
    connection: Rows, statement: bytes, parameters: Sequence[Any] | Mapping[str, Any]
) -> User | None:
    """Return the user that a statement gives, None without a row."""
    with connection.cursor(row_factory=class_row(User)) as cursor:
        return cursor.execute(statement, parameters).fetchone()


# Composed once for each shape: composing takes longer than PostgreSQL needs for the answer.
@lru_cache
def _select(condition: LiteralString, is_locking: bool) -> bytes:
    lock = sql.SQL("for update" if is_locking else "")
    statement = sql.SQL("select {} from auth.users where {} {}").format(COLUMNS, sql.SQL(condition), lock)
    return statement.as_bytes()


@lru_cache
def _insert(names: tuple[str, ...]) -> bytes:
    statement = sql.SQL("insert into auth.users ({}) values ({}) returning {}").format(
        sql.SQL(", ").join(map(sql.Identifier, names)),
        sql.SQL(", ").join([sql.Placeholder()] * len(names)),
        COLUMNS,
    )
    return statement.as_bytes()


@lru_cache
def _update(names: tuple[str, ...]) -> bytes:
    changes = sql.SQL(", ").join(sql.SQL("{} = %s").format(sql.Identifier(name)) for name in names)
    statement = sql.SQL("update auth.users set {} where id = %s returning {}").format(changes, COLUMNS)
    return statement.as_bytes()


def _bound(values: dict[str, Any]) -> list[Any]:
    return [json.dumps(value) if name in _JSON else value for name, value in values.items()]


def _gone() -> User:
    raise LookupError("the user was deleted in the meantime")
