"""DELETE and UPDATE without WHERE are refused, in a request and in the functions that it runs."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from signet_stack.rest.safe_updates import unsafe_statements
from tests.signet_stack.rest.conftest import Api
from tests.support.patience import wait_until

FUNCTIONS = """
create table test.logged (at timestamptz default now(), n int);
grant all on test.logged to anon;
insert into test.logged (n) values (1);
create function test.empty_names() returns void language sql volatile as $$ delete from test.names $$;
create function test.deep() returns void language plpgsql volatile as $$
begin perform test.empty_names(); end $$;
create function test.as_owner() returns void language plpgsql volatile security definer as $$
begin update test.clients set name = 'x'; end $$;
create function test.count_up() returns trigger language plpgsql as $$
begin update test.logged set n = n + 1; return new; end $$;
create trigger count_up after insert on test.tiobe_pls for each row execute function test.count_up();
create function test.guarded(everything boolean) returns void language plpgsql volatile as $$
begin
    if everything then delete from test.people; else delete from test.users_tasks where task_id = 1; end if;
end $$;
create function test.where_true() returns void language sql volatile
    as $$ delete from test.names where true $$;
create function test.parsed() returns void language sql volatile begin atomic delete from test.names; end;
create function test.upsert() returns void language sql volatile as $$
    insert into test.tiobe_pls values ('C', 1) on conflict (name) do update set rank = 1 $$;
grant execute on all functions in schema test to anon;
"""


@pytest.fixture
def served(own_api: Callable[..., Api]) -> Api:
    """Serve the functions above."""
    api = own_api()
    api.sql(FUNCTIONS)
    wait_until(lambda: api.http.post("/rpc/where_true").status_code == 204)
    api.sql("insert into test.names values ('again')")
    return api


@pytest.mark.parametrize(
    ("method", "path", "body", "verb"),
    [
        ("DELETE", "/names", None, "DELETE"),
        ("DELETE", "/names?select=name&order=name", None, "DELETE"),
        ("PATCH", "/names", {"name": "x"}, "UPDATE"),
        ("PATCH", "/projects?clients.id=eq.1&select=clients(id)", {"name": "x"}, "UPDATE"),
        ("POST", "/rpc/empty_names", None, "DELETE"),
        ("POST", "/rpc/deep", None, "DELETE"),
        ("POST", "/rpc/as_owner", None, "UPDATE"),
        ("POST", "/rpc/guarded", {"everything": True}, "DELETE"),
        ("POST", "/tiobe_pls", {"name": "Go"}, "UPDATE"),
    ],
)
def test_a_statement_without_where_is_refused_and_changes_nothing(
    served: Api, method: str, path: str, body: object, verb: str
) -> None:
    tables = ("names", "projects", "clients", "people", "tiobe_pls", "logged")
    before = [served.sql(f"select * from test.{table} order by 1") for table in tables]
    response = served.http.request(method, path, json=body)
    assert (response.status_code, response.json()) == (
        400,
        {"code": "21000", "details": None, "hint": None, "message": f"{verb} requires a WHERE clause"},
    )
    assert [served.sql(f"select * from test.{table} order by 1") for table in tables] == before


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("DELETE", "/names?name=not.is.null", None),
        ("DELETE", "/names?or=(name.is.null,name.not.is.null)", None),
        ("PATCH", "/names?name=eq.x", {"name": "y"}),
        ("PATCH", "/names", {}),
        ("POST", "/rpc/where_true", None),
        ("POST", "/rpc/parsed", None),
        ("POST", "/rpc/upsert", None),
        ("POST", "/rpc/guarded", {"everything": False}),
        ("POST", "/names", {"name": "z"}),
    ],
)
def test_other_statements_are_not(served: Api, method: str, path: str, body: object) -> None:
    assert served.http.request(method, path, json=body).status_code in (201, 204)


def test_it_can_be_turned_off(own_api: Callable[..., Api]) -> None:
    api = own_api(safe_updates=False)
    api.sql(FUNCTIONS)
    wait_until(lambda: api.http.post("/rpc/empty_names").status_code == 204)
    assert api.http.delete("/names").status_code == 204


def test_postgres_may_turn_it_off_as_on_a_hosted_project(own_api: Callable[..., Api]) -> None:
    api = own_api()
    assert api.http.delete("/names").status_code == 400
    try:
        api.sql("alter role authenticator set safeupdate.enabled = 'off'")
        api.sql("notify pgrst, 'reload config'")
        wait_until(lambda: api.http.delete("/names").status_code == 204)
    finally:
        api.sql("alter role authenticator reset safeupdate.enabled")


@pytest.mark.parametrize(
    ("body", "found"),
    [
        ("delete from t", [("DELETE", "t")]),
        ("DELETE FROM ONLY a.\"T x\" AS t; select 1 where true", [("DELETE", "T x")]),
        ("begin if x then delete from a.b; end if; delete from c where d; end", [("DELETE", "b")]),
        ("with x as (delete from t returning *) select * from x where a", [("DELETE", "t")]),
        ("for r in update t set a = (select 1 from b where c) returning * loop", [("UPDATE", "t")]),
        ("update t set a = 'where'", [("UPDATE", "t")]),
        ("delete from t /* where */ -- where", [("DELETE", "t")]),
        ("delete from t using u", [("DELETE", "t")]),
        ("update t set a = 1 from u where t.a = u.a", []),
        ("insert into t values (1) on conflict (a) do update set a = 1", []),
        ("select * from t for update", []),
        ("merge into t using s on a when matched then update set x = 1 when not matched then delete", []),
        ("execute 'delete from t'", []),
        ("delete from t where 'unterminated", []),
        ("delete from", []),
        ("", []),
    ],
)  # fmt: skip
def test_finds_statements_without_where(body: str, found: list[tuple[str, str]]) -> None:
    assert [(one.verb, one.table) for one in unsafe_statements(1, body)] == found
