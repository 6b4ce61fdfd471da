"""The description of the API that ``GET /`` returns (Swagger 2.0, as PostgREST writes it)."""

from __future__ import annotations

import json
from collections.abc import Collection
from typing import Any

from signet_stack.rest.schema_cache.model import Parameter, Relation, Routine, SchemaCache, Table, TableColumn

MEDIA = [
    "application/json",
    "application/vnd.pgrst.object+json;nulls=stripped",
    "application/vnd.pgrst.object+json",
    "text/csv",
]
INTEGERS = {"smallint", "integer", "bigint"}
NUMBERS = {"numeric", "real", "double precision"}
RETURN = ["return=representation", "return=minimal", "return=headers-only"]
RESOLUTION = ["resolution=merge-duplicates", "resolution=ignore-duplicates"]

Described = dict[str, Any]

# Which tables and functions the current role may use; read as that role.
VISIBLE = """
select
    (select coalesce(json_agg(c.relname), '[]') from pg_catalog.pg_class c
     where c.relnamespace = n.oid and c.relkind in ('r', 'v', 'm', 'f', 'p') and (
        pg_catalog.has_any_column_privilege(c.oid, 'select, insert, update')
        or pg_catalog.has_table_privilege(c.oid, 'delete'))),
    (select coalesce(json_agg(distinct p.proname), '[]') from pg_catalog.pg_proc p
     where p.pronamespace = n.oid and pg_catalog.has_function_privilege(p.oid, 'execute'))
from pg_catalog.pg_namespace n
where n.nspname = $1 and pg_catalog.has_schema_privilege(n.oid, 'usage')
"""


def describe(
    cache: SchemaCache,
    schema: str,
    tables: Collection[str],
    routines: Collection[str],
    host: str,
    base: str,
) -> Described:
    """Describe the named tables and functions of a schema."""
    shown = [cache.tables[schema, name] for name in sorted(tables) if (schema, name) in cache.tables]
    called = [
        cache.routines[schema, name][0] for name in sorted(routines) if (schema, name) in cache.routines
    ]
    relations = {table.name: cache.relations.get((schema, table.name), ()) for table in shown}
    root = _operation("Introspection", [], "OK", summary="OpenAPI description (this document)")
    return {
        "swagger": "2.0",
        "info": {
            "title": "Local data API",
            "description": f"The schema {schema}, as far as this caller may use it",
            "version": "14",
        },
        "host": host,
        "basePath": base or "/",
        "schemes": ["http"],
        "consumes": MEDIA,
        "produces": MEDIA,
        "paths": {
            "/": {"get": root},
            **{f"/{table.name}": _table_path(table) for table in shown},
            **{f"/rpc/{routine.name}": _call_path(routine) for routine in called},
        },
        "definitions": {table.name: _definition(table, relations[table.name]) for table in shown},
        "parameters": _parameters(shown),
        "externalDocs": {
            "description": "PostgREST Documentation",
            "url": "https://postgrest.org/en/v14/references/api.html",
        },
    }


def _operation(tag: str, parameters: list[Described], outcome: str, **rest: Any) -> Described:
    status = {"OK": "200", "Created": "201", "No Content": "204"}[outcome]
    return {"tags": [tag], "parameters": parameters, "responses": {status: {"description": outcome}}, **rest}


def _table_path(table: Table) -> Described:
    filters, body = [f"rowFilter.{table.name}.{column}" for column in table.columns], f"body.{table.name}"
    window = ["select", "order", "range", "rangeUnit", "offset", "limit", "preferCount"]
    methods = (
        ("get", True, [*filters, *window], "OK"),
        ("post", table.insertable, [body, "select", "on_conflict", "preferPost"], "Created"),
        ("patch", table.updatable, [*filters, body, "preferReturn"], "No Content"),
        ("delete", table.deletable, [*filters, "preferReturn"], "No Content"),
    )
    return {
        method: _operation(table.name, [{"$ref": f"#/parameters/{name}"} for name in names], outcome)
        for method, is_open, names, outcome in methods
        if is_open
    }


