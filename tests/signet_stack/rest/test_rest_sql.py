"""The SQL of each request: its own words, quoted names and numbered parameters, and nothing else."""

from __future__ import annotations

import re
from contextlib import suppress
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from signet_stack.rest.errors import RestError
from signet_stack.rest.grammar.trees import Logic, OrderTerm, SelectItem
from signet_stack.rest.operators import OPERATORS
from signet_stack.rest.sql import fragments
from tests.support.rest_sample import sql_of
from tests.support.rest_writer import (
    NEARLY,
    ORDERS,
    SELECTS,
    TREES,
    write_children,
    write_order,
    write_select,
)

P, LIMIT = '"projects"', ("1000",)
ALL = 'SELECT "projects".*'
FROM = 'FROM "s"."projects" AS "projects"'

# A query on projects, what is written between SELECT and the end of the page, and the values.
READS: list[tuple[str, str, tuple[str, ...]]] = [
    ("", f"{ALL} {FROM} LIMIT $1", LIMIT),
    ("select=id,n:name", f'SELECT {P}."id", {P}."name" AS "n" {FROM} LIMIT $1', LIMIT),
    ("select=id::int", f'SELECT CAST({P}."id" AS "int4") AS "id" {FROM} LIMIT $1', LIMIT),
    ("select=id::no $x", f'SELECT CAST({P}."id" AS "no $x") AS "id" {FROM} LIMIT $1', LIMIT),
    ("select=data->a->>0", f'SELECT ({P}."data"->$1->>$2::int) AS "a" {FROM} LIMIT $3', ("a", "0", "1000")),
    ("select=name->a", f'SELECT (to_jsonb({P}."name")->$1) AS "a" {FROM} LIMIT $2', ("a", "1000")),
    ("select=id.sum(),name", f'SELECT sum({P}."id") AS "sum", {P}."name" {FROM} GROUP BY 2 LIMIT $1', LIMIT),
    ("select=n:count()::text", f'SELECT CAST(count(*) AS "text") AS "n" {FROM} LIMIT $1', LIMIT),
    ('select="a\\"--"', f'SELECT {P}."a""--" {FROM} LIMIT $1', LIMIT),
    ("id=eq.1", f'{ALL} {FROM} WHERE {P}."id" = $1 LIMIT $2', ("1", "1000")),
    ("id=not.eq(any).{1}", f'{ALL} {FROM} WHERE NOT {P}."id" = ANY($1) LIMIT $2', ("{1}", "1000")),
    ('id=in.(1,"a\\"")', f'{ALL} {FROM} WHERE {P}."id" = ANY($1) LIMIT $2', ('{"1","a\\""}', "1000")),
    ("id=is.not_null", f'{ALL} {FROM} WHERE {P}."id" IS NOT NULL LIMIT $1', LIMIT),
    ("name=ilike.a*", f'{ALL} {FROM} WHERE {P}."name" ILIKE $1 LIMIT $2', ("a%", "1000")),
    (
        "name=wfts(english).a",
        f'{ALL} {FROM} WHERE to_tsvector($1::regconfig, {P}."name")'
        " @@ websearch_to_tsquery($1::regconfig, $2) LIMIT $3",
        ("english", "a", "1000"),
    ),
    (
        "or=(id.eq.1,not.and(name.is.null))",
        f'{ALL} {FROM} WHERE ({P}."id" = $1 OR NOT ({P}."name" IS NULL)) LIMIT $2',
        ("1", "1000"),
    ),
    (
        "order=name.desc.nullslast,data->a",
        f'{ALL} {FROM} ORDER BY {P}."name" DESC NULLS LAST, ({P}."data"->$1) LIMIT $2',
        ("a", "1000"),
    ),
    ("limit=5&offset=2", f"{ALL} {FROM} LIMIT $1 OFFSET $2", ("5", "2")),
    ("limit=5000", f"{ALL} {FROM} LIMIT $1", LIMIT),
    (
        "select=id,clients!inner(name)&clients.name=eq.x&order=clients(name)",
        f'SELECT {P}."id", row_to_json("projects_clients_1".*)::jsonb AS "clients" {FROM}'
        ' INNER JOIN LATERAL (SELECT "clients_1"."name" FROM "s"."clients" AS "clients_1"'
        f' WHERE "clients_1"."id" = {P}."client_id" AND "clients_1"."name" = $1 LIMIT $2)'
        ' AS "projects_clients_1" ON TRUE ORDER BY "projects_clients_1"."name" LIMIT $3',
        ("x", "1000", "1000"),
    ),
    (
        "select=t:tasks(id)&t=is.null",
        f'SELECT COALESCE("projects_t_1"."projects_t_1", \'[]\') AS "t" {FROM}'
        ' LEFT JOIN LATERAL (SELECT json_agg("projects_t_1")::jsonb AS "projects_t_1" FROM'
        f' (SELECT "tasks_1"."id" FROM "s"."tasks" AS "tasks_1" WHERE "tasks_1"."project_id" = {P}."id"'
        ' LIMIT $1) AS "projects_t_1") AS "projects_t_1" ON TRUE'
        ' WHERE "projects_t_1"."projects_t_1" IS NOT DISTINCT FROM NULL LIMIT $2',
        ("1000", "1000"),
    ),
    (
        "select=...clients(name)",
        f'SELECT "projects_clients_1".* {FROM} LEFT JOIN LATERAL'
        ' (SELECT "clients_1"."name" FROM "s"."clients" AS "clients_1"'
        f' WHERE "clients_1"."id" = {P}."client_id" LIMIT $1) AS "projects_clients_1" ON TRUE LIMIT $2',
        ("1000", "1000"),
    ),
]


