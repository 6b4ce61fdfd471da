"""Run one request in one transaction, as its role and with its claims.

Settings and role are local to the transaction, so nothing of a request is left on the connection: whatever
goes wrong, it is rolled back and the connection returns to the pool clean.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from typing import TypeVar

import psycopg

from signet_stack.postgres.database import Pool
from signet_stack.rest.pipeline import Row, exchange
from signet_stack.rest.sql.statement import Statement

_COMMIT, _ROLLBACK = Statement("COMMIT"), Statement("ROLLBACK")
_CHECK_CONSTRAINTS = Statement("SET CONSTRAINTS ALL IMMEDIATE")
_BEGIN = {
    (isolation, is_read_only): Statement(f"BEGIN ISOLATION LEVEL {isolation} READ {mode}")
    for isolation in ("read committed", "repeatable read", "serializable")
    for is_read_only, mode in ((True, "ONLY"), (False, "WRITE"))
}
Concluded = TypeVar("Concluded")
Conclude = Callable[[list[Row], list[Row]], Concluded]  # of the main statement's rows and of the count's


@dataclass(frozen=True, slots=True)
class Transaction:
    """What to run: settings first, all in one statement, then the main statement, then perhaps a count."""

    role: str
    is_read_only: bool
    isolation: str | None
    settings: tuple[tuple[str, str], ...]
    main: Statement
    count: Statement | None = None
    keeps: bool = True  # ends with COMMIT


class ConnectionLost(Exception):
    """Raised when a connection broke before anything could be committed."""


def run(pool: Pool, transaction: Transaction, conclude: Conclude[Concluded]) -> Concluded:
    """Run a transaction and return what ``conclude`` makes of it; it may raise to roll back.

    Raises psycopg.Error, and whatever ``conclude`` raises.
    """
    with suppress(ConnectionLost):
        return _run(pool, transaction, conclude)
    pool.check()  # PostgreSQL was restarted, say: replace every connection that is dead
    try:
        return _run(pool, transaction, conclude)
    except ConnectionLost as lost:
        raise psycopg.OperationalError(str(lost)) from None


def _run(pool: Pool, transaction: Transaction, conclude: Conclude[Concluded]) -> Concluded:
    with pool.connection() as connection:
        if not connection.autocommit:
            connection.autocommit = True  # BEGIN and COMMIT are ours
        try:
            # What only reads has nothing to keep or to undo, and ends in the same flush.
            end = [_COMMIT] if transaction.is_read_only else []
            results = exchange(connection, transaction.role, [*_statements(transaction), *end])
            concluded = conclude(results[2], results[3] if transaction.count else [])
        except BaseException as error:
            if not connection.closed:
                connection.rollback()
            elif isinstance(error, psycopg.Error):
                raise ConnectionLost(str(error)) from error
            raise
        if not transaction.is_read_only:
            end = [_COMMIT] if transaction.keeps else [_CHECK_CONSTRAINTS, _ROLLBACK]
            exchange(connection, transaction.role, end)
        return concluded


def _statements(transaction: Transaction) -> list[Statement]:
    begin = _BEGIN.get((transaction.isolation or "", transaction.is_read_only))
    values = tuple(text for pair in transaction.settings for text in pair)
    return [
        begin or _BEGIN["read committed", transaction.is_read_only],
        Statement(_set_configs(len(transaction.settings)), values),
        transaction.main,
        *([transaction.count] if transaction.count else []),
    ]


@cache
def _set_configs(number: int) -> str:
    pairs = (f"set_config(${2 * n + 1}, ${2 * n + 2}, true)" for n in range(number))
    return f"SELECT {', '.join(pairs)}"
