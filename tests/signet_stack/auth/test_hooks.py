"""What people put between: the access token hook, and triggers on the tables of Auth."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from signet_stack.auth import token_hook
from signet_stack.postgres.cluster import Cluster
from tests.signet_stack.auth.conftest import (
    API_VERSION,
    PASSWORD,
    Project,
    claims_of,
    error,
    new_email,
    refusal,
)

Install = Callable[[str, str], None]


@pytest.mark.parametrize(
    ("name", "result", "status"),
    [
        ("adds", "jsonb_set(event, '{claims,plan}', '\"gold\"')", 200),
        ("refuses", '\'{"error": {"http_code": 403, "message": "not today"}}\'::jsonb', 403),
        ("refuses_oddly", '\'{"error": {"http_code": "x", "message": "no"}}\'::jsonb', 500),
        ("refuses_in_words", '\'{"error": "no"}\'::jsonb', 500),
        ("breaks", "to_jsonb(1 / 0)", 500),
        ("is_no_object", "'[]'::jsonb", 500),
    ],
)
def test_the_access_token_hook(
    project: Project, install_hook: Install, name: str, result: str, status: int
) -> None:
    install_hook(name, result)
    answer = project.post("/signup", {"email": new_email(), "password": PASSWORD})
    assert answer.status_code == status, answer.text
    if status == 200:
        assert claims_of(answer.json()["access_token"])["plan"] == "gold"
    if status == 403:
        assert answer.json()["msg"] == "not today"


def test_a_hook_that_takes_too_long_is_broken_off(
    project: Project, install_hook: Install, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert token_hook.TIMEOUT == "2s"
    monkeypatch.setattr(token_hook, "TIMEOUT", "50ms")
    install_hook("is_slow", "to_jsonb(pg_sleep(5))")
    answer = project.post("/signup", {"email": new_email(), "password": PASSWORD})
    assert refusal(answer)[:2] == (500, "unexpected_failure")
    assert "statement timeout" in refusal(answer)[2]


def test_the_hook_is_told_what_the_token_is_for(project: Project, install_hook: Install) -> None:
    install_hook("echoes", "jsonb_set(event, '{claims,heard}', event - 'claims')")
    email = new_email()
    first = project.sign_up(email)
    second = project.refresh(first["refresh_token"]).json()
    heard, again = (claims_of(session["access_token"])["heard"] for session in (first, second))
    assert heard["user_id"] == first["user"]["id"]
    assert (heard["authentication_method"], again["authentication_method"]) == ("password", "token_refresh")
    assert heard["metadata"].pop("uuid") != again["metadata"]["uuid"]
    assert heard["metadata"] == {
        "name": "customize-access-token",
        "time": project.clock().isoformat().replace("+00:00", "Z"),
        "ip_address": "127.0.0.1",
    }
    # What the hook sees, nobody keeps: the session's own method stays.
    assert claims_of(project.sign_in(email)["access_token"])["amr"][0]["method"] == "password"


@pytest.fixture
def refuse(superuser_sql: Callable[[str], None]) -> Iterator[Callable[[str], str]]:
    """Return a function that makes a trigger of SQL, and returns an address that it is about."""
    tag = new_email()

    def install(statement: str) -> str:
        superuser_sql(
            "create function public.guard() returns trigger language plpgsql as"
            f" $$ begin if new.email like '%{tag}' then {statement}; end if; return new; end $$;"
            " create trigger guard before insert on auth.users for each row execute function public.guard()"
        )
        return f"somebody-{tag}"

    yield install
    superuser_sql("drop trigger guard on auth.users; drop function public.guard()")


@pytest.mark.parametrize(
    ("using", "sqlstate", "status"),
    [("hint = 'elsewhere'", "P0001", 500), ("hint = 'elsewhere', errcode = 'PT402'", "PT402", 402)],
)
def test_an_exception_of_a_trigger_reaches_the_caller(
    project: Project, refuse: Callable[[str], str], using: str, sqlstate: str, status: int
) -> None:
    body = {"email": refuse(f"raise exception 'not here' using {using}"), "password": PASSWORD}
    older = project.post("/signup", body)
    assert older.status_code == status
    assert older.json() == {"code": sqlstate, "message": "not here", "hint": "elsewhere", "detail": None}
    newer = project.post("/signup", body, headers=API_VERSION)
    assert newer.status_code == status
    assert newer.json() == {"code": "unexpected_failure", "message": "not here"}


@pytest.mark.parametrize("code", ["PT200", "PT999", "PTabc"])
def test_only_statuses_of_errors_can_be_asked_for(
    project: Project, refuse: Callable[[str], str], code: str
) -> None:
    address = refuse(f"raise exception 'x' using errcode = '{code}'")
    assert error(project.post("/signup", {"email": address, "password": PASSWORD}))[0] == 500


def test_a_row_that_the_database_refuses_is_not_logged(
    project: Project, refuse: Callable[[str], str], caplog: Any, cluster: Cluster
) -> None:
    """PostgreSQL names the failing row, hash and all, in the detail of its error: in no log of ours."""
    address = refuse("new.email_change_confirm_status := 9")
    answer = project.post("/signup", {"email": address, "password": PASSWORD})
    assert error(answer) == (500, "unexpected_failure")
    assert "database error 23514" in caplog.text
    theirs = cluster.log_path.read_text()
    assert "violates check constraint" in theirs
    for log in (caplog.text, theirs):
        assert address not in log
        assert "$2b$" not in log
