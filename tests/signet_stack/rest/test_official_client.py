"""Every method of the official client's table and function builders, with results."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import supabase
from postgrest import (
    APIError,
    CountMethod,
    SyncFilterRequestBuilder,
    SyncMaybeSingleRequestBuilder,
    SyncQueryRequestBuilder,
    SyncRequestBuilder,
    SyncRPCFilterRequestBuilder,
    SyncSelectRequestBuilder,
    SyncSingleRequestBuilder,
)
from supabase.lib.client_options import SyncClientOptions

from tests.signet_stack.rest.conftest import Api


def make_client(api: Api, http: httpx.Client) -> supabase.Client:
    """Build the official client for one data API."""
    options = SyncClientOptions(
        schema="test", httpx_client=http, auto_refresh_token=False, persist_session=False
    )
    url = api.url.removesuffix("/rest/v1")
    return supabase.create_client(url, api.context.api_keys.publishable, options)


@pytest.fixture(scope="module")
def reader(api: Api) -> Iterator[supabase.Client]:
    """Return a client for tests that only read."""
    with httpx.Client() as http:
        yield make_client(api, http)


@pytest.fixture
def client(own_api: Any) -> Iterator[supabase.Client]:
    """Return a client of a database of this test's own."""
    with httpx.Client() as http:
        yield make_client(own_api(), http)


# Table, columns, what is called on the builder, rows that come back (as values).
READS: dict[str, tuple[str, str, Any, list[Any]]] = {
    "everything": ("clients", "*", lambda q: q, [(1, "Microsoft"), (2, "Apple")]),
    "eq": ("clients", "*", lambda q: q.eq("name", "Apple"), [(2, "Apple")]),
    "neq": ("clients", "*", lambda q: q.neq("name", "Apple"), [(1, "Microsoft")]),
    "gt": ("projects", "id", lambda q: q.gt("id", 4), [5]),
    "gte": ("projects", "id", lambda q: q.gte("id", 4), [4, 5]),
    "lt": ("projects", "id", lambda q: q.lt("id", 2), [1]),
    "lte": ("projects", "id", lambda q: q.lte("id", 2), [1, 2]),
    "is None": ("projects", "id", lambda q: q.is_("client_id", None), [5]),
    "is null": ("projects", "id", lambda q: q.is_("client_id", "null"), [5]),
    "not": ("projects", "id", lambda q: q.not_.is_("client_id", "null"), [1, 2, 3, 4]),
    "like": ("projects", "id", lambda q: q.like("name", "%Win%"), [1, 2]),
    "ilike": ("projects", "id", lambda q: q.ilike("name", "%win%"), [1, 2]),
    "like_any_of": ("projects", "id", lambda q: q.like_any_of("name", "Win*,O*"), [1, 2, 4, 5]),
    "like_all_of": ("projects", "id", lambda q: q.like_all_of("name", "Win*,*7"), [1]),
    "ilike_any_of": ("projects", "id", lambda q: q.ilike_any_of("name", "win*,osx"), [1, 2, 4]),
    "ilike_all_of": ("projects", "id", lambda q: q.ilike_all_of("name", "win*,*7"), [1]),
    "in_": ("names", "*", lambda q: q.in_("name", ["David White", "Hebdon, John"]),
            ["David White", "Hebdon, John"]),
    "in_ nothing": ("names", "*", lambda q: q.in_("name", []), []),
    "or_": ("projects", "id", lambda q: q.or_("id.eq.1,name.eq.OSX"), [1, 4]),
    "or_ on an embed": ("clients", "id,projects!inner(id)",
                        lambda q: q.or_("id.eq.1,id.eq.2", reference_table="projects"),
                        [(1, [{"id": 1}, {"id": 2}])]),
    "match": ("projects", "id", lambda q: q.match({"client_id": 1, "name": "Windows 7"}), [1]),
    "filter": ("projects", "id", lambda q: q.filter("id", "in", "(1,5)"), [1, 5]),
    "contains": ("bookings", "id", lambda q: q.contains("tags", ["b", "c"]), [2]),
    "contained_by": ("bookings", "id", lambda q: q.contained_by("tags", ["a", "b"]), [1, 3]),
    "overlaps": ("bookings", "id", lambda q: q.overlaps("tags", ["a"]), [1]),
    "ov": ("bookings", "id", lambda q: q.ov("tags", ["c"]), [2]),
    "cs": ("bookings", "id", lambda q: q.cs("tags", ["c"]), [2]),
    "cd": ("bookings", "id", lambda q: q.cd("tags", ["b", "c"]), [2, 3]),
    "range_gt": ("bookings", "id", lambda q: q.range_gt("during", [6, 8]), [3]),
    "range_gte": ("bookings", "id", lambda q: q.range_gte("during", [4, 8]), [2, 3]),
    "range_lt": ("bookings", "id", lambda q: q.range_lt("during", [5, 8]), [1]),
    "range_lte": ("bookings", "id", lambda q: q.range_lte("during", [5, 9]), [1, 2]),
    "range_adjacent": ("bookings", "id", lambda q: q.range_adjacent("during", [8, 20]), [2, 3]),
    "sl": ("bookings", "id", lambda q: q.sl("during", (5, 8)), [1]),
    "sr": ("bookings", "id", lambda q: q.sr("during", (6, 8)), [3]),
    "nxl": ("bookings", "id", lambda q: q.nxl("during", (4, 8)), [2, 3]),
    "nxr": ("bookings", "id", lambda q: q.nxr("during", (5, 9)), [1, 2]),
    "adj": ("bookings", "id", lambda q: q.adj("during", (8, 20)), [2, 3]),
    "text_search": ("bookings", "id", lambda q: q.text_search("written", "fox", {"config": "english"}), [1]),
    "fts": ("bookings", "id", lambda q: q.fts("written", "fox"), [1]),
    "plfts": ("bookings", "id", lambda q: q.plfts("written", "lazy dog"), [2]),
    "phfts": ("bookings", "id", lambda q: q.phfts("written", "lazy dog"), [2]),
    "wfts": ("bookings", "id", lambda q: q.wfts("written", "fox or dog"), [1, 2]),
    "order": ("clients", "id", lambda q: q.order("name"), [2, 1]),
    "order desc": ("projects", "id", lambda q: q.order("client_id", desc=True, nullsfirst=True).order("id"),
                   [5, 3, 4, 1, 2]),
    "order an embed": ("clients", "id,projects(id)",
                       lambda q: q.order("id", desc=True, foreign_table="projects").limit(1),
                       [(1, [{"id": 2}, {"id": 1}])]),
    "limit": ("projects", "id", lambda q: q.order("id").limit(2), [1, 2]),
    "limit an embed": ("clients", "id,projects(id)", lambda q: q.limit(1, foreign_table="projects"),
                       [(1, [{"id": 1}]), (2, [{"id": 3}])]),
    "offset": ("projects", "id", lambda q: q.order("id").limit(2).offset(3), [4, 5]),
    "range": ("projects", "id", lambda q: q.order("id").range(1, 2), [2, 3]),
    "embed": ("projects", "id, clients(name)", lambda q: q.eq("id", 1), [(1, {"name": "Microsoft"})]),
    "filter on an embed": ("clients", "id,projects!inner(id)", lambda q: q.eq("projects.name", "IOS"),
                           [(2, [{"id": 3}])]),
}  # fmt: skip


