"""Read the schema cache in one read-only transaction."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from itertools import count
from typing import Any

from psycopg import Connection

from signet_stack.rest.safe_updates import unsafe_statements
from signet_stack.rest.schema_cache import queries
from signet_stack.rest.schema_cache.model import (
    Kind,
    Parameter,
    Place,
    Relation,
    RoleSettings,
    Routine,
    SchemaCache,
    Table,
    TableColumn,
)
from signet_stack.rest.schema_cache.relations import (
    ForeignKey,
    Key,
    View,
    ViewColumns,
    add_view_keys,
    derive_relations,
)
from signet_stack.rest.settings import RestSettings, configure

HOISTED = ("statement_timeout", "plan_filter.statement_cost_limit", "default_transaction_isolation")
UNNAMED_TYPES = ("json", "jsonb", "text", "bytea")

_versions = count(1)
_Rows = Iterable[tuple[Any, ...]]


def load_schema_cache(connection: Connection[Any], settings: RestSettings) -> SchemaCache:
    """Read the settings, then all that requests are checked against in the schemas that they expose."""
    with connection.transaction():
        connection.execute("set transaction read only")
        connection.execute("set local search_path = ''")
        settings = configure(settings, connection.execute(queries.CONFIGURATION).fetchall())
        names = (list(settings.schemas),)
        columns = connection.execute(queries.COLUMNS, names).fetchall()
        tables = _tables(connection.execute(queries.TABLES, names), columns)
        views = ViewColumns(_views(connection.execute(queries.VIEWS)))
        primary_keys, foreign_keys = _keys(connection.execute(queries.KEYS))
        tables = add_view_keys(tables, primary_keys, views)
        computed = _computed(connection.execute(queries.COMPUTED_RELATIONS, names))
        relations = derive_relations(foreign_keys, views, computed, tables)
        routines = _routines(connection.execute(queries.ROUTINES, names))
        roles = _roles(connection.execute(queries.ROLES))
        bodies = connection.execute(queries.BODIES).fetchall() if settings.safe_updates else []
        unsafe = tuple(one for function, body in bodies for one in unsafe_statements(function, body))
        return SchemaCache(tables, relations, routines, roles, settings, unsafe, next(_versions))


def _tables(rows: _Rows, column_rows: _Rows) -> dict[Place, Table]:
    columns: dict[Place, dict[str, TableColumn]] = defaultdict(dict)
    for schema, table, name, type_, nullable, default, description, choices, *rest in column_rows:
        column = TableColumn(name, type_, nullable, default, description, tuple(choices or ()), *rest)
        columns[schema, table][name] = column
    return {
        (schema, name): Table(schema, name, description, columns[schema, name], tuple(key), *rest)
        for schema, name, description, key, *rest in rows
    }


def _views(rows: _Rows) -> Iterator[View]:
    for oid, schema, name, numbers, names, definition in rows:
        yield View(oid, (schema, name), dict(zip(numbers or (), names or (), strict=True)), definition)


def _keys(rows: _Rows) -> tuple[list[Key], list[ForeignKey]]:
    primary, foreign = [], []
    for kind, constraint, is_unique, *ends in rows:
        source = _key(*ends[:5])
        if kind == "p":
            primary.append(source)
        else:
            foreign.append(ForeignKey(constraint, is_unique, source, _key(*ends[5:])))
    return primary, foreign


def _key(schema: str, table: str, oid: int, numbers: list[int], names: list[str]) -> Key:
    return Key((schema, table), tuple(names), tuple((oid, number) for number in numbers))


def _computed(rows: _Rows) -> Iterator[Relation]:
    for function_schema, function, schema, source, target, is_to_one in rows:
        kind: Kind = "many-to-one" if is_to_one else "one-to-many"
        place = function_schema, function
        yield Relation(schema, kind, source, target, function, (), function=place)


def _routines(rows: _Rows) -> dict[Place, tuple[Routine, ...]]:
    found: dict[Place, list[Routine]] = defaultdict(list)
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
