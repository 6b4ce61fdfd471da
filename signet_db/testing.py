"""Prove policies by SQL: be somebody for the length of a block, and say what must be refused.

For tests of your own tables, on any database that has schema ``auth``; see docs/rls.md. Everything happens
inside the caller's transaction, so a rollback leaves no trace. The connection's own role must be able to
write to ``auth``, as ``postgres`` is.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, LiteralString
from uuid import UUID, uuid4

from psycopg import Connection, Error
from psycopg.pq import TransactionStatus

Params = Sequence[Any] | Mapping[str, Any] | None


def new_user(connection: Connection[Any], email: str | None = None) -> UUID:
    """Add a user to ``auth.users``, who cannot sign in, and return their id."""
    user_id = uuid4()
    connection.execute(
        """
        insert into auth.users (id, instance_id, aud, role, email, created_at, updated_at, confirmation_token,
                                recovery_token, email_change_token_new, email_change)
        values (%s, '00000000-0000-0000-0000-000000000000', 'authenticated', 'authenticated', %s, now(),
        now(),
                '', '', '', '')
        """,
        (user_id, email or f"{user_id}@example.com"),
    )
    return user_id


def new_session(connection: Connection[Any], user_id: UUID) -> UUID:
    """Add a live session of the user and return its id."""
    session_id = uuid4()
    connection.execute(
        """
        insert into auth.sessions (id, user_id, created_at, updated_at, aal)
        values (%s, %s, now(), now(), 'aal1')
        """,
        (session_id, user_id),
    )
    return session_id


def claims_of(user_id: UUID, session_id: UUID) -> dict[str, object]:
    """Return the claims of an access token, as far as policies read them."""
    return {
        "sub": str(user_id),
        "session_id": str(session_id),
        "role": "authenticated",
        "aud": "authenticated",
        "is_anonymous": False,
    }


@contextmanager
def as_user(connection: Connection[Any], user_id: UUID) -> Iterator[UUID]:
    """Be this user, signed in, for the block; gives the id of the session that is made for it."""
    with as_role(connection, "none"):
        session_id = new_session(connection, user_id)
        with as_role(connection, "authenticated", claims_of(user_id, session_id)):
            yield session_id


@contextmanager
def as_nobody(connection: Connection[Any]) -> Iterator[None]:
    """Be somebody who is not signed in for the block."""
    with as_role(connection, "anon", {"role": "anon"}):
        yield


@contextmanager
def as_role(
    connection: Connection[Any], role: str, claims: Mapping[str, object] | None = None
) -> Iterator[None]:
    """Have this role and these claims for the block, as a request of the data API has them.

    The role ``none`` is the one that the connection was made with.
    """
    with connection.transaction():
        before = connection.execute(
            "select current_setting('role'), coalesce(current_setting('request.jwt.claims', true), '')"
        ).fetchone()
        assert before is not None  # noqa: S101
        _become(connection, role, json.dumps(claims) if claims else "")
        yield
        if connection.info.transaction_status is TransactionStatus.INTRANS:
            _become(connection, *before)


def _become(connection: Connection[Any], role: str, claims: str) -> None:
    connection.execute(
        "select set_config('role', %s, true), set_config('request.jwt.claims', %s, true)", (role, claims)
    )


def expect_denied(
    connection: Connection[Any], statement: LiteralString, params: Params = None, *, sqlstate: str = "42501"
) -> None:
    """Require that the statement is refused with this SQLSTATE; what it did otherwise is undone."""
    try:
        with connection.transaction(force_rollback=True):
            rows = connection.execute(statement, params).rowcount
    except Error as error:
        if error.sqlstate == sqlstate:
            return
        raise AssertionError(
            f"expected SQLSTATE {sqlstate}, got {error.sqlstate} ({error.diag.message_primary}): {statement}"
        ) from error
    raise AssertionError(f"expected SQLSTATE {sqlstate}, but it passed with {rows} row(s): {statement}")


def expect_no_rows(connection: Connection[Any], statement: LiteralString, params: Params = None) -> None:
    """Require that the statement is allowed but reaches no row: the way a policy hides rows from a command.

    Show beside it that the owner does reach the row, or a mistake in the condition would pass for a policy.
    """
    with connection.transaction(force_rollback=True):
        rows = connection.execute(statement, params).rowcount
    if rows:
        raise AssertionError(f"expected no row, but reached {rows}: {statement}")
