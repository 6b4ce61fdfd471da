"""Apply migrations: one real transaction for each file, its history row included.

After a refused statement, Ctrl-C, kill -9 or a lost network, each file is either wholly applied and recorded
or not at all. Files with ``-- signet: no-transaction`` or ``as-written`` give that up, and the errors say so.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from psycopg import Connection, Error
from psycopg.pq import TransactionStatus
from psycopg.rows import TupleRow

from signet_db import history, snapshot
from signet_db.comparison import Entry, State, compare, missing_warning, to_apply
from signet_db.errors import FileRefused, MigrationFailed
from signet_db.event_triggers import call_for, is_about_event_trigger, is_lent
from signet_db.execution import (
    StatementRefused,
    explain,
    explain_commit,
    kept_by_statement,
    run_text,
)
from signet_db.files import Migration, check, find
from signet_db.target import Holder, connected, is_on_loopback, locked

# Undo the settings of the file before, as Supabase's CLI does; "reset all" leaves the session's user.
RESET = "reset session authorization; reset role; reset all"
LOCK_TIMEOUT = "set local lock_timeout = '4s'"
# The refusals that a transaction of several files can bring and one of a single file would not.
_NEEDS_COMMIT_BEFORE = frozenset({"55006", "55P04"})


@dataclass(frozen=True, slots=True)
class Waiting:
    """Another run holds the lock."""

    holder: Holder | None


@dataclass(frozen=True, slots=True)
class Applying:
    """A file starts."""

    migration: Migration


@dataclass(frozen=True, slots=True)
class Applied:
    """A file is applied and recorded."""

    migration: Migration
    seconds: float


@dataclass(frozen=True, slots=True)
class Noticed:
    """The server sent a notice while a file ran."""

    severity: str
    message: str


@dataclass(frozen=True, slots=True)
class Warned:
    """The run goes on, but the user should know."""

    message: str
    hint: str


Event = Waiting | Applying | Applied | Noticed | Warned
OnEvent = Callable[[Event], None]


def ignore(_event: Event) -> None:
    """Drop an event."""


@dataclass(frozen=True, slots=True)
class Trial:
    """The result of a dry run: ``tried`` files ran and were rolled back, ``untried`` ones would follow."""

    tried: tuple[Migration, ...]
    untried: tuple[Migration, ...]


def status(connection_string: str, folder: Path) -> tuple[Entry, ...]:
    """Compare the folder with the database's history; changes nothing. Raises MigrationError."""
    migrations = find(folder)
    with connected(connection_string, "db status") as connection:
        return _compare(connection, migrations)


def upgrade(
    connection_string: str,
    folder: Path,
    on_event: OnEvent = ignore,
    *,
    to: str | None = None,
    include_all: bool = False,
) -> tuple[Applied, ...]:
    """Apply what is pending, up to the version ``to``, and return it.

    ``include_all`` includes files that are older than the newest applied one. Raises MigrationError; files
    before the failed one stay applied.
    """
    migrations = find(folder)
    with _run(connection_string, "db upgrade", on_event) as connection:
        pending = _pending(connection, migrations, on_event, to=to, include_all=include_all)
        return _apply_all(connection, pending, on_event) if pending else ()


def try_out(
    connection_string: str,
    folder: Path,
    on_event: OnEvent = ignore,
    *,
    to: str | None = None,
    include_all: bool = False,
) -> Trial:
    """Run what ``upgrade`` would apply in one transaction, and roll it back; raises MigrationError.

    The trial ends before the first file that needs a commit before it, or that controls its own transactions.
    """
    migrations = find(folder)
    with _run(connection_string, "db upgrade --dry-run", on_event) as connection:
        pending = _pending(connection, migrations, on_event, to=to, include_all=include_all)
        connection.execute(f"{RESET}; begin")
        try:
            tried = len(run_together(connection, pending, on_event, is_recorded=False))
        except MigrationFailed as error:
            if not needs_commit_before(error):
                error.kept_of_file, error.earlier = "This was a dry run: nothing was changed.", 0
                raise
            tried = error.earlier
        finally:
            _roll_back(connection)
    return Trial(pending[:tried], pending[tried:])