@pytest.mark.parametrize("name", READS)
def test_reads(reader: supabase.Client, name: str) -> None:
    table, columns, build, rows = READS[name]
    answer = build(reader.table(table).select(columns)).execute()
    found = [tuple(row.values()) for row in answer.data]
    assert [row[0] if len(row) == 1 else row for row in found] == rows


def test_reads_another_schema(reader: supabase.Client) -> None:
    assert reader.schema("second").from_("things").select("id", "label").execute().data == [
        {"id": 1, "label": "thing"}
    ]


def test_single_and_maybe_single(reader: supabase.Client) -> None:
    clients = reader.table("clients")
    assert clients.select("*").eq("id", 1).single().execute().data == {"id": 1, "name": "Microsoft"}
    with pytest.raises(APIError) as refused:
        clients.select("*").eq("id", 9).single().execute()
    assert (refused.value.code, refused.value.details) == ("PGRST116", "The result contains 0 rows")
    found = clients.select("*").eq("id", 2).maybe_single().execute()
    assert found is not None
    assert found.data == {"id": 2, "name": "Apple"}
    assert clients.select("*").eq("id", 9).maybe_single().execute() is None
    with pytest.raises(APIError):
        clients.select("*").maybe_single().execute()


def test_strip_nulls(reader: supabase.Client) -> None:
    people = reader.table("people").select("id,age").order("id")
    assert people.strip_nulls().execute().data == [{"id": 1, "age": 36}, {"id": 2}]


def test_csv(reader: supabase.Client) -> None:
    assert reader.table("clients").select("*").csv().execute().data == "id,name\n1,Microsoft\n2,Apple"


@pytest.mark.parametrize("method", list(CountMethod))
def test_counts(reader: supabase.Client, method: CountMethod) -> None:
    answer = reader.table("items").select("*", count=method).limit(2).execute()
    assert len(answer.data) == 2
    assert answer.count is not None
    if method is not CountMethod.planned:
        assert answer.count == 15


def test_counts_without_rows(reader: supabase.Client) -> None:
    answer = reader.table("items").select("*", count=CountMethod.exact, head=True).execute()
    assert (answer.data, answer.count) == ([], 15)


