"""Rows of auth.users, and users as Auth shows them. Lookups see one instance, one audience, no SSO users."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, fields
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, LiteralString
from uuid import UUID

from psycopg import Connection, sql
from psycopg.errors import UniqueViolation
from psycopg.rows import TupleRow, class_row

from signet_stack.auth.access_tokens import AUDIENCE
from signet_stack.auth.errors import AuthError, DatabaseFailure, failing_as, invalid

NIL = UUID(int=0)  # the one instance
Rows = Connection[TupleRow]
_JSON = frozenset({"raw_app_meta_data", "raw_user_meta_data"})
# The hosted service cannot read a row with a null in one of these; the last three have a default.
_EMPTY_TEXTS = ("confirmation_token", "recovery_token", "email_change_token_new", "email_change")
_NEVER_NULL = (
    *_EMPTY_TEXTS,
    *("email_change_token_current", "phone_change", "phone_change_token", "reauthentication_token"),
    *("role", "created_at", "updated_at"),
)

MAX_EMAIL_BYTES = 255
# What a browser's e-mail field takes (HTML standard, "valid e-mail address"): ASCII, no blanks, no line ends.
_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_ADDRESS = re.compile(rf"[A-Za-z0-9.!#$%&'*+/=?^_`{{|}}~-]+@{_LABEL}(?:\.{_LABEL})*")
_PHONE = re.compile(r"[1-9][0-9]{1,14}")
_WHEN_SET = (
    "email_confirmed_at",
    "invited_at",
    "phone_confirmed_at",
    "confirmation_sent_at",
    "confirmed_at",
    "recovery_sent_at",
    "email_change_sent_at",
    "reauthentication_sent_at",
    "last_sign_in_at",
    "banned_until",
    "deleted_at",
)


# A new password voids what was mailed before, so the next mail need not wait.
NOTHING_SENT: Mapping[str, None] = dict.fromkeys(
    (
        "confirmation_sent_at",
        "recovery_sent_at",
        "email_change_sent_at",
        "phone_change_sent_at",
        "reauthentication_sent_at",
    )
)


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
    null_columns: list[str]  # of those that the hosted service cannot read as null

    @property
    def address(self) -> str:
        """The e-mail address, empty when there is none."""
        return self.email or ""

    def is_banned(self, now: datetime) -> bool:
        """Whether a ban is in force."""
        return self.banned_until is not None and now < self.banned_until


_NULL_COLUMNS = sql.SQL("array_remove(array[{}], null) as null_columns").format(
    sql.SQL(", ").join(
        sql.SQL("case when {} is null then {} end").format(sql.Identifier("users", name), sql.Literal(name))
        for name in _NEVER_NULL
    )
)
COLUMNS = sql.SQL(", ").join(
    _NULL_COLUMNS if item.name == "null_columns" else sql.Identifier("users", item.name)
    for item in fields(User)
)
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


class Unreadable(AuthError):
    """A row of auth.users, inserted by SQL, with a null that the hosted service fails to read."""

    def __init__(
        self, user_id: UUID, columns: Sequence[str], message: str = "Database error finding user"
    ) -> None:
        self.user_id, self.columns = user_id, columns
        detail = f"user {user_id} has null in auth.users ({', '.join(columns)}); insert '' for the texts"
        super().__init__(500, "unexpected_failure", message, detail=detail)

    def named(self, message: str) -> Unreadable:
        """Return the same error with another sentence."""
        return Unreadable(self.user_id, self.columns, message)


class Taken(Exception):
    """Raised when a user with the same address or id exists; the message names the constraint."""


def insert(connection: Rows, user_id: UUID, now: datetime, **columns: Any) -> User:
    """Insert a user with its final values in one statement, and return the row as triggers left it.

    Raises Taken, and DatabaseFailure when a trigger refuses the row.
    """
    values = {
        "id": user_id,
        "instance_id": NIL,
        "aud": AUDIENCE,
        "role": AUDIENCE,
        "created_at": now,
        "updated_at": now,
        **dict.fromkeys(_EMPTY_TEXTS, ""),
        **columns,
    }
    with _taken(), failing_as("Database error saving new user"):
        inserted = fetch_one(connection, _insert(tuple(values)), _bound(values))
    # Read again: an AFTER trigger may have changed the row since.
    user = find_by_id(connection, inserted.id) if inserted else None
    if user is None:
        raise AuthError(500, "unexpected_failure", "Database error loading user after sign-up")
    return user


def update(connection: Rows, user_id: UUID, now: datetime, **columns: Any) -> User:
    """Change columns of a user and return it; raise Taken for an address that another user has."""
    values = {**columns, "updated_at": now}
    with _taken(), failing_as("Database error updating user"):
        changed = fetch_one(connection, _update(tuple(values)), [*_bound(values), user_id])
    if changed is None:
        raise AuthError(500, "unexpected_failure", "Database error updating user")
    return changed


def merged(stored: dict[str, Any] | None, changes: dict[str, Any]) -> dict[str, Any]:
    """Merge metadata one level deep; null deletes a key."""
    return {name: value for name, value in {**(stored or {}), **changes}.items() if value is not None}


def fetch_one(
    connection: Rows, statement: bytes, parameters: Sequence[Any] | Mapping[str, Any]
) -> User | None:
    """Return the user that a statement gives, None without a row; raise Unreadable."""
    with connection.cursor(row_factory=class_row(User)) as cursor:
        user = cursor.execute(statement, parameters).fetchone()
    if user is not None and user.null_columns:
        raise Unreadable(user.id, user.null_columns)
    return user


def checked_email(email: str) -> str:
    """Return the address in lower case; raise AuthError when it is none."""
    if not email:
        raise invalid("An email address is required")
    if len(email.encode()) > MAX_EMAIL_BYTES:
        raise invalid("An email address is too long")
    if not _ADDRESS.fullmatch(email):
        raise invalid("Unable to validate email address: invalid format")
    return email.lower()


def check_phone(phone: str) -> None:
    """Raise AuthError unless a telephone number is one of E.164, with or without plus sign and blanks."""
    if not _PHONE.fullmatch(phone.removeprefix("+").replace(" ", "")):
        raise invalid("Invalid phone number format (E.164 required)")


def email_taken() -> AuthError:
    """Return the error for an address that another account has."""
    return AuthError(422, "email_exists", "A user with this email address has already been registered")


def user_json(user: User, identities: Iterable[dict[str, Any]] | None) -> dict[str, Any]:
    """Return the public form of a user; without identities, as in lists, they read null."""
    shown: dict[str, Any] = {
        "id": str(user.id),
        "aud": user.aud or "",
        "role": user.role or "",
        "email": user.address,
        "phone": user.phone or "",
        **{name: rfc3339(value) for name in _WHEN_SET if (value := getattr(user, name)) is not None},
        "app_metadata": user.raw_app_meta_data or {},
        "user_metadata": user.raw_user_meta_data or {},
        "identities": None if identities is None else [_identity_json(row) for row in identities],
        "created_at": rfc3339(user.created_at),
        "updated_at": rfc3339(user.updated_at),
        "is_anonymous": user.is_anonymous,
    }
    if user.email_change:
        shown["new_email"] = user.email_change
    return shown


def rfc3339(value: datetime | None) -> str | None:
    """Return a time as RFC 3339 in UTC."""
    return None if value is None else value.astimezone(UTC).isoformat().replace("+00:00", "Z")


# Composed once for each shape: composing takes longer than PostgreSQL needs for the answer.
@lru_cache
def _select(condition: LiteralString, is_locking: bool) -> bytes:
    lock = sql.SQL("for no key update" if is_locking else "")
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


@contextmanager
def _taken() -> Iterator[None]:
    try:
        yield
    except DatabaseFailure as failure:
        diagnostic = getattr(failure.__cause__, "diag", None)
        is_unique = isinstance(failure.__cause__, UniqueViolation)
        if is_unique and diagnostic and (diagnostic.schema_name, diagnostic.table_name) == ("auth", "users"):
            raise Taken(diagnostic.constraint_name) from failure
        raise


def _identity_json(row: dict[str, Any]) -> dict[str, Any]:
    shown = {name: _plain(value) for name, value in row.items()}
    return shown if shown["email"] is not None else {k: v for k, v in shown.items() if k != "email"}


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return rfc3339(value)
    return str(value) if isinstance(value, UUID) else value
