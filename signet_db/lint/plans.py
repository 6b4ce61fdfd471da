"""Rules that ask PostgreSQL itself: the planner about each condition, and a run as the role of the policy.

A condition is planned as ``select from TABLE where CONDITION``. What stands in the filter of the table's own
scan is computed for each row; what the planner moved into an InitPlan or a one-time filter is computed once.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from psycopg import Connection, Error, sql

from signet_db.lint.finding import Found, Level, Rule, Scope

_POLICIES = """
    select format('%%I.%%I "%%s"', n.nspname, c.relname, p.polname), n.nspname::text, c.relname::text,
        p.polcmd::text, p.polpermissive, pg_get_expr(p.polqual, p.polrelid),
        pg_get_expr(p.polwithcheck, p.polrelid),
        array(select r.rolname::text from pg_roles r
            where r.oid = any (p.polroles) or 0 = any (p.polroles) and r.rolname = 'authenticated'),
        array(select a.attname::text from pg_attribute a
            where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped)
    from pg_policy p
    join pg_class c on c.oid = p.polrelid
    join pg_namespace n on n.oid = c.relnamespace
    where n.nspname = any (%(schemas)s) and c.relkind in ('r', 'p')
    order by 1
"""
_CALL = re.compile(r'(?<![\w."])((?:"?\w+"?\.)?"?\w+"?)\(')
_SELF = re.compile(r"auth\.(?:uid|jwt|role|email)\(|current_setting\(")
_EXISTS = re.compile(r'EXISTS \(\s*SELECT\b.*?\bFROM\s+\(*(?:\w+\.)?"?(\w+)"?', re.DOTALL)
_SETTING = re.compile(r"current_setting\('([\w.]+)'")
_CANNOT_RUN = {
    "42P17": "it reads its own table: infinite recursion",
    "21000": "a subquery that must give one row gives several",
}


@dataclass(frozen=True, slots=True)
class Policy:
    """A policy with its two conditions, as PostgreSQL prints them."""

    title: str
    schema: str
    table: str
    command: str
    is_permissive: bool
    using: str | None
    check: str | None
    roles: list[str]
    columns: list[str]

    @property
    def conditions(self) -> list[str]:
        """The conditions that it has."""
        return [one for one in dict.fromkeys((self.using, self.check)) if one]

    @property
    def named(self) -> sql.Identifier:
        """The table's name in a statement."""
        return sql.Identifier(self.schema, self.table)


def policies(connection: Connection[Any], scope: Scope) -> list[Policy]:
    """Return the policies of the user's schemas."""
    return [Policy(*row) for row in connection.execute(_POLICIES, {"schemas": scope.schemas})]


def calls_per_row(connection: Connection[Any], scope: Scope) -> Iterable[Found]:
    """Find calls without an argument of the row that the plan computes for each row."""
    for policy, filters in _planned(connection, scope):
        calls = {call for text in filters for call in _calls(text) if not _needs_row(call, policy.columns)}
        calls = {_spelled(call, policy) for call in calls}
        if calls:
            yield policy.title, f"{', '.join(sorted(calls))} is called for each row"


def functions_of_row(connection: Connection[Any], scope: Scope) -> Iterable[Found]:
    """Find calls of the user's functions that need the row: they cannot be computed once."""
    ours = tuple(f"{schema}." for schema in scope.schemas)
    for policy, filters in _planned(connection, scope):
        calls = {
            call.partition("(")[0]
            for text in filters
            for call in _calls(text)
            if call.startswith(ours) and _needs_row(call, policy.columns)
        }
        if calls:
            yield policy.title, f"{', '.join(sorted(calls))}() is called for each row, with values of the row"


def casts_that_hide_an_index(connection: Connection[Any], scope: Scope) -> Iterable[Found]:
    """Find columns with an index that a cast keeps from being used."""
    for policy, filters in _planned(connection, scope):
        for text in filters:
            for column in re.findall(r"\(\(?(?:\w+\.)?\"?(\w+)\"?\)::\w+ = ", text):
                if column in policy.columns and _is_indexed(connection, policy, column):
                    yield policy.title, f"{column} is cast, so its index is not used"


