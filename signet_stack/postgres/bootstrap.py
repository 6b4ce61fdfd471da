"""Fill a new cluster: roles, schemas and the services' tables, from ``sql/*.sql``.

Everything happens in one transaction as the superuser, so a cluster is either empty or complete, and a start
that was killed in between runs them again. Which files a cluster has seen is written in the cluster. A
copy of the database without migrations is kept as a template, for tools that apply them somewhere harmless.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from pathlib import Path

import psycopg
from psycopg import sql
from psycopg.rows import TupleRow

from signet_stack.errors import PostgresError, stack_command
from signet_stack.options import DefaultPrivileges
from signet_stack.postgres.cluster import LOGIN_ROLES, SUPERUSER, Cluster
from signet_stack.postgres.extensions import publish

Connection = psycopg.Connection[TupleRow]

BLANK = "signet_blank"
FOLDER = Path(__file__).parents[1] / "sql"
SCRAM_ITERATIONS_SINCE = 16_00_00
COST = "deletes people, rows, mails and signing keys"
CHOSEN = "default_privileges"  # the row that holds which ones, instead of a digest
REMEMBER = """
    insert into bootstrap.files values (%s, %s) on conflict (name) do update set sha256 = excluded.sha256
"""
CREATE_HISTORY = """
    create schema if not exists bootstrap;
    create table if not exists bootstrap.files (name text primary key, sha256 text not null)
"""


def bootstrap(
    cluster: Cluster, warn: Callable[[str], None], default_privileges: DefaultPrivileges = "current"
) -> None:
    """Make a running cluster complete; when it does not know our passwords, restart it with them.

    That happens when stack.json was lost or comes from elsewhere: the folder is ours, so its rows are too.
    ``default_privileges`` are those of hosted projects made since 2026-05-30 (current) or before
    (legacy), for objects made from now on.
    """
    try:
        apply_files(cluster, warn, default_privileges)
    except psycopg.OperationalError as error:
        if "password authentication failed" not in str(error):
            raise
        cluster.stop()
        cluster.set_superuser_password()
        cluster.start()
        apply_files(cluster, warn, default_privileges)
        with psycopg.connect(cluster.dsn(SUPERUSER)) as connection:
            set_passwords(connection, cluster)


def apply_files(
    cluster: Cluster, warn: Callable[[str], None], default_privileges: DefaultPrivileges = "current"
) -> None:
    """Run the files that this cluster has not seen; a new cluster gets its passwords too.

    A file that was changed after it ran is not run again; ``warn`` gets the names. Raises PostgresError when
    a new file cannot run on what such an older version made.
    """
    with psycopg.connect(cluster.dsn(SUPERUSER)) as connection:
        _publish_extensions(connection, cluster, warn)
        connection.execute(CREATE_HISTORY)
        rows = connection.execute("select name, sha256 from bootstrap.files").fetchall()
        seen: dict[str, str] = dict(rows)
        changed = _changed(seen)
        if changed:
            warn(
                f"this cluster was made by another version: {', '.join(changed)} changed since and is not run"
                f" again. Next: {stack_command()} reset ({COST})"
            )
        try:
            _run_new(connection, seen)
        except psycopg.Error as error:
            if not changed:
                raise
            raise PostgresError(
                f"An older version made this cluster, and it cannot be completed: {error}."
                " Nothing was changed.",
                f"{stack_command()} reset ({COST})",
            ) from error
        if seen.get(CHOSEN) != default_privileges:
            if seen:
                _set_default_privileges_of_blank(connection, cluster, default_privileges)
            set_default_privileges(connection, default_privileges)
            connection.execute(REMEMBER, (CHOSEN, default_privileges))
        if not seen:
            set_passwords(connection, cluster)
    if not seen:
        keep_blank(cluster)


def _publish_extensions(connection: Connection, cluster: Cluster, warn: Callable[[str], None]) -> None:
    """Write the folder of extensions for the PostgreSQL that runs."""
    row = connection.execute(
        "select setting, current_setting('extension_control_path', true) from pg_config"
        " where name = 'SHAREDIR'"
    ).fetchone()
    share, control_path = row or ("", None)
    if control_path and str(cluster.extensions_dir) in control_path:
        publish(cluster.extensions_dir, Path(share))
    else:
        warn(
            f"PostgreSQL {cluster.binaries.version} cannot read {cluster.extensions_dir} (it needs version"
            " 18, and a path without a colon): only its own extensions can be created"
        )


def _files() -> list[Path]:
    return sorted(FOLDER.glob("*.sql"))


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _changed(seen: Mapping[str, str]) -> list[str]:
    """Return the names of files that ran with another content."""
    return [path.name for path in _files() if seen.get(path.name, _digest(path)) != _digest(path)]


def _run_new(connection: Connection, seen: Mapping[str, str]) -> None:
    for path in _files():
        if path.name not in seen:
            connection.execute(path.read_bytes())
            connection.execute("insert into bootstrap.files values (%s, %s)", (path.name, _digest(path)))


def set_default_privileges(connection: Connection, chosen: DefaultPrivileges) -> None:
    """Let role postgres' new objects in public have the privileges of hosted projects of that age."""
    connection.execute((FOLDER / "default_privileges" / f"{chosen}.sql").read_bytes())


def _set_default_privileges_of_blank(
    connection: Connection, cluster: Cluster, chosen: DefaultPrivileges
) -> None:
    """Do the same in the template, if there is one; it refuses connections at all other times."""
    if not connection.execute("select from pg_database where datname = %s", (BLANK,)).rowcount:
        return
    allow = sql.SQL("alter database {} allow_connections {}")
    with psycopg.connect(cluster.dsn(SUPERUSER), autocommit=True) as own:
        own.execute(allow.format(sql.Identifier(BLANK), sql.SQL("true")))
        try:
            with psycopg.connect(cluster.dsn(SUPERUSER, BLANK)) as blank:
                set_default_privileges(blank, chosen)
        finally:
            own.execute(allow.format(sql.Identifier(BLANK), sql.SQL("false")))


def keep_blank(cluster: Cluster) -> None:
    """Copy the database as it is now; role postgres may clone the copy, and no role can connect to it."""
    with psycopg.connect(cluster.dsn(SUPERUSER, "template1"), autocommit=True) as connection:
        connection.execute(
            sql.SQL(
                "create database {} template postgres strategy file_copy owner postgres"
                " is_template true allow_connections false"
            ).format(sql.Identifier(BLANK))
        )


def set_passwords(connection: Connection, cluster: Cluster) -> None:
    """Give each login role the password that the cluster object holds.

    It is random, so a slow digest guards nothing, and every connection would pay for it: milliseconds each.
    """
    if connection.info.server_version >= SCRAM_ITERATIONS_SINCE:
        connection.execute("set local scram_iterations = 1")
    for role in LOGIN_ROLES:
        statement = sql.SQL("alter role {} password {}")
        connection.execute(statement.format(sql.Identifier(role), sql.Literal(cluster.passwords[role])))
