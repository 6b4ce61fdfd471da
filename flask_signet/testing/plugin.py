"""Fixtures of the pytest plugin. Nothing heavy is imported before a fixture is used."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from flask.testing import FlaskClient
    from psycopg import Connection
    from psycopg.rows import TupleRow

    from flask_signet.testing.clients import User
    from flask_signet.testing.policies import Caller, Callers, PolicyMatrix
    from signet_stack.api_clients import Mailbox
    from signet_stack.handle import LocalStack

AsUser = Callable[..., AbstractContextManager["Caller"]]
SignIn = Callable[..., "FlaskClient"]
MIGRATIONS = "supabase_migrations"


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the settings of the plugin to the configuration file."""
    parser.addini(
        MIGRATIONS,
        "folder of the migrations below the root folder (default: migrations, supabase/migrations)",
    )


@pytest.fixture(scope="session")
def supabase_stack(request: pytest.FixtureRequest) -> Iterator[LocalStack]:
    """Run a temporary local stack with the project's migrations, once in each process of the test run."""
    from signet_stack.handle import LocalStack

    folder = migrations_folder(request.config)
    with LocalStack(name="pytest", report=print) as stack:
        if folder is not None:
            stack.apply_migrations(folder)
        yield stack


@pytest.fixture
def supabase_database(supabase_stack: LocalStack) -> Iterator[str]:
    """Return the connection string of a new database with the project's migrations."""
    url = supabase_stack.new_database()
    yield url
    supabase_stack.drop_database(url)


@pytest.fixture
def _connection(supabase_database: str) -> Iterator[Connection[TupleRow]]:
    import psycopg

    with psycopg.connect(supabase_database, autocommit=True) as connection:
        yield connection


@pytest.fixture
def _callers(_connection: Connection[TupleRow]) -> Callers:
    from flask_signet.testing.policies import Callers

    return Callers(_connection)


@pytest.fixture
def as_user(_callers: Callers) -> AsUser:
    """Return ``as_user(name)``: a block in which ``supabase_database`` is used as that signed-in user."""
    return _callers.as_user


@pytest.fixture
def as_nobody(_callers: Callers) -> AsUser:
    """Return ``as_nobody()``: a block in which ``supabase_database`` is used without a session."""
    return _callers.as_nobody


@pytest.fixture
def policy_matrix(_connection: Connection[TupleRow], _callers: Callers) -> PolicyMatrix:
    """Return the table of who may do what in ``supabase_database``; ``check`` compares it."""
    from flask_signet.testing.policies import PolicyMatrix

    return PolicyMatrix(_connection, _callers)


@pytest.fixture
def mailbox(supabase_stack: LocalStack) -> Mailbox:
    """Return the mails that the stack's Auth has sent."""
    return supabase_stack.mailbox


@pytest.fixture
def new_user(supabase_stack: LocalStack) -> Callable[..., User]:
    """Return ``new_user(email=None, **more)``, which creates a confirmed user of the stack."""
    from flask_signet.testing import clients

    return lambda email=None, **more: clients.new_user(supabase_stack, email, **more)


@pytest.fixture
def sign_in(request: pytest.FixtureRequest, supabase_stack: LocalStack) -> SignIn:
    """Return ``sign_in(user)``: a test client of the fixture ``app`` with a session of that user."""
    from flask_signet.testing import clients

    app = request.getfixturevalue("app")

    def sign_in(user: User) -> FlaskClient:
        return clients.client_for(app, clients.tokens_of(supabase_stack, user))

    return sign_in


@pytest.fixture
def signed_in_client(sign_in: SignIn, new_user: Callable[..., User]) -> FlaskClient:
    """Return a test client of the fixture ``app`` with the real session of a new user."""
    return sign_in(new_user())


def migrations_folder(config: pytest.Config) -> Path | None:
    """Return the folder that the configuration names, else the usual one if it exists."""
    from signet_db.files import default_folder

    if named := config.getini(MIGRATIONS):
        return config.rootpath / str(named)
    folder = default_folder(config.rootpath)
    return folder if folder.is_dir() else None