def _is_indexed(connection: Connection[Any], policy: Policy, column: str) -> bool:
    query = """
        select from pg_index i
        join pg_attribute a on a.attrelid = i.indrelid and a.attnum = i.indkey[0]
        where i.indrelid = format('%%I.%%I', %s::text, %s::text)::regclass and a.attname = %s
    """
    return connection.execute(query, (policy.schema, policy.table, column)).rowcount > 0


def always_true(connection: Connection[Any], scope: Scope) -> Iterable[Found]:
    """Find permissive policies that let people write every row, whatever words say so."""
    for policy in policies(connection, scope):
        if not policy.is_permissive or policy.command == "r" or not _concerns_people(policy):
            continue
        decisive = [policy.using] if policy.command in ("w", "d", "*") else []
        decisive += [policy.check] if policy.command in ("a", "w", "*") else []
        found = [one for one in decisive if one and _holds_for_a_stranger(connection, policy, one)]
        if found:
            said = "is always true" if found[0] == "true" else f"holds for everybody: {found[0]}"
            yield policy.title, said


def read_ignores_owner(connection: Connection[Any], scope: Scope) -> Iterable[Found]:
    """Find policies that show every row of a table in which other policies compare the owner."""
    found = policies(connection, scope)
    for policy in found:
        if (
            policy.command != "r"
            or not policy.is_permissive
            or not _concerns_people(policy)
            or not policy.using
        ):
            continue
        owners = {
            column
            for other in found
            if (other.schema, other.table) == (policy.schema, policy.table) and other is not policy
            for column in other.columns
            if any(_compares_owner(text, column) for text in other.conditions)
        }
        if owners and policy.using and _holds_for_a_stranger(connection, policy, policy.using):
            yield policy.title, f"shows every row, though {', '.join(sorted(owners))} says whose it is"


def _compares_owner(text: str, column: str) -> bool:
    """Whether a condition compares a column with the caller."""
    name = re.escape(column)
    caller = r"auth\.uid\(\)( AS uid)?"
    return bool(re.search(rf'{caller}\)* = "?{name}\b|\b{name}"? = \(* ?(SELECT )?{caller}', text))


def exists_without_row(connection: Connection[Any], scope: Scope) -> Iterable[Found]:
    """Find EXISTS conditions that hold for all rows or none, where both tables share a key."""
    for policy, filters in _planned(connection, scope):
        for text in policy.conditions:
            inner = _EXISTS.search(text)
            if inner is None or inner[1] == policy.table or filters:
                continue
            shared = _shared_columns(connection, policy, inner[1])
            if shared:
                yield policy.title, f"does not compare {', '.join(shared)} of {inner[1]} with the row"


def _shared_columns(connection: Connection[Any], policy: Policy, other: str) -> list[str]:
    """Return the keys of the other table that name a row of this table, or what this table names too."""
    query = """
        select a.attname::text from pg_attribute a
        join pg_class c on c.oid = a.attrelid and c.relname = %s
        where a.attnum > 0 and not a.attisdropped and (
            a.attname = any (%s) and a.attname ~ '_id$' and a.attname !~ '^(user|owner|author)_id$'
            or exists (
                select from pg_constraint k
                where k.conrelid = c.oid and k.contype = 'f' and k.conkey = array[a.attnum]
                    and k.confrelid = format('%%I.%%I', %s::text, %s::text)::regclass))
        order by 1
    """
    rows = connection.execute(query, (other, policy.columns, policy.schema, policy.table))
    return [name for (name,) in rows]


def cannot_run(connection: Connection[Any], scope: Scope) -> Iterable[Found]:
    """Find policies that fail when the role of the policy reads the table."""
    for policy in policies(connection, scope):
        role = next((one for one in policy.roles if one in ("authenticated", "anon")), None)
        if role is None or policy.command not in ("r", "*"):
            continue
        error = _run(connection, policy, role)
        if error is None:
            continue
        if error.sqlstate in _CANNOT_RUN:
            yield policy.title, _CANNOT_RUN[error.sqlstate]
        elif error.sqlstate == "42501" and re.search("function|schema", error.diag.message_primary or ""):
            yield policy.title, error.diag.message_primary or ""