def test_inserts(client: supabase.Client) -> None:
    items = client.table("clients")
    assert items.insert({"id": 3, "name": "IBM"}).execute().data == [{"id": 3, "name": "IBM"}]
    rows = [{"id": 4, "name": "Sun"}, {"id": 5, "name": "HP"}]
    assert items.insert(rows, count=CountMethod.exact).execute().count == 2
    assert items.insert({"id": 6, "name": "DEC"}, returning="minimal").execute().data == []
    assert len(items.select("*").execute().data) == 6


def test_inserts_rows_with_defaults(client: supabase.Client) -> None:
    rows = [{"id": 4, "name": "four"}, {"id": 5, "field-with_sep": 7}]
    answer = client.table("complex_items").insert(rows, default_to_null=False).execute()
    assert [row["field-with_sep"] for row in answer.data] == [1, 7]


def test_upserts(client: supabase.Client) -> None:
    languages = client.table("tiobe_pls")
    assert languages.upsert({"name": "Go", "rank": 9}).execute().data == [{"name": "Go", "rank": 9}]
    assert languages.upsert({"name": "Go", "rank": 1}, on_conflict="name").execute().data[0]["rank"] == 1
    rows = [{"name": "Go", "rank": 5}, {"name": "Ada", "rank": 6}]
    assert languages.upsert(rows, ignore_duplicates=True).execute().data == [{"name": "Ada", "rank": 6}]
    assert len(languages.select("*").execute().data) == 5


def test_updates_and_deletes(client: supabase.Client) -> None:
    clients = client.table("clients")
    assert clients.update({"name": "MS"}).eq("id", 1).execute().data == [{"id": 1, "name": "MS"}]
    assert clients.update({"name": "x"}).eq("id", 9).execute().data == []
    answer = client.table("items").delete(count=CountMethod.exact).lt("id", 3).execute()
    assert (len(answer.data), answer.count) == (2, 2)
    assert client.table("items").delete(returning="minimal").eq("id", 3).execute().data == []
    assert len(client.table("items").select("*").execute().data) == 12


def test_max_affected_keeps_a_forgotten_filter_harmless(client: supabase.Client) -> None:
    with pytest.raises(APIError) as refused:
        client.table("items").delete().lt("id", 3).max_affected(1).execute()
    assert refused.value.code == "PGRST124"
    assert len(client.table("items").select("*").execute().data) == 15


def test_explains_where_that_is_enabled(own_api: Any) -> None:
    with httpx.Client() as http:
        items = make_client(own_api(plan_enabled=True), http).table("items")
        assert items.select("*").eq("id", 1).explain(analyze=True).execute().startswith("Aggregate")
        plan: Any = items.select("*").explain(format="json").retry(enabled=False).execute()
        assert plan.data[0]["Plan"]["Node Type"] == "Aggregate"


@pytest.mark.parametrize("options", [{}, {"get": True}], ids=["post", "get"])
def test_calls_functions(reader: supabase.Client, options: dict[str, bool]) -> None:
    assert reader.rpc("add_them", {"a": 1, "b": 2}, **options).execute().data == 3
    rows = reader.rpc("getitemrange", {"min": 2, "max": 6}, **options)
    assert rows.order("id", desc=True).limit(2).execute().data == [{"id": 6}, {"id": 5}]


def test_shapes_the_result_of_a_function(reader: supabase.Client) -> None:
    call = reader.rpc("all_projects", {})
    assert call.select("id,clients(name)").eq("id", 3).single().execute().data == {
        "id": 3,
        "clients": {"name": "Apple"},
    }
    assert reader.rpc("getitemrange", {"min": 0, "max": 3}, count=CountMethod.exact).execute().count == 3
    head = reader.rpc("getitemrange", {"min": 0, "max": 3}, count=CountMethod.exact, head=True).execute()
    assert (head.data, head.count) == ([], 3)
    assert reader.rpc("ret_table", {}).csv().execute().data == "id,label\n1,a\n2,b"
    assert reader.rpc("variadic_sum", {"numbers": [1, 2]}).execute().data == 3


def test_errors_have_code_message_details_and_hint(reader: supabase.Client) -> None:
    with pytest.raises(APIError) as refused:
        reader.table("clients").insert({"id": 1, "name": "again"}).execute()
    error = refused.value
    assert (error.code, error.details, error.hint) == ("23505", "Key (id)=(1) already exists.", None)
    assert error.message == 'duplicate key value violates unique constraint "clients_pkey"'


BUILDERS = (
    SyncRequestBuilder,
    SyncSelectRequestBuilder,
    SyncFilterRequestBuilder,
    SyncQueryRequestBuilder,
    SyncMaybeSingleRequestBuilder,
    SyncSingleRequestBuilder,
    SyncRPCFilterRequestBuilder,
)


def test_no_method_of_the_builders_is_left_out() -> None:
    """A new version of the client with a new method fails here."""
    methods = {
        name
        for builder in BUILDERS
        for name, member in inspect.getmembers(builder)
        if not name.startswith("_") and callable(member)
    }
    tried = set(re.findall(r"\.(\w+)\(", Path(__file__).read_text()))
    assert methods - tried == set()
