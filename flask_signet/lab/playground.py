"""Policy playground: explain an attempt by its grants, and policy by policy with the values filled in."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg import Connection, sql
from psycopg.types.json import Jsonb

from flask_signet.lab.attempts import Attempt, Outcome, run, where_clause
from flask_signet.lab.catalog import Policy, Relation
from flask_signet.lab.errors import BadChoice
from flask_signet.lab.people import Caller, acting_as

SQLSTATES = {
    "42P17": "The policies call each other without end (recursion).",
    "42883": "A function that a policy calls does not exist.",
    "57014": "The statement took longer than 3 seconds and was ended.",
    "P0001": "A trigger or function raised this.",
}
_UID = re.compile(r"auth\.(uid|role|email|jwt)\(\)")


@dataclass(frozen=True, slots=True)
class PolicyResult:
    """One policy's condition for one row; ``holds`` is None when the condition could not be evaluated."""

    policy: Policy
    clause: str  # USING or WITH CHECK
    expression: str
    values: tuple[tuple[str, str], ...]
    holds: bool | None
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Step:
    """All policies of one command for one row: any permissive one and every restrictive one must hold."""

    title: str
    results: tuple[PolicyResult, ...]

    @property
    def holds(self) -> bool:
        """Whether row-level security lets the row through."""
        permissive = [one.holds for one in self.results if one.policy.is_permissive]
        restrictive = [one.holds for one in self.results if not one.policy.is_permissive]
        return any(permissive) and all(restrictive)


@dataclass(frozen=True, slots=True)
class Explanation:
    """The outcome and why: grants, RLS, and each policy that applied."""

    caller: Caller
    outcome: Outcome
    total: int
    has_grant: bool
    bypasses: bool
    steps: tuple[Step, ...]
    not_applied: tuple[Policy, ...]

    @property
    def is_allowed(self) -> bool:
        """Whether grants and policies, as explained here, let the caller reach the row."""
        return self.has_grant and all(step.holds for step in self.steps)


def explain(connection: Connection[Any], relation: Relation, caller: Caller, attempt: Attempt) -> Explanation:
    """Run the attempt as the caller inside the open transaction and explain it. Raises BadChoice."""
    outcome = run(connection, relation, caller, attempt)
    old = _row(connection, relation, attempt.key)
    facts = connection.execute(
        "select rolbypassrls or rolsuper, array(select r.rolname::text from pg_roles r"
        " where pg_has_role(q.rolname, r.oid, 'member')) from pg_roles q where rolname = %s",
        (caller.role,),
    ).fetchone()
    assert facts is not None  # noqa: S101 - API roles exist
    bypasses, memberships = bool(facts[0]), frozenset(facts[1])
    steps: tuple[Step, ...] = ()
    applied: set[str] = set()
    if relation.is_table and relation.has_rls and not bypasses:
        new = _new_row(connection, relation, caller, attempt, old)
        steps = tuple(
            _step(connection, relation, caller, memberships, command, clause, row, title)
            for command, clause, row, title in _stages(attempt, old, new)
        )
        applied = {result.policy.name for step in steps for result in step.results}
    return Explanation(
        caller=caller,
        outcome=outcome,
        total=_total(connection, relation),
        has_grant=_has_grant(connection, relation, caller.role, attempt.operation),
        bypasses=bypasses,
        steps=steps,
        not_applied=tuple(policy for policy in relation.policies if policy.name not in applied),
    )


def _row(
    connection: Connection[Any], relation: Relation, key: Mapping[str, Any] | None
) -> dict[str, Any] | None:
    """Return the named row past all policies; without a key the first one."""
    where, parameters = where_clause(relation, key)
    statement = sql.SQL("select to_jsonb(t) from {} t{} limit 1").format(relation.sql_name, where)
    try:
        found = connection.execute(statement, parameters).fetchone()
    except psycopg.DataError as error:
        raise BadChoice("row", f"This row cannot be named: {error.diag.message_primary}.") from error
    return found[0] if found else None


def _new_row(
    connection: Connection[Any],
    relation: Relation,
    caller: Caller,
    attempt: Attempt,
    old: Mapping[str, Any] | None,
) -> dict[str, Any]:
    """Return the row as the statement would leave it: defaults or the old row, then the given values."""
    values = dict(attempt.values)
    if attempt.operation == "update":
        return {**(old or {}), **values}
    defaults = {}
    for column in relation.columns:
        if (
            column.default_expression
            and column.name not in values
            and "nextval" not in column.default_expression
        ):
            defaults[column.name] = _evaluate(connection, caller, f"to_jsonb({column.default_expression})")[0]
    return {**defaults, **values}


