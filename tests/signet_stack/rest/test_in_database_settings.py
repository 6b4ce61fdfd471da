"""Settings of the data API that the database keeps: ``alter role authenticator set pgrst.*``."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator

import psycopg
import pytest
from psycopg import Connection

from signet_stack.postgres.cluster import SUPERUSER, Cluster
from signet_stack.rest.settings import RestSettings, configure
from tests.signet_stack.rest.conftest import Api
from tests.support.patience import wait_until

Configure = Callable[..., Api]


@pytest.fixture
def superuser(cluster: Cluster, fresh_database: str) -> Iterator[Connection]:
    """Connect to this test's database as its superuser."""
    with psycopg.connect(cluster.dsn(SUPERUSER, fresh_database), autocommit=True) as connection:
        yield connection


@pytest.fixture
def configured(
    own_api: Callable[..., Api], superuser: Connection, fresh_database: str
) -> Iterator[Callable[..., Api]]:
    """Return a function that sets ``pgrst.*`` for this test's database alone and serves it."""
    place = f'alter role authenticator in database "{fresh_database}"'

    def start(**settings: str) -> Api:
        for name, value in settings.items():
            superuser.execute(f"{place} set pgrst.{name} = '{value}'".encode())
        return own_api(schemas=("test",))

    yield start
    superuser.execute(f"{place} reset all".encode())


def test_the_documented_settings_apply(configured: Configure) -> None:
    api = configured(
        db_schemas="second, test", db_max_rows="2", db_aggregates_enabled="true", db_plan_enabled="on"
    )
    assert api.http.get("/things").json() == [{"id": 1, "label": "thing"}]
    elsewhere = {"Accept-Profile": "test"}
    assert len(api.http.get("/items", headers=elsewhere).json()) == 2
    assert api.http.get("/items?select=count()", headers=elsewhere).json() == [{"count": 15}]
    plan = api.http.get("/things", headers={"Accept": "application/vnd.pgrst.plan"})
    assert plan.headers["Content-Type"].startswith("application/vnd.pgrst.plan+text")
    refused = api.http.get("/items", headers={"Accept-Profile": "public"})
    assert refused.json()["hint"] == "Only the following schemas are exposed: second, test"


def test_a_new_value_applies_after_reload_config(configured: Configure, superuser: Connection) -> None:
    api = configured(db_max_rows="3")
    assert len(api.http.get("/items").json()) == 3
    (name,) = api.sql("select current_database()")[0]
    superuser.execute(f'alter role authenticator in database "{name}" set pgrst.db_max_rows = 4'.encode())
    api.sql("notify pgrst, 'reload config'")
    wait_until(lambda: len(api.http.get("/items").json()) == 4)


def test_a_pre_request_function_runs_first_and_may_refuse(configured: Configure) -> None:
    api = configured(db_pre_request="test.check_request")
    api.sql("""
        create function test.check_request() returns void language plpgsql as $$
        begin
            if current_setting('request.headers')::json ->> 'x-blocked' is not null then
                raise sqlstate 'PT420' using message = 'Enhance Your Calm';
            end if;
            perform set_config('response.headers', '[{"X-Checked": "yes"}]', true);
        end $$;
        grant execute on function test.check_request() to anon;
    """)
    assert api.http.get("/items?limit=1").headers["X-Checked"] == "yes"
    assert api.http.post("/items", json={"id": 90}).headers["X-Checked"] == "yes"
    for method, path in (("GET", "/items"), ("POST", "/rpc/callcounter"), ("GET", "/")):
        refused = api.http.request(method, path, headers={"X-Blocked": "1"})
        assert (refused.status_code, refused.reason_phrase) == (420, "Enhance Your Calm"), path
        assert refused.json()["message"] == "Enhance Your Calm"


@pytest.mark.parametrize(
    ("pairs", "expected"),
    [
        ({"pgrst.db_schemas": "api , public"}, RestSettings(schemas=("api", "public"))),
        ({"pgrst.db_extra_search_path": ""}, RestSettings(extra_search_path=())),
        ({"pgrst.db_anon_role": "web"}, RestSettings(anonymous_role="web")),
        ({"pgrst.db_tx_end": "rollback-allow-override"}, RestSettings(rolls_back=True, end_override=True)),
        ({"pgrst.db_tx_end": "commit"}, RestSettings()),
        ({"pgrst.db_pre_request": 'private."f"'}, RestSettings(pre_request=("private", "f"))),
        ({"pgrst.db_aggregates_enabled": "off"}, RestSettings()),
    ],
    ids=str,
)
def test_reads_each_setting(pairs: dict[str, str], expected: RestSettings) -> None:
    assert configure(RestSettings(), pairs.items()) == expected


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("db_schemas", " , "),
        ("db_max_rows", "many"),
        ("db_max_rows", "-1"),
        ("db_plan_enabled", "perhaps"),
        ("db_tx_end", "sometimes"),
        ("jwt_secret", "x"),
    ],
)
def test_what_cannot_be_applied_is_logged_and_left_as_it_is(
    key: str, value: str, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        assert configure(RestSettings(), [(f"pgrst.{key}", value)]) == RestSettings()
    assert f"pgrst.{key}" in caplog.text


def test_postgres_may_change_them_as_on_a_hosted_project(own_api: Callable[..., Api]) -> None:
    api = own_api(schemas=("test",))
    assert len(api.http.get("/items").json()) == 15
    try:
        api.sql("alter role authenticator set pgrst.db_max_rows = '2'")
        api.sql("notify pgrst, 'reload config'")
        wait_until(lambda: len(api.http.get("/items").json()) == 2)
    finally:
        api.sql("alter role authenticator reset pgrst.db_max_rows")
