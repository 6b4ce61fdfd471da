"""One statement for one request: rows or change in WITH, then counts, body and hooks in a single row."""

from __future__ import annotations

from dataclasses import dataclass

from signet_stack.rest.plan.request import Plan
from signet_stack.rest.schema_cache.model import UnsafeStatement
from signet_stack.rest.sql import read
from signet_stack.rest.sql.fragments import Parameters, aliased, array_literal, name
from signet_stack.rest.sql.source import call, change

SOURCE, PAGE, COUNT = "pgrst_source", "pgrst_page", "pgrst_count"
ROW = "_postgrest_t"
_HOOKS = ", ".join(
    f"nullif(current_setting('{setting}', true), '')"
    for setting in ("response.headers", "response.status", "pgrst.inserted")
)
_CSV = (
    "(SELECT coalesce(string_agg(pgrst_key, ','), '')"
    " FROM (SELECT json_object_keys(row_to_json(pgrst_first)) AS pgrst_key"
    f" FROM (SELECT * FROM {PAGE} LIMIT 1) AS pgrst_first) AS pgrst_keys)"
    f" || E'\\n' || coalesce(string_agg(substr({ROW}::text, 2, length({ROW}::text) - 2), E'\\n'), '')"
)

# Which of the functions in question ran in this transaction and changed rows of their table.
_UNSAFE = """
select s.verb from unnest($1::pg_catalog.oid[], $2::text[], $3::text[]) as s(function, verb, place)
where exists (
    select from pg_catalog.pg_stat_xact_user_functions f where f.funcid = s.function and f.calls > 0
) and exists (
    select from pg_catalog.pg_stat_xact_all_tables t where t.relname = s.place
        and case s.verb when 'DELETE' then t.n_tup_del else t.n_tup_upd end > 0
) limit 1
"""


@dataclass(frozen=True, slots=True)
class Statement:
    """SQL text with ``$n`` and the values."""

    text: str
    values: tuple[str | None, ...] = ()


def main_statement(plan: Plan) -> Statement:
    """Write the statement whose one row is the reply.

    Its columns: total, rows on the page, body, key for Location, response.headers, response.status, inserted.
    """
    bind, ctes, total = Parameters(), [], "null"
    if plan.write is None and plan.call is None:
        rows = _table(plan)
    else:
        source = change(plan.write, bind) if plan.write else call(plan.call, bind) if plan.call else ""
        ctes.append(f"{SOURCE} AS ({source})")
        rows = f"{SOURCE} AS {name(plan.read.alias)}"
    ctes.append(f"{PAGE} AS ({read.select(plan.read, bind, rows)})")
    if plan.write is None and (count := plan.preferences.get("count")) in ("exact", "estimated"):
        counted = read.rows(plan.read, bind, rows)
        is_costly = count == "estimated" and plan.call is None  # what a function returned is there already
        enough = f" LIMIT {bind(str(plan.max_rows + 1))}" if is_costly else ""
        ctes.append(f"{COUNT} AS (SELECT 1 {counted}{enough})")
        total = f"(SELECT count(*) FROM {COUNT})"
    columns = f"{total}, count({ROW}), {_body(plan)}, {_location(plan)}, {_HOOKS}"
    text = f"WITH {', '.join(ctes)} SELECT {columns} FROM {PAGE} AS {ROW}"
    if plan.media.plan_format is not None:
        options = ", ".join([f"FORMAT {plan.media.plan_format}", *plan.media.plan_options])
        text = f"EXPLAIN ({options.upper()}) {text}"
    return Statement(text, tuple(bind.values))


def call_statement(function: tuple[str, ...]) -> Statement | None:
    """Write a call without arguments of the named function, if there is one."""
    return Statement(f"SELECT {'.'.join(map(name, function))}()") if function else None


def unsafe_statement(unsafe: tuple[UnsafeStatement, ...]) -> Statement | None:
    """Write the query whose row names the verb of an unsafe statement that changed rows."""
    if not unsafe:
        return None
    columns = zip(*((str(one.function), one.verb, one.table) for one in unsafe), strict=True)
    return Statement(_UNSAFE, tuple(map(array_literal, columns)))


def count_statement(plan: Plan) -> Statement | None:
    """Write the EXPLAIN that estimates the number of rows, for count=planned and count=estimated."""
    if plan.write or plan.call or plan.preferences.get("count") not in ("planned", "estimated"):
        return None
    bind = Parameters()
    text = f"EXPLAIN (FORMAT JSON) SELECT 1 {read.rows(plan.read, bind, _table(plan))}"
    return Statement(text, tuple(bind.values))


def _table(plan: Plan) -> str:
    table = plan.read.table
    assert table is not None  # noqa: S101 - only reads of tables come here
    return aliased(table.schema, table.name, plan.read.alias)


def _body(plan: Plan) -> str:
    routine = plan.call.routine if plan.call else None
    if not plan.returns_rows or plan.method == "HEAD" or (routine and routine.returns == "void"):
        return "''"
    if plan.media.kind == "csv":
        return _CSV
    value = f"{ROW}.pgrst_scalar" if routine and routine.returns == "scalar" else ROW
    values = f"json_strip_nulls(json_agg({value}))" if plan.media.strips_nulls else f"json_agg({value})"
    is_single = plan.media.kind == "object" or (routine is not None and not routine.returns_set)
    return f"coalesce(({values}->0)::text, 'null')" if is_single else f"coalesce({values}::text, '[]')"


def _location(plan: Plan) -> str:
    if plan.write is None or not plan.write.location:
        return "null"
    keys = ", ".join(f"{name(column)}::text" for column in plan.write.location)
    return f"(SELECT json_build_array({keys})::text FROM {SOURCE} LIMIT 1)"
