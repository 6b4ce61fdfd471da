"""The data API behind the gateway over real HTTP, on a database with the tables of fixture.sql."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from wsgiref.types import WSGIApplication

import httpx
import jwt
import psycopg
import pytest
from waitress import create_server, wasyncore

from signet_stack.context import Context
from signet_stack.gateway import Gateway
from signet_stack.postgres.cluster import Cluster
from signet_stack.rest import create_rest
from signet_stack.rest.settings import RestSettings
from tests.conftest import new_database, open_context
from tests.support.patience import HANG_SECONDS

FIXTURE = Path(__file__).with_name("fixture.sql")
SETTINGS = RestSettings(schemas=("test", "second"), safe_updates=False, rolls_back=True, end_override=True)


@dataclass(frozen=True)
class Api:
    """One served data API: its address, a client with the publishable key, and tokens for it."""

    url: str
    context: Context = field(repr=False)
    http: httpx.Client = field(repr=False)
    database_dsn: str = field(repr=False)

    def token(self, role: str | None = "authenticated", **claims: Any) -> str:
        """Sign an access token; without ``exp`` it does not expire."""
        key = self.context.signing_keys.in_use()
        content = {"sub": str(uuid.uuid4()), **({} if role is None else {"role": role}), **claims}
        return jwt.encode(content, key.private, key.algorithm, headers={"kid": key.kid})

    def as_role(self, role: str | None, **claims: Any) -> dict[str, str]:
        """Return the headers of somebody who is signed in."""
        return {"Authorization": f"Bearer {self.token(role, **claims)}"}

    def sql(self, text: str, *values: Any) -> list[tuple[Any, ...]]:
        """Run SQL as the owner of the tables."""
        with psycopg.connect(self.database_dsn, autocommit=True) as connection:
            cursor = connection.execute(text.encode(), values)
            return cursor.fetchall() if cursor.description else []


@contextmanager
def serve(context: Context, settings: RestSettings, database_dsn: str) -> Iterator[Api]:
    """Serve a data API on a free port until the block ends."""
    application = Gateway(context, {"/rest/v1": create_rest(context, settings)})
    with served(application) as address:
        headers = {"apikey": context.api_keys.publishable}
        with httpx.Client(base_url=f"{address}/rest/v1", headers=headers, timeout=HANG_SECONDS) as http:
            yield Api(f"{address}/rest/v1", context, http, database_dsn)


@contextmanager
def served(application: WSGIApplication) -> Iterator[str]:
    """Serve a WSGI application behind waitress; stop in the thread that serves, so that nothing is torn."""
    sockets: dict[int, Any] = {}
    server = create_server(application, sockets, host="127.0.0.1", port=0, threads=4)
    is_over = threading.Event()

    def run() -> None:
        while not is_over.is_set():
            wasyncore.loop(timeout=0.05, map=sockets, count=1)
        server.task_dispatcher.shutdown()
        wasyncore.close_all(sockets)

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.effective_port}"
    finally:
        is_over.set()
        thread.join()


@pytest.fixture(scope="session")
def fixture_database(cluster: Cluster) -> Iterator[str]:
    """Make one database with the tables of fixture.sql; tests roll back what they do to it."""
    with new_database(cluster) as name:
        with psycopg.connect(cluster.dsn("postgres", name)) as connection:
            connection.execute(FIXTURE.read_bytes())
        yield name


@pytest.fixture(scope="session")
def api(cluster: Cluster, fixture_database: str) -> Iterator[Api]:
    """Serve the fixture's schemas; every request is rolled back unless it asks for ``tx=commit``."""
    context = open_context(cluster, fixture_database)
    with serve(context, SETTINGS, cluster.dsn("postgres", fixture_database)) as api:
        yield api
    context.database.close()


@pytest.fixture
def own_api(
    cluster: Cluster, fresh_database: str, make_context: Callable[..., Context]
) -> Iterator[Callable[..., Api]]:
    """Return a function that serves a database of this test's own; what requests do stays."""
    with psycopg.connect(cluster.dsn("postgres", fresh_database)) as connection:
        connection.execute(FIXTURE.read_bytes())
    opened: list[Any] = []

    def start(**settings: Any) -> Api:
        served = serve(
            make_context(),
            RestSettings(**{"schemas": ("test", "second"), **settings}),
            cluster.dsn("postgres", fresh_database),
        )
        opened.append(served)
        return served.__enter__()

    yield start
    for served in opened:
        served.__exit__(None, None, None)
