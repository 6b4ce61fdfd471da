"""Nothing that a caller sends breaks the data API or reaches what PostgreSQL does not give to its role."""

from __future__ import annotations

import io
import json
import random
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any
from urllib.parse import quote_from_bytes

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from signet_stack.gateway import Gateway
from signet_stack.rest import create_rest
from tests.signet_stack.rest.conftest import SETTINGS, Api
from tests.support.rest_writer import NEARLY

Send = Callable[..., tuple[int, dict[str, str], bytes]]
# Statuses that are somebody's fault other than the server's. 500 is PostgREST's own mapping of some of
# PostgreSQL's refusals (a statement that is too complex, say), and none of those can be reached here.
FINE = range(200, 500)


@pytest.fixture(scope="module")
def send(api: Api) -> Send:
    """Return a function that sends bytes to the application as they are, without a client that tidies up."""
    enabled = replace(SETTINGS, aggregates_enabled=True, plan_enabled=True)
    gateway = Gateway(api.context, {"/rest/v1": create_rest(api.context, enabled)})

    def send(method: str, path: bytes, query: bytes = b"", body: bytes = b"", **headers: str) -> Any:
        seen: list[Any] = []
        environ = {
            "REQUEST_METHOD": method,
            "SCRIPT_NAME": "",
            "PATH_INFO": "/rest/v1/" + path.decode("latin-1"),
            "QUERY_STRING": query.decode("latin-1"),
            "SERVER_NAME": "x",
            "SERVER_PORT": "80",
            "CONTENT_LENGTH": str(len(body)),
            "wsgi.input": io.BytesIO(body),
            "wsgi.errors": sys.stderr,
            "wsgi.url_scheme": "http",
            "HTTP_APIKEY": api.context.api_keys.publishable,
            **headers,
        }
        reply = b"".join(gateway(environ, lambda *start: seen.extend(start)))  # type: ignore[arg-type]
        status, sent = seen
        for name, value in sent:
            assert not set(f"{name}{value}") & set("\r\n\0"), (name, value)
            f"{name}: {value}".encode("latin-1")
        return int(status.split(" ")[0]), dict(sent), reply

    return send


MANY = settings(
    max_examples=150,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
METHODS = st.sampled_from(["GET", "HEAD", "POST", "PATCH", "PUT", "DELETE", "OPTIONS"])
KEYS = ("select", "order", "id", "name", "or", "not.and", "limit", "offset", "columns", "on_conflict",
        "clients.id", "clients.order", "projects.limit", "a b")  # fmt: skip


def as_query(pairs: list[tuple[str, str]]) -> bytes:
    """Encode pairs as a query string."""
    return "&".join(f"{key}={quote_from_bytes(value.encode(), '')}" for key, value in pairs).encode()


NEAR_QUERIES = st.lists(st.tuples(st.sampled_from(KEYS), NEARLY), max_size=5).map(as_query)


@MANY
@given(method=METHODS, query=st.binary(max_size=60) | NEAR_QUERIES)
@example(method="GET", query=b"id=eq.\x00")
@example(method="GET", query=b"id=eq.%00")
@example(method="GET", query=b"select=%22%00%22")
@example(method="GET", query=b"select=%22%00x%22&order=%22a%00%22")
@example(method="GET", query=b"id=eq.\xff")
@example(method="GET", query=b"id=eq.%ed%a0%80")
@example(method="GET", query=b"select=id::a%27%3b--")
@example(method="GET", query=b"order=id.desc%3bdrop table test.items")
@example(method="POST", query=b"columns=%22%22")
@example(method="GET", query=b"limit=99999999999999999999&offset=9223372036854775807")
def test_any_query_string(send: Send, method: str, query: bytes) -> None:
    for path in (b"clients", b"projects", b"rpc/getitemrange", b"rpc/sayhello"):
        status, _, body = send(method, path, query, b"{}")
        assert status in FINE, body


@MANY
@given(method=METHODS, path=st.binary(max_size=40))
@example(method="GET", path=b"%00")
@example(method="POST", path=b"rpc/\x00")
@example(method="GET", path=b"../../etc/passwd")
@example(method="GET", path="日本".encode())
@example(method="GET", path=b'items"; drop table test.items; --')
def test_any_path(send: Send, method: str, path: bytes) -> None:
    status, _, body = send(method, path)
    assert status in FINE, body


MEMBERS = st.sampled_from(["id", "name", "min", "max"]) | st.text(max_size=5)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(MEMBERS, inner, max_size=3),
    max_leaves=6,
)
TYPES = ("", "application/json", "text/csv", "application/x-www-form-urlencoded", "text/plain",
         "application/octet-stream", "x")  # fmt: skip