@pytest.mark.parametrize(("query", "page", "values"), READS, ids=[query for query, _, _ in READS])
def test_reads(query: str, page: str, values: tuple[str, ...]) -> None:
    text, bound = sql_of("GET /projects?" + quote(query, "=&"))
    assert text.partition("pgrst_page AS (")[2].partition(") SELECT null, count(_postgrest_t), ")[0] == page
    assert bound == values


@pytest.mark.parametrize(("count", "enough"), [("exact", ""), ("estimated", " LIMIT $4")])
def test_an_estimate_counts_no_more_rows_than_it_needs(count: str, enough: str) -> None:
    text, values = sql_of("GET /projects?id=gt.1", prefer=f"count={count}")
    counted = text.partition("pgrst_count AS (")[2].partition(") SELECT (SELECT count(*) FROM pgrst_count)")[
        0
    ]
    assert counted == f'SELECT 1 {FROM} WHERE {P}."id" > $3{enough}'
    assert values == ("1", "1000", "1", "1001")[: 4 if enough else 3]


def test_many_to_many_goes_through_the_junction() -> None:
    text, _ = sql_of("GET /users?select=tasks(id)")
    assert (
        'FROM "s"."tasks" AS "tasks_1" INNER JOIN "s"."users_tasks" AS "users_tasks_1_junction"'
        ' ON "tasks_1"."id" = "users_tasks_1_junction"."task_id"'
        ' WHERE "users_tasks_1_junction"."user_id" = "users"."id"'
    ) in text


INTO = 'INSERT INTO "s"."clients" AS "clients"'
ROW = 'AS pgrst_body("id" integer, "name" text)'
SELECT = '("id", "name") SELECT pgrst_body."id", pgrst_body."name"'
VALUES = f"{SELECT} FROM json_to_record($1::json) {ROW}"
INSERTED = "coalesce(nullif(current_setting('pgrst.inserted', true), '')::int, 0)"
UP = f"set_config('pgrst.inserted', ({INSERTED} + 1)::text, true) <> ''"
DOWN = UP.replace("+ 1", "- 1")
ONE = '{"id":1,"name":"x"}'
ROWS = f"[{ONE}]"
UPDATE = 'UPDATE "s"."clients" AS "clients" SET "name" = pgrst_body."name" FROM json_to_record($1::json)'
MERGE = 'DO UPDATE SET "id" = EXCLUDED."id", "name" = EXCLUDED."name"'
ADD = 'SELECT "s"."add"("a" := pgrst_body."a") AS pgrst_scalar'

