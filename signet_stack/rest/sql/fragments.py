"""The smallest pieces: names, parameters, casts, fields, conditions."""

from __future__ import annotations

from collections.abc import Iterable

from signet_stack.rest.grammar.trees import Condition, Field, NullTest, Tree
from signet_stack.rest.operators import IS_WORDS, OPERATORS
from signet_stack.rest.schema_cache.model import Table

# Type names of SQL's grammar that are not in pg_type; every other cast is a quoted name.
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


def aliased(schema: str, table: str, alias: str) -> str:
    """Write a table under an alias."""
    return f"{qualified(schema, table)} AS {name(alias)}"


def cast(expression: str, type_name: str | None) -> str:
    """Cast to a type that the caller named, if any."""
    if type_name is None:
        return expression
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
    is_json = known is not None and known.type in ("json", "jsonb")  # then an index on the path can be used
    text = column if is_json else f"to_jsonb({column})"
    for step in place.path:
        key = bind(str(step.key)) + ("::int" if isinstance(step.key, int) else "")
        text += ("->>" if step.as_text else "->") + key
    return f"({text})"


def where(*conditions: str) -> str:
    """Write WHERE with all conditions, or nothing where there are none."""
    return f" WHERE {' AND '.join(conditions)}" if conditions else ""


def tests(trees: Iterable[Tree], alias: str, table: Table | None, bind: Parameters) -> list[str]:
    """Write several conditions."""
    return [test(tree, alias, table, bind) for tree in trees]


def test(tree: Tree, alias: str, table: Table | None, bind: Parameters) -> str:
    """Write one condition."""
    if isinstance(tree, NullTest):
        row = name(tree.alias) if tree.is_to_one else f"{name(tree.alias)}.{name(tree.alias)}"
        return f"{row} IS {'' if tree.negated else 'NOT '}DISTINCT FROM NULL"
    if isinstance(tree, Condition):
        text, negated = _comparison(tree, alias, table, bind), tree.comparison.negated
    else:
        children = (test(child, alias, table, bind) for child in tree.children)
        text, negated = f"({f' {tree.operator.upper()} '.join(children)})", tree.negated
    return f"NOT {text}" if negated else text


def _comparison(tree: Condition, alias: str, table: Table | None, bind: Parameters) -> str:
    left, comparison = field(tree.field, alias, table, bind), tree.comparison
    operator, value = OPERATORS[comparison.operator], comparison.value
    if not isinstance(value, str):
        return f"{left} {operator.sql}({bind(array_literal(value))})"
    if operator.kind == "word":
        return f"{left} {operator.sql} {IS_WORDS[value]}"
    if operator.kind == "text search":
        config = f"{bind(comparison.modifier)}::regconfig, " if comparison.modifier else ""
        document = left if _is_document(tree.field, table) else f"to_tsvector({config}{left})"
        return f"{document} @@ {operator.sql}({config}{bind(value)})"
    right = bind(value.replace("*", "%") if operator.takes_stars else value)
    if comparison.modifier is not None:
        right = f"{comparison.modifier.upper()}({right})"
    return f"{left} {operator.sql} {right}"


def _is_document(place: Field, table: Table | None) -> bool:
    known = table.columns.get(place.name) if table else None
    return not place.path and (known is None or known.type == "tsvector")
