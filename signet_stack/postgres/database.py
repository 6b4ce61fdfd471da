"""The connection pools of the local stack, one for each login role.

The Auth service works as supabase_auth_admin, the data API as authenticator; nothing here connects as a
superuser or as postgres.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from psycopg import Connection
from psycopg.rows import TupleRow
from psycopg_pool import ConnectionPool

Pool = ConnectionPool[Connection[TupleRow]]

SECONDS = 10  # that a request waits for a connection, and Auth for a statement or a lock
_AUTH_SESSION = {"autocommit": True, "options": f"-c statement_timeout={SECONDS}s"}


class Database:
    """Two pools on one database. Open after forking, close before the server stops."""

    def __init__(self, auth_dsn: str, data_dsn: str, *, pool_size: int = 8) -> None:
        # A backend that died takes its connections along. Auth's transactions begin when a connection is
        # taken, which shows whether it lives; the data API repeats a transaction whose connection was dead.
        self.auth = _pool(auth_dsn, "auth", pool_size, check=_begin, **_AUTH_SESSION)
        self.data = _pool(data_dsn, "data", pool_size)

    def open(self) -> None:
        """Open both pools; connections are made in the background."""
        self.auth.open()
        self.data.open()

    def close(self) -> None:
        """Close both pools."""
        self.auth.close()
        self.data.close()


def _begin(connection: Connection[Any]) -> None:
    """Begin the transaction that the pool ends: a connection that died fails here, and another is taken."""
    connection.execute("begin")


def _pool(
    dsn: str,
    name: str,
    size: int,
    check: Callable[[Connection[Any]], None] | None = None,
    **session: Any,
) -> Pool:
    return ConnectionPool(
        dsn,
        name=name,
        min_size=1,
        max_size=size,
        open=False,
        timeout=SECONDS,
        check=check,
        kwargs=session,
    )