# Request, body, preferences, and what changes or calls.
SOURCES = [
    ("POST /clients", ONE, "", f"{INTO} {VALUES} RETURNING 1"),
    ("POST /clients", ROWS, "", f"{INTO} {SELECT} FROM json_to_recordset($1::json) {ROW} RETURNING 1"),
    ("POST /clients", "[{},{}]", "",
     f"{INTO} SELECT  FROM json_array_elements($1::json) AS pgrst_body RETURNING 1"),
    ("POST /clients", ONE, "return=representation", f'{INTO} {VALUES} RETURNING "clients".*'),
    ("POST /clients?select=id", ONE, "return=representation", f'{INTO} {VALUES} RETURNING "clients"."id"'),
    ("POST /clients?select=name", ONE, "return=headers-only", f'{INTO} {VALUES} RETURNING "clients"."id"'),
    ("POST /clients", ONE, "resolution=ignore-duplicates",
     f'{INTO} {VALUES} ON CONFLICT ("id") DO NOTHING RETURNING 1'),
    ("POST /clients?on_conflict=name", ONE, "resolution=merge-duplicates",
     f'{INTO} {VALUES} WHERE {UP} ON CONFLICT ("name") {MERGE} WHERE {DOWN} RETURNING 1'),
    ("PUT /clients?id=eq.1", ONE, "",
     f'{INTO} {SELECT} FROM json_to_record($2::json) {ROW} WHERE "pgrst_body"."id" = $1 AND {UP}'
     f' ON CONFLICT ("id") {MERGE} WHERE {DOWN} RETURNING 1'),
    ("PATCH /clients?id=eq.2", '{"name":"x"}', "",
     f'{UPDATE} AS pgrst_body("name" text) WHERE "clients"."id" = $2 RETURNING 1'),
    ("PATCH /clients?id=eq.2", "{}", "return=representation",
     'SELECT "clients".* FROM "s"."clients" AS "clients" WHERE false'),
    ("DELETE /clients?id=eq.2", "", "",
     'DELETE FROM "s"."clients" AS "clients" WHERE "clients"."id" = $1 RETURNING 1'),
    ("POST /projects?columns=name,made&select=name", "[{}]", "missing=default,return=representation",
     'INSERT INTO "s"."projects" AS "projects" ("name", "made")'
     ' SELECT pgrst_body."name", pgrst_body."made" FROM jsonb_to_recordset('
     "(SELECT jsonb_agg(jsonb_build_object($2::text, now()) || pgrst_row)"
     " FROM jsonb_array_elements($1::jsonb) AS pgrst_row))"
     ' AS pgrst_body("name" text, "made" date) RETURNING "projects"."name"'),
    ("POST /rpc/add", '{"a":1}', "",
     f'{ADD} FROM (SELECT * FROM json_to_record($1::json) AS _("a" integer) LIMIT 1) AS pgrst_body'),
    ("POST /rpc/add", '[{"a":1}]', "",
     f'{ADD} FROM (SELECT * FROM json_to_recordset($1::json) AS _("a" integer) LIMIT 1) AS pgrst_body'),
    ("GET /rpc/add?a=1&b=x", "", "",
     'SELECT "s"."add"("a" := $1::integer, "b" := $2::text) AS pgrst_scalar'),
    ("GET /rpc/sum?n=1&n=2", "", "", 'SELECT "s"."sum"(VARIADIC "n" := $1::integer[]) AS pgrst_scalar'),
    ("POST /rpc/echo", '{"x":1}', "", 'SELECT "s"."echo"($1::json) AS pgrst_scalar'),
    ("POST /rpc/many", "", "", 'SELECT pgrst_call.* FROM "s"."many"() AS pgrst_call'),
]  # fmt: skip


@pytest.mark.parametrize(("line", "body", "prefer", "source"), SOURCES)
def test_changes_and_calls(line: str, body: str, prefer: str, source: str) -> None:
    text, _ = sql_of(line, body, prefer)
    assert text.partition("pgrst_source AS (")[2].partition("), pgrst_page AS (")[0] == source


def test_a_plan_is_explained() -> None:
    text, _ = sql_of("GET /users", accept="application/vnd.pgrst.plan+json; options=analyze|buffers")
    assert text.startswith("EXPLAIN (FORMAT JSON, ANALYZE, BUFFERS) WITH pgrst_page AS (")


