"""The playground: its explanation agrees with what PostgreSQL did, on tables that it has never seen."""

from __future__ import annotations

import hashlib
from typing import Any
from uuid import UUID

import psycopg
import pytest
from psycopg import Connection

from flask_signet.lab import catalog, changes, presentation, speed
from flask_signet.lab.attempts import OPERATIONS, Attempt
from flask_signet.lab.errors import BadChoice
from flask_signet.lab.matrix import is_past_policies, matrix
from flask_signet.lab.people import CUSTOM, SIGNED_OUT, Caller, Who, caller_of
from flask_signet.lab.playground import Explanation, explain
from signet_db import testing
from signet_db.lint import judge
from tests.flask_signet.lab.conftest import Ground

TABLES = ("lab_notes", "lab_columns", "lab_parts", "lab_open", "lab_silent", "profiles")
PEOPLE = ("signed out", "alice", "bob", "ended session", "service")


def table(ground: Ground, name: str) -> catalog.Relation:
    found = catalog.relation(ground.connection, f"public.{name}")
    assert found is not None
    return found


def caller(ground: Ground, who: str) -> Caller:
    choice = {
        "signed out": Who(SIGNED_OUT),
        "alice": Who(str(ground.alice)),
        "bob": Who(str(ground.bob)),
        "ended session": Who(str(ground.alice), session_ended=True),
        "service": Who(CUSTOM, '{"role": "service_role"}'),
    }[who]
    return caller_of(ground.connection, choice)


def explained(
    ground: Ground, table_name: str, who: str, operation: str, number: int, /, **values: str | None
) -> Explanation:
    relation = table(ground, table_name)
    row = catalog.rows_of(ground.connection, relation)[number]
    key = {column.name: row[column.name] for column in relation.key}
    attempt = Attempt(operation, None if operation in ("insert", "upsert") else key, values)
    return explain(ground.connection, relation, caller(ground, who), attempt)


def values_for(ground: Ground, name: str, operation: str, owner: UUID) -> dict[str, str]:
    if operation in ("select", "delete"):
        return {}
    if operation == "update":
        return {"name": "n"} if name == "lab_columns" else {"user_id": str(owner)}
    key = {} if name in ("profiles", "lab_silent") else {"id": "50"}
    return {"user_id": str(owner), **key}


@pytest.mark.parametrize("owner", ["alice", "bob"])
@pytest.mark.parametrize("operation", OPERATIONS)
@pytest.mark.parametrize("who", PEOPLE)
@pytest.mark.parametrize("name", TABLES)
def test_the_explanation_agrees_with_the_outcome(
    ground: Ground, name: str, who: str, operation: str, owner: str
) -> None:
    target = ground.alice if owner == "alice" else ground.bob
    rows = catalog.rows_of(ground.connection, table(ground, name))
    number = next(n for n, row in enumerate(rows) if row["user_id"] == str(target))
    found = explained(ground, name, who, operation, number, **values_for(ground, name, operation, target))
    outcome = found.outcome
    is_reached = is_past_policies(outcome) or (not outcome.sqlstate and outcome.count > 0)
    if outcome.sqlstate and not outcome.sqlstate.startswith("23"):
        assert outcome.sqlstate in ("42501", "P0001"), outcome.message
    if name == "lab_columns" and operation == "select" and who != "service":
        assert outcome.sqlstate == "42501"  # to_jsonb reads all columns, and one has no GRANT
        return
    assert found.is_allowed == is_reached, (outcome, [step.holds for step in found.steps])


def test_recursion_is_named(ground: Ground) -> None:
    found = explained(ground, "lab_loop", "alice", "select", 0)
    assert found.outcome.sqlstate == "42P17"


def test_hidden_rows_and_refused_rows_are_told_apart(ground: Ground) -> None:
    hidden = explained(ground, "lab_notes", "bob", "update", 0, body="x")
    assert (hidden.outcome.sqlstate, hidden.outcome.count) == ("", 0)
    refused = explained(ground, "lab_notes", "alice", "update", 0, user_id=str(ground.bob))
    assert (refused.outcome.sqlstate, refused.has_grant) == ("42501", True)
    missing = explained(ground, "lab_notes", "signed out", "select", 0)
    assert (missing.outcome.sqlstate, missing.has_grant) == ("42501", False)


def test_a_restrictive_policy_hides_what_a_permissive_one_allows(ground: Ground) -> None:
    found = explained(ground, "lab_notes", "alice", "select", 2)
    assert found.outcome.count == 0
    by_name = {result.policy.name: result.holds for step in found.steps for result in step.results}
    assert by_name == {"own": True, "shared ones": False, "not the locked one": False}


