"""Apply all migrations of a folder in one transaction of a scratch database, and roll it back.

The lint and the prover only read what migrations make. Roles, memberships and role settings belong to the
whole cluster, not to a database; since nothing is committed, none of them reaches another database.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from psycopg import Connection, sql
from psycopg.rows import TupleRow

from signet_db.errors import MigrationFailed
from signet_db.execution import StatementRefused, explain, run_text
from signet_db.files import Migration, check
from signet_db.lexer import Statement, tokens
from signet_db.runner import RESET
from signet_db.scratch import scratch_database
from signet_db.target import connected

_DUPLICATE_OBJECT, _PENDING_EVENTS = "42710", "55006"
_NOT_IN_A_TRANSACTION = frozenset({"25001", "2D000"})
# Roles of the platform are the same everywhere: a migration that creates one fails on every project.
_TAKEN_ROLE = re.compile(
    r'role "(?!(?:anon|authenticated|authenticator|service_role|postgres|supabase_.*)")(.+)"'
)
_MOST_RETRIES = 50
_CONTROL = frozenset({"begin", "start", "commit", "end", "abort", "rollback"})

OnApplied = Callable[[Migration], None]


@dataclass(frozen=True, slots=True)
class Skipped:
    """A statement that cannot run in a transaction, such as VACUUM, and was left out."""

    migration: Migration
    statement: Statement


@dataclass(frozen=True, slots=True)
class Rehearsal:
    """A database in which migrations are applied, but not committed."""

    connection: Connection[TupleRow]
    migrations: tuple[Migration, ...]
    skipped: tuple[Skipped, ...]

    def repeat(self, on_applied: OnApplied) -> None:
        """Apply the migrations once more from the start, calling ``on_applied`` after each."""
        self.connection.execute("rollback to savepoint signet_start")
        _apply_all(self.connection, self.migrations, on_applied)


@contextmanager
def applied(connection_string: str, migrations: Sequence[Migration], purpose: str) -> Iterator[Rehearsal]:
    """Apply the migrations in a scratch database on this server for the block; raises MigrationError."""
    for migration in migrations:
        check(migration)
    with scratch_database(connection_string) as scratch, connected(scratch, purpose) as connection:
        connection.execute("begin; savepoint signet_start")
        try:
            skipped = _apply_all(connection, migrations)
            yield Rehearsal(connection, tuple(migrations), skipped)
        finally:
            if not connection.closed:
                connection.rollback()  # psycopg would commit at the end of the connection's block


def _apply_all(
    connection: Connection[TupleRow],
    migrations: Sequence[Migration],
    on_applied: OnApplied = lambda migration: None,
) -> tuple[Skipped, ...]:
    skipped: list[Skipped] = []
    for number, migration in enumerate(migrations):
        connection.execute(RESET)
        try:
            if migration.is_transactional:
                _retried(connection, migration, migration.run_text)
            else:
                skipped += _by_statement(connection, migration)
        except MigrationFailed as error:
            error.earlier = number
            raise
        on_applied(migration)
    connection.execute(RESET)
    return tuple(skipped)


def _by_statement(connection: Connection[TupleRow], migration: Migration) -> Iterator[Skipped]:
    for statement in migration.statements:
        if migration.is_as_written and statement.words[:1] and statement.words[0] in _CONTROL:
            continue
        try:
            _retried(connection, migration, statement.text, statement.start)
        except MigrationFailed as error:
            if error.sqlstate not in _NOT_IN_A_TRANSACTION:
                raise
            if "concurrently" in statement.words:
                _retried(connection, migration, _without_concurrently(statement.text), statement.start)
            else:
                yield Skipped(migration, statement)


def _without_concurrently(text: str) -> str:
    return "".join(token.text for token in tokens(text) if token.text.lower() != "concurrently")


def _retried(connection: Connection[TupleRow], migration: Migration, text: str, offset: int = 0) -> None:
    """Run the text; retry where only the single transaction or the shared cluster is in its way."""
    for _ in range(_MOST_RETRIES):
        connection.execute("savepoint signet_text")
        try:
            run_text(connection, text)
        except StatementRefused as refused:
            connection.execute("rollback to savepoint signet_text; release savepoint signet_text")
            if not _made_way(connection, refused):
                raise explain(migration, refused, offset=offset) from refused.error
        else:
            connection.execute("release savepoint signet_text")
            return
    raise AssertionError(f"{migration.path.name} names more than {_MOST_RETRIES} roles that exist")


def _made_way(connection: Connection[TupleRow], refused: StatementRefused) -> bool:
    """Rename a role that another database of the cluster already has, or run what earlier files deferred."""
    if refused.error.sqlstate == _PENDING_EVENTS:
        connection.execute("set constraints all immediate")
        return True
    taken = _TAKEN_ROLE.search(refused.error.diag.message_primary or "")
    if refused.error.sqlstate != _DUPLICATE_OBJECT or taken is None:
        return False
    rename = sql.SQL("alter role {} rename to {}")
    hidden = sql.Identifier(f"signet_hidden_{secrets.token_hex(4)}")
    connection.execute(rename.format(sql.Identifier(taken[1]), hidden))
    return True
