"""Cost of a policy: EXPLAIN ANALYZE of the own-row read, with and without ``(select …)`` and an index."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from psycopg import Connection, sql

from flask_signet.lab.errors import BadChoice
from flask_signet.lab.people import Caller, acting_as

ROWS = 20_000
PEOPLE = 200
_TABLE = sql.Identifier("public", "lab_speed")
_VARIANTS = (
    ("auth.uid() per row, no index", "auth.uid() = user_id", False),
    ("(select auth.uid()), no index", "(select auth.uid()) = user_id", False),
    ("auth.uid() per row, index", "auth.uid() = user_id", True),
    ("(select auth.uid()), index", "(select auth.uid()) = user_id", True),
)


@dataclass(frozen=True, slots=True)
class Measurement:
    """One variant: milliseconds of execution, the scan that the planner chose, and the plan."""

    label: str
    milliseconds: float
    scan: str
    plan: str


def measure(connection: Connection[Any], caller: Caller) -> list[Measurement]:
    """Measure each variant on a table that is filled inside the open transaction. Raises BadChoice."""
    try:
        UUID(caller.user_id or "")
    except ValueError:
        raise BadChoice("speed", "The cost is measured as a person: choose one of the list.") from None
    connection.execute(
        sql.SQL(
            "create table {} (id bigint primary key, user_id uuid not null, body text not null);"
            "insert into {} select n, case when n %% {} = 0 then {} else"
            " md5((n %% {})::text)::uuid end, repeat('x', 80) from generate_series(1, {}) n;"
            "alter table {} enable row level security;"
            "grant select on {} to authenticated"
        )
        .format(
            _TABLE, _TABLE, sql.Literal(PEOPLE), sql.Literal(caller.user_id), sql.Literal(PEOPLE),
            sql.Literal(ROWS), _TABLE, _TABLE,
        )
        .as_string(connection)
        .replace("%%", "%")
        .encode()
    )  # fmt: skip
    found = []
    for label, condition, has_index in _VARIANTS:
        with connection.transaction(force_rollback=True):
            if has_index:
                connection.execute(sql.SQL("create index on {} (user_id)").format(_TABLE))
            policy = sql.SQL("create policy own on {} for select to authenticated using ({})")
            connection.execute(policy.format(_TABLE, sql.SQL(condition)))
            connection.execute("select set_config('statement_timeout', '20s', true)")
            connection.execute(sql.SQL("analyze {}").format(_TABLE))
            found.append(_measure_one(connection, caller, label))
    return found


def _measure_one(connection: Connection[Any], caller: Caller, label: str) -> Measurement:
    query = sql.SQL("select * from {}").format(_TABLE)
    with acting_as(connection, caller):
        connection.execute(query)  # the second run finds the pages in memory
        row = connection.execute(sql.SQL("explain (analyze, format json) {}").format(query)).fetchone()
        lines = connection.execute(sql.SQL("explain (costs off) {}").format(query)).fetchall()
    assert row is not None  # noqa: S101 - EXPLAIN returns one
    plan = row[0][0]
    return Measurement(
        label, plan["Execution Time"], _scan(plan["Plan"]), "\n".join(line[0] for line in lines)
    )


def _scan(plan: dict[str, Any]) -> str:
    """Return the node that reads the table."""
    if plan.get("Relation Name") == "lab_speed" or plan["Node Type"] == "Bitmap Heap Scan":
        return str(plan["Node Type"])
    return next((found for child in plan.get("Plans", []) if (found := _scan(child))), "")
