"""The local stack as a process: what it offers once it says that it is ready."""

from __future__ import annotations

import httpx
import psycopg

from app.cli.running_stack import RunningStack, status_of


def test_the_services_answer(stack: RunningStack) -> None:
    key = {"apikey": stack.publishable_key}
    assert httpx.get(f"{stack.api_url}/auth/v1/health", headers=key).status_code == 200
    keys = httpx.get(f"{stack.api_url}/auth/v1/.well-known/jwks.json").json()["keys"]
    assert [key["alg"] for key in keys] == ["ES256"]


def test_the_database_has_the_migrations(stack: RunningStack) -> None:
    with psycopg.connect(stack.database_url) as connection:
        row = connection.execute("select current_user, to_regclass('public.profiles')::text").fetchone()
    assert row == ("postgres", "profiles")


def test_the_status_names_who_uses_it(stack: RunningStack) -> None:
    status = status_of(stack)
    assert status is not None
    assert status["state"] == "ready"
    assert [lease["name"] for lease in status["leases"]] == ["pytest"]
    assert status["signing_key_id"]
