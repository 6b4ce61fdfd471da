"""A database to attack: two people, a note of each, and tables, views and functions made well and badly."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg
from psycopg import Connection, sql
from psycopg.rows import TupleRow

from signet_db import runner
from signet_db.testing import claims_of, new_session, new_user
from signet_stack.postgres.cluster import Cluster
from tests.database.paths import MIGRATIONS

FIXTURE = Path(__file__).with_name("attacks.sql")


@dataclass(frozen=True)
class Place:
    """A database with two people and a note of each."""

    cluster: Cluster
    name: str
    ids: dict[str, UUID]
    login: Connection[TupleRow]  # of the data API's role, as a pool would hand it out

    @contextmanager
    def request(self, claims: dict[str, object] | None, role: str) -> Iterator[Connection[TupleRow]]:
        """Begin a transaction as the data API does, with role and claims; roll it back."""
        self.login.execute(
            "select set_config('role', %s, true), set_config('request.jwt.claims', %s, true)",
            (role, json.dumps(claims) if claims is not None else ""),
        )
        try:
            yield self.login
        finally:
            self.login.rollback()

    def claims(self, who: str) -> dict[str, object]:
        """Return the claims of this person's access token."""
        return claims_of(self.ids[who], self.ids[f"{who}_session"])


@contextmanager
def make_place(cluster: Cluster, name: str) -> Iterator[Place]:
    """Make the tables of attacks.sql beside our own in a fresh database, with Alice and Bob in it."""
    target = cluster.dsn("postgres", name)
    runner.upgrade(target, MIGRATIONS)
    ids: dict[str, Any] = {}
    with psycopg.connect(target) as connection:
        # Hosted projects let PUBLIC make temporary tables; in this one that right was taken away.
        connection.execute(
            sql.SQL("revoke temporary on database {} from public").format(sql.Identifier(name))
        )
        connection.execute(FIXTURE.read_bytes())
        for who in ("alice", "bob"):
            ids[who] = new_user(connection)
            ids[f"{who}_session"] = new_session(connection, ids[who])
            query = "insert into public.attacked_notes (user_id, title) values (%s, %s) returning id"
            row = connection.execute(query, (ids[who], f"{who}'s secret 42")).fetchone()
            assert row is not None
            ids[f"{who}_note"] = row[0]
            connection.execute("insert into public.profiles (user_id) values (%s)", (ids[who],))
        connection.execute("refresh materialized view public.attacked_notes_copy")
    with psycopg.connect(cluster.dsn("authenticator", name)) as login:
        yield Place(cluster, name, ids, login)


def outcome_of(connection: Connection[TupleRow], statement: str, params: dict[str, Any]) -> int | str:
    """Return how many rows the statement reaches, or the SQLSTATE of its refusal."""
    try:
        return connection.execute(statement.encode(), params).rowcount
    except psycopg.Error as error:
        return error.sqlstate or "no SQLSTATE"
