"""What the grammar reads, it reads alike from its own writing: no text means two things or half of one."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from signet_stack.rest.errors import RestError
from signet_stack.rest.grammar.filters import parse_comparison, parse_logic, parse_order, parse_path
from signet_stack.rest.grammar.query_params import parse_query_params
from signet_stack.rest.grammar.select import parse_select
from signet_stack.rest.grammar.trees import Comparison, Field, Logic, OrderTerm, SelectItem
from tests.support.rest_writer import (
    COMPARISONS,
    FIELDS,
    NEARLY,
    ORDERS,
    SELECTS,
    TREES,
    write_children,
    write_comparison,
    write_field,
    write_order,
    write_select,
)


@given(SELECTS)
def test_select(items: tuple[SelectItem, ...]) -> None:
    assert parse_select(write_select(items)) == items


@given(COMPARISONS)
def test_comparison(comparison: Comparison) -> None:
    assert parse_comparison(write_comparison(comparison)) == comparison


@given(TREES)
def test_logic(tree: Logic) -> None:
    assert parse_logic(tree.operator, write_children(tree), negated=tree.negated) == tree


@given(ORDERS)
def test_order(terms: tuple[OrderTerm, ...]) -> None:
    assert parse_order(write_order(terms)) == terms


@given(FIELDS)
def test_path(field: Field) -> None:
    assert parse_path(f'"a"."b".{write_field(field)}') == (("a", "b"), field)


def parse_and(text: str) -> Logic:
    return parse_logic("and", text, negated=False)


@pytest.mark.parametrize(
    ("parse", "write"),
    [
        (parse_select, write_select),
        (parse_comparison, write_comparison),
        (parse_and, write_children),
        (parse_order, write_order),
    ],
    ids=["select", "comparison", "logic", "order"],
)
@given(text=NEARLY | st.text())
@example(text="id,a:b->c->>0::int,x!y!inner(*,...z())")
@example(text="eq.1")
@example(text='(a.in.("1",2),not.or(b.eq."x",c.cs.{1,2}))')
@example(text="a->b.desc.nullslast,c(d)")
def test_whatever_is_read_is_read_alike_again(
    parse: Callable[[str], Any], write: Callable[[Any], str], text: str
) -> None:
    with suppress(RestError):
        tree = parse(text)
        assert parse(write(tree)) == tree


@given(
    st.text() | st.lists(st.tuples(NEARLY, NEARLY)).map(lambda pairs: "&".join("=".join(p) for p in pairs))
)
def test_any_query_string_is_read_or_refused_as_400(query: str) -> None:
    try:
        parse_query_params(query)
    except RestError as refused:
        status, code = refused.status, refused.code
        assert (status, code) == (400, "PGRST100")