@MANY
@given(
    method=METHODS,
    body=st.binary(max_size=80) | VALUES.map(lambda value: json.dumps(value).encode()),
    kind=st.sampled_from(TYPES),
)
@example(method="POST", body=b'{"\\ud800":1}', kind="")
@example(method="POST", body=b'{"name":"\\ud800"}', kind="")
@example(method="POST", body=b'{"name":"\\u0000"}', kind="")
@example(method="POST", body=b'{"id":1e999999}', kind="")
@example(method="POST", body=b'{"id":99999999999999999999}', kind="")
@example(method="POST", body=b'{"name":' + b"[" * 70 + b"]" * 70 + b"}", kind="")
@example(method="POST", body=b"\x1f\x8b\x08\x00", kind="")
def test_any_body(send: Send, method: str, body: bytes, kind: str) -> None:
    for path in (b"clients", b"complex_items", b"rpc/add_them", b"rpc/echo_json", b"rpc/echo_text"):
        prefer = "return=representation, resolution=merge-duplicates, missing=default"
        for query in (b"", b"columns=id,name"):
            status, _, reply = send(method, path, query, body, CONTENT_TYPE=kind, HTTP_PREFER=prefer)
            assert status in FINE, reply


HEADERS = ("ACCEPT", "PREFER", "RANGE", "ACCEPT_PROFILE", "CONTENT_PROFILE", "COOKIE", "ORIGIN",
           "AUTHORIZATION", "X_ANYTHING", "ACCESS_CONTROL_REQUEST_HEADERS")  # fmt: skip
LATIN = st.text(st.characters(min_codepoint=1, max_codepoint=255, exclude_characters="\r\n"), max_size=30)


TEXTS = LATIN | NEARLY.map(lambda text: text.replace("\0", ""))


@MANY
@given(method=METHODS, headers=st.dictionaries(st.sampled_from(HEADERS), TEXTS))
@example(method="GET", headers={"PREFER": "timezone='; drop table test.items; --"})
@example(method="GET", headers={"RANGE": "0-99999999999999999999"})
@example(method="GET", headers={"AUTHORIZATION": "Bearer ." + "A" * 9000 + "."})
def test_any_headers(send: Send, method: str, headers: dict[str, str]) -> None:
    named = {f"HTTP_{name}": value for name, value in headers.items()}
    status, _, body = send(method, b"items", b"id=eq.1", b"{}", **named)
    assert status in FINE, body


# Names of the fixture's tables, views, columns, keys and functions, so that most requests reach PostgreSQL.
RELATED = {
    "clients": ("projects", "open_projects", "clients_1", "project_names"),
    "projects": ("clients", "owner", "tasks", "client_id", "projects_client_id_fkey"),
    "open_projects": ("clients", "tasks"),
    "tasks": ("projects", "project_names", "users", "users_tasks"),
    "users": ("tasks", "users_tasks", "passports"),
    "project_names": ("tasks",),
}
TARGETS = sorted({target for targets in RELATED.values() for target in targets})
COLUMN_NAMES = ("id", "name", "*", "client_id", "full_name", "settings->foo->>bar", "arr_data->0", "count()",
                "id.sum()", "name.max()", "n:id.count()::text", "nope", "x:id::text")  # fmt: skip


FILTERED = ("id", "name", "order", "limit", "offset", "or")
FILTERS = ("eq.1", "is.null", "not.is.null", "id.desc", "clients(name)", "owner(id)", "2",
           "(id.eq.1,clients.is.null)", "like(any).{a*}", "fts.x")  # fmt: skip


def made_select(chance: random.Random, table: str, depth: int = 0) -> str:
    """Return a select parameter of the grammar, with spreads, hints, joins and aggregates."""
    odd = chance.random() < 0.15
    items = [
        chance.choice(COLUMN_NAMES if odd else ("id", "*", "id.max()")) for _ in range(chance.randrange(3))
    ]
    for _ in range(chance.randrange(3 - depth)):
        target = chance.choice(TARGETS if odd else RELATED.get(table, TARGETS))
        kind, hint = chance.choice(("", "", "...", "a:")), chance.choice(("", "", "", "!inner", "!left"))
        hint += f"!{chance.choice(TARGETS)}" if odd else ""
        items.append(f"{kind}{target}{hint}({made_select(chance, target, depth + 1)})")
    return ",".join(items)


def made_query(chance: random.Random, table: str) -> bytes:
    """Return a query string with a select, and filters, orders and windows of its embeds."""
    pairs = [("select", made_select(chance, table))]
    places = ("", "", "", f"{chance.choice(TARGETS)}.", "a.")
    for _ in range(chance.choice((0, 0, 1, 3))):
        pairs.append((chance.choice(places) + chance.choice(FILTERED), chance.choice(FILTERS)))
    return as_query([*pairs, *([("columns", "id,name")] if chance.random() < 0.1 else [])])


