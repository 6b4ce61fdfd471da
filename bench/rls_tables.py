"""The tables and roles that bench/rls.py measures: one table, four sets of rules, with and without index.

The policies are those of the migration that makes ``profiles``, read from its file, so that what is measured
is what is shipped. A role that passes policies stands for a table without row-level security.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

import psycopg
from psycopg import Connection, sql
from psycopg.rows import TupleRow

from signet_db.files import Migration
from signet_db.testing import claims_of

MIGRATION = Path(__file__).resolve().parents[1] / "migrations" / "20261125000100_create_profiles.sql"
LIVE = "Only while the session lives"
OPEN, OURS, WITHOUT_LIVE, BARE = "service_role", "authenticated", "bench_without_live", "bench_bare"
ROLES = (OPEN, OURS, WITHOUT_LIVE, BARE)


@dataclass(frozen=True)
class Table:
    """A table of so many rows, one of them of the person who asks."""

    rows: int
    has_index: bool

    @property
    def name(self) -> str:
        return f"{'rows' if self.has_index else 'plain'}_{self.rows}"


def make_roles(connection: Connection[TupleRow]) -> None:
    """Make the roles whose policies differ from ours."""
    for role in (WITHOUT_LIVE, BARE):
        connection.execute(sql.SQL("create role {} nologin").format(sql.Identifier(role)))
        connection.execute(sql.SQL("grant usage on schema auth, public to {}").format(sql.Identifier(role)))
        connection.execute(sql.SQL("grant {} to current_user").format(sql.Identifier(role)))


def make_table(connection: Connection[TupleRow], table: Table, me: UUID) -> None:
    """Make and fill a table like ``profiles``, without what costs apart: foreign key and trigger."""
    named = sql.Identifier("public", table.name)
    everything = sql.SQL("including all" if table.has_index else "including defaults including constraints")
    connection.execute(sql.SQL("create table {} (like public.profiles {})").format(named, everything))
    fill = sql.SQL("insert into {} (user_id) select gen_random_uuid() from generate_series(2, {})")
    connection.execute(fill.format(named, sql.Literal(table.rows)))
    connection.execute(sql.SQL("insert into {} (user_id) values (%s)").format(named), (me,))
    for statement in policies(table.name):
        connection.execute(statement.encode())
    for role in ROLES:
        grant = sql.SQL("grant select, insert, update, delete on {} to {}")
        connection.execute(grant.format(named, sql.Identifier(role)))
    connection.execute(sql.SQL("vacuum analyze {}").format(named))


def make_open_copy(connection: Connection[TupleRow], table: Table) -> None:
    """Make the same table without row-level security, for the data API."""
    copy, original = sql.Identifier("public", f"open_{table.name}"), sql.Identifier("public", table.name)
    connection.execute(sql.SQL("create table {} (like {} including all)").format(copy, original))
    connection.execute(sql.SQL("insert into {} select * from {}").format(copy, original))
    connection.execute(sql.SQL("grant select on {} to {}").format(copy, sql.Identifier(OURS)))
    connection.execute(sql.SQL("vacuum analyze {}").format(copy))


def policies(table: str) -> list[str]:
    """Return the migration's policies for this table: as they are, without the live session, and bare."""
    guards, found = [], []
    for statement in Migration.read(MIGRATION).statements:
        text = statement.text[statement.first - statement.start :].replace(
            "public.profiles", f"public.{table}"
        )
        if statement.words[:2] == ("create", "policy"):
            found.append(text)
        elif "row" in statement.words and "security" in statement.words:
            guards.append(text)
    permissive = [text for text in found if LIVE not in text]
    return [
        *guards,
        *found,
        *(_for_role(text, WITHOUT_LIVE) for text in permissive),
        *(_for_role(text, BARE).replace("(select auth.uid())", "auth.uid()") for text in permissive),
    ]


def _for_role(policy: str, role: str) -> str:
    return policy.replace('policy "', f'policy "{role}: ').replace("to authenticated", f"to {role}")


def connect_as(database_url: str, role: str, me: UUID, session: UUID) -> Connection[TupleRow]:
    """Return a held connection with this role and the person's claims, which prepares what it runs."""
    connection = psycopg.connect(database_url, autocommit=True)
    connection.prepare_threshold = 0
    claims = json.dumps(claims_of(me, session))
    connection.execute("select set_config('request.jwt.claims', %s, false)", (claims,))
    connection.execute(sql.SQL("set role {}").format(sql.Identifier(role)))
    return connection
