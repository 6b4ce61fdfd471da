"""Fill a new cluster: roles, schemas and the services' tables, from ``sql/*.sql``.

Everything happens in one transaction as the superuser, so a cluster is either empty or complete, and a start
that was killed in between simply begins again. Which files a cluster has seen is written in the cluster. A
copy of the database without migrations is kept as a template, for tools that apply them somewhere harmless.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from pathlib import Path

import psycopg
from psycopg import sql

from signet_stack.postgres.cluster import LOGIN_ROLES, SUPERUSER, Cluster

BLANK = "signet_blank"
FOLDER = Path(__file__).parents[1] / "sql"
SCRAM_ITERATIONS_SINCE = 16_00_00
CREATE_HISTORY = """
    create schema if not exists bootstrap;
    create table if not exists bootstrap.files (name text primary key, sha256 text not null)
"""


def bootstrap(cluster: Cluster, warn: Callable[[str], None]) -> None:
    """Make a running cluster complete; when it does not know our passwords, restart it with them.

    That happens when stack.json was lost or comes from elsewhere: the folder is ours, so its rows are too.
    """
    try:
        apply_files(cluster, warn)
    except psycopg.OperationalError as error:
        if "password authentication failed" not in str(error):
            raise
        cluster.stop()
        cluster.set_superuser_password()
        cluster.start()
        apply_files(cluster, warn)
        with psycopg.connect(cluster.dsn(SUPERUSER)) as connection:
            set_passwords(connection, cluster)


def apply_files(cluster: Cluster, warn: Callable[[str], None]) -> None:
    """Run the files that this cluster has not seen; a new cluster gets its passwords too.

    A file that was changed after it ran is not run again; ``warn`` hears of it.
    """
    with psycopg.connect(cluster.dsn(SUPERUSER)) as connection:
        connection.execute(CREATE_HISTORY)
        rows = connection.execute("select name, sha256 from bootstrap.files").fetchall()
        seen: dict[str, str] = dict(rows)
        if changed := _run_new(connection, seen):
            warn(
                f"this cluster was made by another version: {', '.join(changed)} changed since and is not"
                " run again. Next: flask local reset (deletes its people, rows, mails and signing keys)"
            )
        if not seen:
            set_passwords(connection, cluster)
    if not seen:
        keep_blank(cluster)


def _run_new(connection: psycopg.Connection, seen: Mapping[str, str]) -> list[str]:
    """Run what is new, and return the names of files that ran with another content."""
    changed = []
    for path in sorted(FOLDER.glob("*.sql")):
        content = path.read_bytes()
        digest = hashlib.sha256(content).hexdigest()
        if path.name not in seen:
            connection.execute(content)
            connection.execute("insert into bootstrap.files values (%s, %s)", (path.name, digest))
        elif seen[path.name] != digest:
            changed.append(path.name)
    return changed


def keep_blank(cluster: Cluster) -> None:
    """Copy the database as it is now; role postgres may clone the copy, and nobody can connect to it."""
    with psycopg.connect(cluster.dsn(SUPERUSER, "template1"), autocommit=True) as connection:
        connection.execute(
            sql.SQL(
                "create database {} template postgres strategy file_copy owner postgres"
                " is_template true allow_connections false"
            ).format(sql.Identifier(BLANK))
        )


def set_passwords(connection: psycopg.Connection, cluster: Cluster) -> None:
    """Give each login role the password that the cluster object holds.

    It is random, so a slow digest guards nothing, and every connection would pay for it: milliseconds each.
    """
    if connection.info.server_version >= SCRAM_ITERATIONS_SINCE:
        connection.execute("set local scram_iterations = 1")
    for role in LOGIN_ROLES:
        statement = sql.SQL("alter role {} password {}")
        connection.execute(statement.format(sql.Identifier(role), sql.Literal(cluster.passwords[role])))
