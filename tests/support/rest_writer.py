"""Write the trees of the data API's URL grammar as text again, and make such trees for property tests."""

from __future__ import annotations

import re
from typing import Any

from hypothesis import strategies as st

from signet_stack.rest.grammar.select import AGGREGATES
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
    SelectItem,
    Tree,
)
from signet_stack.rest.operators import IS_WORDS, names_of


def quoted(text: str) -> str:
    """Return a text in quotes, escaped."""
    return '"' + re.sub(r'(["\\])', r"\\\1", text) + '"'


def write_field(field: Field) -> str:
    """Return a name and its JSON path."""
    steps = (
        ("->>" if step.as_text else "->") + (quoted(step.key) if isinstance(step.key, str) else str(step.key))
        for step in field.path
    )
    return quoted(field.name) + "".join(steps)


def write_select(items: tuple[SelectItem, ...]) -> str:
    """Return a select parameter."""
    return ",".join(write_item(item) for item in items)


def write_item(item: SelectItem) -> str:
    """Return one column or embed."""
    if isinstance(item, Embed):
        alias = "..." if item.is_spread else f"{quoted(item.alias)}:" if item.alias else ""
        hint = f"!{quoted(item.hint)}" if item.hint else ""
        join = f"!{item.join}" if item.join else ""
        return f"{alias}{quoted(item.target)}{hint}{join}({write_select(item.items)})"
    alias = f"{quoted(item.alias)}:" if item.alias else ""
    if item.field is None:
        assert item.aggregate is not None
        return f"{alias}count(){write_cast(item.aggregate.cast)}"
    if item == Column(Field("*")):
        return "*"
    function = f".{item.aggregate.function}(){write_cast(item.aggregate.cast)}" if item.aggregate else ""
    return f"{alias}{write_field(item.field)}{write_cast(item.cast)}{function}"


def write_cast(cast: str | None) -> str:
    """Return a cast."""
    return f"::{cast}" if cast else ""


def write_comparison(comparison: Comparison, *, in_tree: bool = False) -> str:
    """Return the value of a filter."""
    modifier = f"({comparison.modifier})" if comparison.modifier else ""
    if isinstance(comparison.value, tuple):
        value = f"({','.join(quoted(one) for one in comparison.value)})"
    else:
        value = quoted(comparison.value) if in_tree and comparison.operator != "is" else comparison.value
    return f"{'not.' if comparison.negated else ''}{comparison.operator}{modifier}.{value}"


def write_tree(tree: Tree) -> str:
    """Return one condition inside a logic tree."""
    if isinstance(tree, Condition):
        return f"{write_field(tree.field)}.{write_comparison(tree.comparison, in_tree=True)}"
    return f"{'not.' if tree.negated else ''}{tree.operator}{write_children(tree)}"


def write_children(tree: Logic) -> str:
    """Return the value of ``and=`` or ``or=``."""
    return f"({','.join(write_tree(child) for child in tree.children)})"


def write_order(terms: tuple[OrderTerm, ...]) -> str:
    """Return an order parameter."""
    return ",".join(_order_term(term) for term in terms)


def _order_term(term: OrderTerm) -> str:
    field = write_field(term.field)
    place = f"{quoted(term.embed)}({field})" if term.embed else field
    return ".".join(filter(None, [place, term.direction, term.nulls]))


NAMES = st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=8)
CASTS = st.from_regex(r"[a-z_$0-9]([a-z_$ 0-9]{0,8}[a-z_$0-9])?", fullmatch=True)
STEPS = st.builds(JsonStep, NAMES | st.integers(-(10**8), 10**8), st.booleans())
FIELDS = st.builds(Field, NAMES, st.lists(STEPS, max_size=3).map(tuple))


def _columns() -> st.SearchStrategy[Any]:
    aggregates = st.builds(Aggregate, st.sampled_from(AGGREGATES), st.none() | CASTS)
    counts = st.builds(
        Column,
        st.none(),
        st.none() | NAMES,
        aggregate=st.builds(Aggregate, st.just("count"), st.none() | CASTS),
    )
    plain = st.builds(Column, FIELDS, st.none() | NAMES, st.none() | CASTS, st.none() | aggregates)
    return counts | plain | st.just(Column(Field("*")))


def _embeds(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    items = st.lists(inner, max_size=3).map(tuple)
    # A hint that is called like a join type means the join type.
    hints = st.none() | NAMES.filter(lambda name: name not in ("inner", "left"))
    joins = st.none() | st.sampled_from(["inner", "left"])
    named = st.builds(Embed, NAMES, items, st.none() | NAMES, hints, joins)
    spread = st.builds(Embed, NAMES, items, st.none(), hints, joins, st.just(True))
    return named | spread


SELECTS = st.lists(st.recursive(_columns(), _embeds, max_leaves=6), min_size=1, max_size=4).map(tuple)


def _comparisons() -> st.SearchStrategy[Comparison]:
    texts = st.text(max_size=8)
    lists = st.lists(texts, max_size=4).map(tuple).filter(lambda values: values != ("",))
    return st.one_of(
        st.builds(Comparison, st.sampled_from(names_of("plain")), texts, st.booleans()),
        st.builds(
            Comparison,
            st.sampled_from(names_of("quantified")),
            texts,
            st.booleans(),
            st.sampled_from([None, "any", "all"]),
        ),
        st.builds(
            Comparison, st.sampled_from(names_of("text search")), texts, st.booleans(), st.none() | CASTS
        ),
        st.builds(Comparison, st.just("in"), lists, st.booleans()),
        st.builds(Comparison, st.just("is"), st.sampled_from(tuple(IS_WORDS)), st.booleans()),
    )


COMPARISONS = _comparisons()
CONDITIONS = st.builds(Condition, FIELDS, COMPARISONS)
TREES = st.builds(
    Logic,
    st.sampled_from(["and", "or"]),
    st.lists(
        st.recursive(
            CONDITIONS,
            lambda inner: st.builds(
                Logic,
                st.sampled_from(["and", "or"]),
                st.lists(inner, min_size=1, max_size=3).map(tuple),
                st.booleans(),
            ),
            max_leaves=6,
        ),
        min_size=1,
        max_size=3,
    ).map(tuple),
    st.booleans(),
)
ORDERS = st.lists(
    st.builds(
        OrderTerm,
        FIELDS,
        st.sampled_from([None, "asc", "desc"]),
        st.sampled_from([None, "nullsfirst", "nullslast"]),
        st.none() | NAMES,
    ),
    min_size=1,
    max_size=4,
).map(tuple)
# Texts that come near the grammar more often than chance would.
PIECES = [
    *'ab"\\(),.:*!- 1{}\x00é', "->", "->>", "::", "...", "eq.", "in.", "is.null", "not.", "and(", "or(",
    "count()", ".sum()", "!inner", ".desc", "(any)", "--", ";", "/*", "'",
]  # fmt: skip
NEARLY = st.lists(st.sampled_from(PIECES), max_size=16).map("".join)
