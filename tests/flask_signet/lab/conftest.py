"""A database with our migrations and tables that decide in many ways, and two people with rows in each."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg
import pytest
from psycopg import Connection

from signet_db import runner
from signet_db.testing import new_user
from signet_stack.postgres.cluster import Cluster
from tests.conftest import ROOT, new_database

TABLES = Path(__file__).with_name("tables.sql")


@dataclass(frozen=True)
class Ground:
    """The owner's connection in an open transaction, and two people."""

    connection: Connection[Any]
    dsn: str
    alice: UUID
    bob: UUID


@pytest.fixture(scope="session")
def _lab_database(cluster: Cluster) -> Iterator[Ground]:
    with new_database(cluster) as name:
        dsn = cluster.dsn("postgres", name)
        runner.upgrade(dsn, ROOT / "migrations")
        with psycopg.connect(dsn) as connection:
            connection.execute(TABLES.read_bytes())
            alice = new_user(connection, "alice@example.com")
            bob = new_user(connection, "bob@example.com")
            for number, person in ((1, alice), (2, bob)):
                for table in ("lab_notes", "lab_columns", "lab_loop", "lab_parts", "lab_open"):
                    statement = f"insert into public.{table} (id, user_id) values (%s, %s)"
                    connection.execute(statement.encode(), (number, person))
                connection.execute("insert into public.lab_silent (user_id) values (%s)", (person,))
                connection.execute("insert into public.profiles (user_id) values (%s)", (person,))
            connection.execute("update public.lab_notes set shared = id = 2")
            connection.execute(
                "insert into public.lab_notes (id, user_id, body) values (3, %s, 'locked 100%%')", (alice,)
            )
            connection.commit()
            yield Ground(connection, dsn, alice, bob)


@pytest.fixture
def ground(_lab_database: Ground) -> Iterator[Ground]:
    """Return the people and the owner's connection; what a test does is rolled back."""
    yield _lab_database
    _lab_database.connection.rollback()
