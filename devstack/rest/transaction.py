"""Run one request in one transaction, as its role and with its claims.

Settings and role are local to the transaction, so nothing of a request is left on the connection: whatever
goes wrong, it is rolled back and the connection returns to the pool clean.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import psycopg

from devstack.database import Pool
from devstack.rest.pipeline import Row, exchange
from devstack.rest.sql.statement import Statement

_COMMIT, _ROLLBACK = Statement("COMMIT", ()), Statement("ROLLBACK", ())
_CHECK_CONSTRAINTS = Statement("SET CONSTRAINTS ALL IMMEDIATE", ())
ISOLATIONS = ("read committed", "repeatable read", "serializable")


@dataclass(frozen=True, slots=True)
class Transaction:
    """What to run: settings first, all in one statement, then the main statement, then perhaps a count."""

    role: str
    is_read_only: bool
    isolation: str | None
    settings: tuple[tuple[str, str], ...]
    main: Statement
    count: Statement | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """The rows of the main statement, and of the count if there was one."""

    main: list[Row]
    count: list[Row]


class ConnectionLost(Exception):
    """Raised when a connection broke before anything could be committed."""


def run(pool: Pool, transaction: Transaction, conclude: Callable[[Outcome], bool]) -> Outcome:
    """Run a transaction; ``conclude`` sees the outcome and tells whether to commit, or raises to roll back.

    Raises psycopg.Error, and whatever ``conclude`` raises.
    """
    try:
        return _run(pool, transaction, conclude)
    except ConnectionLost:
        pool.check()  # PostgreSQL was restarted, say: replace every connection that is dead
    try:
        return _run(pool, transaction, conclude)
    except ConnectionLost as lost:
        raise psycopg.OperationalError(str(lost)) from None


def _run(pool: Pool, transaction: Transaction, conclude: Callable[[Outcome], bool]) -> Outcome:
    with pool.connection() as connection:
        connection.autocommit = True  # BEGIN and COMMIT are ours
        try:
            # What only reads has nothing to keep or to undo, and ends in the same flush.
            end = [_COMMIT] if transaction.is_read_only else []
            results = exchange(connection, transaction.role, [*_statements(transaction), *end])
            outcome = Outcome(results[2], results[3] if transaction.count else [])
            keep = conclude(outcome)
        except BaseException as error:
            if not connection.closed:
                connection.rollback()
            elif isinstance(error, psycopg.Error):
                raise ConnectionLost(str(error)) from error
            raise
        if not transaction.is_read_only:
            exchange(connection, transaction.role, [_COMMIT] if keep else [_CHECK_CONSTRAINTS, _ROLLBACK])
        return outcome


def _statements(transaction: Transaction) -> list[Statement]:
    isolation = transaction.isolation if transaction.isolation in ISOLATIONS else ISOLATIONS[0]
    mode = "READ ONLY" if transaction.is_read_only else "READ WRITE"
    pairs = ", ".join(
        f"set_config(${2 * n + 1}, ${2 * n + 2}, true)" for n in range(len(transaction.settings))
    )
    return [
        Statement(f"BEGIN ISOLATION LEVEL {isolation} {mode}", ()),
        Statement(f"SELECT {pairs}", tuple(text for pair in transaction.settings for text in pair)),
        transaction.main,
        *([transaction.count] if transaction.count else []),
    ]