def _stages(
    attempt: Attempt, old: Mapping[str, Any] | None, new: Mapping[str, Any]
) -> list[tuple[str, str, Mapping[str, Any] | None, str]]:
    """Return (command, clause, row, title) of each check that PostgreSQL makes for the operation.

    Source: PostgreSQL manual, CREATE POLICY, "Policies Applied by Command Type".
    """
    find = ("select", "USING", old, "To see the row")
    if attempt.operation == "select":
        return [find]
    if attempt.operation == "delete":
        return [*([find] if attempt.key is not None else []), ("delete", "USING", old, "To delete the row")]
    insert = ("insert", "WITH CHECK", new, "To add the new row")
    if attempt.operation == "insert":
        return [insert]
    change = [
        ("update", "USING", old, "To change the old row"),
        ("update", "WITH CHECK", new, "To store the new row"),
    ]
    if attempt.operation == "update":
        return [find, *change] if attempt.key is not None else change
    return [insert, ("select", "USING", new, "To read the new row, as ON CONFLICT does")]


def _step(
    connection: Connection[Any],
    relation: Relation,
    caller: Caller,
    memberships: frozenset[str],
    command: str,
    clause: str,
    row: Mapping[str, Any] | None,
    title: str,
) -> Step:
    results = []
    for policy in relation.policies:
        if not policy.applies_to(caller.role, command, memberships):
            continue
        expression = policy.using_expression
        if clause == "WITH CHECK" and (policy.check_expression or policy.command == "a"):
            expression = policy.check_expression
        if expression is None:
            continue
        results.append(_result(connection, relation, caller, policy, clause, expression, row))
    return Step(title, tuple(results))


def _result(
    connection: Connection[Any],
    relation: Relation,
    caller: Caller,
    policy: Policy,
    clause: str,
    expression: str,
    row: Mapping[str, Any] | None,
) -> PolicyResult:
    if row is None:
        return PolicyResult(policy, clause, expression, (), None, "there is no row to try it on")
    values = [
        (column.name, json.dumps(row.get(column.name), ensure_ascii=False))
        for column in relation.columns
        if re.search(rf"\b{re.escape(column.name)}\b", expression)
    ]
    for name in sorted(set(_UID.findall(expression))):
        if name != "jwt":
            value, _ = _evaluate(connection, caller, f"to_jsonb(auth.{name}())")
            values.append((f"auth.{name}()", json.dumps(value)))
    holds, problem = _evaluate(connection, caller, expression, relation, row)
    return PolicyResult(
        policy, clause, expression, tuple(values), bool(holds) if not problem else None, problem
    )


def _evaluate(
    connection: Connection[Any],
    caller: Caller,
    expression: str,
    relation: Relation | None = None,
    row: Mapping[str, Any] | None = None,
) -> tuple[Any, str]:
    """Evaluate PostgreSQL's own text of an expression as the caller; return its value and a problem.

    The row stands in the FROM clause under the table's name, so that qualified columns resolve.
    """
    query = sql.SQL("select {}").format(sql.SQL(expression))
    if relation is not None:
        query += sql.SQL(" from jsonb_populate_record(null::{}, {}) as {}").format(
            relation.sql_name, sql.Literal(Jsonb(row)), sql.Identifier(relation.name)
        )
    try:
        with connection.transaction(force_rollback=True), acting_as(connection, caller):
            connection.execute("select set_config('statement_timeout', '3s', true)")
            # As text without parameters: a % in an expression must not be read as a placeholder.
            found = connection.execute(query.as_string(connection).encode()).fetchone()
    except psycopg.Error as error:
        return None, f"{error.sqlstate}: {error.diag.message_primary}"
    return (found[0] if found else None), ""


def _total(connection: Connection[Any], relation: Relation) -> int:
    found = connection.execute(sql.SQL("select count(*) from {}").format(relation.sql_name)).fetchone()
    assert found is not None  # noqa: S101 - count(*) has a row
    return int(found[0])


def _has_grant(connection: Connection[Any], relation: Relation, role: str, operation: str) -> bool:
    needed = {"upsert": "insert, update"}.get(operation, operation)
    checks = [name.strip() for name in needed.split(",")]
    for name in checks:
        function = "has_table_privilege" if name == "delete" else "has_any_column_privilege"
        found = connection.execute(
            f"select {function}(%s, %s::oid, %s)".encode(),
            (role, relation.oid, name),
        ).fetchone()
        if not found or not found[0]:
            return False
    return True
