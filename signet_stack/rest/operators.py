"""The operators of filters: one table, read by the grammar and by the SQL writer.

A new operator is one line here. Names and SQL: PostgREST, "Tables and Views", section "Operators".
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

# quantified: `name.value`, and `name(any).{…}` or `name(all).{…}` · plain: `name.value`
# text search: `name.value` and `name(configuration).value` · list: `name.(a,b)` · word: one of IS_WORDS
Kind = Literal["quantified", "plain", "text search", "list", "word"]


@dataclass(frozen=True, slots=True)
class Operator:
    """One operator: its SQL operator (text search: the function that makes the query) and its syntax."""

    sql: str
    kind: Kind
    takes_stars: bool = False  # ``*`` stands for ``%``


OPERATORS: Mapping[str, Operator] = {
    "eq": Operator("=", "quantified"),
    "gte": Operator(">=", "quantified"),
    "gt": Operator(">", "quantified"),
    "lte": Operator("<=", "quantified"),
    "lt": Operator("<", "quantified"),
    "like": Operator("LIKE", "quantified", takes_stars=True),
    "ilike": Operator("ILIKE", "quantified", takes_stars=True),
    "match": Operator("~", "quantified"),
    "imatch": Operator("~*", "quantified"),
    "neq": Operator("<>", "plain"),
    "isdistinct": Operator("IS DISTINCT FROM", "plain"),
    "cs": Operator("@>", "plain"),
    "cd": Operator("<@", "plain"),
    "ov": Operator("&&", "plain"),
    "sl": Operator("<<", "plain"),
    "sr": Operator(">>", "plain"),
    "nxr": Operator("&<", "plain"),
    "nxl": Operator("&>", "plain"),
    "adj": Operator("-|-", "plain"),
    "fts": Operator("to_tsquery", "text search"),
    "plfts": Operator("plainto_tsquery", "text search"),
    "phfts": Operator("phraseto_tsquery", "text search"),
    "wfts": Operator("websearch_to_tsquery", "text search"),
    "in": Operator("= ANY", "list"),
    "is": Operator("IS", "word"),
}

IS_WORDS: Mapping[str, str] = {
    "not_null": "NOT NULL",
    "null": "NULL",
    "true": "TRUE",
    "false": "FALSE",
    "unknown": "UNKNOWN",
}


def names_of(kind: Kind) -> tuple[str, ...]:
    """Return the names of the operators of one kind."""
    return tuple(name for name, operator in OPERATORS.items() if operator.kind == kind)
