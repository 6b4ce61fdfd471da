"""Apply migrations: one real transaction for each file, its history row included.

Whatever happens (a refused statement, Ctrl-C, kill -9, a lost network), each file is either wholly applied
and recorded or not at all. Files that say ``-- signet: no-transaction`` give that up, and the errors say so.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from psycopg import Connection, Error
from psycopg.pq import TransactionStatus
from psycopg.rows import TupleRow

from signet_db import catalogue, history
from signet_db.comparison import Entry, compare, to_apply
from signet_db.errors import FileRefused, MigrationFailed
from signet_db.events import Applied, Applying, Noticed, OnEvent, Waiting, ignore
from signet_db.execution import StatementRefused, run_text
from signet_db.failure import explain, explain_commit, without_transaction
from signet_db.files import Migration, find
from signet_db.lock import locked
from signet_db.refusals import check
from signet_db.target import connected

# Whatever the file before has set is undone, as Supabase's CLI does; "reset all" leaves who one is.
RESET = "reset session authorization; reset all"
BEGIN = f"{RESET}; begin; set local lock_timeout = '4s'"  # one message, not four


def status(connection_string: str, folder: Path) -> tuple[Entry, ...]:
    """Compare the folder with the database's history; changes nothing. Raises MigrationError."""
    migrations = find(folder)
    with connected(connection_string, "db status") as connection:
        return compare(migrations, history.read(connection))


def pending(
    connection_string: str, folder: Path, *, to: str | None = None, include_all: bool = False
) -> tuple[Migration, ...]:
    """Return what ``upgrade`` would apply, checked as it would be; changes nothing. Raises MigrationError."""
    return _checked(to_apply(status(connection_string, folder), to=to, include_all=include_all))


def upgrade(
    connection_string: str,
    folder: Path,
    on_event: OnEvent = ignore,
    *,
    to: str | None = None,
    include_all: bool = False,
) -> tuple[Applied, ...]:
    """Apply what is pending, up to the version ``to``, and return it.

    ``include_all`` takes along files that are older than the newest applied one. Raises MigrationError; files
    before the failed one stay applied.
    """
    migrations = find(folder)
    with connected(connection_string, "db upgrade") as connection:
        connection.add_notice_handler(
            lambda said: on_event(Noticed(said.severity or "", said.message_primary or ""))
        )
        with locked(connection, lambda holder: on_event(Waiting(holder))):
            entries = compare(migrations, history.read(connection))
            waiting = _checked(to_apply(entries, to=to, include_all=include_all))
            return _apply_all(connection, waiting, on_event) if waiting else ()


def _apply_all(
    connection: Connection[TupleRow], waiting: tuple[Migration, ...], on_event: OnEvent
) -> tuple[Applied, ...]:
    history.ensure(connection)
    done: list[Applied] = []
    try:
        for migration in waiting:
            on_event(Applying(migration))
            done.append(_timed(connection, migration, len(done)))
            on_event(done[-1])
    finally:
        if done and connection.info.transaction_status is TransactionStatus.IDLE:
            catalogue.keep(connection)
    return tuple(done)


def _timed(connection: Connection[TupleRow], migration: Migration, earlier: int) -> Applied:
    began = time.monotonic()
    try:
        _apply(connection, migration)
    except MigrationFailed as error:
        error.earlier = earlier
        raise
    return Applied(migration, time.monotonic() - began)


def _checked(migrations: tuple[Migration, ...]) -> tuple[Migration, ...]:
    for migration in migrations:
        check(migration)
    return migrations


def _apply(connection: Connection[TupleRow], migration: Migration) -> None:
    if migration.is_transactional:
        _apply_whole(connection, migration)
    else:
        _apply_by_statement(connection, migration)


def _apply_whole(connection: Connection[TupleRow], migration: Migration) -> None:
    with _transaction(connection, migration):
        try:
            run_text(connection, migration.text)
        except StatementRefused as refused:
            raise explain(migration, refused) from refused.error
        if connection.info.transaction_status is not TransactionStatus.INTRANS:
            raise _ended_itself(migration)
        history.record(connection, migration)


def _apply_by_statement(connection: Connection[TupleRow], migration: Migration) -> None:
    connection.execute(RESET)
    total = len(migration.statements)
    for number, statement in enumerate(migration.statements):
        try:
            run_text(connection, statement.text)
        except StatementRefused as refused:
            kept = without_transaction(number, total, statement)
            raise explain(migration, refused, offset=statement.start, kept=kept) from refused.error
    history.record(connection, migration)


@contextmanager
def _transaction(connection: Connection[TupleRow], migration: Migration) -> Iterator[None]:
    """Begin, and commit at the end of the block; roll back when anything is raised."""
    connection.execute(BEGIN)
    try:
        yield
    except BaseException:
        if connection.info.transaction_status in (TransactionStatus.INTRANS, TransactionStatus.INERROR):
            connection.execute("rollback")
        raise
    try:
        connection.execute("commit")
    except Error as error:
        if error.sqlstate is None:  # the connection broke
            raise
        raise explain_commit(migration, error) from error


def _ended_itself(migration: Migration) -> FileRefused:
    """Return the error for a file that ended its transaction in a way that the check did not see."""
    return FileRefused(
        "The file ended its own transaction: what ran before may have been kept, and it is not recorded.",
        hint="Find what commits and take it out; then look at the database before you run the command again.",
        place=migration.place(0),
    )
