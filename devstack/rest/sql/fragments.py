"""The smallest pieces: names, parameters, casts, fields, conditions, order."""

from __future__ import annotations

from collections.abc import Iterable

from devstack.rest.catalog.model import Table
from devstack.rest.grammar.trees import Comparison, Condition, Field, OrderTerm, Window
from devstack.rest.plan.read import NullTest, Test

OPERATORS = {
    "eq": "=", "neq": "<>", "gt": ">", "gte": ">=", "lt": "<", "lte": "<=",
    "like": "LIKE", "ilike": "ILIKE", "match": "~", "imatch": "~*",
    "cs": "@>", "cd": "<@", "ov": "&&", "sl": "<<", "sr": ">>", "nxr": "&<", "nxl": "&>", "adj": "-|-",
    "isdistinct": "IS DISTINCT FROM",
}  # fmt: skip
TEXT_SEARCH = {
    "fts": "to_tsquery",
    "plfts": "plainto_tsquery",
    "phfts": "phraseto_tsquery",
    "wfts": "websearch_to_tsquery",
}
IS = {"null": "NULL", "not_null": "NOT NULL", "true": "TRUE", "false": "FALSE", "unknown": "UNKNOWN"}
ORDER = {None: "", "asc": " ASC", "desc": " DESC", "nullsfirst": " NULLS FIRST", "nullslast": " NULLS LAST"}
# Names of types that SQL's own grammar knows and pg_type does not; every other cast is a quoted name.
SQL_TYPES = {
    "bigint": "int8", "bit varying": "varbit", "boolean": "bool", "char": "bpchar", "character": "bpchar",
    "character varying": "varchar", "dec": "numeric", "decimal": "numeric", "double precision": "float8",
    "float": "float8", "int": "int4", "integer": "int4", "real": "float4", "smallint": "int2",
    "time with time zone": "timetz", "time without time zone": "time",
    "timestamp with time zone": "timestamptz", "timestamp without time zone": "timestamp",
}  # fmt: skip


class Parameters:
    """Collects the values of one statement; each call returns its placeholder."""

    __slots__ = ("values",)

    def __init__(self) -> None:
        self.values: list[str | None] = []

    def __call__(self, value: str | None) -> str:
        self.values.append(value)
        return f"${len(self.values)}"


def name(identifier: str) -> str:
    """Quote an identifier."""
    return '"' + identifier.partition("\0")[0].replace('"', '""') + '"'


def names(identifiers: Iterable[str]) -> str:
    """Quote several identifiers, joined by commas."""
    return ", ".join(map(name, identifiers))


def qualified(schema: str, identifier: str) -> str:
    """Quote a name with its schema."""
    return f"{name(schema)}.{name(identifier)}"


def cast(expression: str, type_name: str) -> str:
    """Cast to a type that the caller named."""
    words = " ".join(type_name.lower().split())
    return f"CAST({expression} AS {name(SQL_TYPES.get(words, words))})"


def array_literal(values: Iterable[str]) -> str:
    """Write values as PostgreSQL's text form of an array."""
    quoted = (value.replace("\\", "\\\\").replace('"', '\\"') for value in values)
    return "{" + ",".join(f'"{value}"' for value in quoted) + "}"


def field(place: Field, alias: str, table: Table | None, bind: Parameters) -> str:
    """Write a column or a place inside a JSON column."""
    column = f"{name(alias)}.{name(place.name)}"
    if not place.path:
        return column
    known = table.columns.get(place.name) if table else None
    text = column if known is None or known.type in ("json", "jsonb") else f"to_jsonb({column})"
    for step in place.path:
        arrow = "->>" if step.as_text else "->"
        key = bind(str(step.key)) + ("::int" if isinstance(step.key, int) else "")
        text = f"{text}{arrow}{key}"
    return f"({text})"


def test(tree: Test, alias: str, table: Table | None, bind: Parameters) -> str:
    """Write one condition."""
    if isinstance(tree, Condition):
        return condition(tree, alias, table, bind)
    if isinstance(tree, NullTest):
        joined = name(tree.embed.alias)
        row = joined if tree.embed.relation.is_to_one else f"{joined}.{joined}"
        return f"{row} IS {'' if tree.negated else 'NOT '}DISTINCT FROM NULL"
    children = f" {tree.operator.upper()} ".join(test(child, alias, table, bind) for child in tree.children)
    return f"{'NOT ' if tree.negated else ''}({children})"


def condition(tree: Condition, alias: str, table: Table | None, bind: Parameters) -> str:
    """Write one comparison."""
    left, comparison = field(tree.field, alias, table, bind), tree.comparison
    known = table.columns.get(tree.field.name) if table else None
    is_tsvector = known is None or known.type == "tsvector"
    negation = "NOT " if comparison.negated else ""
    return negation + _comparison(left, comparison, bind, wraps=bool(tree.field.path) or not is_tsvector)


def _comparison(left: str, comparison: Comparison, bind: Parameters, *, wraps: bool) -> str:
    operator, value = comparison.operator, comparison.value
    if not isinstance(value, str):
        return f"{left} = ANY({bind(array_literal(value))})"
    if operator == "is":
        return f"{left} IS {IS[value]}"
    if function := TEXT_SEARCH.get(operator):
        config = f"{bind(comparison.modifier)}::regconfig, " if comparison.modifier else ""
        document = f"to_tsvector({config}{left})" if wraps else left
        return f"{document} @@ {function}({config}{bind(value)})"
    if operator in ("like", "ilike"):
        value = value.replace("*", "%")
    right = bind(value)
    if comparison.modifier in ("any", "all"):
        right = f"{comparison.modifier.upper()}({right})"
    return f"{left} {OPERATORS[operator]} {right}"


def sort_key(term: OrderTerm, alias: str, table: Table | None, bind: Parameters) -> str:
    """Write one order term."""
    return field(term.field, alias, table, bind) + ORDER[term.direction] + ORDER[term.nulls]


def window(limits: Window, bind: Parameters) -> str:
    """Write LIMIT and OFFSET."""
    limit = "" if limits.limit is None else f" LIMIT {bind(str(limits.limit))}"
    return limit + (f" OFFSET {bind(str(limits.offset))}" if limits.offset else "")