@contextmanager
def _run(connection_string: str, purpose: str, on_event: OnEvent) -> Iterator[Connection[TupleRow]]:
    """Connect, pass notices on as events, and hold the lock for the block."""
    with connected(connection_string, purpose) as connection:
        connection.add_notice_handler(
            lambda notice: on_event(Noticed(notice.severity or "", notice.message_primary or ""))
        )
        with locked(connection, lambda holder: on_event(Waiting(holder))):
            yield connection


def _compare(connection: Connection[TupleRow], migrations: Sequence[Migration]) -> tuple[Entry, ...]:
    return compare(
        migrations, history.read(connection, migrations), ignore_missing=is_on_loopback(connection)
    )


def _pending(
    connection: Connection[TupleRow],
    migrations: Sequence[Migration],
    on_event: OnEvent,
    *,
    to: str | None,
    include_all: bool,
) -> tuple[Migration, ...]:
    """Return the files to apply, checked; warn of another branch's history and of a file without SQL."""
    entries = _compare(connection, migrations)
    is_local = is_on_loopback(connection)
    pending = to_apply(entries, to=to, include_all=include_all, ignore_missing=is_local)
    for migration in pending:
        check(migration)
    missing = [entry for entry in entries if entry.state is State.MISSING]
    if missing:
        on_event(Warned(*missing_warning(missing)))
    if pending and pending[-1] is migrations[-1] and not pending[-1].run_statements:
        on_event(_no_statement(pending[-1]))
    return pending


def _no_statement(migration: Migration) -> Warned:
    return Warned(
        f"{migration.path.name} has no statement yet; it is recorded as applied.",
        f"To write it after all:  flask db repair {migration.version} --reverted  then run  flask db upgrade",
    )


def _apply_all(
    connection: Connection[TupleRow], pending: tuple[Migration, ...], on_event: OnEvent
) -> tuple[Applied, ...]:
    history.ensure(connection)
    done: list[Applied] = []
    try:
        for migration in pending:
            on_event(Applying(migration))
            started = time.monotonic()
            _apply(connection, migration, is_last=migration is pending[-1])
            done.append(Applied(migration, time.monotonic() - started))
            on_event(done[-1])
    except BaseException as error:
        if isinstance(error, MigrationFailed):
            error.earlier = len(done)
        if done and connection.info.transaction_status is TransactionStatus.IDLE:
            snapshot.save(connection)
        raise
    return tuple(done)


def _apply(connection: Connection[TupleRow], migration: Migration, *, is_last: bool) -> None:
    """Apply a file; the snapshot for ``verify`` is written in the transaction of the last one."""
    if migration.is_transactional:
        with _transaction(connection, migration):
            _run_whole(connection, migration)
            history.record(connection, migration)
            if is_last:
                snapshot.save(connection)
    else:
        _run_by_statement(connection, migration)
        with connection.transaction():
            history.record(connection, migration)
            if is_last:
                snapshot.save(connection)


def run_together(
    connection: Connection[TupleRow],
    migrations: Sequence[Migration],
    on_event: OnEvent,
    *,
    is_recorded: bool,
) -> tuple[Applied, ...]:
    """Run files in the transaction that is open, and return those that ran.

    Ends before the first file that does not run in one transaction; the caller commits or rolls back. Raises
    MigrationError, with the transaction aborted.
    """
    done: list[Applied] = []
    for migration in migrations:
        if not migration.is_transactional:
            break
        on_event(Applying(migration))
        started = time.monotonic()
        connection.execute(f"{RESET}; {LOCK_TIMEOUT}")
        try:
            _run_whole(connection, migration)
            _check_constraints(connection, migration)
        except MigrationFailed as error:
            error.earlier = len(done)
            raise
        if is_recorded:
            history.record(connection, migration)
        done.append(Applied(migration, time.monotonic() - started))
        on_event(done[-1])
    return tuple(done)


