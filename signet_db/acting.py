"""Act as a person: users, live sessions, full claims, and the role that the data API gives a request.

Everything happens inside the caller's transaction. The connection's own role must be able to write to
``auth``, as ``postgres`` is.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any
from uuid import UUID, uuid4

from psycopg import Connection
from psycopg.pq import TransactionStatus
from psycopg.types.json import Jsonb

Metadata = Mapping[str, object]

TOKEN_SECONDS = 3600


def new_user(
    connection: Connection[Any],
    email: str | None = None,
    *,
    app_metadata: Metadata | None = None,
    user_metadata: Metadata | None = None,
    is_anonymous: bool = False,
) -> UUID:
    """Add a user to ``auth.users``, without a password, and return the id."""
    user_id = uuid4()
    provider = {} if is_anonymous else {"provider": "email", "providers": ["email"]}
    connection.execute(
        """
        insert into auth.users (id, instance_id, aud, role, email, raw_app_meta_data, raw_user_meta_data,
            is_anonymous, created_at, updated_at, confirmation_token, recovery_token, email_change_token_new,
            email_change)
        values (%s, '00000000-0000-0000-0000-000000000000', 'authenticated', 'authenticated', %s, %s, %s, %s,
            now(), now(), '', '', '', '')
        """,
        (
            user_id,
            None if is_anonymous else email or f"{user_id}@example.com",
            Jsonb({**provider, **(app_metadata or {})}),
            Jsonb(dict(user_metadata or {})),
            is_anonymous,
        ),
    )
    return user_id


def new_session(connection: Connection[Any], user_id: UUID, *, aal: str = "aal1") -> UUID:
    """Add a live session of the user and return its id."""
    session_id = uuid4()
    connection.execute(
        """
        insert into auth.sessions (id, user_id, created_at, updated_at, aal)
        values (%s, %s, now(), now(), %s)
        """,
        (session_id, user_id, aal),
    )
    return session_id


def claims_of(
    user_id: UUID,
    session_id: UUID,
    *,
    email: str = "",
    aal: str = "aal1",
    app_metadata: Metadata | None = None,
    user_metadata: Metadata | None = None,
    is_anonymous: bool = False,
) -> dict[str, object]:
    """Return the claims of an access token, as Supabase Auth issues them."""
    now = int(time.time())
    methods = ["anonymous" if is_anonymous else "password", *(["totp"] if aal == "aal2" else [])]
    return {
        "sub": str(user_id),
        "session_id": str(session_id),
        "role": "authenticated",
        "aud": "authenticated",
        "iat": now,
        "exp": now + TOKEN_SECONDS,
        "email": email,
        "phone": "",
        "aal": aal,
        "amr": [{"method": method, "timestamp": now} for method in methods],
        "app_metadata": dict(app_metadata or {}),
        "user_metadata": dict(user_metadata or {}),
        "is_anonymous": is_anonymous,
    }


def claims_from(
    connection: Connection[Any], user_id: UUID, session_id: UUID, *, aal: str = "aal1", **changed: Any
) -> dict[str, object]:
    """Return the claims of this user's access token, from the row in ``auth.users``, with some changed."""
    row = connection.execute(
        "select coalesce(email, ''), raw_app_meta_data, raw_user_meta_data, is_anonymous from auth.users"
        " where id = %s",
        (user_id,),
    ).fetchone()
    if row is None:
        raise AssertionError(f"auth.users has no user {user_id}: make one with new_user(connection)")
    email, app_metadata, user_metadata, is_anonymous = row
    settled: dict[str, Any] = {
        "email": email,
        "app_metadata": {**(app_metadata or {}), **(changed.pop("app_metadata", None) or {})},
        "user_metadata": {**(user_metadata or {}), **(changed.pop("user_metadata", None) or {})},
        "is_anonymous": is_anonymous,
    }
    settled |= {name: value for name, value in changed.items() if value is not None}
    return claims_of(user_id, session_id, aal=aal, **settled)


@contextmanager
def as_user(
    connection: Connection[Any],
    user_id: UUID,
    *,
    aal: str = "aal1",
    app_metadata: Metadata | None = None,
    user_metadata: Metadata | None = None,
    is_anonymous: bool | None = None,
) -> Iterator[UUID]:
    """Act as this user for the block, with a new live session; yields the session's id.

    The claims are those of a real access token: e-mail and metadata come from the user's row, and metadata
    given here is added to them.
    """
    with as_role(connection, "none"):
        session_id = new_session(connection, user_id, aal=aal)
        claims = claims_from(
            connection,
            user_id,
            session_id,
            aal=aal,
            app_metadata=app_metadata,
            user_metadata=user_metadata,
            is_anonymous=is_anonymous,
        )
        with as_role(connection, "authenticated", claims):
            yield session_id


@contextmanager
def as_nobody(connection: Connection[Any]) -> Iterator[None]:
    """Act as a caller who is not signed in for the block."""
    with as_role(connection, "anon", {"role": "anon"}):
        yield


@contextmanager
def as_role(
    connection: Connection[Any], role: str, claims: Mapping[str, object] | None = None
) -> Iterator[None]:
    """Act with this role and these claims for the block, as a request of the data API does.

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
