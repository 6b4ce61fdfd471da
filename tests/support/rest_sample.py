"""A small schema cache for tests of planning and SQL without a database."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from signet_stack.rest.plan.request import Plan, PlanInput, Target, plan_request
from signet_stack.rest.schema_cache.model import Parameter, Routine, SchemaCache, Table, TableColumn
from signet_stack.rest.schema_cache.relations import ForeignKey, Key, ViewColumns, derive_relations
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


def foreign_key(
    source: str, constraint: str, target: str, column: str, *, is_unique: bool = False
) -> ForeignKey:
    """Return the foreign key of one column of ``s.source`` to ``s.target(id)``."""
    ends = (Key(("s", name), (one,), ((0, 0),)) for name, one in ((source, column), (target, "id")))
    return ForeignKey(constraint, is_unique, *ends)


NO_VIEWS = ViewColumns([])
_FOREIGN_KEYS = [
    foreign_key("projects", "p_c", "clients", "client_id"),
    foreign_key("tasks", "t_p", "projects", "project_id"),
    foreign_key("users_tasks", "ut_t", "tasks", "task_id"),
    foreign_key("users_tasks", "ut_u", "users", "user_id"),
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
_RELATIONS = derive_relations(_FOREIGN_KEYS, NO_VIEWS, [], TABLES)
SCHEMA_CACHE = SchemaCache(
    TABLES, _RELATIONS, {("s", r.name): (r,) for r in _ROUTINES}, settings=RestSettings(schemas=("s",))
)


def make_plan(line: str, body: str = "", prefer: str = "", accept: str = "", **settings: Any) -> Plan:
    """Plan ``METHOD /path?query`` against the sample schema cache."""
    method, _, address = line.partition(" ")
    path, _, query = address.partition("?")
    is_call = path.startswith("/rpc/")
    target = Target("s", path.rpartition("/")[2], is_call)
    given = PlanInput(method, target, query, prefer, accept, body=body.encode())
    return plan_request(given, replace(SCHEMA_CACHE, settings=RestSettings(schemas=("s",), **settings)))


def sql_of(
    line: str, body: str = "", prefer: str = "", accept: str = ""
) -> tuple[str, tuple[str | None, ...]]:
    """Return the statement of a request and its values."""
    statement = main_statement(
        make_plan(line, body, prefer, accept, plan_enabled=True, aggregates_enabled=True)
    )
    return statement.text, statement.values
