"""Apply migrations: one real transaction for each file, its history row included.

Whatever happens (a refused statement, Ctrl-C, kill -9, a lost network), each file is either wholly applied
and recorded or not at all. Files that say ``-- signet: no-transaction`` give that up, and the errors say so.
"""

from __future__ import annotations

import select
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from psycopg import Connection, Error, errors
from psycopg.pq import ExecStatus, TransactionStatus
from psycopg.pq.abc import PGresult
from psycopg.rows import TupleRow

from signet_db import history, snapshot
from signet_db.comparison import Entry, compare, to_apply
from signet_db.errors import FileRefused, MigrationFailed
from signet_db.files import Migration, check, find
from signet_db.lexer import Statement
from signet_db.target import Holder, connected, locked


@dataclass(frozen=True, slots=True)
class Waiting:
    """Another run holds the lock."""

    holder: Holder | None


@dataclass(frozen=True, slots=True)
class Applying:
    """A file begins."""

    migration: Migration


@dataclass(frozen=True, slots=True)
class Applied:
    """A file is applied and recorded."""

    migration: Migration
    seconds: float


@dataclass(frozen=True, slots=True)
class Noticed:
    """The server said something while a file ran."""

    severity: str
    message: str


Event = Waiting | Applying | Applied | Noticed
OnEvent = Callable[[Event], None]


def ignore(_event: Event) -> None:
    """Tell nobody."""


_FAILED = frozenset({ExecStatus.FATAL_ERROR, ExecStatus.BAD_RESPONSE})
_COPYING = frozenset({ExecStatus.COPY_IN, ExecStatus.COPY_OUT, ExecStatus.COPY_BOTH})


class StatementRefused(Exception):
    """Raised with the server's error and the number of statements that went well before."""

    def __init__(self, error: Error, done: int) -> None:
        self.error = error
        self.done = done
        super().__init__(str(error))


def run_text(connection: Connection[TupleRow], text: str) -> None:
    """Run SQL text of any number of statements; raises StatementRefused, and psycopg.Error when cut off."""
    connection.pgconn.send_query(text.encode())
    done = 0
    refusal: StatementRefused | None = None
    try:
        while (result := _next_result(connection)) is not None:
            if result.status in _FAILED:
                refusal = refusal or StatementRefused(_error(connection, result), done)
            elif result.status in _COPYING:
                raise errors.FeatureNotSupported("COPY from or to the client")
            done += 1
    except KeyboardInterrupt:
        connection.cancel_safe()
        while _next_result(connection) is not None:  # until the server has noticed
            pass
        raise
    if refusal is not None:
        raise refusal


def _next_result(connection: Connection[TupleRow]) -> PGresult | None:
    """Wait for the next result in a way that Ctrl-C interrupts; None after the last."""
    pgconn = connection.pgconn
    while pgconn.flush():
        # A server that is busy sending does not read: take what it says meanwhile.
        if select.select([pgconn.socket], [pgconn.socket], [])[0]:
            pgconn.consume_input()
    while pgconn.is_busy():
        select.select([pgconn.socket], [], [])
        pgconn.consume_input()
    return pgconn.get_result()


def _error(connection: Connection[TupleRow], result: PGresult) -> Error:
    return errors.error_from_result(result, encoding=connection.info.encoding)


NOTHING_KEPT = "Nothing from this file was kept."
_CORRECT = "Correct the file, then run  flask db upgrade"
# What people meet most, and what to do when correcting the statement is not the whole answer.
_REMEDIES = {
    "25001": "This statement cannot run in a transaction: put it into a file of its own that begins with"
    "  -- signet: no-transaction",
    "55P03": "Another session holds a lock on this table for longer than 4 s. Try again when it is done, or"
    " begin the file with  set lock_timeout = '60s';",
    "55P04": "A new value of an enum can be used after its transaction only: split the file in two.",
    "42501": "The role of this connection may not do this. On hosted projects the schemas auth and storage"
    " belong to the services.",
    "42P07": "Correct the file. If somebody made this by hand and it is right, record the file as applied:"
    "  flask db repair {version} --applied",
    "57014": "The statement ran into statement_timeout: begin the file with  set statement_timeout = 0;",
}


def explain(
    migration: Migration, refused: StatementRefused, *, offset: int = 0, kept: str = NOTHING_KEPT
) -> MigrationFailed:
    """Return the error for a refused statement; ``offset`` is where the text sent begins in the file."""
    error = refused.error
    position = _position(error)
    if position is not None:
        position += offset
    else:
        number = min(refused.done + _statements_before(migration, offset), len(migration.statements) - 1)
        position = migration.statements[number].first
    return _failed(migration, error, position, kept)


def without_transaction(done: int, total: int, failed: Statement) -> str:
    """Say what stays of a file that runs statement by statement."""
    kept = (
        f"This file runs without a transaction: {done} of its {total} statements are done and stay,"
        " and the next run begins with the first again (write “if not exists”)."
    )
    if "concurrently" in failed.words:
        # "if not exists" would then pass over it for ever, and no query would use it.
        kept += " The index that failed may be there, invalid: drop it before the next run."
    return kept


def explain_commit(migration: Migration, error: Error) -> MigrationFailed:
    """Return the error for a file whose statements went well, but not its commit (a deferred constraint)."""
    return _failed(
        migration, error, len(migration.text.rstrip()), f"This was found at the commit. {NOTHING_KEPT}"
    )


def _failed(migration: Migration, error: Error, position: int, kept: str) -> MigrationFailed:
    sqlstate = error.sqlstate or ""
    return MigrationFailed(
        error.diag.message_primary or " ".join(str(error).split()),
        hint=_REMEDIES.get(sqlstate, _CORRECT).format(version=migration.version),
        place=migration.place(position),
        sqlstate=sqlstate,
        details=_details(error),
        kept_of_file=kept,
    )


def _details(error: Error) -> tuple[str, ...]:
    diag = error.diag
    said = (
        ("Detail", diag.message_detail),
        ("Hint", diag.message_hint),
        ("In", diag.internal_query),
        ("Where", diag.context),
    )
    return tuple(f"{title}: {text}" for title, text in said if text)


def _position(error: Error) -> int | None:
    """Return the server's position as an offset from 0, if it gave one."""
    text = error.diag.statement_position
    return int(text) - 1 if text else None


def _statements_before(migration: Migration, offset: int) -> int:
    return sum(statement.start < offset for statement in migration.statements)


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
            snapshot.keep(connection)
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
