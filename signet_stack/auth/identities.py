"""Rows of auth.identities: how a user can be recognised. Here that is always by e-mail."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any
from uuid import UUID

from psycopg.rows import dict_row

from signet_stack.auth.users import Rows, User

PROVIDER = "email"
_INSERT = """
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


def email_content(user: User, metadata: dict[str, Any] | None = None) -> dict[str, Any]:
    """Return what a new e-mail identity says about its user."""
    return {
        **(metadata or {}),
        "sub": str(user.id),
        "email": user.email,
        "email_verified": False,
        "phone_verified": False,
    }


def save_email(connection: Rows, user_id: UUID, content: dict[str, Any], now: datetime) -> None:
    """Make the e-mail identity of a user, or merge into the one that is there."""
    connection.execute(_INSERT, {"id": user_id, "content": json.dumps(content), "now": now})
