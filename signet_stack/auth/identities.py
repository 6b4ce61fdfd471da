"""Rows of auth.identities: the ways in which a user can sign in."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from psycopg import sql
from psycopg.rows import class_row, dict_row

from signet_stack.auth import factors, users
from signet_stack.auth.errors import failing_as
from signet_stack.auth.users import Rows, User, user_json

EMAIL = "email"
_UPSERT = """
    insert into auth.identities
        (provider_id, user_id, identity_data, provider, last_sign_in_at, created_at, updated_at)
    values (%(id)s, %(id)s, %(content)s, 'email', %(now)s, %(now)s, %(now)s)
    on conflict (provider_id, provider) do update
    set identity_data = auth.identities.identity_data || excluded.identity_data, updated_at = %(now)s
"""


@dataclass(frozen=True, slots=True)
class Identity:
    """One identity, as stored."""

    id: UUID
    user_id: UUID
    provider: str
    email: str | None
    identity_data: dict[str, Any]

    @property
    def is_verified(self) -> bool:
        """Whether the provider has verified the address."""
        return self.identity_data.get("email_verified") is True


_SELECT = sql.SQL("select id, user_id, provider, email, identity_data from auth.identities where {}")


def rows_of(connection: Rows, user_id: UUID) -> list[Identity]:
    """Return the identities of a user as rows, oldest first."""
    return _all(connection, sql.SQL("user_id = %s order by created_at, id"), (user_id,))


def find(connection: Rows, provider: str, subject: str) -> Identity | None:
    """Return the identity of a provider's subject."""
    found = _all(connection, sql.SQL("provider = %s and provider_id = %s"), (provider, subject))
    return found[0] if found else None


def owners_of_address(connection: Rows, email: str) -> list[UUID]:
    """Return the users with an identity of an address; single sign-on has accounts of its own."""
    rows = connection.execute(
        "select distinct user_id from auth.identities join auth.users on users.id = user_id"
        " where identities.email = %s and not is_sso_user",
        (email,),
    ).fetchall()
    return [row[0] for row in rows]


def insert(
    connection: Rows, user_id: UUID, provider: str, subject: str, content: dict[str, Any], now: datetime
) -> None:
    """Insert an identity of a provider."""
    with failing_as("Error creating identity"):
        connection.execute(
            "insert into auth.identities"
            " (provider_id, user_id, identity_data, provider, last_sign_in_at, created_at, updated_at)"
            " values (%s, %s, %s, %s, %s, %s, %s)",
            (subject, user_id, json.dumps(content), provider, now, now, now),
        )


def replace_data(connection: Rows, identity: Identity, content: dict[str, Any], now: datetime) -> None:
    """Store what the provider says about a known identity now."""
    connection.execute(
        "update auth.identities set identity_data = %s, updated_at = %s where id = %s",
        (json.dumps(content), now, identity.id),
    )


def delete_others(connection: Rows, user_id: UUID, provider: str, subject: str) -> None:
    """Delete every identity of a user but one."""
    connection.execute(
        "delete from auth.identities where user_id = %s and (provider, provider_id) <> (%s, %s)",
        (user_id, provider, subject),
    )


def store_providers(connection: Rows, user: User, now: datetime) -> User:
    """Write the providers of a user's identities into the app metadata, oldest first."""
    providers = list(dict.fromkeys(row.provider for row in rows_of(connection, user.id)))
    if not providers:
        return user
    metadata = users.merged(user.raw_app_meta_data, {"provider": providers[0], "providers": providers})
    return users.update(connection, user.id, now, raw_app_meta_data=metadata)


def _all(connection: Rows, condition: sql.SQL, values: tuple[object, ...]) -> list[Identity]:
    with connection.cursor(row_factory=class_row(Identity)) as cursor:
        return cursor.execute(_SELECT.format(condition), values).fetchall()


def of_user(connection: Rows, user_id: UUID) -> list[dict[str, Any]]:
    """Return the identities of a user, oldest first."""
    with connection.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(
            "select id as identity_id, provider_id as id, user_id, identity_data, provider, last_sign_in_at,"
            " created_at, updated_at, email from auth.identities where user_id = %s order by created_at, id",
            (user_id,),
        ).fetchall()


def describe(connection: Rows, user: User) -> dict[str, Any]:
    """Return the public form of a user with identities and second factors."""
    shown = user_json(user, of_user(connection, user.id))
    if present := factors.of_user(connection, user.id):
        shown["factors"] = [factor.as_json() for factor in present]
    return shown


def email_content(
    user_id: UUID, email: str, metadata: dict[str, Any] | None = None, *, is_verified: bool = False
) -> dict[str, Any]:
    """Return the identity data of an e-mail address; what the request sent comes second."""
    return {
        **(metadata or {}),
        "sub": str(user_id),
        "email": email,
        "email_verified": is_verified,
        "phone_verified": False,
    }


def save_email(connection: Rows, user_id: UUID, content: dict[str, Any], now: datetime) -> None:
    """Insert the e-mail identity of a user, or merge into the present one."""
    with failing_as("Error creating identity"):
        connection.execute(_UPSERT, {"id": user_id, "content": json.dumps(content), "now": now})
