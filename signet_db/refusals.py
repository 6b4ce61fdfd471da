"""What a migration must not contain, found before anything of the run is executed."""

from __future__ import annotations

import re

from signet_db.errors import FileRefused
from signet_db.files import Migration
from signet_db.lexer import Statement

_TRANSACTION_CONTROL = (
    ("begin",),
    ("start", "transaction"),
    ("commit",),
    ("end",),
    ("rollback",),
    ("abort",),
    ("savepoint",),
    ("release",),
    ("prepare", "transaction"),
)
_WHOLE = (
    "each file is one transaction already",
    "Delete the statement. For what cannot run in a transaction, begin the file with"
    "  -- signet: no-transaction",
)
_BY_STATEMENT = (
    "this file runs statement by statement",
    "Delete the statement. What must be one transaction goes into a file without  -- signet: no-transaction",
)
_PSQL_COMMAND = re.compile(r"\\[a-z!?]+", re.IGNORECASE)


def check(migration: Migration) -> None:
    """Raise FileRefused when the file has nothing to run or something that must not be run."""
    if not migration.statements:
        raise FileRefused(
            "The file has no statement, so there is nothing to apply.",
            hint="Write it, or delete the file.",
            place=migration.place(0),
        )
    for statement in migration.statements:
        _refuse_transaction_control(migration, statement)
        _refuse_what_needs_psql(migration, statement)


def _refuse_transaction_control(migration: Migration, statement: Statement) -> None:
    """Refuse what would end the transaction of the file, and leave half of it without a record."""
    for words in _TRANSACTION_CONTROL:
        if statement.words[: len(words)] == words:
            why, hint = _WHOLE if migration.is_transactional else _BY_STATEMENT
            raise FileRefused(
                f"{' '.join(words).upper()} is not allowed here: {why}.",
                hint=hint,
                place=migration.place(statement.first),
            )


def _refuse_what_needs_psql(migration: Migration, statement: Statement) -> None:
    if command := _PSQL_COMMAND.match(migration.text, statement.first):
        raise FileRefused(
            f"{command.group()} is a command of psql, not SQL.",
            hint="Delete it; a migration is plain SQL.",
            place=migration.place(statement.first),
        )
    words = statement.words
    if words[:1] == ("copy",) and ("stdin" in words or "stdout" in words):
        raise FileRefused(
            "COPY from or to the client needs psql.",
            hint="Write INSERT statements, or load the rows with psql after the migration.",
            place=migration.place(statement.first),
        )
