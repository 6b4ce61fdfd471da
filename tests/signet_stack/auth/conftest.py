"""Fixtures for Auth over real HTTP: a served project with a clock that tests can turn."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import jwt
import psycopg
import pytest

from signet_stack.auth import create_auth
from signet_stack.context import Context
from signet_stack.gateway import Gateway
from signet_stack.http_server import new_server
from signet_stack.mailbox import create_mailbox
from signet_stack.management import create_management
from signet_stack.postgres.cluster import SUPERUSER, Cluster
from signet_stack.postgres.database import Pool
from signet_stack.rest import create_rest
from tests.conftest import new_database, open_context
from tests.support.patience import HANG_SECONDS

PASSWORD = "correct horse battery staple"
API_VERSION = {"X-Supabase-Api-Version": "2024-01-01"}


class TestClock:
    """A clock that stands still until somebody moves it."""

    __test__ = False

    def __init__(self) -> None:
        self.moment = datetime.now(UTC).replace(microsecond=0)

    def __call__(self) -> datetime:
        return self.moment

    def advance(self, seconds: float) -> None:
        """Let time pass."""
        self.moment += timedelta(seconds=seconds)


@dataclass
class Project:
    """One served project: an HTTP client with the publishable key, its clock, settings and database."""

    http: httpx.Client
    context: Context
    clock: TestClock
    origin: str

    def call(self, method: str, path: str, token: str | None = None, **kwargs: Any) -> httpx.Response:
        """Send one request to Auth, as somebody who is signed in when a token is given."""
        headers = {**kwargs.pop("headers", {}), **({"Authorization": f"Bearer {token}"} if token else {})}
        return self.http.request(method, f"/auth/v1{path}", headers=headers, **kwargs)

    def post(self, path: str, body: Any = None, token: str | None = None, **kwargs: Any) -> httpx.Response:
        return self.call("POST", path, token, json=body, **kwargs)

    def put(self, path: str, body: Any, token: str | None = None, **kwargs: Any) -> httpx.Response:
        return self.call("PUT", path, token, json=body, **kwargs)

    def get(self, path: str, token: str | None = None, **kwargs: Any) -> httpx.Response:
        return self.call("GET", path, token, **kwargs)

    def admin(self, method: str, path: str, body: Any = None, **kwargs: Any) -> httpx.Response:
        """Send one request with the secret key."""
        headers = {**kwargs.pop("headers", {}), "apikey": self.context.api_keys.secret}
        return self.call(method, path, headers=headers, json=body, **kwargs)

    def set(self, **settings: Any) -> None:
        """Change settings of the project."""
        self.context.auth_settings.change(settings)

    def sign_up(self, email: str | None = None, password: str = PASSWORD) -> dict[str, Any]:
        """Make an account and return its session."""
        answer = self.post("/signup", {"email": email or new_email(), "password": password})
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    def sign_in(self, email: str, password: str = PASSWORD) -> dict[str, Any]:
        """Sign in and return the session."""
        answer = self.post("/token?grant_type=password", {"email": email, "password": password})
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    def refresh(self, token: str) -> httpx.Response:
        """Exchange a refresh token."""
        return self.post("/token?grant_type=refresh_token", {"refresh_token": token})

    def rows(self, statement: str, *values: Any) -> list[tuple[Any, ...]]:
        """Run SQL as the Auth service's role."""
        pool: Pool = self.context.database.auth
        with pool.connection() as connection:
            cursor = connection.execute(statement.encode(), values)
            return cursor.fetchall() if cursor.description else []

    def mails(self, email: str) -> list[dict[str, Any]]:
        """Return the mails to an address, newest first."""
        key = {"apikey": self.context.api_keys.secret}
        answer = httpx.get(f"{self.origin}/mailbox/api/mails", params={"to": email}, headers=key)
        assert answer.status_code == 200, answer.text
        return list(answer.json()["mails"])


