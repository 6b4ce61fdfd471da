"""What a user may do with a table, and why: grants, policies and the rows that they leave. Reads only.

For questions such as "why is this a 403?". The user gets a session in a transaction that is rolled back.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal
from uuid import UUID

from psycopg import Connection, errors, sql
from psycopg.rows import TupleRow, class_row

from signet_db.errors import NotFound
from signet_db.target import connected
from signet_db.testing import as_user

ROLE = "authenticated"
OPERATIONS = ("select", "insert", "update", "delete")
SECONDS = 10  # for one count

Level = Literal["ok", "warning", "failure"]


@dataclass(frozen=True, slots=True)
class Access:
    """One operation: whether it is allowed, what decides that, and the statement that would change it."""

    operation: str
    level: Level
    message: str
    hint: str = ""


@dataclass(frozen=True, slots=True)
class _Table:
    oid: int
    schema: str
    name: str
    has_usage: bool
    has_policies_on: bool

    @property
    def title(self) -> str:
        return f"{self.schema}.{self.name}"

    @property
    def identifier(self) -> sql.Identifier:
        return sql.Identifier(self.schema, self.name)


@dataclass(frozen=True, slots=True)
class _Policy:
    name: str
    is_permissive: bool
    using: str | None
    check: str | None


def explain_access(connection_string: str, email: str, table: str) -> list[Access]:
    """Return what a signed-in user may do with a table; raise NotFound or MigrationError.

    ``table`` may leave out the schema public. The connection's role must be able to write to ``auth``.
    """
    with connected(connection_string, "doctor") as connection, connection.transaction(force_rollback=True):
        connection.execute(sql.SQL("set local statement_timeout = {}").format(sql.Literal(f"{SECONDS}s")))
        user_id, found = _user(connection, email), _table(connection, table)
        if not found.has_usage:
            return [
                Access(
                    "schema",
                    "failure",
                    f"{ROLE} may not use the schema {found.schema}",
                    f"grant usage on schema {found.schema} to {ROLE};",
                )
            ]
        return [_explain(connection, found, user_id, operation) for operation in OPERATIONS]


def _explain(connection: Connection[TupleRow], table: _Table, user_id: UUID, operation: str) -> Access:
    if not _is_granted(connection, table, operation):
        return Access(
            operation,
            "failure",
            f"{ROLE} has no such grant: 403 (42501)",
            f"grant {operation} on {table.title} to {ROLE};",
        )
    if not table.has_policies_on:
        return Access(
            operation,
            "warning",
            "row-level security is off: every signed-in user reaches every row",
            f"alter table {table.title} enable row level security;",
        )
    policies = _policies(connection, table, operation)
    if not any(policy.is_permissive for policy in policies):
        effect = "every new row is refused: 403 (42501)" if operation == "insert" else "no row is reached"
        return Access(
            operation,
            "failure" if operation == "insert" else "warning",
            f"no policy applies to {ROLE}: {effect}",
            f'create policy "…" on {table.title} for {operation} to {ROLE} …;',
        )
    if operation == "insert":
        return Access(operation, "ok", f"rows that satisfy {_condition(policies, 'check')}")
    return _counted(connection, table, user_id, operation, policies)


def _counted(
    connection: Connection[TupleRow], table: _Table, user_id: UUID, operation: str, policies: list[_Policy]
) -> Access:
    """Count the rows that the user's policies leave, as the user; the rows themselves are not touched."""
    condition = _condition(policies, "using")
    count = sql.SQL("select count(*) from {}").format(table.identifier)
    reached = count + sql.SQL(f" where {condition}")  # written by pg_get_expr
    names = ", ".join(f"“{policy.name}”" for policy in policies)
    try:
        total = _number(connection, count)
        with as_user(connection, user_id):
            rows = _number(connection, reached)
    except errors.QueryCanceled:
        return Access(operation, "ok", f"by {names} (the rows were not counted within {SECONDS} s)")
    except errors.InsufficientPrivilege as error:
        return Access(operation, "failure", f"{error.diag.message_primary}: 403 (42501)", "see select")
    level: Level = "ok" if rows or not total else "warning"
    return Access(operation, level, f"{rows} of {total} rows, by {names}", "" if rows else condition)


def _condition(policies: list[_Policy], part: Literal["using", "check"]) -> str:
    """Return the condition that a row must satisfy: any permissive and every restrictive policy."""
    texts = {
        policy.name: (policy.check or policy.using if part == "check" else policy.using) or "true"
        for policy in policies
    }
    permissive = " or ".join(texts[policy.name] for policy in policies if policy.is_permissive)
    restrictive = [texts[policy.name] for policy in policies if not policy.is_permissive]
    return " and ".join([f"({permissive})", *restrictive])


def _number(connection: Connection[TupleRow], query: sql.SQL | sql.Composed) -> int:
    row = connection.execute(query).fetchone()
    assert row is not None  # noqa: S101 - a count has one row
    return int(row[0])


def _user(connection: Connection[TupleRow], email: str) -> UUID:
    query = "select id from auth.users where email = lower(%s) and deleted_at is null"
    row = connection.execute(query, (email,)).fetchone()
    if row is None:
        raise NotFound(f"There is no user {email}.", hint="Check the address and the database.")
    return UUID(str(row[0]))


def _table(connection: Connection[TupleRow], name: str) -> _Table:
    query = """
        select c.oid::int as oid, n.nspname as schema, c.relname as name,
            has_schema_privilege(%(role)s, n.oid, 'usage') as has_usage, c.relrowsecurity as has_policies_on
        from pg_class c join pg_namespace n on n.oid = c.relnamespace
        where c.relkind in ('r', 'p') and c.relname = %(table)s and n.nspname = %(schema)s
    """
    schema, _, table = name.rpartition(".")
    values = {"role": ROLE, "schema": schema or "public", "table": table}
    with connection.cursor(row_factory=class_row(_Table)) as cursor:
        found = cursor.execute(query, values).fetchone()
    if found is None:
        raise NotFound(f"There is no table {schema or 'public'}.{table}.", hint="Write it as SCHEMA.TABLE")
    return found


def _is_granted(connection: Connection[TupleRow], table: _Table, operation: str) -> bool:
    columns = "false" if operation == "delete" else "has_any_column_privilege(%(role)s, %(oid)s, %(op)s)"
    query = f"select has_table_privilege(%(role)s, %(oid)s, %(op)s) or {columns}"
    values = {"role": ROLE, "oid": table.oid, "op": operation}
    row = connection.execute(query.encode(), values).fetchone()
    return bool(row and row[0])


def _policies(connection: Connection[TupleRow], table: _Table, operation: str) -> list[_Policy]:
    query = """
        select polname as name, polpermissive as is_permissive,
            pg_get_expr(polqual, polrelid) as using, pg_get_expr(polwithcheck, polrelid) as "check"
        from pg_policy
        where polrelid = %(oid)s and polcmd in ('*', %(command)s)
            and exists (
                select from unnest(polroles) role where role = 0 or pg_has_role(%(role)s, role, 'usage')
            )
        order by polname
    """
    command = {"select": "r", "insert": "a", "update": "w", "delete": "d"}[operation]
    with connection.cursor(row_factory=class_row(_Policy)) as cursor:
        return cursor.execute(query, {"oid": table.oid, "command": command, "role": ROLE}).fetchall()
