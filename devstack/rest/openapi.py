"""The description of the API that ``GET /`` returns (Swagger 2.0, as PostgREST writes it)."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from devstack.rest.catalog.model import Catalog, Parameter, Relation, Routine, Table, TableColumn

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
    catalog: Catalog, schema: str, tables: Collection[str], routines: Collection[str], host: str, base: str
) -> Described:
    """Describe the named tables and functions of a schema."""
    shown = [catalog.tables[schema, name] for name in sorted(tables) if (schema, name) in catalog.tables]
    called = [
        catalog.routines[schema, name] for name in sorted(routines) if (schema, name) in catalog.routines
    ]
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
            **{f"/rpc/{overloads[0].name}": _call_path(overloads[0]) for overloads in called},
        },
        "definitions": {
            table.name: _definition(table, catalog.relations.get((schema, table.name), ())) for table in shown
        },
        "parameters": _parameters(shown),
        "externalDocs": {
            "description": "PostgREST Documentation",
            "url": "https://postgrest.org/en/v14/references/api.html",
        },
    }


def _operation(tag: str, parameters: list[str], outcome: str, **rest: Any) -> Described:
    status = {"OK": "200", "Created": "201", "No Content": "204"}[outcome]
    references = [{"$ref": f"#/parameters/{name}"} for name in parameters]
    return {"tags": [tag], "parameters": references, "responses": {status: {"description": outcome}}, **rest}


def _table_path(table: Table) -> Described:
    filters = [f"rowFilter.{table.name}.{column}" for column in table.columns]
    body = f"body.{table.name}"
    window = ["select", "order", "range", "rangeUnit", "offset", "limit", "preferCount"]
    path = {"get": _operation(table.name, [*filters, *window], "OK")}
    if table.insertable:
        path["post"] = _operation(table.name, [body, "select", "on_conflict", "preferPost"], "Created")
    if table.updatable:
        path["patch"] = _operation(table.name, [*filters, body, "preferReturn"], "No Content")
    if table.deletable:
        path["delete"] = _operation(table.name, [*filters, "preferReturn"], "No Content")
    return path


def _call_path(routine: Routine) -> Described:
    tag = f"(rpc) {routine.name}"
    named = [parameter for parameter in routine.parameters if parameter.name]
    schema = {
        "type": "object",
        "properties": {parameter.name: _type(parameter.type) for parameter in named},
        "required": [parameter.name for parameter in named if parameter.required],
    }
    described = {"summary": routine.description} if routine.description else {}
    post = _operation(tag, [], "OK", **described)
    post["parameters"] = [{"name": "args", "in": "body", "required": True, "schema": schema}]
    if routine.is_volatile:
        return {"post": post}
    get = _operation(tag, [], "OK", **described)
    get["parameters"] = [_query_argument(parameter) for parameter in named]
    return {"get": get, "post": post}


def _query_argument(parameter: Parameter) -> Described:
    kind = _type(parameter.type)
    multiple = {"collectionFormat": "multi"} if parameter.variadic else {}
    return {"name": parameter.name, "in": "query", "required": parameter.required, **kind, **multiple}


def _definition(table: Table, relations: tuple[Relation, ...]) -> Described:
    described = {"description": table.description} if table.description else {}
    required = [c.name for c in table.columns.values() if not c.nullable]
    properties = {c.name: _property(c, table, relations) for c in table.columns.values()}
    return {**described, "required": required, "properties": properties, "type": "object"}


def _property(column: TableColumn, table: Table, relations: tuple[Relation, ...]) -> Described:
    notes = []
    if column.name in table.primary_key:
        notes.append("This is a Primary Key.<pk/>")
    for relation in relations:
        if relation.is_to_one and relation.columns[0][0] == column.name and len(relation.columns) == 1:
            there, key = relation.target, relation.columns[0][1]
            notes.append(f"This is a Foreign Key to `{there}.{key}`.<fk table='{there}' column='{key}'/>")
            break
    text = "\n\n".join(filter(None, [column.description, "\n".join(["Note:", *notes]) if notes else None]))
    return {
        **_type(column.type),
        **({"description": text} if text else {}),
        **({"default": column.default} if column.default is not None else {}),
        **({"enum": list(column.choices)} if column.choices else {}),
    }


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
            parameters[f"rowFilter.{table.name}.{column.name}"] = text(column.name, format=column.type)
    return parameters