def test_requests_made_of_the_grammar_are_answered_or_refused(send: Send) -> None:
    """Never a 5xx, and never a syntax error: the SQL that is written is SQL."""
    chance = random.Random(20261128)
    answered = 0
    for number in range(700):
        path = chance.choice(("clients", "projects", "tasks", "users", "project_names", "rpc/all_projects",
                              "rpc/one_project", "rpc/ret_table", "people", "complex_items"))  # fmt: skip
        method = chance.choice(("GET", "GET", "GET", "POST", "PATCH", "DELETE"))
        body = b'{"wanted": 1}' if path.startswith("rpc/") else b'{"id": 99, "name": "x"}'
        accept = chance.choice(
            ("", "", "text/csv", "application/vnd.pgrst.object+json", "application/vnd.pgrst.plan")
        )
        prefer = chance.choice(("count=exact", "return=representation, count=planned", "count=estimated"))
        query = made_query(chance, path)
        status, _, reply = send(method, path.encode(), query, body, HTTP_ACCEPT=accept, HTTP_PREFER=prefer)
        answered += status < 300
        assert status in FINE, (number, method, path, query, reply)
        assert b'"42601"' not in reply, (number, method, path, query, reply)
    assert answered > 70


INJECTIONS = ['"', "'", ")", ";", "--", "\\", "\u2019", "x" * 70, '"; drop table test.items; --',
              "' or 1=1 --", "$1", "/*", "\x00", "a\x00b"]  # fmt: skip
PLACES = ["/items?{}=eq.1", "/items?id=eq.{}", "/items?order={}", "/items?select={}", "/items?select=id::{}",
          "/items?select={}:id", "/items?select=id->{}", "/clients?select={}(id)", "/items?or=(id.eq.{})",
          "/clients?select=projects!{}(id)", "/items?id=in.({})", "/items?id=fts({}).x", "/items?limit={}",
          "/rpc/{}", "/{}", "/rpc/sayhello?name={}", "/rpc/sayhello?{}=x"]  # fmt: skip


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("text", INJECTIONS, ids=ascii)
def test_an_injection_is_a_value_a_name_or_refused(send: Send, place: str, text: str) -> None:
    """Never a syntax error: then it would have been SQL."""
    path, _, query = place.format(quote_from_bytes(text.encode(), "")).partition("?")
    for method in ("GET", "PATCH", "DELETE") if "/rpc/" not in path else ("GET", "POST"):
        for extra in ("", "&columns=" + quote_from_bytes(text.encode(), "")):
            status, _, body = send(
                method, path[1:].encode(), (query + extra).encode(), b"{}", HTTP_PREFER="tx=rollback"
            )
            assert status in FINE
            assert b'"42601"' not in body, body


@pytest.mark.parametrize(
    ("query", "status"),
    [
        (b"and=" + b"(and" * 5000 + b"(id.eq.1)" + b")" * 5000, 414),
        (b"and=" + b"(and" * 1000 + b"(id.eq.1)" + b")" * 1000, 400),
        (b"&".join([b"id=eq.1"] * 2000), 200),
        (b"or=(" + b",".join([b"id.eq.1"] * 2000) + b")", 200),
        (b"select=" + b"a(" * 2000, 400),
        (b"select=" + b",".join([b"id"] * 1700), 400),
        (b"id=in.(" + b",".join([b"1"] * 5000) + b")", 200),
        (b"id=eq." + b"1" * 20_000, 414),
    ],
    ids=[
        "deep and long",
        "deep",
        "many conditions",
        "a long or",
        "deep select",
        "many columns",
        "long list",
        "long",
    ],
)
def test_what_would_cost_much_costs_little(send: Send, query: bytes, status: int) -> None:
    started = time.monotonic()
    assert send("GET", b"items", query)[0] == status
    assert time.monotonic() - started < 10


def test_a_long_body_is_413_and_a_deep_one_400(send: Send) -> None:
    status, _, body = send("POST", b"items", b"", b" " * (SETTINGS.max_body_bytes + 1))
    assert (status, json.loads(body)["hint"]) == (413, "Send the rows in several requests")
    deep = b'{"settings":' * 100_000 + b"1" + b"}" * 100_000
    assert send("POST", b"complex_items", b"columns=settings", deep)[0] == 400
    assert send("POST", b"complex_items", b"", deep)[0] == 400
    keys = json.dumps({f"k{number}": 1 for number in range(100_000)}).encode()
    assert send("POST", b"items", b"", keys)[0] == 400


@pytest.mark.parametrize("path", ["größe".encode(), b"gr%C3%B6%C3%9Fe"], ids=["as it is", "encoded"])
def test_a_name_beyond_ascii_is_found(own_api: Callable[..., Api], path: bytes) -> None:
    api = own_api()
    api.sql('create table test."größe" (id int); grant select on test."größe" to anon')
    gateway = Gateway(api.context, {"/rest/v1": create_rest(api.context, SETTINGS)})
    seen: list[Any] = []
    environ = {
        "REQUEST_METHOD": "GET",
        "PATH_INFO": "/rest/v1/" + path.decode("latin-1"),
        "SCRIPT_NAME": "",
        "HTTP_APIKEY": api.context.api_keys.publishable,
    }
    assert b"".join(gateway(environ, lambda *start: seen.extend(start))) == b"[]"  # type: ignore[arg-type]
    assert seen[0] == "200 OK"