def test_the_values_of_a_condition_are_shown(ground: Ground) -> None:
    found = explained(ground, "lab_notes", "alice", "select", 0)
    own = found.steps[0].results[0]
    assert dict(own.values) == {"user_id": f'"{ground.alice}"', "auth.uid()": f'"{ground.alice}"'}


def test_a_role_that_bypasses_policies_is_named(ground: Ground) -> None:
    assert explained(ground, "lab_silent", "service", "select", 0).bypasses


def test_a_table_without_policies_for_the_command_refuses(ground: Ground) -> None:
    found = explained(ground, "lab_silent", "alice", "select", 0)
    assert found.outcome.count == 0
    assert found.steps[0].results == ()


def test_views_read_with_the_owners_or_the_callers_rights(ground: Ground) -> None:
    marks = {}
    for name in ("lab_view_owner", "lab_view_invoker"):
        cells = matrix(ground.connection, table(ground, name))
        marks[name] = {cell.who: cell.mark for cell in cells}
    assert marks["lab_view_owner"]["bob@example.com"] == "3"
    assert marks["lab_view_invoker"]["bob@example.com"] == "1"


def test_the_matrix_of_profiles(ground: Ground) -> None:
    cells = {
        (c.who, c.operation, c.whose): c.mark for c in matrix(ground.connection, table(ground, "profiles"))
    }
    alice = "alice@example.com"
    assert cells[(alice, "select", "own row")] == "1"
    assert cells[(alice, "select", "another's row")] == "-"
    assert cells[(alice, "insert", "another's row")] == "42501"
    assert cells[(alice, "insert", "own row")] == "allowed (23505)"
    assert cells[(alice, "update", "every row")] == "1"
    assert {mark for (who, _, _), mark in cells.items() if who == "signed out"} == {"42501"}


@pytest.mark.parametrize(
    ("name", "change", "reached"),
    [
        ("lab_notes", "disable_rls", "3"),
        ("lab_notes", "grant_anon", "1"),
        ("lab_silent", "disable_rls", "2"),
    ],
)
def test_a_broken_policy_shows_who_reaches_what(ground: Ground, name: str, change: str, reached: str) -> None:
    changes.apply(ground.connection, table(ground, name), change)
    who = "signed out" if change == "grant_anon" else "bob@example.com"
    cells = matrix(ground.connection, table(ground, name))
    found = next(c for c in cells if (c.who, c.operation, c.whose) == (who, "select", "every row"))
    assert found.mark == reached


def test_every_change_of_every_table_can_be_made(ground: Ground) -> None:
    for name in TABLES:
        for change in changes.changes(table(ground, name)):
            with ground.connection.transaction(force_rollback=True):
                changes.apply(ground.connection, table(ground, name), change.id)


def test_the_lint_names_a_change(ground: Ground) -> None:
    before = {(one.rule.id, one.object) for one in judge(ground.connection)}
    changes.apply(ground.connection, table(ground, "profiles"), "disable_rls")
    new = {one.rule.id for one in judge(ground.connection) if (one.rule.id, one.object) not in before}
    assert "rls_disabled" in new


def test_the_cost_of_a_policy_is_measured_in_four_variants(ground: Ground) -> None:
    found = speed.measure(ground.connection, caller(ground, "alice"))
    assert [one.label.count("index") for one in found] == [1] * 4
    assert found[0].scan == "Seq Scan"
    assert "Index" in found[3].plan


HOSTILE = {
    "commit": "x'); commit; --",
    "drop": "'; drop table public.lab_notes; --",
    "quotes": "\\' \" $$ %s %% {} ${jndi}",
    "nul": "a b",
    "call": "pg_notify('x', 'y')",
    "long": "x" * 5000,
}


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_hostile_values_change_nothing(ground: Ground, text: str) -> None:
    before = digest(ground.dsn)
    for operation in ("insert", "update", "upsert"):
        explained(ground, "lab_notes", "alice", operation, 0, id="77", body=text)
    with pytest.raises(BadChoice):
        explained(ground, "lab_notes", "alice", text, 0)
    with pytest.raises(BadChoice):
        caller_of(ground.connection, Who(text))
    with pytest.raises(BadChoice):
        caller_of(ground.connection, Who(CUSTOM, text))
    assert catalog.relation(ground.connection, text) is None
    ground.connection.rollback()
    assert digest(ground.dsn) == before


