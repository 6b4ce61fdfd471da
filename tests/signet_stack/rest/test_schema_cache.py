"""The schema cache follows the database: no restart, no failed request, also across lost connections."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import psycopg
import pytest

from signet_db import runner
from signet_stack.postgres.cluster import SUPERUSER, Cluster
from signet_stack.rest.schema_cache import listener
from signet_stack.rest.schema_cache.load import load_schema_cache
from signet_stack.rest.schema_cache.model import SchemaCache
from signet_stack.rest.settings import RestSettings
from tests.conftest import ROOT
from tests.signet_stack.rest.conftest import Api
from tests.support.patience import wait_until


def status(api: Api, path: str) -> int:
    return api.http.get(path).status_code


def test_a_new_table_is_served_and_a_dropped_one_is_not(own_api: Callable[..., Api]) -> None:
    api = own_api()
    assert api.http.get("/fresh").json()["code"] == "PGRST205"
    api.sql("create table test.fresh (id int); grant select on test.fresh to anon")
    wait_until(lambda: status(api, "/fresh") == 200)
    api.sql("drop table test.fresh")
    wait_until(lambda: api.http.get("/fresh").json()["code"] == "PGRST205")


@pytest.mark.parametrize(
    ("statement", "address", "expected"),
    [
        (
            "alter table test.clients add column city text default 'x'",
            "/clients?select=city&id=eq.1",
            [{"city": "x"}],
        ),
        (
            "alter table test.clients rename column name to title",
            "/clients?select=title&id=eq.2",
            [{"title": "Apple"}],
        ),
        (
            "create function test.fresh() returns int language sql stable as 'select 7';"
            "grant execute on function test.fresh() to anon",
            "/rpc/fresh",
            7,
        ),
        (
            "create table test.extra (id int primary key, client_id int references test.clients);"
            "insert into test.extra values (1, 2); grant select on test.extra to anon",
            "/clients?select=extra(id)&id=eq.2",
            [{"extra": [{"id": 1}]}],
        ),
    ],
    ids=["column", "rename", "function", "relation"],
)
def test_any_change_of_the_schema_counts_soon(
    own_api: Callable[..., Api], statement: str, address: str, expected: object
) -> None:
    api = own_api()
    assert status(api, "/clients") == 200
    api.sql(statement)
    wait_until(lambda: api.http.get(address).json() == expected)


def test_prepared_statements_survive_a_change_of_their_table(own_api: Callable[..., Api]) -> None:
    api = own_api()
    for _ in range(4):
        assert len(api.http.get("/clients").json()[0]) == 2
    api.sql("alter table test.clients add column city text")
    wait_until(lambda: len(api.http.get("/clients").json()[0]) == 3)
    api.sql("alter table test.clients drop column city")
    for _ in range(4):
        assert len(api.http.get("/clients").json()[0]) == 2


def test_prepared_statements_take_the_new_types_of_their_parameters(own_api: Callable[..., Api]) -> None:
    """Prepared before the change, `id = $1` has a parameter of the old type on every connection."""
    api = own_api()
    api.sql("create table test.codes (id integer primary key, n integer); grant all on test.codes to anon")
    wait_until(lambda: status(api, "/codes") == 200)
    for _ in range(30):
        assert status(api, "/codes?id=eq.1") == 200
    api.sql("alter table test.codes alter id type text, add seen text")
    wait_until(lambda: "seen" in api.http.get("/").json()["definitions"]["codes"]["properties"])
    for _ in range(30):
        response = api.http.get("/codes?id=eq.1")
        assert (response.status_code, response.json()) == (200, [])


def test_migrations_are_served_after_flask_db_upgrade(own_api: Callable[..., Api]) -> None:
    api = own_api(schemas=("public",))
    assert api.http.get("/profiles").json()["code"] == "PGRST205"
    runner.upgrade(api.database_dsn, ROOT / "migrations")
    wait_until(lambda: api.http.get("/profiles").json()["code"] == "42501")
    signed_in = api.as_role("authenticated", session_id=None)
    assert api.http.get("/profiles", headers=signed_in).status_code == 200


def test_without_event_triggers_a_notification_is_needed_and_enough(
    own_api: Callable[..., Api], cluster: Cluster, fresh_database: str
) -> None:
    api = own_api()
    assert status(api, "/clients") == 200
    with psycopg.connect(cluster.dsn(SUPERUSER, fresh_database), autocommit=True) as admin:
        admin.execute("drop event trigger pgrst_ddl_watch")
        admin.execute("drop event trigger pgrst_drop_watch")
    api.sql("create table test.fresh (id int); grant select on test.fresh to anon")
    assert status(api, "/fresh") == 404
    api.sql("notify pgrst, 'reload schema'")
    wait_until(lambda: status(api, "/fresh") == 200)


def test_notifications_that_come_during_a_load_cost_one_more_load(
    own_api: Callable[..., Api], monkeypatch: pytest.MonkeyPatch
) -> None:
    api = own_api()
    loads: list[int] = []

    def load(connection: psycopg.Connection, settings: RestSettings) -> SchemaCache:
        loads.append(len(loads))
        if len(loads) == 1:
            for number in range(10):
                api.sql(f"notify pgrst, 'reload schema {number}'")
        return load_schema_cache(connection, settings)

    monkeypatch.setattr(listener, "load_schema_cache", load)
    assert status(api, "/clients") == 200
    wait_until(lambda: len(loads) > 1)
    time.sleep(0.15)
    assert len(loads) == 2


def test_requests_in_flight_do_not_notice(own_api: Callable[..., Api]) -> None:
    api = own_api()
    is_over = threading.Event()
    faults: list[str] = []

    def ask() -> None:
        while not is_over.is_set():
            response = api.http.get("/projects?select=id,clients(name)")
            if response.status_code != 200:
                faults.append(response.text)

    threads = [threading.Thread(target=ask) for _ in range(3)]
    for thread in threads:
        thread.start()
    for number in range(10):
        api.sql(f"create table test.t{number} (id int primary key); grant select on test.t{number} to anon")
    wait_until(lambda: status(api, "/t9") == 200)
    is_over.set()
    for thread in threads:
        thread.join()
    assert faults == []


def test_it_listens_again_after_its_connection_is_lost(own_api: Callable[..., Api]) -> None:
    """What changed in between is not missed."""
    api = own_api()
    assert status(api, "/clients") == 200
    ended = api.sql(
        "select pg_terminate_backend(pid) from pg_stat_activity where usename = 'authenticator'"
        " and datname = current_database()"
    )
    assert ended
    api.sql("create table test.fresh (id int); grant select on test.fresh to anon")
    wait_until(lambda: status(api, "/fresh") == 200)
    api.sql("create table test.fresher (id int); grant select on test.fresher to anon")
    wait_until(lambda: status(api, "/fresher") == 200)


def test_its_thread_ends_with_the_pool(own_api: Callable[..., Api]) -> None:
    before = set(threading.enumerate())
    api = own_api()
    assert status(api, "/clients") == 200
    (cache,) = [thread for thread in set(threading.enumerate()) - before if thread.name == "schema-cache"]
    api.context.database.close()
    cache.join(20)
    assert not cache.is_alive()


def test_without_a_schema_cache_the_answer_is_503(
    own_api: Callable[..., Api], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("signet_stack.rest.schema_cache.listener.WAIT_SECONDS", 0.2)
    monkeypatch.setattr("signet_stack.rest.schema_cache.queries.TABLES", "select broken where %s is null")
    api = own_api()
    response = api.http.get("/clients")
    assert (response.status_code, response.json()["code"]) == (503, "PGRST002")
    assert response.headers["Retry-After"] == "1"
    monkeypatch.undo()
    wait_until(lambda: status(api, "/clients") == 200)


def test_only_exposed_schemas_are_read(own_api: Callable[..., Api]) -> None:
    api = own_api()
    api.sql("create schema hidden; create table hidden.t (id int primary key, c int references test.clients)")
    with psycopg.connect(str(api.context.database.data.conninfo), autocommit=True) as connection:
        schema_cache = load_schema_cache(connection, RestSettings(schemas=("test",)))
    assert {schema for schema, _ in schema_cache.tables} == {"test"}
    assert all(relation.target != "t" for relation in schema_cache.relations["test", "clients"])
