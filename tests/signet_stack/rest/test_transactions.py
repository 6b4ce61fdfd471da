"""One transaction per request: its role, claims and settings, its end, and what it leaves behind: nothing."""

from __future__ import annotations

import json
import threading
import uuid
from collections.abc import Callable
from typing import Any

import httpx
import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from signet_stack.rest import application
from tests.signet_stack.rest.conftest import Api
from tests.support.patience import HANG_SECONDS, wait_until

COMMIT = {"Prefer": "tx=commit"}


def guc(api: Api, name: str, **request: Any) -> Any:
    """Return a setting as a function of the database sees it during a request."""
    response = api.http.get("/rpc/guc", params={"name": name}, **request)
    assert response.status_code == 200, response.text
    return response.json()


def test_sql_sees_who_asks_and_what(api: Api) -> None:
    headers = {"X-Custom": "Grüße".encode(), "X-Latin": b"Gr\xfc", "Cookie": "a=1; b=2"}
    assert guc(api, "role") == "anon"
    assert guc(api, "request.method") == "GET"
    assert guc(api, "request.path") == "/rpc/guc"
    assert guc(api, "request.cookies", headers=headers) == '{"a":"1","b":"2"}'
    seen = guc(api, "request.headers", headers=headers)
    assert (json.loads(seen)["x-custom"], json.loads(seen)["x-latin"]) == ("Grüße", "Gr\ufffd")
    assert '"cookie"' not in seen
    assert guc(api, "search_path") == '"test", "public", "extensions"'


def test_claims_carry_the_role_that_is_in_force(api: Api) -> None:
    assert guc(api, "request.jwt.claims") == '{"role":"anon"}'
    claims = guc(api, "request.jwt.claims", headers=api.as_role(None, sub="x", deep={"a": [1]}))
    assert claims == '{"sub":"x","deep":{"a":[1]},"role":"anon"}'
    assert guc(api, "role", headers=api.as_role("authenticated")) == "authenticated"


def test_the_secret_key_acts_as_service_role_until_a_user_is_named(api: Api) -> None:
    secret = {"apikey": api.context.api_keys.secret}
    api.sql("grant execute on function test.guc(text) to service_role")
    assert guc(api, "role", headers=secret) == "service_role"
    assert guc(api, "role", headers={**secret, **api.as_role("authenticated")}) == "authenticated"


@pytest.mark.parametrize(
    ("role", "status", "code"),
    [
        ("none", 403, "42501"),
        ("authenticator", 403, "42501"),
        ("postgres", 403, "42501"),
        ("", 401, "22023"),
        (5, 401, "22023"),
        (["anon"], 401, "22023"),
    ],
)
def test_a_token_cannot_name_a_role_that_is_not_for_requests(
    api: Api, role: Any, status: int, code: str
) -> None:
    response = api.http.get("/items", headers=api.as_role(role))
    assert (response.status_code, response.json()["code"]) == (status, code), response.text


def test_a_plan_made_for_one_role_never_runs_for_another(own_api: Callable[..., Api]) -> None:
    """PostgreSQL writes a simple function's body into the plan, where nobody asks again who may call it."""
    api = own_api()
    api.context.database.data.resize(1, 1)
    api.sql("revoke execute on function test.add_them from anon")
    somebody = api.as_role("authenticated")
    for _ in range(12):  # more than PostgreSQL needs to settle for a plan that ignores the values
        assert api.http.post("/rpc/add_them", json={"a": 1, "b": 2}, headers=somebody).json() == 3
    refused = api.http.post("/rpc/add_them", json={"a": 1, "b": 2})
    assert (refused.status_code, refused.json()["code"]) == (401, "42501")


def test_settings_of_the_role_apply(api: Api) -> None:
    assert guc(api, "statement_timeout") == "3s"
    assert guc(api, "statement_timeout", headers=api.as_role("authenticated")) == "8s"


def test_the_isolation_of_a_role_is_that_of_its_transactions(own_api: Callable[..., Api]) -> None:
    api = own_api()
    api.sql(
        "create role careful nologin; grant careful to authenticator; grant usage on schema test to careful;"
        "grant execute on function test.guc(text) to careful;"
        "alter role careful set default_transaction_isolation = 'repeatable read'"
    )
    try:
        careful = api.as_role("careful")
        assert guc(api, "transaction_isolation", headers=careful) == "repeatable read"
        assert guc(api, "transaction_isolation") == "read committed"
    finally:
        api.sql(
            "revoke all on function test.guc(text) from careful; revoke all on schema test from careful;"
            "drop role careful"
        )


def test_settings_of_a_function_apply_to_its_whole_transaction(
    own_api: Callable[..., Api], caplog: pytest.LogCaptureFixture
) -> None:
    api = own_api()
    api.sql(
        "create function test.slow() returns void language sql volatile set statement_timeout = '80ms'"
        " as $$ select pg_catalog.pg_sleep(20) $$;"
        "create function test.level() returns text language sql volatile"
        " set default_transaction_isolation = 'serializable'"
        " as $$ select current_setting('transaction_isolation') $$;"
        "grant execute on function test.slow(), test.level() to anon"
    )
    wait_until(lambda: api.http.post("/rpc/level").status_code == 200)
    assert api.http.post("/rpc/level").json() == "serializable"
    response = api.http.post("/rpc/slow")
    assert (response.status_code, response.json()["code"]) == (500, "57014")
    assert (
        "data API: POST '/rpc/slow': 500 57014 'canceling statement due to statement timeout'" in caplog.text
    )


