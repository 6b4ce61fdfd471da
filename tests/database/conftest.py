"""A database with our migrations, once a session; each test works in a transaction that is rolled back."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import get_args

import psycopg
import pytest
from psycopg import Connection
from psycopg.rows import TupleRow

from signet_db import history, runner
from signet_db.schemas import user_schemas
from signet_stack.postgres.bootstrap import DefaultPrivileges, set_default_privileges
from signet_stack.postgres.cluster import SUPERUSER, Cluster
from signet_stack.rest.settings import RestSettings
from tests.conftest import new_database, open_context
from tests.database.attacked import Place, make_place
from tests.database.paths import MIGRATIONS
from tests.signet_stack.rest.conftest import Api, serve

# For tests of what migrations grant and revoke: a forgotten REVOKE shows under `legacy` only.
under_both_defaults = pytest.mark.parametrize("migrated_database", get_args(DefaultPrivileges), indirect=True)


@pytest.fixture(scope="session")
def migrated_database(cluster: Cluster, request: pytest.FixtureRequest) -> Iterator[str]:
    """Return the name of a database with our own migrations; see under_both_defaults."""
    with new_database(cluster) as name:
        with psycopg.connect(cluster.dsn(SUPERUSER, name)) as admin:
            set_default_privileges(admin, getattr(request, "param", "current"))
        runner.upgrade(cluster.dsn("postgres", name), MIGRATIONS)
        yield name


@pytest.fixture(scope="session")
def _migrated(cluster: Cluster, migrated_database: str) -> Iterator[Connection[TupleRow]]:
    with psycopg.connect(cluster.dsn("postgres", migrated_database)) as connection:
        yield connection


@pytest.fixture
def migrated(_migrated: Connection[TupleRow]) -> Iterator[Connection[TupleRow]]:
    """Return a connection of role postgres, in a transaction that nobody will ever see."""
    yield _migrated
    _migrated.rollback()


@pytest.fixture
def target(cluster: Cluster, fresh_database: str) -> str:
    """Return the connection string of a fresh database, as the role that migrations run as."""
    return cluster.dsn("postgres", fresh_database)


@pytest.fixture(scope="session")
def _unchanging(cluster: Cluster) -> Iterator[str]:
    with new_database(cluster) as name:
        yield cluster.dsn("postgres", name)


@pytest.fixture
def unchanging(_unchanging: str) -> Iterator[str]:
    """Return the connection string of a blank database that tests share: each must leave nothing in it."""
    yield _unchanging
    with psycopg.connect(_unchanging) as connection:
        assert user_schemas(connection) == ["public"]
        assert history.read(connection) == ()
        assert (
            connection.execute("select from pg_class where relnamespace = 'public'::regnamespace").rowcount
            == 0
        )


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return an empty folder for migrations."""
    path = tmp_path / "migrations"
    path.mkdir()
    return path


@pytest.fixture
def write(folder: Path) -> Callable[[str, str], Path]:
    """Return a function that writes a migration and returns its path."""

    def write_file(name: str, text: str) -> Path:
        path = folder / name
        path.write_text(text, encoding="utf-8", newline="")
        return path

    return write_file


def ask(connection_string: str, query: str) -> list[tuple[object, ...]]:
    """Return what a query answers, over a connection of its own."""
    with psycopg.connect(connection_string) as connection:
        return connection.execute(query.encode()).fetchall()


@pytest.fixture(scope="session")
def data_api(cluster: Cluster) -> Iterator[Api]:
    """Serve the data API over real HTTP on a database of its own with our migrations."""
    with new_database(cluster) as name:
        target = cluster.dsn("postgres", name)
        runner.upgrade(target, MIGRATIONS)
        context = open_context(cluster, name)
        with serve(context, RestSettings(schemas=("public",)), target) as api:
            yield api
        context.database.close()


@pytest.fixture(scope="session")
def place(cluster: Cluster) -> Iterator[Place]:
    """Return the database to attack; whatever happens in it is rolled back."""
    with new_database(cluster) as name, make_place(cluster, name) as place:
        yield place
