"""Changes that break a policy, made inside the rolled-back transaction to show who would then reach what."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg import Connection, sql

from flask_signet.lab.catalog import Policy, Relation
from flask_signet.lab.errors import BadChoice

_WRAPPED_UID = re.compile(r"\( SELECT auth\.uid\(\) AS uid\)")
VIEW = "lab_view"


@dataclass(frozen=True, slots=True)
class Change:
    """One change: its id in the form, its words, and the statements that make it."""

    id: str
    label: str
    statements: tuple[sql.Composed, ...]


def changes(relation: Relation) -> list[Change]:
    """Return the changes that a table offers."""
    if not relation.is_table:
        return []
    table = relation.sql_name
    view = sql.Identifier(relation.schema, VIEW)
    found = [
        Change(
            "disable_rls",
            "Disable row-level security",
            (sql.SQL("alter table {} disable row level security").format(table),),
        ),
        Change(
            "grant_anon",
            "Grant everything to anon",
            (sql.SQL("grant select, insert, update, delete on {} to anon").format(table),),
        ),
        Change(
            "definer_view",
            f"Add the view {relation.schema}.{VIEW} without security_invoker",
            (
                sql.SQL("create view {} as select * from {}").format(view, table),
                sql.SQL("grant select on {} to anon, authenticated").format(view),
            ),
        ),
    ]
    for number, policy in enumerate(relation.policies):
        found += _policy_changes(table, number, policy)
    return found


def _policy_changes(table: sql.Identifier, number: int, policy: Policy) -> list[Change]:
    name = sql.Identifier(policy.name)
    alter = sql.SQL("alter policy {} on {}").format(name, table)
    always = _clauses(policy, "true", "true")
    found = [
        Change(
            f"drop_{number}", f"Drop “{policy.name}”", (sql.SQL("drop policy {} on {}").format(name, table),)
        ),
        Change(f"widen_{number}", f"Widen “{policy.name}” to true", (alter + always,)),
    ]
    if policy.roles != ["public"]:
        found.append(
            Change(f"public_{number}", f"Give “{policy.name}” to public", (alter + sql.SQL(" to public"),))
        )
    using, check = policy.using_expression or "", policy.check_expression or ""
    if _WRAPPED_UID.search(using + check):
        bare = _clauses(policy, _WRAPPED_UID.sub("auth.uid()", using), _WRAPPED_UID.sub("auth.uid()", check))
        found.append(Change(f"bare_{number}", f"Call auth.uid() per row in “{policy.name}”", (alter + bare,)))
    return found


def _clauses(policy: Policy, using: str, check: str) -> sql.Composed:
    """Return USING and WITH CHECK for an ALTER POLICY, each only where the policy has it."""
    clauses = sql.Composed([])
    if policy.using_expression is not None:
        clauses += sql.SQL(" using ({})").format(sql.SQL(using))
    if policy.check_expression is not None:
        clauses += sql.SQL(" with check ({})").format(sql.SQL(check))
    return clauses


def apply(connection: Connection[Any], relation: Relation, change_id: str) -> Change:
    """Make one change inside the open transaction. Raises BadChoice for an unknown id."""
    change = next((one for one in changes(relation) if one.id == change_id), None)
    if change is None:
        raise BadChoice("change", "Choose a change of the list.")
    try:
        for statement in change.statements:
            connection.execute(statement.as_string(connection).encode())
    except psycopg.Error as error:
        raise BadChoice("change", f"PostgreSQL refuses this change: {error.diag.message_primary}.") from error
    return change