def test_an_unexpected_exception_is_a_json_error_and_a_traceback_in_the_log(
    api: Api, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(*_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(application, "settings_of", fail)
    response = api.http.get("/items")
    assert (response.status_code, response.json()["code"]) == (500, "XX000")
    assert "data API: GET '/items'" in caplog.text
    assert "ZeroDivisionError" in caplog.text


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_what_reads_cannot_write(api: Api, method: str) -> None:
    response = api.http.request(method, "/rpc/callcounter")
    assert response.status_code == 405
    assert guc(api, "transaction_read_only") == "on"


def test_a_function_that_promises_not_to_write_cannot(own_api: Callable[..., Api]) -> None:
    api = own_api()
    body = {"name": "transaction_read_only"}
    assert api.http.post("/rpc/guc", json=body).json() == "on"
    assert api.http.post("/rpc/delete_items").status_code == 200
    assert api.http.get("/items").json() == []


def test_a_transaction_ends_as_asked_where_that_is_allowed(own_api: Callable[..., Api]) -> None:
    api = own_api(end_override=True)
    kept = api.http.post("/items", json={"id": 50}, headers={"Prefer": "tx=rollback"})
    assert kept.headers["Preference-Applied"] == "tx=rollback"
    assert api.http.get("/items?id=eq.50").json() == []
    api.http.post("/items", json={"id": 50}, headers=COMMIT)
    assert api.http.get("/items?id=eq.50").json() == [{"id": 50}]


def test_a_transaction_is_committed_whatever_is_asked_otherwise(own_api: Callable[..., Api]) -> None:
    api = own_api()
    reply = api.http.post("/items", json={"id": 50}, headers={"Prefer": "tx=rollback, return=minimal"})
    assert reply.headers["Preference-Applied"] == "return=minimal"
    assert api.http.get("/items?id=eq.50").json() == [{"id": 50}]


def test_constraints_are_checked_before_a_rollback_too(own_api: Callable[..., Api]) -> None:
    api = own_api(rolls_back=True)
    api.sql(
        "create table test.later"
        " (id int primary key, up int references test.later deferrable initially deferred);"
        "grant all on test.later to anon"
    )
    wait_until(lambda: api.http.get("/later").status_code == 200)
    assert api.http.post("/later", json={"id": 1, "up": 1}).status_code == 201
    assert api.http.post("/later", json={"id": 1, "up": 2}).status_code == 409
    assert api.http.get("/later").json() == []


FAILURES = [
    ("GET", "/items?id=eq.x", None),
    ("GET", "/items?nope=eq.1", None),
    ("GET", "/authors_only", None),
    ("GET", "/rpc/callcounter", None),
    ("GET", "/rpc/raise_pt402", None),
    ("GET", "/rpc/bad_reply?name=response.status&value=x", None),
    ("GET", "/items?id=eq.a%00b", None),
    ("POST", "/items", {"id": 1}),
    ("POST", "/projects", {"id": 90, "name": "x", "client_id": 99}),
    ("POST", "/simple_pk", {"k": "x"}),
    ("PATCH", "/items?id=lt.3", {"id": 1}),
    ("PUT", "/tiobe_pls?name=eq.Go", {"name": "Og", "rank": 1}),
]


def test_every_failure_leaves_rows_and_connections_as_they_were(own_api: Callable[..., Api]) -> None:
    api = own_api()
    before = snapshot(api)
    for _ in range(2):
        for method, address, body in FAILURES:
            response = api.http.request(method, address, json=body)
            assert 400 <= response.status_code < 600, address
            assert response.status_code != 503, address
        strict = {"Prefer": "handling=strict, max-affected=1"}
        assert api.http.delete("/items", headers=strict).status_code == 400
        singular = {"Accept": "application/vnd.pgrst.object+json"}
        assert api.http.delete("/items?id=lt.9", headers=singular).status_code == 406
    assert snapshot(api) == before
    assert states(api) <= {"idle"}
    assert api.context.database.data.get_stats().get("connections_lost", 0) == 0


def snapshot(api: Api) -> list[Any]:
    """Return all rows that the failures could have changed."""
    return [api.sql(f"select * from test.{table} order by 1") for table in ("items", "projects", "tiobe_pls")]


def states(api: Api) -> set[str]:
    """Return the states of the data API's connections."""
    return {
        state
        for (state,) in api.sql(
            "select state from pg_stat_activity"
            " where usename = 'authenticator' and datname = current_database()"
            " and pid <> pg_backend_pid()"
        )
    }


def test_nothing_of_a_request_is_left_on_its_connection(own_api: Callable[..., Api]) -> None:
    api = own_api()
    for headers in (api.as_role("authenticated", sub="11111111-1111-4111-8111-111111111111"), {}):
        api.http.get("/notes", headers={**headers, "Prefer": "timezone=Asia/Tokyo"})
        api.http.post("/notes", json={"body": "x"}, headers=headers)
    with api.context.database.data.connection() as connection:
        for name in ("request.jwt.claims", "request.headers", "request.path", "pgrst.inserted"):
            assert connection.execute("select current_setting(%s, true)", (name,)).fetchone() in (
                (None,),
                ("",),
            )
        row = connection.execute("select current_user, current_setting('timezone')").fetchone()
    assert row is not None
    assert (row[0], row[1] == "Asia/Tokyo") == ("authenticator", False)


LEAVERS = """
create function test.leave() returns void language plpgsql volatile as $$
begin
    perform set_config('app.user', 'somebody', false), set_config('statement_timeout', '77s', false),
        set_config('search_path', 'pg_catalog', false), pg_advisory_lock(7);
    create temp table kept (id int);
    listen left_behind;
end $$;
create function test.leave_quietly() returns void language plpgsql stable as $$
begin
    perform set_config('app.user', 'somebody', false), pg_advisory_lock(7);
end $$;
create function test.leave_and_fail() returns void language plpgsql volatile as $$
begin
    perform pg_advisory_lock(7), set_config('app.user', 'somebody', false);
    raise exception 'no';
end $$;
create function test.left() returns json language sql stable as $$
    select json_build_object('user', coalesce(current_setting('app.user', true), ''),
        'timeout', (select setting from pg_settings where name = 'statement_timeout'),
        'locks', (select count(*) from pg_locks where locktype = 'advisory'),
        'tables', (select count(*) from pg_class where relname = 'kept'),
        'channels', (select count(*) from pg_listening_channels()))
$$;
grant execute on all functions in schema test to anon;
"""


@pytest.mark.parametrize("function", ["leave", "leave_quietly", "leave_and_fail"])
def test_what_a_function_sets_for_its_session_does_not_reach_the_next_request(
    own_api: Callable[..., Api], function: str
) -> None:
    api = own_api()
    before = {"user": "", "timeout": "3000", "locks": 0, "tables": 0, "channels": 0}
    api.sql(LEAVERS)
    wait_until(lambda: api.http.get("/rpc/left").status_code == 200)
    assert api.http.get("/rpc/left").json() == before
    for _ in range(10):
        assert api.http.post(f"/rpc/{function}").status_code in (204, 400)
        assert api.http.get("/rpc/left").json() == before


def test_people_on_one_connection_never_see_each_other(own_api: Callable[..., Api]) -> None:
    """Security: claims are local to a transaction, also when several people's requests share a connection."""
    api = own_api()
    api.context.database.data.resize(1, 1)
    people = [str(uuid.uuid4()) for _ in range(4)]
    for person in people:
        api.sql("insert into test.notes (user_id, body) values (%s, %s)", person, person)
    faults: list[Any] = []

    def ask(person: str) -> None:
        headers = {"apikey": api.context.api_keys.publishable, **api.as_role("authenticated", sub=person)}
        with httpx.Client(base_url=api.url, headers=headers, timeout=HANG_SECONDS) as http:
            for number in range(40):
                rows = http.get("/notes?select=body" if number % 4 else "/notes?select=body&id=gt.x").json()
                if number % 4 and rows != [{"body": person}]:
                    faults.append(rows)

    threads = [threading.Thread(target=ask, args=(person,)) for person in people]
    for thread in threads:
        thread.start()
    for _ in range(20):
        if api.http.get("/notes").status_code != 401:
            faults.append("nobody saw notes")
    for thread in threads:
        thread.join()
    assert faults == []


def test_a_dead_connection_costs_a_repetition_not_an_error(own_api: Callable[..., Api]) -> None:
    api = own_api()
    for _ in range(3):
        assert api.http.post("/items", json={}).status_code == 201
        api.sql(
            "select pg_terminate_backend(pid) from pg_stat_activity where usename = 'authenticator'"
            " and datname = current_database()"
        )
    assert api.http.get("/items").status_code == 200
    assert api.http.post("/items", json={}).status_code == 201


def test_without_a_database_the_answer_is_503(own_api: Callable[..., Api]) -> None:
    """And clients may try again: nothing was done."""
    api = own_api()
    api.context.database.data.timeout = 0.5
    assert api.http.get("/items").status_code == 200
    name = conninfo_to_dict(api.database_dsn)["dbname"]
    elsewhere = make_conninfo(api.database_dsn, dbname="postgres")
    with psycopg.connect(elsewhere, autocommit=True) as admin:
        admin.execute(f"alter database {name} with allow_connections false".encode())
        end = "select pg_terminate_backend(pid) from pg_stat_activity where datname = %s"
        admin.execute(end.encode(), (name,))
        response = api.http.get("/items")
        assert response.status_code in (503, 504), response.text
        assert response.json()["code"] in ("PGRST001", "PGRST003")
        admin.execute(f"alter database {name} with allow_connections true".encode())
    wait_until(lambda: api.http.get("/items").status_code == 200)
