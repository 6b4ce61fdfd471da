"""Run a statement as a person in a sub-transaction that is rolled back, and see what it did to whose rows."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from psycopg import Connection, Cursor, Error

from signet_db.prove.people import Person
from signet_db.prove.relations import Table
from signet_db.prove.world import Row, World

UNDO = "rollback to savepoint signet_attempt; release savepoint signet_attempt"
_POLICY_FUNCTION = "ExecWithCheckOptions"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a statement did: rows read, rows of others touched, or the server's refusal."""

    rows: tuple[tuple[Any, ...], ...] = ()
    touched: tuple[Row, ...] = ()
    found: tuple[tuple[Any, ...], ...] = ()  # the answer of the question asked afterwards
    sqlstate: str = ""
    message: str = ""

    @property
    def passed(self) -> bool:
        """Whether the server ran the statement."""
        return not self.sqlstate

    @property
    def is_past_policies(self) -> bool:
        """Whether only a key refused it: policies are checked before keys are."""
        return self.sqlstate in ("23505", "23503")


@dataclass(slots=True)
class Stage:
    """A connection in the middle of a transaction; ``statements`` counts what was tried on it."""

    connection: Connection[Any]
    world: World
    statements: int = 0
    _watch: dict[frozenset[int], bytes] = field(default_factory=dict)

    def attempt(
        self,
        person: Person,
        statement: str,
        watched: Iterable[int] = (),
        *,
        before: str = "",
        ask: str = "",
    ) -> Outcome:
        """Run the statement as the person; ``before`` and ``ask`` are run as the migrations' role around it.

        ``watched`` are the tables of which it is seen which rows were changed or deleted.
        """
        self.statements += 1
        connection = self.connection
        connection.execute("savepoint signet_attempt")
        try:
            if before:
                connection.execute(before.encode())
            cursor = connection.execute(f"{person.setting}; {statement}".encode())
            rows = _last_rows(cursor)
            tables = frozenset(watched)
            touched: tuple[Row, ...] = ()
            found: tuple[tuple[Any, ...], ...] = ()
            if tables or ask:
                connection.execute("set local role none")
            if tables:
                touched = self._touched(tables)
            if ask:
                found = tuple(connection.execute(ask.encode()).fetchall())
            return Outcome(rows, touched, found)
        except Error as error:
            return Outcome(
                sqlstate=error.sqlstate or "XX000", message=error.diag.message_primary or str(error)
            )
        finally:
            connection.execute(UNDO)

    def _touched(self, tables: frozenset[int]) -> tuple[Row, ...]:
        query = self._watch.get(tables)
        if query is None:
            catalogue = self.world.catalogue
            parts = [
                f"select tableoid::text || ctid::text from {catalogue.tables[oid].sql}"
                for oid in sorted(tables)
            ]
            query = self._watch[tables] = " union all ".join(parts).encode()
        here = {where for (where,) in self.connection.execute(query)}
        return tuple(row for oid in sorted(tables) for row in self.world.rows[oid] if row.ctid not in here)


def _last_rows(cursor: Cursor[Any]) -> tuple[tuple[Any, ...], ...]:
    """Return the rows of the last of several statements."""
    while cursor.nextset():
        pass
    return tuple(cursor.fetchall()) if cursor.description is not None else ()


def watched_tables(world: World, table: Table) -> frozenset[int]:
    """Return the tables that a write can change: by cascades, or all where rules or triggers run."""
    tables = world.catalogue.tables
    if table.has_rules or table.has_triggers:
        return frozenset(oid for oid, rows in world.rows.items() if rows)
    found = {table.oid}
    waiting = [table.oid]
    while waiting:
        target = waiting.pop()
        for other in tables.values():
            if other.oid in found or not any(
                key.target == target and key.cascades for key in other.foreign_keys
            ):
                continue
            found.add(other.oid)
            waiting.append(other.oid)
            if other.has_rules or other.has_triggers:
                return frozenset(oid for oid, rows in world.rows.items() if rows)
    return frozenset(oid for oid in found if world.rows.get(oid))


def strangers(rows: Sequence[Row], person: Person) -> list[Row]:
    """Return the rows that belong to others, by the user alone."""
    return [row for row in rows if person.user is None or person.user not in row.entitled]
