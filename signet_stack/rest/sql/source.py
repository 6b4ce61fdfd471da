"""Write what a request changes or calls: INSERT, UPDATE, DELETE, or a SELECT that calls a function once.

A payload is one JSON parameter; the types of what is read from it come from the schema_cache.
"""

from __future__ import annotations

from signet_stack.rest.plan.call import CallPlan
from signet_stack.rest.plan.write import WritePlan
from signet_stack.rest.schema_cache.model import Parameter
from signet_stack.rest.sql.fragments import (
    Parameters,
    aliased,
    array_literal,
    name,
    names,
    qualified,
    tests,
    where,
)

# Counts the rows that were new: each inserted row adds one, each merged one takes it back. A setting of the
# transaction, because RETURNING cannot distinguish them without more privileges.
_INSERTED = "coalesce(nullif(current_setting('pgrst.inserted', true), '')::int, 0)"
COUNT_UP = f"set_config('pgrst.inserted', ({_INSERTED} + 1)::text, true) <> ''"
COUNT_DOWN = f"set_config('pgrst.inserted', ({_INSERTED} - 1)::text, true) <> ''"


def change(plan: WritePlan, bind: Parameters) -> str:
    """Write the statement that changes rows."""
    table = plan.table
    target = aliased(table.schema, table.name, table.name)
    if plan.method == "PATCH" and not plan.columns:  # an UPDATE that sets nothing touches no row
        return f"SELECT {_output(plan)} FROM {target} WHERE false"
    if plan.method == "DELETE":
        text = f"DELETE FROM {target}{where(*tests(plan.where, table.name, table, bind))}"
    elif plan.method == "PATCH":
        values = ", ".join(f"{name(c.name)} = pgrst_body.{name(c.name)}" for c in plan.columns)
        text = f"UPDATE {target} SET {values} FROM {_payload_rows(plan, bind)}"
        text += where(*tests(plan.where, table.name, table, bind))
    else:
        text = f"INSERT INTO {target}{_inserted(plan, bind)}"
    return f"{text} RETURNING {_output(plan)}"


def _inserted(plan: WritePlan, bind: Parameters) -> str:
    columns = f" ({names(column.name for column in plan.columns)})" if plan.columns else ""
    values = ", ".join(f"pgrst_body.{name(column.name)}" for column in plan.columns)
    conditions = tests(plan.where, "pgrst_body", plan.table, bind) + ([COUNT_UP] if plan.merges else [])
    rows = f"{columns} SELECT {values} FROM {_payload_rows(plan, bind)}{where(*conditions)}"
    if not plan.arbiter:
        return rows
    arbiter = f"{rows} ON CONFLICT ({names(plan.arbiter)})"
    if not plan.merges or not plan.columns:
        return f"{arbiter} DO NOTHING"
    merged = ", ".join(f"{name(column.name)} = EXCLUDED.{name(column.name)}" for column in plan.columns)
    return f"{arbiter} DO UPDATE SET {merged} WHERE {COUNT_DOWN}"


def _payload_rows(plan: WritePlan, bind: Parameters) -> str:
    body = bind(plan.payload.text)
    if not plan.columns:  # rows of defaults: only their number counts
        rows = f"{body}::json" if plan.payload.is_array else f"json_build_array({body}::json)"
        return f"json_array_elements({rows}) AS pgrst_body"
    types = ", ".join(f"{name(column.name)} {column.type}" for column in plan.columns)
    if plan.takes_defaults:
        return f"jsonb_to_recordset({_with_defaults(plan, body, bind)}) AS pgrst_body({types})"
    function = "json_to_recordset" if plan.payload.is_array else "json_to_record"
    return f"{function}({body}::json) AS pgrst_body({types})"


def _with_defaults(plan: WritePlan, body: str, bind: Parameters) -> str:
    """Lay every row over an object of the columns' defaults."""
    rows = f"{body}::jsonb" if plan.payload.is_array else f"jsonb_build_array({body}::jsonb)"
    pairs = [f"{bind(c.name)}::text, {c.default}" for c in plan.columns if c.default is not None]
    defaults = f"jsonb_build_object({', '.join(pairs)})"
    return f"(SELECT jsonb_agg({defaults} || pgrst_row) FROM jsonb_array_elements({rows}) AS pgrst_row)"


def _output(plan: WritePlan) -> str:
    if plan.returning is None:
        return "1"
    table = name(plan.table.name)
    return ", ".join(f"{table}.{'*' if column == '*' else name(column)}" for column in plan.returning) or "1"


def call(plan: CallPlan, bind: Parameters) -> str:
    """Write a SELECT that calls once; a scalar comes as the column ``pgrst_scalar``."""
    arguments, source = _arguments(plan, bind)
    invocation = f"{qualified(plan.routine.schema, plan.routine.name)}({arguments})"
    if plan.routine.returns == "composite":
        rows = f"{source}, LATERAL {invocation}" if source else invocation
        return f"SELECT pgrst_call.* FROM {rows} AS pgrst_call"
    return f"SELECT {invocation} AS pgrst_scalar" + (f" FROM {source}" if source else "")


def _arguments(plan: CallPlan, bind: Parameters) -> tuple[str, str]:
    """Return the argument list and the source that it reads from, if any."""
    if plan.unnamed is not None:
        return f"{bind(plan.unnamed)}::{plan.routine.parameters[0].type}", ""
    if plan.payload is None:
        texts = ((one, array_literal(values) if one.variadic else values[0]) for one, values in plan.texts)
        return ", ".join(_argument(one, f"{bind(text)}::{one.type}") for one, text in texts), ""
    types = ", ".join(f"{name(one.name)} {one.type}" for one in plan.payload_parameters)
    function = "json_to_recordset" if plan.payload.is_array else "json_to_record"
    body = f"{function}({bind(plan.payload.text)}::json) AS _({types})"
    arguments = (_argument(one, f"pgrst_body.{name(one.name)}") for one in plan.payload_parameters)
    return ", ".join(arguments), f"(SELECT * FROM {body} LIMIT 1) AS pgrst_body"


def _argument(parameter: Parameter, value: str) -> str:
    return f"{'VARIADIC ' if parameter.variadic else ''}{name(parameter.name)} := {value}"
