"""Execution of a file's text: send it whole, find the refused statement, explain the refusal.

psycopg's own ``execute`` forgets how many statements succeeded before the error; for errors without a
position (a violated constraint, for example) that count is the only way to the line. Hence libpq's calls.
"""

from __future__ import annotations

import re
import select

from psycopg import Connection, Error, errors
from psycopg.pq import ExecStatus
from psycopg.pq.abc import PGresult
from psycopg.rows import TupleRow

from signet_db.errors import MigrationFailed
from signet_db.files import Migration
from signet_db.lexer import Statement
from signet_db.schemas import SERVICE_SCHEMAS

_FAILED = frozenset({ExecStatus.FATAL_ERROR, ExecStatus.BAD_RESPONSE})
_COPYING = frozenset({ExecStatus.COPY_IN, ExecStatus.COPY_OUT, ExecStatus.COPY_BOTH})


class StatementRefused(Exception):
    """Raised with the server's error and the number of statements that succeeded before it."""

    def __init__(self, error: Error, done: int) -> None:
        self.error = error
        self.done = done
        super().__init__(str(error))


def run_text(connection: Connection[TupleRow], text: str) -> None:
    """Run SQL text of any number of statements.

    Raises StatementRefused, and psycopg.Error when the connection breaks. KeyboardInterrupt cancels the
    running statement first.
    """
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
        while _next_result(connection) is not None:  # until the server has handled the cancel request
            pass
        raise
    if refusal is not None:
        raise refusal


def _next_result(connection: Connection[TupleRow]) -> PGresult | None:
    """Return the next result, None after the last; the wait can be interrupted by Ctrl-C."""
    pgconn = connection.pgconn
    while pgconn.flush():
        # A server that is busy sending does not read: consume its output meanwhile.
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
# The most frequent refusals for which correcting the statement is not the whole answer.
_REMEDIES = {
    "25001": "This statement cannot run in a transaction: put it into a file of its own that begins with"
    "  -- signet: no-transaction",
    "55P03": "Another session holds a lock on this table for longer than 4 s. Try again when it is done, or"
    " begin the file with  set lock_timeout = '60s';",
    "55P04": "A new value of an enum can be used after its transaction only: split the file in two.",
    "42P07": "Correct the file. If this was made by hand and is right, record the file as applied:"
    "  flask db repair {version} --applied",
    "57014": "The statement ran into statement_timeout: begin the file with  set statement_timeout = 0;",
}
_NOT_ALLOWED = (
    "The role of this connection may not do this. On hosted projects the schemas auth and storage belong to"
    " the services."
)
# The page that says what hosted projects have and the local stack has not; its headings are tested.
HOSTED_PAGE = "docs/local-stack.md"
_SCHEMAS = "|".join(SERVICE_SCHEMAS)
_ABSENT = tuple(
    (re.compile(pattern), section)
    for pattern, section in (
        (r'extension "[^"]+" is not available|is not available locally\.', "extensions"),
        (r"unsupported XML feature|ICU is not supported in this build", "extensions"),
        (rf'schema "({_SCHEMAS})" does not exist', "schemas"),
        (rf'(relation|type) "({_SCHEMAS})\.[^"]+" does not exist', "schemas"),
        (rf"function ({_SCHEMAS})\..+ does not exist", "schemas"),
        (r'publication "supabase_\w+" does not exist', "schemas"),
        (r'role "(supabase_\w+|dashboard_user|pgbouncer)" does not exist', "roles"),
    )
)


def explain(
    migration: Migration,
    refused: StatementRefused,
    *,
    offset: int = 0,
    kept: str = NOTHING_KEPT,
    is_local: bool = False,
) -> MigrationFailed:
    """Return the error for a refused statement; ``offset`` is where the sent text begins in the file."""
    error = refused.error
    position = _position(error)
    if position is not None:
        position += offset
    else:
        sent = migration.run_statements
        number = min(refused.done + sum(statement.start < offset for statement in sent), len(sent) - 1)
        position = sent[number].first
    return _failed(migration, error, position, kept, is_local)


def explain_commit(migration: Migration, error: Error, is_local: bool = False) -> MigrationFailed:
    """Return the error for a file whose statements succeeded, but not its commit (a deferred constraint)."""
    return _failed(
        migration,
        error,
        len(migration.text.rstrip()),
        f"This was found at the commit. {NOTHING_KEPT}",
        is_local,
    )


def kept_by_statement(migration: Migration, done: int, failed: Statement) -> str:
    """Return what remains of a file that runs statement by statement, as a sentence."""
    total = len(migration.statements)
    how = "controls its own transactions" if migration.is_as_written else "runs without a transaction"
    kept = (
        f"This file {how}: {done} of its {total} statements are done; what they committed stays,"
        " and the next run starts with the first again (write “if not exists”)."
    )
    if "concurrently" in failed.words:
        # "if not exists" would skip it, and no query would use it.
        kept += " The index that failed may be there, invalid: drop it before the next run."
    return kept


def _failed(migration: Migration, error: Error, position: int, kept: str, is_local: bool) -> MigrationFailed:
    return MigrationFailed(
        error.diag.message_primary or " ".join(str(error).split()),
        hint=_remedy(error, is_local).format(version=migration.version),
        place=migration.place(position),
        sqlstate=error.sqlstate or "",
        details=_details(error),
        kept_of_file=kept,
    )


def _remedy(error: Error, is_local: bool) -> str:
    message = error.diag.message_primary or ""
    section = next((section for pattern, section in _ABSENT if pattern.search(message)), None)
    if is_local and section:
        return f"Hosted projects may have this, the local stack does not: {HOSTED_PAGE}#{section}"
    if error.sqlstate == "42501":
        page = f" What they allow and the local stack does not: {HOSTED_PAGE}#what-postgres-may-do"
        return _NOT_ALLOWED + (page if is_local else "")
    return _REMEDIES.get(error.sqlstate or "", _CORRECT)


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
