"""The URL grammar of the data API: what each text means, and what is refused where."""

from __future__ import annotations

import pytest

from signet_stack.rest.errors import RestError
from signet_stack.rest.grammar.filters import (
    parse_comparison,
    parse_logic,
    parse_names,
    parse_order,
    parse_path,
)
from signet_stack.rest.grammar.query_params import parse_query_params
from signet_stack.rest.grammar.select import parse_select
from signet_stack.rest.grammar.trees import (
    Aggregate,
    Column,
    Comparison,
    Condition,
    Embed,
    Field,
    JsonStep,
    Logic,
    OrderTerm,
    Window,
)


def column(name: str, *path: JsonStep, **rest: object) -> Column:
    return Column(Field(name, path), **rest)  # type: ignore[arg-type]


ID = column("id")

SELECTS = {
    "": (column("*"),),
    "*": (column("*"),),
    "id": (ID,),
    " id , name ": (ID, column("name")),
    "first-name,a b": (column("first-name"), column("a b")),
    '"a,b","c""': None,
    r'"a\"b\\c"': (column('a"b\\c'),),
    "x:id": (column("id", alias="x"),),
    "id::text": (column("id", cast="text"),),
    "x:id::double precision": (column("id", alias="x", cast="double precision"),),
    "a->b": (column("a", JsonStep("b")),),
    "a->0->>b-c": (column("a", JsonStep(0), JsonStep("b-c", as_text=True)),),
    "a->-1::int": (column("a", JsonStep(-1), cast="int"),),
    'a->>"b.c"': (column("a", JsonStep("b.c", as_text=True)),),
    "a->0x": (column("a", JsonStep("0x")),),
    "count()": (Column(None, aggregate=Aggregate("count")),),
    "n:count()::text": (Column(None, "n", aggregate=Aggregate("count", "text")),),
    "id.sum()": (column("id", aggregate=Aggregate("sum")),),
    "id::int.avg()::text": (column("id", cast="int", aggregate=Aggregate("avg", "text")),),
    "b(id)": (Embed("b", (ID,)),),
    "b()": (Embed("b", ()),),
    "x:b!hint!inner(id,c(*))": (Embed("b", (ID, Embed("c", (column("*"),))), "x", "hint", "inner"),),
    "b!left!hint(id)": (Embed("b", (ID,), None, "hint", "left"),),
    "id,...b!h(id)": (ID, Embed("b", (ID,), hint="h", is_spread=True)),
}


@pytest.mark.parametrize("text", [text for text, tree in SELECTS.items() if tree is not None])
def test_reads_select(text: str) -> None:
    assert parse_select(text) == SELECTS[text]


@pytest.mark.parametrize(
    ("text", "column_number", "found"),
    [
        ("id,", 4, "end of input"),
        (",id", 1, '","'),
        ("id)", 3, '")"'),
        ("b(id", 5, "end of input"),
        ("b(id))", 6, '")"'),
        ("a:b:c", 4, '":"'),
        ("a->", 4, "end of input"),
        ("a->>", 5, "end of input"),
        ("id::", 5, "end of input"),
        ("id::text[]", 9, '"["'),
        ('"id', 4, "end of input"),
        ('""', 1, '"""'),
        ("...", 4, "end of input"),
        ("b!x!y!z(id)", 6, '"!"'),
        ("id.median()", 3, '"."'),
    ],
)
def test_refuses_select(text: str, column_number: int, found: str) -> None:
    with pytest.raises(RestError) as refused:
        parse_select(text)
    assert refused.value.code == "PGRST100"
    assert (
        refused.value.message
        == f'"failed to parse select parameter ({text})" (line 1, column {column_number})'
    )
    assert refused.value.details.startswith(f"unexpected {found} expecting ")


