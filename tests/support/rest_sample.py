"""A small schema cache for tests of planning and SQL without a database."""

from __future__ import annotations

from typing import Any

from signet_stack.rest.plan.request import Plan, PlanInput, Target, plan_request
from signet_stack.rest.schema_cache.load import _relations
from signet_stack.rest.schema_cache.model import Parameter, Routine, SchemaCache, Table, TableColumn
from signet_stack.rest.settings import RestSettings
from signet_stack.rest.sql.statement import main_statement


def _table(table: str, key: tuple[str, ...], **columns: str) -> Table:
    described = {
        c: TableColumn(c, t, True, "now()" if c == "made" else None, None, ()) for c, t in columns.items()
    }
    return Table("s", table, None, described, key, True, True, True)


_TABLES = (
    _table("clients", ("id",), id="integer", name="text"),
    _table("projects", ("id",), id="integer", name="text", client_id="integer", made="date", data="jsonb"),
    _table("tasks", ("id",), id="integer", project_id="integer", words="tsvector"),
    _table("users", ("id",), id="integer"),
    _table("users_tasks", ("user_id", "task_id"), user_id="integer", task_id="integer"),
)
_FOREIGN_KEYS: list[tuple[Any, ...]] = [
    ("s", "projects", "p_c", "clients", False, ["client_id"], ["id"]),
    ("s", "tasks", "t_p", "projects", False, ["project_id"], ["id"]),
    ("s", "users_tasks", "ut_t", "tasks", False, ["task_id"], ["id"]),
    ("s", "users_tasks", "ut_u", "users", False, ["user_id"], ["id"]),
]


def routine(name: str, returns: Any, *parameters: Parameter, **rest: Any) -> Routine:
    """Return one function."""
    values = {"returns_set": False, "returns_table": None, "is_volatile": True, **rest}
    return Routine("s", name, None, parameters, (), returns, **values)


A, B = Parameter("a", "integer", True, False), Parameter("b", "text", False, False)
_ROUTINES = (
    routine("add", "scalar", A, B),
    routine("many", "composite", returns_set=True, returns_table="projects"),
    routine("nothing", "void"),
    routine("sum", "scalar", Parameter("n", "integer[]", True, True)),
    routine("echo", "scalar", Parameter("", "json", True, False)),
)
TABLES = {("s", table.name): table for table in _TABLES}
SCHEMA_CACHE = SchemaCache(
    TABLES, _relations(_FOREIGN_KEYS, TABLES), {("s", r.name): (r,) for r in _ROUTINES}
)


def make_plan(line: str, body: str = "", prefer: str = "", accept: str = "", **settings: Any) -> Plan:
    """Plan ``METHOD /path?query`` against the sample schema_cache."""
    method, _, address = line.partition(" ")
    path, _, query = address.partition("?")
    is_call = path.startswith("/rpc/")
    target = Target("s", path.rpartition("/")[2], is_call)
    asked = PlanInput(method, target, query, prefer, accept, body=body.encode())
    return plan_request(asked, SCHEMA_CACHE, RestSettings(schemas=("s",), **settings))


def sql_of(
    line: str, body: str = "", prefer: str = "", accept: str = ""
) -> tuple[str, tuple[str | None, ...]]:
    """Return the statement of a request and its values."""
    statement = main_statement(
        make_plan(line, body, prefer, accept, plan_enabled=True, aggregates_enabled=True)
    )
    return statement.text, statement.values
