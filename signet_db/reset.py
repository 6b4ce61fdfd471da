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

from signet_db import runner
from signet_db.connection_string import named, names_another_machine
from signet_db.errors import MigrationError
from signet_db.events import Applied, OnEvent, Waiting
from signet_db.files import find
from signet_db.lock import locked
from signet_db.refusals import check
from signet_db.schemas import user_schemas
from signet_db.target import connected, is_on_loopback


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
