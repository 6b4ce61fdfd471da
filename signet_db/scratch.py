"""Scratch databases: made from a template, used to examine what migrations make, then dropped."""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager

from psycopg import Connection, conninfo, errors, sql
from psycopg.rows import TupleRow

from signet_db.errors import MigrationError
from signet_db.target import connected, named

# A template that the local stack keeps: roles and schema auth, no migrations.
BLANK = "signet_blank"
_PAUSES, _PAUSE_SECONDS = 50, 0.001


class NoTemplate(MigrationError):
    """Raised when the server has no template for scratch databases, or keeps it from this role."""


@contextmanager
def scratch_database(connection_string: str) -> Iterator[str]:
    """Create a database from the template for the block; return its connection string or raise NoTemplate."""
    name = f"signet_scratch_{secrets.token_hex(6)}"
    with connected(connection_string, "scratch") as connection:
        _create(connection, sql.Identifier(name), connection_string)
        try:
            yield conninfo.make_conninfo(connection_string, dbname=name)
        finally:
            drop_database(connection, name)


def drop_database(connection: Connection[TupleRow], name: str) -> None:
    """Drop a database after its last session has ended: the server sleeps 0.1 s while one is still ending."""
    for _ in range(_PAUSES):
        if not connection.execute("select from pg_stat_activity where datname = %s", (name,)).rowcount:
            break
        time.sleep(_PAUSE_SECONDS)
    connection.execute(sql.SQL("drop database if exists {} with (force)").format(sql.Identifier(name)))


def _create(connection: Connection[TupleRow], name: sql.Identifier, connection_string: str) -> None:
    query = sql.SQL("create database {} template {} strategy file_copy").format(name, sql.Identifier(BLANK))
    try:
        connection.execute(query)
    except (errors.InvalidCatalogName, errors.InsufficientPrivilege) as error:
        raise NoTemplate(
            f"{named(connection_string)} has no template “{BLANK}” to make a scratch database from.",
            hint="Only the local stack has one; if yours is older:  flask local reset   To lint this"
            " database as it is:  flask db lint --database-url URL",
        ) from error
