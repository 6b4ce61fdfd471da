"""Rows of auth.identities: the ways in which a user can sign in."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any
from uuid import UUID

from psycopg.rows import dict_row

from signet_stack.auth import factors
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
