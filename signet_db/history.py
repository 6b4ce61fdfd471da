"""History of applied migrations: the CLI's table, and tables of ours with checksums, times and a snapshot.

Rows of ``schema_migrations`` are byte for byte what Supabase's CLI writes, so both tools agree about what is
applied. There is no foreign key between the tables, because the CLI truncates its own.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from psycopg import Connection, sql
from psycopg.rows import TupleRow
from psycopg.types.json import Jsonb

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
    """An applied migration; checksum and time are unknown when another tool applied it.

    ``statements`` is None where the table has none, or where they were not read because the checksum fits.
    """

    version: str
    name: str | None
    statements: tuple[str, ...] | None
    checksum: str | None
    applied_at: datetime | None


def ensure(connection: Connection[TupleRow]) -> None:
    """Create the tables, or the columns, that are missing."""
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
            # No "already exists, skipping" for our own tables.
            connection.execute("set local lock_timeout = '4s'; set local client_min_messages = warning")
            connection.execute(_CREATE)
            connection.execute("set local client_min_messages = default")


def read(connection: Connection[TupleRow], migrations: Sequence[Migration] = ()) -> tuple[Record, ...]:
    """Return the applied migrations in order; none when there is no history yet.

    Statements of files whose recorded checksum is that of ``migrations`` are not read.
    """
    columns = _columns(connection, "schema_migrations")
    if not columns:
        return ()
    # A table made by an older CLI lacks the later columns; one of another tool's run lacks signet_files.
    query = sql.SQL(
        """
        select
            h.version, {name},
            case when f.checksum is distinct from %(known)s ->> h.version then {statements} end,
            f.checksum, f.applied_at
        from supabase_migrations.schema_migrations h left join {files} f using (version)
        order by h.version collate "C"
        """
    ).format(
        name=sql.SQL("h.name" if "name" in columns else "null"),
        statements=sql.SQL("h.statements" if "statements" in columns else "null::text[]"),
        files=sql.SQL(
            "supabase_migrations.signet_files" if _columns(connection, "signet_files") else _NO_FILES
        ),
    )
    known = Jsonb({migration.version: migration.checksum for migration in migrations})
    return tuple(
        Record(version, name, None if statements is None else tuple(statements), checksum, applied_at)
        for version, name, statements, checksum, applied_at in connection.execute(query, {"known": known})
    )


_NO_FILES = "(select null::text as version, null::text as checksum, null::timestamptz as applied_at)"


def record(connection: Connection[TupleRow], migration: Migration) -> None:
    """Write the row of an applied or corrected file; the caller's transaction decides if it stays.

    The login role writes it, whatever role and settings the file has left. The data API is notified.
    """
    connection.execute("reset session authorization; reset role; reset all; notify pgrst, 'reload schema'")
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
    return bool(_columns(connection, table))


def _columns(connection: Connection[TupleRow], table: str) -> set[str]:
    rows = connection.execute(
        """
        select attname from pg_attribute
        where attrelid = to_regclass(%s) and attnum > 0 and not attisdropped
        """,
        (f"supabase_migrations.{table}",),
    )
    return {str(name) for (name,) in rows}
