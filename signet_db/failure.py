"""Turn what the server refused into an error that shows the file, the line and the way on."""

from __future__ import annotations

from psycopg import Error

from signet_db.errors import MigrationFailed
from signet_db.execution import StatementRefused
from signet_db.files import Migration
from signet_db.lexer import Statement

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