WORDS = frozenset(
    re.findall(
        r"\w+",
        """
    analyze and any all array as asc by cast coalesce conflict count current_setting date delete desc distinct
    do e excluded exists explain false format from group ilike inner insert int integer into is join json
    json_agg json_array_elements json_build_array json_object_keys json_strip_nulls json_to_record
    json_to_recordset jsonb jsonb_agg jsonb_array_elements jsonb_build_object jsonb_to_recordset last lateral
    left length like limit max min avg sum not nothing now null nullif nulls first offset on or order
    phraseto_tsquery plainto_tsquery regconfig returning row_to_json select set set_config string_agg substr
    text to_jsonb to_tsquery to_tsvector true unknown update variadic websearch_to_tsquery where with
    _postgrest_t pgrst_body pgrst_count pgrst_first pgrst_key pgrst_keys pgrst_page pgrst_row pgrst_source
""",
    )
)
LITERALS = {
    "'[]'",
    "'null'",
    "''",
    "','",
    "'\\n'",
    "'response.headers'",
    "'response.status'",
    "'pgrst.inserted'",
}
TOKEN = re.compile(
    r"""(?P<name>"(?:[^"]|"")*") | (?P<literal>'[^']*') | (?P<value>\$[0-9]+) | (?P<word>[A-Za-z_][\w]*)
    | (?P<number>[0-9]+)
    | (?P<sign>::|->>|->|<>|<=|>=|:=|@@|@>|<@|&&|<<|>>|&<|&>|-\|-|~\*|~|\|\||[=<>(),.*+-])
    | (?P<blank>\s+)""",
    re.VERBOSE,
)


def assert_only_our_words(text: str) -> None:
    place = 0
    while place < len(text):
        token = TOKEN.match(text, place)
        assert token is not None, text[place : place + 40]
        place = token.end()
        if token.lastgroup == "word":
            assert token.group().lower() in WORDS, token.group()
        if token.lastgroup == "literal":
            assert token.group() in LITERALS, token.group()
        assert token.lastgroup != "name" or len(token.group()) > 2, "an empty name"
    assert "--" not in re.sub(r'"(?:[^"]|"")*"', "", text)


def request(items: str = "", order: str = "", logic: str = "", **more: str) -> str:
    parts = {"select": items, "order": order, "and": logic, **more}
    return "&".join(f"{key}={quote(value, '')}" for key, value in parts.items() if value)


@given(SELECTS, ORDERS, TREES)
def test_every_tree_becomes_our_words_only(
    items: tuple[SelectItem, ...], terms: tuple[OrderTerm, ...], tree: Logic
) -> None:
    query = request(write_select(items), write_order(terms), write_children(tree))
    with suppress(RestError):
        text, values = sql_of(f"GET /projects?{query}")
        assert_only_our_words(text)
        assert max(map(int, re.findall(r"\$([0-9]+)", re.sub(r'"(?:[^"]|"")*"', "", text)))) == len(values)


@given(
    st.lists(st.tuples(st.sampled_from(["select", "order", "id", "or", "columns", "on_conflict"]), NEARLY))
)
def test_every_text_becomes_our_words_only(pairs: list[tuple[str, str]]) -> None:
    query = "&".join(f"{key}={quote(value, '')}" for key, value in pairs)
    lines = (("GET /projects", ""), ("POST /projects", ONE), ("PATCH /users", ONE), ("DELETE /users", ""))
    for line, body in lines:
        with suppress(RestError):
            text, _ = sql_of(f"{line}?{query}", body, "return=representation,resolution=merge-duplicates")
            assert_only_our_words(text)


@given(st.text(min_size=1))
def test_a_quoted_name_is_one_name(name: str) -> None:
    quoted = fragments.name(name)
    assert re.fullmatch(r'"(?:[^"]|"")*"', quoted)
    assert quoted[1:-1].replace('""', '"') == name.partition("\0")[0]


@given(st.lists(st.text()))
def test_an_array_literal_keeps_its_values(values: list[str]) -> None:
    literal = fragments.array_literal(values)
    found = re.findall(r'"((?:[^"\\]|\\.)*)"', literal, re.DOTALL)
    assert [re.sub(r"\\(.)", r"\1", one, flags=re.DOTALL) for one in found] == values


@pytest.mark.parametrize("operator", OPERATORS)
def test_every_operator_of_the_table_is_parsed_and_becomes_sql(operator: str) -> None:
    values = {"list": "(1)", "word": "null"}
    text, _ = sql_of(f"GET /projects?name={operator}.{values.get(OPERATORS[operator].kind, '1')}")
    assert OPERATORS[operator].sql in text