def _run(connection: Connection[Any], policy: Policy, role: str) -> Error | None:
    claims = f'{{"sub": "{uuid4()}", "role": "{role}"}}'
    try:
        with connection.transaction(force_rollback=True):
            connection.execute("select set_config('role', %s, true)", (role,))
            connection.execute("select set_config('request.jwt.claims', %s, true)", (claims,))
            connection.execute(sql.SQL("select from {} limit 1").format(policy.named))
    except Error as error:
        return error
    return None


def _concerns_people(policy: Policy) -> bool:
    return bool({"authenticated", "anon"} & set(policy.roles))


def _holds_for_a_stranger(connection: Connection[Any], policy: Policy, condition: str) -> bool:
    """Whether the plan reads no column for it, and a person who is new to the database fulfils it."""
    if condition == "true":
        return True
    filters = _filters(connection, policy, condition)
    if filters is None or filters:
        return False
    claims = f'{{"sub": "{uuid4()}", "role": "authenticated", "aal": "aal1", "is_anonymous": false}}'
    empty = sql.SQL("select ({condition}) from (select (null::{table}).*) as {name}").format(
        condition=sql.SQL(condition),
        table=policy.named,
        name=sql.Identifier(policy.table),
    )
    try:
        with connection.transaction(force_rollback=True):
            connection.execute("select set_config('request.jwt.claims', %s, true)", (claims,))
            row = connection.execute(empty).fetchone()
    except Error:
        return False
    return bool(row and row[0])


def _planned(connection: Connection[Any], scope: Scope) -> Iterator[tuple[Policy, list[str]]]:
    """Yield each policy with what its conditions compute for each row."""
    for policy in policies(connection, scope):
        texts = _filters(connection, policy, policy.using) if policy.using else []
        # A check is evaluated for each new row, as it stands: no part of it can become a one-time filter.
        texts = (texts or []) + (_outputs(connection, policy, policy.check) if policy.check else [])
        yield policy, texts


def _filters(connection: Connection[Any], policy: Policy, condition: str) -> list[str] | None:
    """Return the texts that the plan of a condition computes for each row; None where it has no plan."""
    query = sql.SQL("select from {} where {}").format(policy.named, sql.SQL(condition))
    plan = _plan(connection, query, condition)
    return None if plan is None else list(_per_row(plan))


def _outputs(connection: Connection[Any], policy: Policy, condition: str) -> list[str]:
    """Return what is computed for each row where the condition is a value."""
    query = sql.SQL("select ({}) from {}").format(sql.SQL(condition), policy.named)
    plan = _plan(connection, query, condition)
    return [] if plan is None else [*plan.get("Output", ()), *_per_row(plan)]


def _plan(connection: Connection[Any], query: sql.Composed, condition: str) -> dict[str, Any] | None:
    """Return the plan of a query, which would use an index where one can serve; None where it has none."""
    explain = sql.SQL("explain (verbose, costs off, format json) {}").format(query)
    # The planner reads settings for its estimates: they must exist, and be of the type that is expected.
    for value in ("", str(uuid4()), "{}", "0"):
        try:
            with connection.transaction(force_rollback=True):
                connection.execute("set local enable_seqscan = off")
                for name in _SETTING.findall(condition):
                    connection.execute("select set_config(%s, %s, true)", (name, value))
                row = connection.execute(explain).fetchone()
        except Error:
            continue
        if row:
            plan: dict[str, Any] = row[0][0]["Plan"]
            return plan
    return None


def _per_row(node: dict[str, Any], in_subplan: bool = False) -> Iterator[str]:
    """Yield filters and conditions of a plan, without what is computed once before it."""
    # Conditions of joins are left out: what they compare is computed below them.
    for key in ("Filter", "Index Cond", "Recheck Cond", "TID Cond"):
        if key in node and not (in_subplan and key != "Filter"):
            yield node[key]
    if in_subplan:
        yield from (text for text in node.get("Output", ()) if "(" in text)
    for child in node.get("Plans", ()):
        relation = child.get("Parent Relationship")
        if relation == "InitPlan":
            continue
        texts = f"{node.get('Filter')} {node.get('Output')}"
        is_hashed = relation == "SubPlan" and f"hashed {child.get('Subplan Name')}" in texts
        if not is_hashed:
            yield from _per_row(child, in_subplan or relation == "SubPlan")


