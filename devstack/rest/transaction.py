"""Run one request in one transaction, as its role and with its claims.

Settings and role are local to the transaction, so nothing of a request is left on the connection: whatever
goes wrong, it is rolled back and the connection returns to the pool clean.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from psycopg import Connection, RawCursor
from psycopg.rows import TupleRow

from devstack.database import Pool
from devstack.rest.sql.statement import Statement

ISOLATIONS = frozenset({"read committed", "repeatable read", "serializable"})

Row = tuple[bytes | None, ...]


@dataclass(frozen=True, slots=True)
class Transaction:
    """What to run: settings first, all in one statement, then the main statement, then perhaps a count."""

    is_read_only: bool
    isolation: str
    settings: tuple[tuple[str, str], ...]
    main: Statement
    count: Statement | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """Rows as PostgreSQL's own text, undecoded."""

    main: list[Row]
    count: list[Row]


def run(pool: Pool, transaction: Transaction, conclude: Callable[[Outcome], bool]) -> Outcome:
    """Run a transaction; ``conclude`` sees the outcome and tells whether to commit, or raises to roll back.

    Raises psycopg.Error, and whatever ``conclude`` raises.
    """
    with pool.connection() as connection:
        connection.autocommit = True  # BEGIN and COMMIT are ours
        try:
            outcome = _send(connection, transaction)
            keep = conclude(outcome)
            if not keep:
                connection.execute("SET CONSTRAINTS ALL IMMEDIATE")
            connection.execute("COMMIT" if keep else "ROLLBACK")
        except BaseException:
            connection.rollback()
            raise
        return outcome


def _send(connection: Connection[TupleRow], transaction: Transaction) -> Outcome:
    isolation = transaction.isolation if transaction.isolation in ISOLATIONS else "read committed"
    mode = "READ ONLY" if transaction.is_read_only else "READ WRITE"
    settings = _settings(transaction.settings)
    statements = [transaction.main] + ([transaction.count] if transaction.count else [])
    connection.execute(f"BEGIN ISOLATION LEVEL {isolation} {mode}".encode())
    RawCursor(connection).execute(settings.text.encode(), settings.values, prepare=True)
    cursors = [
        RawCursor(connection).execute(statement.text.encode(), statement.values) for statement in statements
    ]
    results = [_rows(cursor) for cursor in cursors]
    return Outcome(results[0], results[1] if transaction.count else [])


def _settings(settings: Sequence[tuple[str, str]]) -> Statement:
    pairs = ", ".join(f"set_config(${2 * n + 1}, ${2 * n + 2}, true)" for n in range(len(settings)))
    return Statement(f"SELECT {pairs}", tuple(text for pair in settings for text in pair))


def _rows(cursor: RawCursor[TupleRow]) -> list[Row]:
    result = cursor.pgresult
    assert result is not None  # noqa: S101 - every statement here returns rows
    return [
        tuple(result.get_value(row, column) for column in range(result.nfields))
        for row in range(result.ntuples)
    ]