@pytest.mark.parametrize(
    ("text", "comparison"),
    [
        ("eq.1", Comparison("eq", "1")),
        ("eq.", Comparison("eq", "")),
        ('eq."a"', Comparison("eq", '"a"')),
        ("eq.a.b,c)", Comparison("eq", "a.b,c)")),
        ("not.eq.1", Comparison("eq", "1", negated=True)),
        ("gte.1", Comparison("gte", "1")),
        ("like(any).{a,b}", Comparison("like", "{a,b}", modifier="any")),
        ("eq(all).{1}", Comparison("eq", "{1}", modifier="all")),
        ("neq.1", Comparison("neq", "1")),
        ("fts.cat", Comparison("fts", "cat")),
        ("not.wfts(english).a cat", Comparison("wfts", "a cat", True, "english")),
        ("in.(1,2)", Comparison("in", ("1", "2"))),
        ('in.("a,b",c "d")', Comparison("in", ("a,b", 'c "d"'))),
        ("in.()", Comparison("in", ())),
        ('in.("")', Comparison("in", ())),
        ("in.(,)", Comparison("in", ("", ""))),
        ("is.null", Comparison("is", "null")),
        ("is.NOT_NULL", Comparison("is", "not_null")),
        ("not.is.True", Comparison("is", "true", negated=True)),
        ("isdistinct.x", Comparison("isdistinct", "x")),
        ("cs.{1,2}", Comparison("cs", "{1,2}")),
        ("adj.[1,2)", Comparison("adj", "[1,2)")),
    ],
    ids=str,
)
def test_reads_a_filter(text: str, comparison: Comparison) -> None:
    assert parse_comparison(text) == comparison


NO_FILTERS = [
    "", "eq", "1", "not", "not.1", "EQ.1", "neq(any).{1}", "like(some).x", "in.1", "in.(1", "in.(1)x",
    "is.nil", "is.nullx", "fts().a", "eqq.1",
]  # fmt: skip


@pytest.mark.parametrize("text", NO_FILTERS)
def test_refuses_a_filter(text: str) -> None:
    with pytest.raises(RestError) as refused:
        parse_comparison(text)
    assert refused.value.code == "PGRST100"


@pytest.mark.parametrize(
    ("key", "parsed"),
    [
        ("id", ((), Field("id"))),
        ("a.b.c", (("a", "b"), Field("c"))),
        ("a.b->c", (("a",), Field("b", (JsonStep("c"),)))),
        ('"a.b"', ((), Field("a.b"))),
    ],
)
def test_reads_the_key_of_a_filter(key: str, parsed: object) -> None:
    assert parse_path(key) == parsed


A, B = Condition(Field("a"), Comparison("eq", "1")), Condition(Field("b"), Comparison("is", "null"))


@pytest.mark.parametrize(
    ("text", "children"),
    [
        ("(a.eq.1)", (A,)),
        (" ( a.eq.1, b.is.null ) ", (A, B)),
        ("(a.eq.1,b.is.null)", (A, B)),
        ("(a.eq.1,or(a.eq.1,b.is.null))", (A, Logic("or", (A, B)))),
        ("(not.and(a.eq.1))", (Logic("and", (A,), negated=True),)),
        ("(a.not.eq.1)", (Condition(Field("a"), Comparison("eq", "1", negated=True)),)),
        ('(a.eq."x,y")', (Condition(Field("a"), Comparison("eq", "x,y")),)),
        ("(a.cs.{1,2},b.is.null)", (Condition(Field("a"), Comparison("cs", "{1,2}")), B)),
        ("(a.in.(1,2),b.is.null)", (Condition(Field("a"), Comparison("in", ("1", "2"))), B)),
        ("(and.eq.1)", (Condition(Field("and"), Comparison("eq", "1")),)),
        ("(a->b.eq.1)", (Condition(Field("a", (JsonStep("b"),)), Comparison("eq", "1")),)),
    ],
)
def test_reads_a_logic_tree(text: str, children: tuple[object, ...]) -> None:
    assert parse_logic("and", text, negated=False) == Logic("and", children)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "text", ["", "()", "(a)", "(a.eq.1", "(a.eq.1,)", "(a.eq.1)x", "a.eq.1", "(xor(a.eq.1))"]
)
def test_refuses_a_logic_tree(text: str) -> None:
    with pytest.raises(RestError) as refused:
        parse_logic("or", text, negated=False)
    assert refused.value.code == "PGRST100"


