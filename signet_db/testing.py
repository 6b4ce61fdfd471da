"""Policy kit: assert what policies let through, as people with live sessions; see docs/rls.md.

For tests of your own tables, on any database that has schema ``auth``. An assertion that could hold for the
wrong reason fails: no row to reach, another refusal than the one that was meant, a check that policies cannot
turn red.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Literal, LiteralString
from uuid import UUID

from psycopg import Connection, Error, sql

from signet_db.acting import as_nobody, as_role, as_user, claims_from, claims_of, new_session, new_user

__all__ = [
    "as_nobody",
    "as_role",
    "as_user",
    "claims_from",
    "claims_of",
    "controls",
    "expect_denied",
    "expect_no_rows",
    "expect_own_only",
    "new_session",
    "new_user",
    "refused_by",
]

Params = Sequence[Any] | Mapping[str, Any] | None
By = Literal["policy", "grant", "trigger"]

DENIED = "42501"
# The function of PostgreSQL that raises an error does not depend on the language of its message.
_RAISED_BY = {"ExecWithCheckOptions": "policy", "aclcheck_error": "grant", "exec_stmt_raise": "trigger"}
_PAST_POLICIES = frozenset({"23505", "23503", "23514", "23502"})  # policies are checked before constraints


def refused_by(error: Error) -> str:
    """Return what raised an error of the server: "policy", "grant", "trigger" or "something else"."""
    return _RAISED_BY.get(error.diag.source_function or "", "something else")


def expect_denied(
    connection: Connection[Any],
    statement: LiteralString,
    params: Params = None,
    *,
    sqlstate: str | None = None,
    by: By | None = None,
) -> None:
    """Require that the statement is refused; what it did otherwise is undone.

    ``sqlstate`` is 42501 unless a trigger refuses. ``by`` requires what refuses: the policy, a missing grant,
    or a trigger that raises.
    """
    expected = sqlstate or (None if by == "trigger" else DENIED)
    try:
        with connection.transaction(force_rollback=True):
            rows = connection.execute(statement, params).rowcount
    except Error as error:
        said = f"{error.sqlstate} ({error.diag.message_primary}): {statement}"
        if expected is not None and error.sqlstate != expected:
            raise AssertionError(f"expected SQLSTATE {expected}, got {said}") from error
        found = refused_by(error)
        if by is not None and found != by:
            raise AssertionError(f"expected a refusal by the {by}, got one by {found}: {said}") from error
        return
    raise AssertionError(f"expected SQLSTATE {expected or by}, but it passed with {rows} row(s): {statement}")


def expect_no_rows(
    connection: Connection[Any],
    statement: LiteralString,
    params: Params = None,
    *,
    owner: UUID | None = None,
) -> None:
    """Require that the statement is allowed but reaches no row, and that the rows are there to be reached.

    ``owner`` must reach a row by the same statement. Without an owner the connection's own role must, which
    bypasses policies. Else a mistake in the condition would pass for a policy.
    """
    with connection.transaction(force_rollback=True):
        rows = connection.execute(statement, params).rowcount
    if rows:
        raise AssertionError(f"expected no row, but reached {rows}: {statement}")
    if not _reaches(connection, statement, params, owner):
        whom = "the owner" if owner else "a role that bypasses policies"
        raise AssertionError(f"this proves nothing, for {whom} reaches no row either: {statement}")


def _reaches(
    connection: Connection[Any], statement: LiteralString, params: Params, owner: UUID | None
) -> bool:
    acting = as_user(connection, owner) if owner else _with_own_role(connection)
    try:
        with connection.transaction(force_rollback=True), acting:
            return connection.execute(statement, params).rowcount > 0
    except Error as error:
        # A trigger or a constraint refuses rows that were reached.
        return error.diag.source_function not in _RAISED_BY or error.sqlstate in _PAST_POLICIES


def _with_own_role(connection: Connection[Any]) -> Any:
    """Act with the connection's own role, and with the claims of the caller."""
    row = connection.execute("select current_setting('request.jwt.claims', true)").fetchone()
    claims = json.loads(row[0]) if row and row[0] else None
    return as_role(connection, "none", claims)


