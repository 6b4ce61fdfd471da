"""What an administrator does with accounts. No mail is sent; rules on passwords bind changes only."""

from __future__ import annotations

import hashlib
import secrets
import uuid
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from psycopg.errors import UniqueViolation

from signet_stack.auth import addresses, email_change, identities, one_time_tokens, sessions, sign_up, users
from signet_stack.auth.access_tokens import AUDIENCE, uuid_claim
from signet_stack.auth.body import Body
from signet_stack.auth.errors import AuthError, invalid
from signet_stack.auth.password_hashes import is_bcrypt
from signet_stack.auth.password_rules import check_length
from signet_stack.auth.service import Auth
from signet_stack.auth.users import Rows, User
from signet_stack.durations import parse_duration


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


def read_account(auth: Auth, body: Body, *, is_new: bool) -> Account:
    """Return what a body says, with its password hashed already; raise AuthError."""
    if body.text("phone"):
        raise AuthError(400, "phone_provider_disabled", "The local stack keeps no phone numbers")
    if is_new and not body.text("email"):
        raise invalid("Cannot create a user without either an email or phone")
    return Account(
        _id(body),
        addresses.checked_email(body.text("email")) if body.text("email") else None,
        _hashed(auth, body, is_new=is_new),
        body.flag("email_confirm"),
        body.text("role"),
        body.text("aud"),
        body.mapping("user_metadata"),
        body.mapping("app_metadata"),
        bool(body.text("ban_duration")),
        _ban(body.text("ban_duration"), auth.now()),
    )


def create(auth: Auth, connection: Rows, account: Account) -> User:
    """Make an account; raise AuthError."""
    now, email = auth.now(), account.email or ""
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
    except UniqueViolation as error:
        if "email" in (error.diag.constraint_name or ""):
            raise addresses.is_taken() from None
        raise invalid("A user with this ID already exists") from None
    identities.save_email(connection, user.id, identities.email_content(user), now)
    return sign_up.confirm(auth, connection, user) if account.is_confirmed else user


def update(auth: Auth, connection: Rows, user: User, account: Account) -> User:
    """Change an account at once; a new password or a ban ends all of its sessions. Raise AuthError."""
    now = auth.now()
    columns: dict[str, Any] = {
        "raw_user_meta_data": users.merged(user.raw_user_meta_data, account.user_metadata),
        "raw_app_meta_data": users.merged(user.raw_app_meta_data, account.app_metadata),
        **({"role": account.role} if account.role else {}),
        **({"aud": account.audience} if account.audience else {}),
        **({"encrypted_password": account.hashed} if account.hashed else {}),
        **({"banned_until": account.banned_until} if account.bans else {}),
    }
    user = users.update(connection, user.id, now, **columns)
    if account.hashed or account.banned_until is not None:
        sessions.end(connection, user.id, None, "global")
    if account.hashed:
        one_time_tokens.clear(connection, user.id)
    if account.email and account.email != user.email:
        user = email_change.set_address(
            auth, connection, user, account.email, is_confirmed=account.is_confirmed
        )
    if account.is_confirmed and user.email_confirmed_at is None:
        user = sign_up.confirm(auth, connection, user)
    return user


def delete(connection: Rows, user: User) -> None:
    """Remove an account and everything that hangs on it."""
    connection.execute("delete from auth.users where id = %s", (user.id,))


def soft_delete(auth: Auth, connection: Rows, user: User) -> None:
    """Keep the row, but nothing by which anybody could be recognised or sign in."""
    if user.deleted_at is not None:
        return
    now = auth.now()
    sessions.end(connection, user.id, None, "global")
    one_time_tokens.clear(connection, user.id)
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


def _id(body: Body) -> UUID | None:
    if not (text := body.text("id")):
        return None
    user_id = uuid_claim(text)
    if user_id is None or user_id == users.NIL:
        raise invalid("ID must conform to the uuid v4 format")
    return user_id


def _hashed(auth: Auth, body: Body, *, is_new: bool) -> str | None:
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
        sign_up.check_new_password(auth, password)
    return auth.passwords.make(password)


def _ban(text: str, now: datetime) -> datetime | None:
    if not text or text == "none":
        return None
    try:
        return now + parse_duration(text)
    except ValueError:
        raise invalid(f"invalid format for ban duration: {text[:40]}") from None


def _digest(user_id: UUID, text: str | None) -> str:
    return hashlib.sha256(f"{user_id}{text or ''}".encode()).hexdigest()