def new_email() -> str:
    """Return an address that nobody has."""
    return f"{uuid.uuid4().hex}@example.com"


def claims_of(token: str) -> dict[str, Any]:
    """Read a token without checking it."""
    return dict(jwt.decode(token, options={"verify_signature": False}))


def error(response: httpx.Response) -> tuple[int, str]:
    """Return status and error code of a refusal in the older shape, whose parts must agree."""
    content = response.json()
    assert content["code"] == response.status_code, content
    assert response.headers["x-sb-error-code"] == content["error_code"]
    assert content["msg"]
    return response.status_code, content["error_code"]


def refusal(response: httpx.Response) -> tuple[int, str, str]:
    """Return status, error code and words of a refusal."""
    return (*error(response), response.json()["msg"])


@contextmanager
def serve_project(context: Context, clock: TestClock) -> Iterator[Project]:
    """Serve a context's services on a free port until the block ends."""
    services = {
        "/auth/v1": create_auth(context),
        "/rest/v1": create_rest(context),
        "/v1": create_management(context),
        "/mailbox": create_mailbox(context),
    }
    server = new_server(Gateway(context, services), host="127.0.0.1", port=0)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    origin = f"http://127.0.0.1:{server.effective_port}"
    headers = {"apikey": context.api_keys.publishable}
    limits = httpx.Limits(max_connections=200)
    try:
        with httpx.Client(base_url=origin, headers=headers, timeout=HANG_SECONDS, limits=limits) as http:
            yield Project(http, context, clock, origin)
    finally:
        # In the thread that uses the sockets: closed from here, they could be gone under its hands. If it is
        # awake for another reason, it may close the server, and the trigger with it, before we pull.
        with suppress(OSError):
            server.trigger.pull_trigger(server.close)
        thread.join(10)
        server.task_dispatcher.shutdown()


@pytest.fixture(scope="session")
def auth_database(cluster: Cluster) -> Iterator[str]:
    """Make one database for all projects of this process; every test makes its own users in it."""
    with new_database(cluster) as name:
        yield name


@pytest.fixture(scope="session")
def served(cluster: Cluster, auth_database: str) -> Iterator[Project]:
    """Serve one project for the whole session."""
    clock = TestClock()
    context = open_context(cluster, auth_database, clock)
    with serve_project(context, clock) as project:
        yield project
    context.database.close()


@pytest.fixture
def project(served: Project) -> Iterator[Project]:
    """Return the served project with default settings; what a test sets is undone."""
    yield served
    served.rows("delete from signet_stack.auth_settings")
    served.context.auth_settings.reload()
    served.clock.moment = max(served.clock.moment, datetime.now(UTC)) + timedelta(hours=2)


@pytest.fixture
def v1(project: Project) -> Project:
    """Return the project with refresh tokens of version 1 and no reuse interval."""
    project.set(security_refresh_token_algorithm_version=1, security_refresh_token_reuse_interval=0)
    return project


@pytest.fixture
def install_hook(project: Project, superuser_sql: Callable[[str], None]) -> Callable[[str, str], None]:
    """Return a function that makes an access token hook of an SQL expression over ``event``."""

    def install(name: str, expression: str) -> None:
        superuser_sql(
            "create schema if not exists hooks; grant usage on schema hooks to supabase_auth_admin;"
            f" create or replace function hooks.{name}(event jsonb) returns jsonb language sql"
            f" as $$ select {expression} $$"
        )
        uri = f"pg-functions://postgres/hooks/{name}"
        project.set(hook_custom_access_token_enabled=True, hook_custom_access_token_uri=uri)

    return install


@pytest.fixture
def superuser_sql(cluster: Cluster, auth_database: str) -> Callable[[str], None]:
    """Return a function that runs SQL as the superuser in the project's database."""

    def run(statement: str) -> None:
        with psycopg.connect(cluster.dsn(SUPERUSER, auth_database)) as connection:
            connection.execute(statement.encode())

    return run