@pytest.mark.parametrize("claims", ['{"role": "postgres"}', '{"role": "supabase_admin"}', "[]", "1", "{", ""])
def test_claims_cannot_name_another_role(ground: Ground, claims: str) -> None:
    with pytest.raises(BadChoice):
        caller_of(ground.connection, Who(CUSTOM, claims))


def test_functions_with_side_effects_are_refused_or_rolled_back(ground: Ground) -> None:
    ground.connection.execute(
        "create function public.lab_touch() returns boolean language plpgsql as $$ begin"
        " perform pg_notify('lab', 'x'); insert into public.lab_open values (99); return true; end $$;"
        "grant execute on function public.lab_touch() to authenticated;"
        "create policy touch on public.lab_silent to authenticated using (public.lab_touch());"
    )
    assert explained(ground, "lab_silent", "alice", "select", 0).outcome.count == 1
    assert ground.connection.execute("select from public.lab_open where id = 99").rowcount == 0


def digest(dsn: str) -> str:
    """Return a digest of every row of the tables, of the people and of the policies."""
    with psycopg.connect(dsn) as connection:
        return "".join(
            _digest_of(connection, name) for name in (*TABLES, "auth.users", "auth.sessions", "pg_policy")
        )


def _digest_of(connection: Connection[Any], name: str) -> str:
    full = name if "." in name or name.startswith("pg_") else f"public.{name}"
    rows = connection.execute(f"select t::text from {full} t order by 1".encode()).fetchall()
    return hashlib.sha256(repr(rows).encode()).hexdigest()


@pytest.mark.parametrize("operation", ["select", "update", "delete", "insert", "upsert"])
@pytest.mark.parametrize("who", ["signed out", "alice", "bob", "ended session", "service"])
def test_the_script_and_the_kit_row_do_what_was_done(ground: Ground, who: str, operation: str) -> None:
    """As they are printed, on another connection of the owner; values hold %s and a quote."""
    relation = table(ground, "lab_notes")
    key = None if operation in ("insert", "upsert") else {"id": 1}
    values = (
        {}
        if operation in ("select", "delete")
        else {"body": "%s ' 100%", "id": "61", "user_id": str(ground.alice)}
    )
    attempt = Attempt(operation, key, values)
    found = explain(ground.connection, relation, caller(ground, who), attempt)
    outcome = found.outcome
    ground.connection.rollback()
    statements = presentation.script(found.caller, outcome.statement).split(";\n")
    with psycopg.connect(ground.dsn, autocommit=True) as other:
        count, sqlstate = 0, ""
        for statement in statements:
            try:
                cursor = other.execute(statement.encode())
                count = cursor.rowcount if statement == outcome.statement else count
            except psycopg.Error as error:
                sqlstate = error.sqlstate or ""
                break
        assert (count, sqlstate) == (outcome.count, outcome.sqlstate)
    with psycopg.connect(ground.dsn) as other, other.transaction(force_rollback=True):
        names = {name: getattr(testing, name) for name in testing.__all__}
        exec(presentation.kit_row(found.caller, outcome), {**names, "UUID": UUID, "connection": other})


def test_a_missing_column_grant_is_not_called_with_check(ground: Ground) -> None:
    found = explained(ground, "lab_columns", "alice", "select", 0)
    words = presentation.verdict(found, table(ground, "lab_columns"), "select")
    assert found.outcome.refused_by == "grant"
    assert words[0].startswith("Refused by a missing GRANT (42501)")
    refused = explained(ground, "lab_notes", "alice", "update", 0, user_id=str(ground.bob))
    assert refused.outcome.refused_by == "policy"
    assert presentation.verdict(refused, table(ground, "lab_notes"), "update")[0].startswith(
        "Refused by WITH CHECK"
    )


@pytest.mark.parametrize("key", [{"id": "no number"}, {"id": None}, {"id": []}, {"other": 1}, {}])
def test_a_row_that_cannot_be_named_is_refused(ground: Ground, key: dict[str, Any]) -> None:
    with pytest.raises(BadChoice):
        explain(
            ground.connection, table(ground, "lab_notes"), caller(ground, "alice"), Attempt("select", key)
        )


def test_a_cost_needs_a_person_of_the_database(ground: Ground) -> None:
    odd = caller_of(ground.connection, Who(CUSTOM, '{"role": "authenticated", "sub": "no uuid"}'))
    with pytest.raises(BadChoice):
        speed.measure(ground.connection, odd)


def test_a_change_that_postgresql_refuses_is_explained(ground: Ground) -> None:
    ground.connection.execute("create view public.lab_view as select 1")
    with pytest.raises(BadChoice, match="already exists"):
        changes.apply(ground.connection, table(ground, "lab_notes"), "definer_view")
