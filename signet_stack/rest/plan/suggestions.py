"""Suggest the name that a request may have meant, for the hints of PGRST200, PGRST202 and PGRST205."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches

from signet_stack.rest.grammar.trees import Embed
from signet_stack.rest.schema_cache.model import Routine, SchemaCache, Table

MAX_NAMES = 500  # comparing with more would make a misspelt name costly
ALIKE, REMOTELY_ALIKE = 0.75, 0.6


def suggest_table(cache: SchemaCache, schema: str, name: str) -> str | None:
    """Suggest a table of the same schema."""
    found = _closest(name, (table for place, table in cache.tables if place == schema), ALIKE)
    return f"Perhaps you meant the table '{schema}.{found}'" if found else None


def suggest_routine(
    cache: SchemaCache, schema: str, name: str, arguments: Iterable[str], overloads: Iterable[Routine]
) -> str | None:
    """Suggest a function of the schema, or other arguments where the name is right."""
    signatures = [_signature(parameter.name for parameter in one.parameters) for one in overloads]
    if signatures:
        found = _closest(_signature(arguments), signatures, REMOTELY_ALIKE)
        found = None if found is None else name + found
    else:
        found = _closest(name, (routine for place, routine in cache.routines if place == schema), ALIKE)
    return f"Perhaps you meant to call the function {schema}.{found}" if found else None


def suggest_relation(cache: SchemaCache, table: Table, embed: Embed) -> str | None:
    """Suggest another table to embed, or, where the table has no relations, another table to embed it in."""
    wrong, relations = embed.target, cache.relations.get((table.schema, table.name))
    choices: Iterable[str] = (relation.target for relation in relations or ())
    if relations is None:
        wrong, choices = table.name, (name for schema, name in cache.relations if schema == table.schema)
    found = _closest(wrong, (choice for choice in choices if choice != wrong), REMOTELY_ALIKE)
    return f"Perhaps you meant '{found}' instead of '{wrong}'." if found else None


def _signature(names: Iterable[str]) -> str:
    return f"({', '.join(sorted(names))})"


def _closest(name: str, choices: Iterable[str], cutoff: float) -> str | None:
    names = sorted(set(choices))
    found = get_close_matches(name, names, 1, cutoff) if len(names) <= MAX_NAMES else []
    return found[0] if found else None