def _calls(text: str) -> Iterator[str]:
    """Yield the calls in a text of the plan, with their arguments; what strings hold is no call."""
    text = re.sub(r"'(?:[^']|'')*'", "''", text)
    for match in _CALL.finditer(text):
        depth = 0
        for place in range(match.end() - 1, len(text)):
            depth += {"(": 1, ")": -1}.get(text[place], 0)
            if depth == 0:
                call = text[match.start() : place + 1]
                if _SELF.match(call) or "." in call.partition("(")[0]:
                    yield call
                break


def _needs_row(call: str, columns: Sequence[str]) -> bool:
    """Whether an argument is a column: of the table, or of a table that a subquery reads."""
    arguments = re.sub(r"'(?:[^']|'')*'(?:::\w+)?|::[\w. ]+", "", call.partition("(")[2])
    names = set(re.findall(r'[\w"]+', re.sub(r"[\w.]+\(", "", arguments)))
    return bool(names & set(columns)) or bool(
        re.search(r"\w+\.\w+(?!\()", re.sub(r"[\w.]+\(", "", arguments))
    )


def _spelled(call: str, policy: Policy) -> str:
    """Return the call as the policy spells it: the planner may have put a function's body in its place."""
    if call.startswith("current_setting("):
        text = " ".join(policy.conditions)
        return next(iter(re.findall(r"auth\.\w+\(\)", text)), "current_setting()")
    return call


RULES = (
    Rule(
        id="policy_calls_per_row",
        level=Level.ERROR,
        what="A policy asks for the caller once for each row",
        why="At a hundred thousand rows the statement takes seconds instead of microseconds.",
        fix="write  (select auth.uid())  instead of  auth.uid()  and the like",
        supabase="0003 auth_rls_initplan",
        find=calls_per_row,
    ),
    Rule(
        id="policy_function_of_row",
        level=Level.INFO,
        what="A policy calls a function with values of each row",
        why="It runs once for each row that is looked at; a sub-select around it changes nothing.",
        fix="compare with a set that is computed once:  org_id in (select private.my_orgs())",
        supabase="",
        find=functions_of_row,
    ),
    Rule(
        id="policy_cast_hides_index",
        level=Level.WARNING,
        what="A policy casts a column that has an index",
        why="The index is on the column, not on the cast: each statement reads the whole table.",
        fix="cast the other side:  user_id = (select auth.uid())  ·  (… ->> 'org_id')::uuid = org_id",
        supabase="",
        find=casts_that_hide_an_index,
    ),
    Rule(
        id="write_always_true",
        level=Level.ERROR,
        what="A policy that lets people write every row",
        why="A condition that is always true guards nothing.",
        fix="using ((select auth.uid()) = user_id) with check ((select auth.uid()) = user_id)",
        supabase="0024 rls_policy_always_true",
        find=always_true,
    ),
    Rule(
        id="read_ignores_owner",
        level=Level.WARNING,
        what="A policy shows every row of a table whose rows have owners",
        why="Other policies of the table compare the owner; this one holds for everybody who is signed in.",
        fix="using ((select auth.uid()) = user_id), or waive the rule if all rows are public",
        supabase="",
        find=read_ignores_owner,
    ),
    Rule(
        id="exists_without_row",
        level=Level.WARNING,
        what="A policy with an EXISTS that does not depend on the row",
        why="It holds for all rows or for none: a member of one tenant reaches the rows of every tenant.",
        fix="compare a column of the row:  exists (select from members m where m.org_id = projects.org_id …)",
        supabase="",
        find=exists_without_row,
    ),
    Rule(
        id="policy_cannot_run",
        level=Level.ERROR,
        what="A policy that fails when it is evaluated",
        why="Every statement on the table ends with an error, for every role.",
        fix="move the look-up into a security definer function; grant execute on the functions it calls",
        supabase="",
        find=cannot_run,
    ),
)
