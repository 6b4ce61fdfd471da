"""A database without migrations, as role postgres finds it."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest
from psycopg import Connection
from psycopg.rows import TupleRow

from signet_stack.postgres.cluster import Cluster
from tests.conftest import new_database


@pytest.fixture(scope="session")
def _blank(cluster: Cluster) -> Iterator[Connection[TupleRow]]:
    with new_database(cluster) as name, psycopg.connect(cluster.dsn("postgres", name)) as connection:
        yield connection


@pytest.fixture
def blank(_blank: Connection[TupleRow]) -> Iterator[Connection[TupleRow]]:
    """Return a connection of role postgres; the transaction is rolled back after the test."""
    yield _blank
    _blank.rollback()
