"""Write INSERT, UPDATE and DELETE. The payload is one JSON parameter; its types come from the catalog."""

from __future__ import annotations

from collections.abc import Sequence

from devstack.rest.catalog.model import TableColumn
from devstack.rest.plan.write import Conflict, WritePlan
from devstack.rest.sql import fragments
from devstack.rest.sql.fragments import Parameters, name, names, qualified

# Counts the rows that were new: each inserted row adds one, each merged one takes it back. A setting of the
# transaction, because RETURNING cannot tell them apart without more privileges.
_INSERTED = "coalesce(nullif(current_setting('pgrst.inserted', true), '')::int, 0)"
COUNT_UP = f"set_config('pgrst.inserted', ({_INSERTED} + 1)::text, true) <> ''"
COUNT_DOWN = f"set_config('pgrst.inserted', ({_INSERTED} - 1)::text, true) <> ''"


def change(plan: WritePlan, bind: Parameters) -> str:
    """Write the statement that changes rows."""
    if plan.method == "PATCH" and not plan.columns:
        return _nothing(plan)
    if plan.method == "DELETE":
        text = f"DELETE FROM {_target(plan)}{_where(plan, bind)}"
    else:
        text = _update(plan, bind) if plan.method == "PATCH" else _insert(plan, bind)
    return f"{text} RETURNING {_output(plan)}"


def _target(plan: WritePlan) -> str:
    return f"{qualified(plan.table.schema, plan.table.name)} AS {name(plan.table.name)}"


def _where(plan: WritePlan, bind: Parameters) -> str:
    conditions = [fragments.test(tree, plan.table.name, plan.table, bind) for tree in plan.where]
    return f" WHERE {' AND '.join(conditions)}" if conditions else ""


def _update(plan: WritePlan, bind: Parameters) -> str:
    values = ", ".join(f"{name(c.name)} = pgrst_body.{name(c.name)}" for c in plan.columns)
    return f"UPDATE {_target(plan)} SET {values} FROM {_payload_rows(plan, bind)}{_where(plan, bind)}"


def _nothing(plan: WritePlan) -> str:
    """An UPDATE that sets nothing touches no row; its representation is empty."""
    return f"SELECT {_output(plan)} FROM {_target(plan)} WHERE false"


def _insert(plan: WritePlan, bind: Parameters) -> str:
    conditions = [fragments.test(tree, "pgrst_body", plan.table, bind) for tree in plan.where]
    if plan.conflict is not None and plan.conflict.merges:
        conditions.append(COUNT_UP)
    where = f" WHERE {' AND '.join(conditions)}" if conditions else ""
    values = ", ".join(f"pgrst_body.{name(column.name)}" for column in plan.columns)
    columns = f" ({names(column.name for column in plan.columns)})" if plan.columns else ""
    rows = f"SELECT {values} FROM {_payload_rows(plan, bind)}{where}"
    return f"INSERT INTO {_target(plan)}{columns} {rows}{_on_conflict(plan.conflict, plan.columns)}"


def _on_conflict(conflict: Conflict | None, columns: Sequence[TableColumn]) -> str:
    if conflict is None:
        return ""
    arbiter = f" ON CONFLICT ({names(conflict.columns)})"
    if not conflict.merges or not columns:
        return f"{arbiter} DO NOTHING"
    values = ", ".join(f"{name(column.name)} = EXCLUDED.{name(column.name)}" for column in columns)
    return f"{arbiter} DO UPDATE SET {values} WHERE {COUNT_DOWN}"


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