@pytest.mark.parametrize(
    ("text", "terms"),
    [
        ("a", (OrderTerm(Field("a")),)),
        ("a.desc", (OrderTerm(Field("a"), "desc"),)),
        ("a.nullsfirst", (OrderTerm(Field("a"), None, "nullsfirst"),)),
        ("a.asc.nullslast, b", (OrderTerm(Field("a"), "asc", "nullslast"), OrderTerm(Field("b")))),
        ("a->>b.desc", (OrderTerm(Field("a", (JsonStep("b", True),)), "desc"),)),
        ("c(a).desc", (OrderTerm(Field("a"), "desc", None, "c"),)),
    ],
)
def test_reads_an_order(text: str, terms: tuple[OrderTerm, ...]) -> None:
    assert parse_order(text) == terms


@pytest.mark.parametrize(
    "text",
    ["", "a.", "a.up", "a.descending", "a.nullsfirst.desc", "a,,b", "c(a", "a desc;", '"\0"', '"a\0b"'],
)
def test_refuses_an_order(text: str) -> None:
    with pytest.raises(RestError) as refused:
        parse_order(text)
    assert refused.value.code == "PGRST100"


def test_reads_names() -> None:
    assert parse_names("columns parameter", '"a b", c') == ("a b", "c")


def test_sorts_a_query_string_into_its_parts() -> None:
    query = parse_query_params(
        "select=id&b.limit=3&b.offset=-1&limit=x&a=eq.a+b%26&b.a=eq.1&nothing&order=a&order=b"
    )
    assert query.select == (ID,)
    assert query.windows == {("b",): Window(3, 0)}
    assert query.conditions == (
        ((), Condition(Field("a"), Comparison("eq", "a b&"))),
        (("b",), A),
    )
    assert query.order == {(): (OrderTerm(Field("a")),)}
    assert query.canonical.startswith("a=eq.a%20b%26&b.a=eq.1&b.limit=3")


@pytest.mark.parametrize(
    ("query", "canonical"),
    [
        ("", ""),
        ("b=eq.2&a=eq.1", "a=eq.1&b=eq.2"),
        ("a=gt.1&b=eq.x&a=lt.4", "a=gt.1,lt.4&b=eq.x"),
        ("a%20b=eq.x+y%26&nothing", "a%20b=eq.x%20y%26&nothing="),
        ("or=(a.eq.1,b.eq.2)", "or=%28a.eq.1%2Cb.eq.2%29"),
    ],
)
def test_the_address_of_what_was_read_is_sorted_by_key(query: str, canonical: str) -> None:
    assert parse_query_params(query).canonical == canonical


@pytest.mark.parametrize(
    ("key", "path", "operator", "negated"),
    [("and", (), "and", False), ("not.or", (), "or", True), ("b.or", ("b",), "or", False)],
)
def test_reads_the_level_of_a_logic_tree(
    key: str, path: tuple[str, ...], operator: str, negated: bool
) -> None:
    assert parse_query_params(f"{key}=(a.eq.1)").conditions == ((path, Logic(operator, (A,), negated)),)  # type: ignore[arg-type]


def test_arguments_of_a_function_are_what_is_no_filter() -> None:
    query = parse_query_params("a=1&b=eq.2&a=3&select=id", takes_arguments=True)
    assert query.arguments == (("a", "1"), ("a", "3"))
    assert len(query.conditions) == 1


@pytest.mark.parametrize(
    "query",
    [
        "and=" + "(and" * 20 + "(a.eq.1)" + ")" * 20,
        "select=" + "a(" * 20 + "id" + ")" * 20,
        "select=" + ",".join(f"x{n}:a(id)" for n in range(33)),
    ],
    ids=["deep logic", "deep select", "many embeds"],
)
def test_refuses_what_would_cost_too_much(query: str) -> None:
    with pytest.raises(RestError) as refused:
        parse_query_params(query)
    assert refused.value.status == 400
    assert "deeper than 16" in str(refused.value.details) or "more than" in refused.value.message
