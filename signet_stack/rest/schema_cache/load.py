"""Read the schema cache in one read-only transaction."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from itertools import permutations
from typing import Any

from psycopg import Connection

from signet_stack.rest.schema_cache import queries
from signet_stack.rest.schema_cache.model import (
    Kind,
    Pairs,
    Parameter,
    Relation,
    RoleSettings,
    Routine,
    SchemaCache,
    Table,
    TableColumn,
)

HOISTED = ("statement_timeout", "plan_filter.statement_cost_limit", "default_transaction_isolation")
UNNAMED_TYPES = ("json", "jsonb", "text", "bytea")
REVERSED: dict[Kind, Kind] = {"many-to-one": "one-to-many", "one-to-one": "one-to-one"}

_Rows = Iterable[tuple[Any, ...]]


def load_schema_cache(connection: Connection[Any], schemas: tuple[str, ...]) -> SchemaCache:
    """Read everything about the exposed schemas that requests are checked against."""
    with connection.transaction():
        connection.execute("set transaction read only")
        connection.execute("set local search_path = ''")
        names = (list(schemas),)
        columns = connection.execute(queries.COLUMNS, names).fetchall()
        tables = _tables(connection.execute(queries.TABLES, names), columns)
        relations = _relations(connection.execute(queries.FOREIGN_KEYS, names), tables)
        routines = _routines(connection.execute(queries.ROUTINES, names))
        return SchemaCache(tables, relations, routines, _roles(connection.execute(queries.ROLES)))


def _tables(rows: _Rows, column_rows: _Rows) -> dict[tuple[str, str], Table]:
    columns: dict[tuple[str, str], dict[str, TableColumn]] = defaultdict(dict)
    for schema, table, name, type_, nullable, default, description, choices in column_rows:
        column = TableColumn(name, type_, nullable, default, description, tuple(choices or ()))
        columns[schema, table][name] = column
    return {
        (schema, name): Table(schema, name, description, columns[schema, name], tuple(key), *events)
        for schema, name, description, key, *events in rows
    }


def _relations(
    rows: _Rows, tables: dict[tuple[str, str], Table]
) -> dict[tuple[str, str], tuple[Relation, ...]]:
    keys: dict[tuple[str, str], list[Relation]] = defaultdict(list)
    for schema, source, constraint, target, is_unique, sources, targets in rows:
        if (schema, source) in tables and (schema, target) in tables:
            kind: Kind = "one-to-one" if is_unique else "many-to-one"
            pairs = tuple(zip(sources, targets, strict=True))
            keys[schema, source].append(Relation(schema, kind, source, target, constraint, pairs))
    found = defaultdict(list, {place: list(relations) for place, relations in keys.items()})
    for place, relations in keys.items():
        many_to_many = _many_to_many(relations, set(tables[place].primary_key))
        for relation in (*map(_reversed, relations), *many_to_many):
            found[relation.schema, relation.source].append(relation)
    return {place: tuple(relations) for place, relations in found.items()}


def _reversed(key: Relation) -> Relation:
    kind = REVERSED[key.kind]
    return Relation(key.schema, kind, key.target, key.source, key.constraint, _swapped(key.columns))


def _many_to_many(keys: list[Relation], primary_key: set[str]) -> Iterator[Relation]:
    """Read a table as a junction wherever the columns of two foreign keys are part of its primary key."""
    for near, far in permutations(keys, 2):
        if {source for source, _ in (*near.columns, *far.columns)} <= primary_key:
            ends = (near.target, far.target, near.constraint, _swapped(near.columns))
            junction = (near.source, far.constraint, far.columns)
            yield Relation(near.schema, "many-to-many", *ends, *junction)


def _swapped(columns: Pairs) -> Pairs:
    return tuple((target, source) for source, target in columns)


def _routines(rows: _Rows) -> dict[tuple[str, str], tuple[Routine, ...]]:
    found: dict[tuple[str, str], list[Routine]] = defaultdict(list)
    for schema, name, description, required, variadic, names, types, *returns, settings in rows:
        last = len(names) - 1
        parameters = tuple(
            Parameter(parameter, type_, place < required, variadic and place == last)
            for place, (parameter, type_) in enumerate(zip(names, types, strict=True))
        )
        if _can_be_called(parameters):
            pairs = tuple(tuple(setting.split("=", 1)) for setting in settings)
            hoisted = tuple((key, value) for key, value in pairs if key in HOISTED)
            found[schema, name].append(Routine(schema, name, description, parameters, hoisted, *returns))
    return {place: tuple(sorted(routines, key=_signature)) for place, routines in found.items()}


def _signature(routine: Routine) -> tuple[int, list[tuple[str, str]]]:
    """Order overloads as PostgREST lists them."""
    return len(routine.parameters), [(parameter.name, parameter.type) for parameter in routine.parameters]


def _can_be_called(parameters: tuple[Parameter, ...]) -> bool:
    unnamed = [parameter for parameter in parameters if not parameter.name]
    return not unnamed or (len(parameters) == 1 and unnamed[0].type in UNNAMED_TYPES)


def _roles(rows: _Rows) -> dict[str, RoleSettings]:
    settings: dict[str, dict[str, str]] = defaultdict(dict)
    for role, name, value in rows:
        settings[role][name] = value
    return {
        role: RoleSettings(values.pop("default_transaction_isolation", None), tuple(values.items()))
        for role, values in settings.items()
    }
