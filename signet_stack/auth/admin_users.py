"""Accounts as an administrator makes, changes, deletes and lists them.

No mail is sent, and the rules on passwords bind changes only.
"""

from __future__ import annotations

import hashlib
import secrets
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from psycopg import sql
from psycopg.rows import class_row

from signet_stack.auth import email_change, factors, identities, one_time_tokens, sessions, sign_up, users
from signet_stack.auth.access_tokens import AUDIENCE, uuid_claim
from signet_stack.auth.body import Body
from signet_stack.auth.errors import AuthError, DatabaseFailure, failing_as, invalid
from signet_stack.auth.passwords import check_length, is_bcrypt
from signet_stack.auth.service import Operation
from signet_stack.auth.users import COLUMNS, NIL, Rows, User
from signet_stack.auth_settings import parse_duration

DEFAULT_SIZE = 50
MAX_SIZE = 1000
MAX_PAGE = 10_000_000
_WHERE = sql.SQL(
    "instance_id = %(instance)s and (%(filter)s::text is null"
    " or strpos(lower(coalesce(email, '')), lower(%(filter)s)) > 0"
    " or strpos(lower(coalesce(raw_user_meta_data ->> 'full_name', '')), lower(%(filter)s)) > 0)"
)


@dataclass(frozen=True, slots=True)
class Account:
    """What an administrator says about an account; None means that a part is not mentioned."""

    id: UUID | None
    email: str | None
    hashed: str | None = field(repr=False)
    is_confirmed: bool
    role: str
    audience: str
    user_metadata: dict[str, Any]
    app_metadata: dict[str, Any]
    bans: bool
    banned_until: datetime | None


def read_account(op: Operation, body: Body, *, is_new: bool) -> Account:
    """Return what a body says, with its password hashed already; raise AuthError."""
    if body.text("phone"):
        users.check_phone(body.text("phone"))
        raise AuthError(400, "phone_provider_disabled", "The local stack keeps no phone numbers")
    if is_new and not body.text("email"):
        raise invalid("Cannot create a user without either an email or phone")
    return Account(
        _id(body),
        users.checked_email(body.text("email")) if body.text("email") else None,
        _hashed(op, body, is_new=is_new),
        body.flag("email_confirm"),
        body.text("role"),
        body.text("aud"),
        body.mapping("user_metadata"),
        body.mapping("app_metadata"),
        bool(body.text("ban_duration")),
        _ban(body.text("ban_duration"), op.now),
    )


def create(op: Operation, connection: Rows, account: Account) -> User:
    """Insert an account with its final values; raise AuthError."""
    now, email = op.now, account.email or ""
    try:
        with connection.transaction():
            user = users.insert(
                connection,
                account.id or uuid.uuid4(),
                now,
                email=email,
                encrypted_password=account.hashed,
                aud=account.audience or AUDIENCE,
                role=account.role or AUDIENCE,
                raw_app_meta_data={**sign_up.APP_METADATA, **account.app_metadata},
                raw_user_meta_data=users.merged(None, account.user_metadata),
                banned_until=account.banned_until,
            )
    except users.Taken as error:
        if "email" in str(error):
            raise users.email_taken() from None
        raise invalid("A user with this ID already exists") from None
    except DatabaseFailure as failure:
        raise failure.named("Database error creating new user") from failure.__cause__
    identities.save_email(connection, user.id, identities.email_content(user.id, email), now)
    return sign_up.confirm(op, connection, user) if account.is_confirmed else user


def update(op: Operation, connection: Rows, user: User, account: Account) -> User:
    """Change an account at once; a new password or a ban ends all of its sessions. Raise AuthError.

    The audience stays, whatever the body says, as on the hosted service: no lookup would find the account.
    """
    now = op.now
    columns: dict[str, Any] = {
        "raw_user_meta_data": users.merged(user.raw_user_meta_data, account.user_metadata),
        "raw_app_meta_data": users.merged(user.raw_app_meta_data, account.app_metadata),
        **({"role": account.role} if account.role else {}),
        **({"encrypted_password": account.hashed, **users.NOTHING_SENT} if account.hashed else {}),
        **({"banned_until": account.banned_until} if account.bans else {}),
    }
    user = users.update(connection, user.id, now, **columns)
    if account.hashed or account.banned_until is not None:
        sessions.end(connection, user.id, None, "global")
    if account.hashed:
        one_time_tokens.clear(connection, user.id)
    if account.email and account.email != user.email:
        user = email_change.set_address(
            op, connection, user, account.email, is_confirmed=account.is_confirmed
        )
    if account.is_confirmed and user.email_confirmed_at is None:
        user = sign_up.confirm(op, connection, user)
    return user


