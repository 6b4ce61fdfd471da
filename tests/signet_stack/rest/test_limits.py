"""Bounds of cost, and the rows of other people: what no request gets past."""

from __future__ import annotations

import concurrent.futures
import string
from collections.abc import Callable

import pytest

from tests.signet_stack.rest.conftest import Api


def test_many_rows_are_cut_at_the_limit(own_api: Callable[..., Api]) -> None:
    api = own_api(max_rows=10)
    assert len(api.http.get("/items").json()) == 10
    assert len(api.http.get("/items?limit=100").json()) == 10
    assert api.http.get("/items", headers={"Prefer": "count=exact"}).headers["Content-Range"] == "0-9/15"
    assert len(api.http.get("/rpc/getitemrange?min=0&max=99").json()) == 10
    written = api.http.post("/items", json=[{}] * 12, headers={"Prefer": "return=representation"})
    assert len(written.json()) == 12


def test_an_estimate_is_exact_up_to_the_limit(own_api: Callable[..., Api]) -> None:
    api = own_api(max_rows=10)
    api.sql("analyze test.items")
    for address, count, content_range in (
        ("/items", "planned", "0-9/15"),
        ("/items", "estimated", "0-9/15"),
        ("/items?id=lt.4", "estimated", "0-2/3"),
        ("/items?id=lt.0", "estimated", "*/0"),
        ("/rpc/getitemrange?min=0&max=99", "estimated", "0-9/15"),
    ):
        response = api.http.get(address, headers={"Prefer": f"count={count}"})
        assert response.headers.get("Content-Range") == content_range, address
    api.sql("delete from test.items where id < 3; analyze test.items; insert into test.items values (1), (2)")
    low = api.http.get("/items?id=lt.14", headers={"Prefer": "count=estimated"})
    assert low.headers["Content-Range"] == "0-9/11"  # at least one more than fits on the page


def test_slow_statements_end_and_the_process_goes_on(own_api: Callable[..., Api]) -> None:
    """Patterns that explode, and a plain wait: bounded by statement_timeout."""
    api = own_api()
    api.sql("alter function test.sleep(double precision) set statement_timeout = '100ms'")
    api.sql("insert into test.names values (repeat('a', 30000))")
    response = api.http.post("/rpc/sleep", json={"seconds": 30})
    assert (response.status_code, response.json()["code"]) == (500, "57014")
    for pattern in ("match.(a*)*b", "like." + "%" * 2000 + "b"):
        assert api.http.get("/names", params={"name": pattern}).status_code in (200, 500)
    assert api.http.get("/items?id=eq.1").json() == [{"id": 1}]


OTHERS = "22222222-2222-4222-8222-222222222222"
MINE = "11111111-1111-4111-8111-111111111111"


@pytest.fixture
def notes(own_api: Callable[..., Api]) -> Api:
    """Return a data API with one note of somebody and one of somebody else."""
    api = own_api()
    for person in (MINE, OTHERS):
        api.sql("insert into test.notes (user_id, body) values (%s, 'secret')", person)
    return api


@pytest.mark.parametrize(
    "address",
    [
        f"/notes?user_id=eq.{OTHERS}",
        f"/notes?user_id=in.({OTHERS})",
        f"/notes?or=(user_id.eq.{OTHERS},and(user_id.eq.{OTHERS},id.gt.0))",
        f"/notes?user_id=neq.{MINE}",
        "/notes?id=eq.2",
    ],
)
def test_no_filter_reads_the_rows_of_others(notes: Api, address: str) -> None:
    me = {**notes.as_role("authenticated", sub=MINE), "Prefer": "count=exact"}
    response = notes.http.get(address, headers=me)
    assert (response.status_code, response.json()) == (200, [])
    assert response.headers["Content-Range"] == "*/0"
    assert notes.http.head(address, headers=me).headers["Content-Range"] == "*/0"


def test_no_write_reaches_the_rows_of_others(notes: Api) -> None:
    me = {**notes.as_role("authenticated", sub=MINE), "Prefer": "return=representation"}
    assert notes.http.patch("/notes?id=eq.2", json={"body": "x"}, headers=me).json() == []
    assert notes.http.delete("/notes?id=eq.2", headers=me).json() == []
    for method, body, prefer in (
        ("POST", {"user_id": OTHERS, "body": "x"}, ""),
        ("PATCH", {"user_id": OTHERS}, ""),
        ("POST", {"id": 2, "user_id": OTHERS, "body": "x"}, ", resolution=merge-duplicates"),
    ):
        headers = {**me, "Prefer": f"return=representation{prefer}"}
        response = notes.http.request(
            method, "/notes?id=gt.0" if method == "PATCH" else "/notes", json=body, headers=headers
        )
        assert (response.status_code, response.json()["code"]) == (403, "42501"), response.text
    assert notes.sql("select body from test.notes where user_id = %s", OTHERS) == [("secret",)]


def test_a_failing_cast_tells_nothing_about_the_rows_of_others(notes: Api) -> None:
    me = notes.as_role("authenticated", sub=str(OTHERS).replace("2", "3"))
    assert notes.http.get("/notes?select=body::int", headers=me).json() == []


@pytest.mark.parametrize("claims", [{"sub": ""}, {"sub": "x"}, {"sub": "\u0000"}, {"sub": "'; --"}], ids=str)
def test_a_subject_that_is_no_user_reads_nothing(notes: Api, claims: dict[str, str]) -> None:
    response = notes.http.get("/notes", headers=notes.as_role("authenticated", **claims))
    assert response.status_code == 400 or response.json() == []


def test_plan_and_hidden_schemas_are_off(api: Api) -> None:
    plan = api.http.get("/items", headers={"Accept": "application/vnd.pgrst.plan+json"})
    assert (plan.status_code, plan.json()["code"]) == (406, "PGRST107")
    for schema in ("auth", "signet_stack", "pg_catalog", "information_schema", "public"):
        response = api.http.get("/users", headers={"Accept-Profile": schema})
        assert (response.status_code, response.json()["code"]) == (406, "PGRST106")


def test_a_write_without_a_filter_can_be_stopped(api: Api) -> None:
    strict = {"Prefer": "handling=strict, max-affected=1, tx=rollback"}
    for method, body in (("PATCH", {"name": "x"}), ("DELETE", None)):
        response = api.http.request(method, "/names", json=body, headers=strict)
        assert (response.status_code, response.json()["code"]) == (400, "PGRST124")


def test_several_clients_at_once_are_served(api: Api) -> None:
    """More clients than connections: they wait, none fails."""

    def ask(number: int) -> int:
        return api.http.get(f"/items?id=eq.{number % 15 + 1}").status_code

    with concurrent.futures.ThreadPoolExecutor(24) as executor:
        assert set(executor.map(ask, range(96))) == {200}


def test_letters_of_every_kind_are_values(api: Api) -> None:
    for text in (string.printable, "Ünïcødé 🙂", "\u202e", "''", "\\\\"):
        response = api.http.get("/rpc/sayhello", params={"name": text})
        assert response.json() == f"Hello, {text}"