def _call_path(routine: Routine) -> Described:
    tag, described = f"(rpc) {routine.name}", _given(summary=routine.description)
    named = [parameter for parameter in routine.parameters if parameter.name]
    schema = {
        "type": "object",
        "properties": {parameter.name: _type(parameter.type) for parameter in named},
        "required": [parameter.name for parameter in named if parameter.required],
    }
    body = {"name": "args", "in": "body", "required": True, "schema": schema}
    post = {"post": _operation(tag, [body], "OK", **described)}
    get = {"get": _operation(tag, [_query_argument(parameter) for parameter in named], "OK", **described)}
    return post if routine.is_volatile else get | post


def _query_argument(parameter: Parameter) -> Described:
    multiple = {"collectionFormat": "multi"} if parameter.variadic else {}
    place = {"name": parameter.name, "in": "query", "required": parameter.required}
    return {**place, **_type(parameter.type), **multiple}


def _definition(table: Table, relations: tuple[Relation, ...]) -> Described:
    required = [c.name for c in table.columns.values() if not c.nullable]
    properties = {c.name: _property(c, table, relations) for c in table.columns.values()}
    described = _given(description=table.description)
    return {**described, "required": required, "properties": properties, "type": "object"}


def _property(column: TableColumn, table: Table, relations: tuple[Relation, ...]) -> Described:
    notes = ["This is a Primary Key.<pk/>"] if column.name in table.primary_key else []
    notes += [
        f"This is a Foreign Key to `{relation.target}.{key}`.<fk table='{relation.target}' column='{key}'/>"
        for relation in relations
        for here, key in relation.columns
        if relation.is_to_one and len(relation.columns) == 1 and here == column.name
    ][:1]
    text = "\n\n".join(filter(None, [column.description, "\n".join(["Note:", *notes]) if notes else None]))
    described = _type(column.base_type or column.type)
    default = _default(column.default, described) if column.default else None
    given = _given(description=text, enum=list(column.choices), maxLength=column.max_length)
    return described | given | ({} if default is None else {"default": default})


def _default(expression: str, described: Described) -> Any:
    """Return the value of a default expression; of other types than texts only literals have one."""
    if described.get("type") == "string":
        return expression.removesuffix(f"::{described['format']}").strip("'")
    try:
        return json.loads(expression)
    except ValueError:
        return None


def _given(**members: Any) -> Described:
    """Return the members that have a value."""
    return {name: value for name, value in members.items() if value}


def _type(name: str) -> Described:
    """Return format and JSON type of a PostgreSQL type; json itself may be anything."""
    plain = name.partition("(")[0]
    if name.endswith("[]"):
        return {"format": name, "type": "array", "items": _type(name[:-2])}
    if plain in ("json", "jsonb"):
        return {"format": name}
    kind = "integer" if plain in INTEGERS else "number" if plain in NUMBERS else "string"
    return {"format": name, "type": "boolean" if plain == "boolean" else kind}


def _parameters(tables: list[Table]) -> Described:
    def text(name: str, place: str = "query", **rest: Any) -> Described:
        return {"name": name, "in": place, "required": False, "type": "string", **rest}

    parameters = {name: text(name) for name in ("select", "on_conflict", "order", "offset", "limit")}
    parameters |= {
        "range": text("Range", "header"),
        "rangeUnit": text("Range-Unit", "header", default="items"),
        "preferCount": text("Prefer", "header", enum=["count=exact", "count=planned", "count=estimated"]),
        "preferReturn": text("Prefer", "header", enum=RETURN),
        "preferPost": text("Prefer", "header", enum=RETURN + RESOLUTION),
    }
    for table in tables:
        reference = {"$ref": f"#/definitions/{table.name}"}
        parameters[f"body.{table.name}"] = {"name": table.name, "in": "body", "schema": reference}
        for column in table.columns.values():
            parameters[f"rowFilter.{table.name}.{column.name}"] = text(
                column.name, format=column.base_type or column.type
            )
    return parameters
