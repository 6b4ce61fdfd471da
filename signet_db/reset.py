"""Begin anew: drop everything that migrations made, then apply them again. On this machine only.

Accounts are Auth's, not the migrations': they and the signing keys stay, and with them everybody's sessions.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from psycopg import Connection, sql
from psycopg.rows import TupleRow

from signet_db import history, runner
from signet_db.comparison import State, compare, find_entry
from signet_db.errors import HistoryConflict, MigrationError
from signet_db.files import check, find
from signet_db.runner import Applied, OnEvent, Waiting
from signet_db.schemas import user_schemas
from signet_db.target import OnWait, connected, is_on_loopback, locked, named, names_another_machine


@dataclass(frozen=True, slots=True)
class Loss:
    """A table that a reset drops, and how many rows go with it."""

    table: str
    rows: int


def losses(connection_string: str) -> tuple[Loss, ...]:
    """Return what a reset would take away; raises MigrationError where a reset is not allowed."""
    with _connected_here(connection_string) as connection:
        tables = connection.execute(
            "select schemaname, tablename from pg_tables where schemaname = any (%s) order by 1, 2",
            (user_schemas(connection),),
        ).fetchall()
        return tuple(Loss(f"{schema}.{table}", _count(connection, schema, table)) for schema, table in tables)


def reset(connection_string: str, folder: Path, on_event: OnEvent) -> tuple[Applied, ...]:
    """Drop everything in one transaction, then upgrade; raises MigrationError."""
    for migration in find(folder):  # before anything is dropped, know that there is something to build from
        check(migration)
    with (
        _connected_here(connection_string) as connection,
        locked(connection, lambda holder: on_event(Waiting(holder))),
        connection.transaction(),
    ):
        connection.execute("set local lock_timeout = '4s'")
        _drop_everything(connection)
    return runner.upgrade(connection_string, folder, on_event)


@contextmanager
def _connected_here(connection_string: str) -> Iterator[Connection[TupleRow]]:
    """Connect to a database of this machine; raises MigrationError for any other, if possible unasked."""
    if names_another_machine(connection_string):
        raise _elsewhere(connection_string)
    with connected(connection_string, "db reset") as connection:
        if not is_on_loopback(connection):
            raise _elsewhere(connection_string)
        yield connection


def _elsewhere(connection_string: str) -> MigrationError:
    return MigrationError(
        f"{named(connection_string)} is not on this machine: only a local database can be reset.",
        hint="Undo what is wrong with a new migration:  flask db new NAME",
    )


def _count(connection: Connection[TupleRow], schema: str, table: str) -> int:
    query = sql.SQL("select count(*) from {}").format(sql.Identifier(schema, table))
    row = connection.execute(query).fetchone()
    return int(row[0]) if row else 0


def _drop_everything(connection: Connection[TupleRow]) -> None:
    for schema in [*user_schemas(connection), "supabase_migrations"]:
        if schema == "public":
            _empty_public(connection)
        else:
            connection.execute(sql.SQL("drop schema if exists {} cascade").format(sql.Identifier(schema)))
    extensions = connection.execute(
        "select extname from pg_extension where pg_get_userbyid(extowner) = current_user"
    ).fetchall()
    for (name,) in extensions:
        connection.execute(sql.SQL("drop extension {} cascade").format(sql.Identifier(name)))
    connection.execute("notify pgrst, 'reload schema'")


def _empty_public(connection: Connection[TupleRow]) -> None:
    """Make schema public anew, with the owner and the grants that it had."""
    grants = connection.execute(
        """
        select n.nspowner::regrole::text, a.grantee::regrole::text, a.privilege_type
        from pg_namespace n, aclexplode(coalesce(n.nspacl, acldefault('n', n.nspowner))) a
        where n.nspname = 'public'
        """
    ).fetchall()
    connection.execute("drop schema public cascade")
    owners = {owner for owner, _, _ in grants}
    for owner in owners:
        connection.execute(sql.SQL("create schema public authorization {}").format(sql.SQL(owner)))
    for _, grantee, privilege in grants:
        role = sql.SQL("public" if grantee == "-" else grantee)
        connection.execute(sql.SQL("grant {} on schema public to {}").format(sql.SQL(privilege), role))


def mark_applied(connection_string: str, folder: Path, version: str, on_wait: OnWait) -> bool:
    """Record a file as applied, as it is now; return whether that changed anything. Raises MigrationError."""
    migrations = find(folder)
    with connected(connection_string, "db repair") as connection, locked(connection, on_wait):
        entry = find_entry(compare(migrations, history.read(connection)), version)
        if entry.migration is None:
            raise HistoryConflict(
                f"There is no file for {version}, so its statements cannot be recorded.",
                hint=f"Get the file back, or take the record away:  flask db repair {version} --reverted",
            )
        if entry.state is State.APPLIED:
            return False
        history.ensure(connection)
        with connection.transaction():
            history.record(connection, entry.migration)
        return True


def mark_reverted(connection_string: str, folder: Path, version: str, on_wait: OnWait) -> bool:
    """Take a version out of the history; return whether it was in it. Raises MigrationError."""
    migrations = find(folder)
    with connected(connection_string, "db repair") as connection, locked(connection, on_wait):
        entry = find_entry(compare(migrations, history.read(connection)), version)
        if entry.record is None:
            return False
        history.ensure(connection)
        with connection.transaction():
            history.forget(connection, version)
        return True
