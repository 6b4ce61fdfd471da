"""Rows of auth.flow_state: PKCE flows between the request for a mail and the exchange of a code."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from psycopg import sql
from psycopg.rows import class_row

from signet_stack.auth.errors import AuthError
from signet_stack.auth.pkce import Challenge
from signet_stack.auth.users import Rows


@dataclass(frozen=True, slots=True)
class Flow:
    """One flow, as stored."""

    id: UUID
    user_id: UUID | None
    auth_code: str = field(repr=False)
    code_challenge_method: str
    code_challenge: str = field(repr=False)
    authentication_method: str
    created_at: datetime
    auth_code_issued_at: datetime | None


_SELECT = sql.SQL(
    "select id, user_id, auth_code, code_challenge_method::text, code_challenge, authentication_method,"
    " created_at, auth_code_issued_at from auth.flow_state where {}"
)


def begin(connection: Rows, user_id: UUID, challenge: Challenge, method: str, now: datetime) -> None:
    """Remember what the client committed to; ``method`` will be the session's."""
    connection.execute(
        "insert into auth.flow_state (id, user_id, auth_code, code_challenge_method, code_challenge,"
        " provider_type, authentication_method, created_at, updated_at)"
        " values (%s, %s, %s, %s, %s, 'email', %s, %s, %s)",
        (uuid.uuid4(), user_id, str(uuid.uuid4()), challenge.method, challenge.value, method, now, now),
    )


def issue_code(connection: Rows, user_id: UUID, method: str, now: datetime) -> str:
    """Return the code of the user's newest flow; raise AuthError when there is none."""
    row = connection.execute(
        "update auth.flow_state set auth_code_issued_at = %s, updated_at = %s where id = ("
        "  select id from auth.flow_state where user_id = %s and authentication_method = %s"
        "  order by created_at desc limit 1"
        ") returning auth_code",
        (now, now, user_id, method),
    ).fetchone()
    if row is None:
        raise not_found(400)
    return str(row[0])


def find_by_code(connection: Rows, auth_code: str) -> Flow | None:
    """Return the flow of a code and hold it until the transaction ends."""
    statement = _SELECT.format(sql.SQL("auth_code = %s for update"))
    with connection.cursor(row_factory=class_row(Flow)) as cursor:
        return cursor.execute(statement, (auth_code,)).fetchone()


def delete(connection: Rows, flow: Flow) -> None:
    """Use a flow up."""
    connection.execute("delete from auth.flow_state where id = %s", (flow.id,))


def not_found(status: int = 404) -> AuthError:
    """Return the error for a code that was never given out, or was used."""
    return AuthError(status, "flow_state_not_found", "invalid flow state, no valid flow state found")
