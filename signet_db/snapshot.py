"""What the database holds, kept after each upgrade, so that changes made by other ways come to light.

Somebody turns row-level security off in a dashboard, drops a policy by hand, grants a right for a test: no
file says so. The record lies beside the history and is compared object by object.
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


@dataclass(frozen=True, slots=True)
class Kept:
    """The catalogue as it was when this version was the newest."""

    version: str
    objects: Mapping[str, str]
    kept_at: datetime


@dataclass(frozen=True, slots=True)
class Difference:
    """An object that is not what it was; None where it was not there, or is not any more."""

    object: str
    before: str | None
    now: str | None


def look(connection: Connection[Any]) -> dict[str, str]:
    """Return every object of the user's schemas with its definition."""
    query = Path(__file__).with_suffix(".sql").read_bytes()
    with connection.transaction():
        schemas = user_schemas(connection)
        # So that PostgreSQL prints every name with its schema.
        connection.execute("set local search_path = ''")
        rows = connection.execute(query, {"schemas": schemas}).fetchall()
        connection.execute("set local search_path = default")
    return {str(title): str(definition) for title, definition in rows}


def keep(connection: Connection[Any]) -> None:
    """Keep the catalogue as it is now."""
    history.ensure(connection)
    connection.execute(
        """
        insert into supabase_migrations.signet_catalogue (version, objects)
        select max(version collate "C"), %(objects)s from supabase_migrations.schema_migrations
        having count(*) > 0
        on conflict (is_only) do update
        set version = excluded.version, objects = excluded.objects, kept_at = excluded.kept_at
        """,
        {"objects": Jsonb(look(connection))},
    )


def kept(connection: Connection[Any]) -> Kept | None:
    """Return the catalogue as it was kept last; None when it never was."""
    if not history.exists(connection, "signet_catalogue"):
        return None
    query = "select version, objects, kept_at from supabase_migrations.signet_catalogue"
    row = connection.execute(query).fetchone()
    return Kept(*row) if row else None


def differences(before: Mapping[str, str], now: Mapping[str, str]) -> tuple[Difference, ...]:
    """Return the objects that differ, by name."""
    found = (
        Difference(title, before.get(title), now.get(title))
        for title in sorted(before.keys() | now.keys())
        if before.get(title) != now.get(title)
    )
    return tuple(one for one in found if not _goes_without_saying(one))


def _goes_without_saying(one: Difference) -> bool:
    """Whether it is about the grants of an object that is itself new or gone."""
    return None in (one.before, one.now) and one.object.startswith(
        ("grants on relation", "grants on function")
    )