def expect_own_only(
    connection: Connection[Any], table: str, owner: UUID, stranger: UUID, *, owner_column: str | None = None
) -> None:
    """Require that rows of the owner are reached by the owner only, by whatever statement.

    ``table`` is qualified (``public.notes``) and must hold a row of the owner. Tried as the stranger and as a
    caller who is not signed in: read, update, take over, delete and truncate without WHERE, insert in the
    owner's name. Tried as the owner: giving rows away. ``owner_column`` is needed unless exactly one column
    refers to ``auth.users``. Raises AssertionError with everything that was reached.
    """
    with as_role(connection, "none"):
        own = _Own(connection, table, owner, owner_column)
    with as_user(connection, owner):
        if not own.is_read():
            raise AssertionError(f"this proves nothing, for the owner reads no row of {table}")
    reached = [*own.reached_as("the stranger", lambda: as_user(connection, stranger), stranger)]
    reached += own.reached_as("a caller who is not signed in", lambda: as_nobody(connection), None)
    reached += own.given_away(lambda: as_user(connection, owner), stranger)
    if reached:
        raise AssertionError("\n".join([f"rows of {table} are not the owner's own:", *reached]))


class _Own:
    """The rows of one owner in a table, and the attempts on them."""

    def __init__(self, connection: Connection[Any], table: str, owner: UUID, column: str | None) -> None:
        self.connection = connection
        self.name = sql.Identifier(*table.split("."))
        self.column_name = column or self._find_column(table)
        self.column = sql.Identifier(self.column_name)
        self.where = sql.SQL("{} = {}").format(self.column, sql.Literal(owner))
        query = sql.SQL("select * from {} where {}").format(self.name, self.where)
        cursor = connection.execute(query)
        row = cursor.fetchone()
        if row is None or cursor.description is None:
            raise AssertionError(f"this proves nothing, for {table} has no row of the owner")
        self.values = dict(zip((column.name for column in cursor.description), row, strict=True))
        self.plain = self._plain_column(table)

    def _find_column(self, table: str) -> str:
        rows = self.connection.execute(
            "select a.attname from pg_constraint k join pg_attribute a on a.attrelid = k.conrelid"
            " and a.attnum = any (k.conkey) where k.contype = 'f' and k.conrelid = %s::regclass"
            " and k.confrelid = 'auth.users'::regclass",
            (table,),
        ).fetchall()
        if len(rows) != 1:
            raise AssertionError(
                f"{table} has {len(rows)} columns that refer to auth.users: name owner_column"
            )
        return str(rows[0][0])

    def _plain_column(self, table: str) -> str | None:
        """Return a column that is neither generated nor unique, to be set to its own value."""
        rows = self.connection.execute(
            "select a.attname from pg_attribute a where a.attrelid = %s::regclass and a.attnum > 0"
            " and not a.attisdropped and a.attgenerated = '' and a.attidentity = '' and not exists ("
            " select from pg_index i where i.indrelid = a.attrelid and i.indisunique"
            " and a.attnum = any (i.indkey))"
            " order by a.attname = %s, a.attnum",
            (table, self.column_name),
        ).fetchall()
        return str(rows[0][0]) if rows else None

    def is_read(self) -> bool:
        """Whether the present caller reads a row."""
        return self._count("select count(*) from {table} where {where}") > 0

    def reached_as(self, who: str, acting: Callable[[], Any], person: UUID | None) -> list[str]:
        """Return what this caller reaches, a line for each statement."""
        found = []
        for verb, statement in self._statements(person):
            with self.connection.transaction(force_rollback=True):
                before = self._state()
                past = self._try(acting, statement, is_read=verb == "reads")
                if past or self._state() != before:
                    found.append(f"  {who} {verb}: {statement.as_string(self.connection)}")
        return found

    def given_away(self, acting: Callable[[], Any], stranger: UUID) -> list[str]:
        """Return the statement by which the owner gives rows away, if one does."""
        statement = sql.SQL("update {} set {} = {}").format(self.name, self.column, sql.Literal(stranger))
        with self.connection.transaction(force_rollback=True):
            before = self._state()
            self._try(acting, statement, is_read=False)
            if self._state() != before:
                return [f"  the owner gives rows away: {statement.as_string(self.connection)}"]
        return []

    def _statements(self, person: UUID | None) -> Iterable[tuple[str, sql.Composed]]:
        yield "reads", sql.SQL("select {} from {} where {}").format(self.column, self.name, self.where)
        if self.plain is not None:
            value = sql.Literal(self.values[self.plain])
            change = sql.SQL("update {} set {} = {}").format(self.name, sql.Identifier(self.plain), value)
            yield "changes", change
            yield "changes", sql.SQL("{} where {}").format(change, self.where)
        if person is not None:
            yield (
                "takes over",
                sql.SQL("update {} set {} = {}").format(self.name, self.column, sql.Literal(person)),
            )
        yield "deletes", sql.SQL("delete from {}").format(self.name)
        yield "deletes", sql.SQL("delete from {} where {}").format(self.name, self.where)
        yield "empties", sql.SQL("truncate {}").format(self.name)
        yield "inserts", self._copy()

    def _copy(self) -> sql.Composed:
        """Return the INSERT of a row like the owner's, with the defaults of its primary key."""
        keys = {
            name
            for (name,) in self.connection.execute(
                "select a.attname from pg_index i join pg_attribute a on a.attrelid = i.indrelid"
                " and a.attnum = any (i.indkey)"
                " where i.indisprimary and i.indrelid = %s::regclass and a.atthasdef",
                (self.name.as_string(self.connection),),
            )
        }
        values = {name: value for name, value in self.values.items() if name not in keys}
        return sql.SQL("insert into {} ({}) values ({})").format(
            self.name,
            sql.SQL(", ").join(map(sql.Identifier, values)),
            sql.SQL(", ").join(map(sql.Literal, values.values())),
        )

    def _try(self, acting: Callable[[], Any], statement: sql.Composed, *, is_read: bool) -> bool:
        """Run a statement; return whether it read a row, or only a key refused what policies let in."""
        try:
            with self.connection.transaction(), acting():
                rows = self.connection.execute(statement).rowcount
        except Error as error:
            return statement.as_string(self.connection).startswith("insert") and error.sqlstate == "23505"
        return is_read and rows > 0

    def _state(self) -> tuple[Any, ...]:
        """Return where the owner's rows lie: a change moves them."""
        query = sql.SQL("select array_agg(tableoid::text || ctid::text order by 1) from {} where {}")
        with as_role(self.connection, "none"):
            return tuple(self.connection.execute(query.format(self.name, self.where)).fetchone() or ())

    def _count(self, template: LiteralString) -> int:
        query = sql.SQL(template).format(table=self.name, where=self.where)
        row = self.connection.execute(query).fetchone()
        return int(row[0]) if row else 0


def controls(connection: Connection[Any], table: str, check: Callable[[], object]) -> None:
    """Require that a check fails where the table's policies admit everybody, and where they are off.

    ``check`` runs in a transaction of its own that is rolled back; it must raise AssertionError both times.
    """
    name = sql.Identifier(*table.split("."))
    for words, statements in (
        ("every policy is using (true)", _opened(connection, table, name)),
        ("row-level security is off", [sql.SQL("alter table {} disable row level security").format(name)]),
    ):
        try:
            with connection.transaction(force_rollback=True):
                with as_role(connection, "none"):
                    for statement in statements:
                        connection.execute(statement)
                check()
        except AssertionError:
            continue
        raise AssertionError(f"this check proves nothing: it passes although {words} on {table}")


def _opened(connection: Connection[Any], table: str, name: sql.Identifier) -> list[sql.Composed]:
    policies = connection.execute("select polname from pg_policy where polrelid = %s::regclass", (table,))
    dropped = [sql.SQL("drop policy {} on {}").format(sql.Identifier(one), name) for (one,) in policies]
    return [*dropped, sql.SQL("create policy opened on {} using (true) with check (true)").format(name)]