def needs_commit_before(error: MigrationFailed) -> bool:
    """Whether the file was refused because the files before it were not committed yet."""
    return error.earlier > 0 and error.sqlstate in _NEEDS_COMMIT_BEFORE


def _check_constraints(connection: Connection[TupleRow], migration: Migration) -> None:
    """Check deferred constraints as a commit would, and leave them deferred."""
    try:
        with connection.transaction(force_rollback=True):
            connection.execute("set constraints all immediate")
    except Error as error:
        if error.sqlstate is None:
            raise
        raise explain_commit(migration, error, is_on_loopback(connection)) from error


def _run_whole(connection: Connection[TupleRow], migration: Migration) -> None:
    """Run a file's text in the transaction that is open."""
    for offset, text in _pieces(connection, migration):
        try:
            run_text(connection, text)
        except StatementRefused as refused:
            is_local = is_on_loopback(connection)
            raise explain(migration, refused, offset=offset, is_local=is_local) from refused.error
    if connection.info.transaction_status is not TransactionStatus.INTRANS:
        raise _ended_itself(migration)


def _pieces(connection: Connection[TupleRow], migration: Migration) -> list[tuple[int, str]]:
    """Return the texts to send with their offsets: one, but for event triggers on the local stack."""
    text = migration.run_text
    special = [statement for statement in migration.run_statements if is_about_event_trigger(statement)]
    if not special or not is_lent(connection):
        return [(0, text)]
    pieces: list[tuple[int, str]] = []
    done = 0
    for statement in special:
        if call := call_for(statement):
            pieces += [(done, text[done : statement.first]), (statement.start, call)]
            done = statement.end
    return [*pieces, (done, text[done:])]


def _run_by_statement(connection: Connection[TupleRow], migration: Migration) -> None:
    """Run a file without a transaction of ours; one that it leaves open is rolled back and refused."""
    connection.execute(RESET)
    try:
        for number, statement in enumerate(migration.statements):
            try:
                run_text(connection, statement.text)
            except StatementRefused as refused:
                kept = kept_by_statement(migration, number, statement)
                is_local = is_on_loopback(connection)
                raise explain(
                    migration, refused, offset=statement.start, kept=kept, is_local=is_local
                ) from refused.error
        if connection.info.transaction_status is not TransactionStatus.IDLE:
            raise _left_open(migration)
    finally:
        _roll_back(connection)


@contextmanager
def _transaction(connection: Connection[TupleRow], migration: Migration) -> Iterator[None]:
    """Begin, and commit at the end of the block; roll back when anything is raised."""
    connection.execute(f"{RESET}; begin; {LOCK_TIMEOUT}")  # one message, not five
    try:
        yield
    except BaseException:
        _roll_back(connection)
        raise
    try:
        connection.execute("commit")
    except Error as error:
        if error.sqlstate is None:  # the connection broke
            raise
        raise explain_commit(migration, error, is_on_loopback(connection)) from error


def _roll_back(connection: Connection[TupleRow]) -> None:
    if connection.info.transaction_status in (TransactionStatus.INTRANS, TransactionStatus.INERROR):
        connection.execute("rollback")


def _ended_itself(migration: Migration) -> FileRefused:
    """Return the error for a file that ended its transaction in a way that the check did not see."""
    return FileRefused(
        "The file ended its own transaction: what ran before may have been kept, and it is not recorded.",
        hint="Find what commits and take it out; then look at the database before you run the command again.",
        place=migration.place(0),
    )


def _left_open(migration: Migration) -> FileRefused:
    return FileRefused(
        "The file began a transaction and did not end it: the transaction was rolled back, and the file is"
        " not recorded.",
        hint="Write its COMMIT; then look at the database before you run the command again.",
        place=migration.place(migration.statements[-1].first),
    )
