"""Snapshot of the user's schemas: saved with each applied file, compared by ``verify`` to find drift.

Drift is a change without a migration: row-level security turned off in a dashboard, a policy dropped by hand,
a right granted for a test. The snapshot is stored beside the history and compared object by object.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from psycopg import Connection
from psycopg.types.json import Jsonb

from signet_db import history
from signet_db.schemas import user_schemas

_QUERY = Path(__file__).with_suffix(".sql").read_bytes()


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The objects as they were when this version was the newest."""

    version: str
    objects: Mapping[str, str]
    kept_at: datetime


@dataclass(frozen=True, slots=True)
class Difference:
    """A changed object; None where it is new, or gone."""

    object: str
    before: str | None
    now: str | None


def take(connection: Connection[Any]) -> dict[str, str]:
    """Return every object of the user's schemas with its definition."""
    with connection.transaction():
        schemas = user_schemas(connection)
        # So that PostgreSQL prints every name with its schema.
        connection.execute("set local search_path = ''")
        rows = connection.execute(_QUERY, {"schemas": schemas}).fetchall()
        connection.execute("set local search_path = default")
    return {str(title): str(definition) for title, definition in rows}


def save(connection: Connection[Any]) -> None:
    """Store the objects as they are now, for the newest version of the history."""
    connection.execute(
        """
        insert into supabase_migrations.signet_catalogue (version, objects)
        select max(version collate "C"), %(objects)s from supabase_migrations.schema_migrations
        having count(*) > 0
        on conflict (is_only) do update
        set version = excluded.version, objects = excluded.objects, kept_at = excluded.kept_at
        """,
        {"objects": Jsonb(take(connection))},
    )


def saved(connection: Connection[Any]) -> Snapshot | None:
    """Return the snapshot that was saved last; None without one."""
    if not history.exists(connection, "signet_catalogue"):
        return None
    query = "select version, objects, kept_at from supabase_migrations.signet_catalogue"
    row = connection.execute(query).fetchone()
    return Snapshot(*row) if row else None


def differences(before: Mapping[str, str], now: Mapping[str, str]) -> tuple[Difference, ...]:
    """Return the objects that differ, by name."""
    found = (
        Difference(title, before.get(title), now.get(title))
        for title in sorted(before.keys() | now.keys())
        if before.get(title) != now.get(title)
    )
    return tuple(one for one in found if not _is_implied(one))


def _is_implied(one: Difference) -> bool:
    """Whether it concerns the grants of an object that is itself new or gone."""
    return None in (one.before, one.now) and one.object.startswith(
        ("grants on relation", "grants on function")
    )