def delete(connection: Rows, user: User) -> None:
    """Delete an account and all rows that refer to it with `on delete cascade`."""
    with failing_as("Database error deleting user"):
        connection.execute("delete from auth.users where id = %s", (user.id,))


def soft_delete(op: Operation, connection: Rows, user: User) -> None:
    """Keep the row without anything that identifies the person or allows a sign-in."""
    if user.deleted_at is not None:
        return
    now = op.now
    sessions.end(connection, user.id, None, "global")
    one_time_tokens.clear(connection, user.id)
    for factor in factors.of_user(connection, user.id):
        factors.delete(connection, factor)
    users.update(
        connection,
        user.id,
        now,
        deleted_at=now,
        email=_digest(user.id, user.email),
        phone=_digest(user.id, user.phone)[:15] if user.phone else None,
        email_change="",
        encrypted_password=None,
        raw_user_meta_data={},
        raw_app_meta_data={},
    )
    connection.execute(
        "update auth.identities set provider_id = %s, identity_data = '{}', updated_at = %s"
        " where user_id = %s",
        (_digest(user.id, str(user.id)), now, user.id),
    )


@dataclass(frozen=True, slots=True)
class Page:
    """The part of the list of accounts that a request asks for."""

    number: int
    size: int
    is_oldest_first: bool
    search: str | None


def read_page(arguments: Mapping[str, str]) -> Page:
    """Return the page that a query string asks for; raise AuthError."""
    if arguments.get("cursor") or arguments.get("limit"):
        raise AuthError(501, "not_implemented", "The local stack pages by page and per_page only")
    field, _, direction = arguments.get("sort", "created_at desc").partition(" ")
    if field != "created_at" or direction not in ("", "asc", "desc"):
        raise invalid("sort must be created_at, with asc or desc")
    return Page(
        _number(arguments, "page", 1, MAX_PAGE),
        _number(arguments, "per_page", DEFAULT_SIZE, MAX_SIZE),
        direction == "asc",
        arguments.get("filter", "").replace("\0", "") or None,
    )


def list_page(connection: Rows, page: Page) -> tuple[list[User], int]:
    """Return the accounts of a page, and how many there are in all."""
    values = {
        "instance": NIL,
        "filter": page.search,
        "limit": page.size,
        "offset": (page.number - 1) * page.size,
    }
    order = sql.SQL("asc" if page.is_oldest_first else "desc")
    statement = sql.SQL(
        "select {} from auth.users where {} order by created_at {}, id limit %(limit)s offset %(offset)s"
    )
    with connection.cursor(row_factory=class_row(User)) as cursor:
        found = cursor.execute(statement.format(COLUMNS, _WHERE, order), values).fetchall()
    for user in found:
        if user.null_columns:
            raise users.Unreadable(user.id, user.null_columns, "Database error finding users")
    counted = connection.execute(sql.SQL("select count(*) from auth.users where {}").format(_WHERE), values)
    row = counted.fetchone()
    return found, int(row[0]) if row else 0


def page_links(page: Page, total: int) -> list[tuple[str, int]]:
    """Return the relations of the Link header (RFC 8288) with their pages."""
    last = max(1, -(-total // page.size))
    return [*([("next", page.number + 1)] if page.number < last else []), ("last", last)]


def _id(body: Body) -> UUID | None:
    if not (text := body.text("id")):
        return None
    user_id = uuid_claim(text)
    if user_id is None or user_id == users.NIL:
        raise invalid("ID must conform to the uuid v4 format")
    return user_id


def _hashed(op: Operation, body: Body, *, is_new: bool) -> str | None:
    password, hashed = body.optional_text("password"), body.text("password_hash")
    if password and hashed:
        raise invalid("Only a password or a password hash should be provided")
    if hashed:
        if not is_bcrypt(hashed):
            raise invalid("The local stack takes bcrypt password hashes only")
        return hashed
    if is_new and not password:
        password = secrets.token_urlsafe(32)
    if password is None:
        return None
    if is_new:
        check_length(password)
    else:
        sign_up.check_new_password(op, password)
    return op.passwords.make(password)


def _ban(text: str, now: datetime) -> datetime | None:
    if not text or text == "none":
        return None
    try:
        return now + parse_duration(text)
    except ValueError:
        raise invalid(f"invalid format for ban duration: {text[:40]}") from None


def _digest(user_id: UUID, text: str | None) -> str:
    return hashlib.sha256(f"{user_id}{text or ''}".encode()).hexdigest()


def _number(arguments: Mapping[str, str], name: str, default: int, most: int) -> int:
    text = arguments.get(name) or str(default)
    if not (text.isascii() and text.isdigit() and len(text) < 10) or int(text) == 0:
        raise invalid(f"Bad Pagination Parameters: {name} must be a whole number above 0")
    return min(int(text), most)
