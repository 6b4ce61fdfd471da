"""The record of applied migrations: Supabase's table, and beside it one of ours with checksums and times.

Supabase's own columns stay as its CLI writes them, so that both tools agree about what is applied. No foreign
key ties the tables together, because the CLI truncates its own.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from psycopg import Connection
from psycopg.rows import TupleRow

from signet_db.files import Migration

# In this order: a table made by an older CLI lacks the later columns.
_CREATE = """
    create schema if not exists supabase_migrations;
    create table if not exists supabase_migrations.schema_migrations (version text not null primary key);
    alter table supabase_migrations.schema_migrations add column if not exists statements text[];
    alter table supabase_migrations.schema_migrations add column if not exists name text;
    create table if not exists supabase_migrations.signet_files (
        version text not null primary key,
        checksum text not null,
        applied_at timestamptz not null default clock_timestamp()
    );
    comment on table supabase_migrations.signet_files is
        'SHA-256 of each applied migration file and when it was applied; kept by flask db';
    create table if not exists supabase_migrations.signet_catalogue (
        is_only boolean primary key default true check (is_only),
        version text not null,
        objects jsonb not null,
        kept_at timestamptz not null default clock_timestamp()
    );
    comment on table supabase_migrations.signet_catalogue is
        'What the database held after the last upgrade, for flask db verify';
"""
_INSERT = """
    with recorded as (
        insert into supabase_migrations.schema_migrations (version, name, statements)
        values (%(version)s, %(name)s, %(statements)s)
        on conflict (version) do update set name = excluded.name, statements = excluded.statements
    )
    insert into supabase_migrations.signet_files (version, checksum)
    values (%(version)s, %(checksum)s)
    on conflict (version) do update set checksum = excluded.checksum, applied_at = excluded.applied_at
"""


@dataclass(frozen=True, slots=True)
class Record:
    """An applied migration; checksum and time are unknown when another tool applied it."""

    version: str
    name: str | None
    statements: tuple[str, ...] | None
    checksum: str | None
    applied_at: datetime | None


def ensure(connection: Connection[TupleRow]) -> None:
    """Make the tables where they are missing."""
    present = connection.execute(
        """
        select count(*) = 9 from pg_attribute a
        where (a.attrelid = to_regclass('supabase_migrations.schema_migrations')
               and a.attname in ('version', 'statements', 'name'))
           or (a.attrelid = to_regclass('supabase_migrations.signet_files')
               and a.attname in ('version', 'checksum', 'applied_at'))
           or (a.attrelid = to_regclass('supabase_migrations.signet_catalogue')
               and a.attname in ('version', 'objects', 'kept_at'))
        """
    ).fetchone()
    if present != (True,):
        with connection.transaction():
            connection.execute("set local lock_timeout = '4s'")
            connection.execute(_CREATE)


def read(connection: Connection[TupleRow]) -> tuple[Record, ...]:
    """Return the applied migrations in order; none when there is no history yet."""
    if not exists(connection, "schema_migrations"):
        return ()
    files: dict[str, tuple[str, datetime]] = {}
    if exists(connection, "signet_files"):
        query = "select version, checksum, applied_at from supabase_migrations.signet_files"
        files = {version: (checksum, at) for version, checksum, at in connection.execute(query)}
    # As JSON, because a table made by an older CLI lacks columns.
    rows = connection.execute(
        """
        select version, to_jsonb(h) ->> 'name', to_jsonb(h) -> 'statements'
        from supabase_migrations.schema_migrations h order by version collate "C"
        """
    ).fetchall()
    return tuple(
        Record(
            version,
            name,
            None if statements is None else tuple(statements),
            *files.get(version, (None, None)),
        )
        for version, name, statements in rows
    )


def record(connection: Connection[TupleRow], migration: Migration) -> None:
    """Write that a migration is applied, or what it says now; the caller's transaction decides if it stays.

    It is written by the login role, whatever role the file has set, and the data API is told of the change.
    """
    connection.execute("reset session authorization; reset role; notify pgrst, 'reload schema'")
    connection.execute(
        _INSERT,
        {
            "version": migration.version,
            "name": migration.name,
            "statements": migration.recorded,
            "checksum": migration.checksum,
        },
    )


def forget(connection: Connection[TupleRow], version: str) -> None:
    """Remove a version from the history."""
    connection.execute("delete from supabase_migrations.schema_migrations where version = %s", (version,))
    connection.execute("delete from supabase_migrations.signet_files where version = %s", (version,))


def exists(connection: Connection[TupleRow], table: str) -> bool:
    """Whether one of the tables is there."""
    row = connection.execute(
        "select to_regclass(%s) is not null", (f"supabase_migrations.{table}",)
    ).fetchone()
    return row == (True,)
