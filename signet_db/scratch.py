"""Scratch databases: made from a template, used to examine migrations or by a test, then dropped.

A test's database is a copy of a template that has the migrations already, so a new one takes milliseconds.
"""

from __future__ import annotations

import hashlib
import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

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
        _create(connection, sql.Identifier(name), connection_string, BLANK)
        try:
            yield conninfo.make_conninfo(connection_string, dbname=name)
        finally:
            drop_database(connection, name)


def migrated_template(connection_string: str, folder: Path | None) -> str:
    """Return the name of a template that has a folder's migrations, created on first use.

    Its name contains a digest of the files, so a changed file leads to a new template. Processes that ask at
    the same time wait for the first one. Without a folder it is the blank template. Raises MigrationError.
    """
    if folder is None:
        return BLANK
    from signet_db import runner  # the runner imports much that the lint's scratch databases do not need

    name = f"signet_template_{_digest(folder)}"
    with connected(connection_string, "template") as connection:
        connection.execute("select pg_advisory_lock(hashtext(%s))", (name,))
        ready = "select from pg_database where datname = %s and datistemplate"
        if not connection.execute(ready, (name,)).rowcount:
            drop_database(connection, name)  # of a run that was killed
            _create(connection, sql.Identifier(name), connection_string, BLANK)
            runner.upgrade(conninfo.make_conninfo(connection_string, dbname=name), folder)
            connection.execute(sql.SQL("alter database {} is_template true").format(sql.Identifier(name)))
    return name


def create_database(connection_string: str, template: str) -> str:
    """Create a database from a template and return its connection string."""
    name = f"signet_scratch_{secrets.token_hex(6)}"
    with connected(connection_string, "scratch") as connection:
        _create(connection, sql.Identifier(name), connection_string, template)
    return conninfo.make_conninfo(connection_string, dbname=name)


def drop_by_url(connection_string: str, url: str) -> None:
    """Drop the database that ``create_database`` has returned."""
    with connected(connection_string, "scratch") as connection:
        drop_database(connection, str(conninfo.conninfo_to_dict(url)["dbname"]))


def _digest(folder: Path) -> str:
    digest = hashlib.sha256()
    for path in sorted(folder.glob("*.sql")):
        digest.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()[:16]


def drop_database(connection: Connection[TupleRow], name: str) -> None:
    """Drop a database after its last session has ended: the server sleeps 0.1 s while one is still ending."""
    for _ in range(_PAUSES):
        if not connection.execute("select from pg_stat_activity where datname = %s", (name,)).rowcount:
            break
        time.sleep(_PAUSE_SECONDS)
    connection.execute(sql.SQL("drop database if exists {} with (force)").format(sql.Identifier(name)))


def _create(
    connection: Connection[TupleRow], name: sql.Identifier, connection_string: str, template: str
) -> None:
    query = sql.SQL("create database {} template {} strategy file_copy")
    try:
        connection.execute(query.format(name, sql.Identifier(template)))
    except (errors.InvalidCatalogName, errors.InsufficientPrivilege) as error:
        raise NoTemplate(
            f"{named(connection_string)} has no template “{template}” to make a scratch database from.",
            hint="Only the local stack has one; if yours is older:  flask local reset   To lint this"
            " database as it is:  flask db lint --database-url URL",
        ) from error
