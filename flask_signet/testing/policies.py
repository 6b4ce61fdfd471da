"""Callers of a migrated database, and a table of who may do what: policies tried by SQL.

A caller has the role and the claims that the data API sets for a request, so policies and grants apply.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import psycopg
from psycopg import Connection, Cursor
from psycopg.rows import TupleRow

from signet_db import testing as roles

Outcome = int | str  # rows, or the SQLSTATE of the refusal
Params = Sequence[Any] | Mapping[str, Any] | None

ANONYMOUS, SERVICE = "anonymous", "service"
PARAMETER = re.compile(r"%\((\w+)\)s")


@dataclass(frozen=True, slots=True)
class Caller:
    """One caller for the length of a block: a signed-in user, or an anonymous one (``id`` is None)."""

    connection: Connection[TupleRow] = field(repr=False)
    id: UUID | None = None
    session_id: UUID | None = None

    def execute(self, statement: str, params: Params = None) -> Cursor[TupleRow]:
        """Run one statement as this caller; raises psycopg.Error where a grant or a policy refuses."""
        return self.connection.execute(statement.encode(), params)


class Callers:
    """The users of one database by name, each created on first use with the address NAME@example.com."""

    def __init__(self, connection: Connection[TupleRow]) -> None:
        self._connection = connection  # in autocommit mode: each block is one transaction
        self._users: dict[str, UUID] = {}

    def id_of(self, name: str) -> UUID:
        """Return the id of a user; creates the user if needed."""
        if name not in self._users:
            self._users[name] = roles.new_user(self._connection, f"{name}@example.com")
        return self._users[name]

    @contextmanager
    def as_user(self, name: str = "alice") -> Iterator[Caller]:
        """Run a block as a signed-in user; it is committed at its end, and rolled back by an exception."""
        user_id = self.id_of(name)
        with roles.as_user(self._connection, user_id) as session_id:
            yield Caller(self._connection, user_id, session_id)

    @contextmanager
    def as_nobody(self) -> Iterator[Caller]:
        """Run a block as a caller who is not signed in (role anon)."""
        with roles.as_nobody(self._connection):
            yield Caller(self._connection)

    @contextmanager
    def as_service(self) -> Iterator[Caller]:
        """Run a block with the role of the secret key, which bypasses row-level security."""
        with roles.as_role(self._connection, "service_role", {"role": "service_role"}):
            yield Caller(self._connection)


class PolicyMatrix:
    """A table of statements and callers with the outcome of each: a number of rows, or an SQLSTATE.

    Every cell runs in a transaction that is rolled back, so no cell sees another's changes.
    """

    def __init__(self, connection: Connection[TupleRow], callers: Callers) -> None:
        self._connection = connection
        self._callers = callers

    def outcome(self, caller: str, statement: str) -> Outcome:
        """Return the outcome of one cell.

        ``caller`` is the name of a user, ``anonymous`` or ``service``. In the statement ``%(NAME)s`` is the
        id of a user, and ``%(me)s`` that of the caller.
        """
        params = self._parameters(caller, statement)  # before the rollback, which would undo new users
        try:
            with self._connection.transaction(force_rollback=True), self._acting(caller) as acting:
                return acting.execute(statement, params).rowcount
        except psycopg.Error as error:
            if error.sqlstate is None:
                raise
            return error.sqlstate

    def check(self, table: Mapping[str, Mapping[str, Outcome]]) -> None:
        """Run every cell of ``{statement: {caller: outcome}}``; raise AssertionError where one differs."""
        different = []
        for statement, row in table.items():
            for caller, expected in row.items():
                found = self.outcome(caller, statement)
                if found != expected:
                    outcomes = f"expected {_shown(expected)}, got {_shown(found)}"
                    different.append(f"  {caller}: {outcomes}: {statement}")
        if different:
            raise AssertionError("\n".join(["The policies differ from the table:", *different]))

    def _parameters(self, caller: str, statement: str) -> dict[str, UUID | None]:
        is_user = caller not in (ANONYMOUS, SERVICE)
        ids: dict[str, UUID | None] = {"me": self._callers.id_of(caller) if is_user else None}
        for name in PARAMETER.findall(statement):
            if name != "me":
                ids[name] = self._callers.id_of(name)
        return ids

    @contextmanager
    def _acting(self, caller: str) -> Iterator[Caller]:
        if caller == ANONYMOUS:
            block = self._callers.as_nobody()
        elif caller == SERVICE:
            block = self._callers.as_service()
        else:
            block = self._callers.as_user(caller)
        with block as acting:
            yield acting


def _shown(outcome: Outcome) -> str:
    return f"SQLSTATE {outcome}" if isinstance(outcome, str) else f"{outcome} row(s)"
