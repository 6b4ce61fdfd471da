"""The policy matrix: who, operation, whose row, computed by trying each as that person, rolled back."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from psycopg import Connection

from flask_signet.lab.attempts import OPERATIONS, Attempt, Outcome, run
from flask_signet.lab.catalog import Person, Relation, people, rows_of
from flask_signet.lab.people import SIGNED_OUT, Who, caller_of

OWN, OTHERS, ALL = "own row", "another's row", "every row"
VIEW_OPERATIONS = ("select",)


@dataclass(frozen=True, slots=True)
class Cell:
    """One tried combination; ``outcome`` is None when no row could be tried."""

    who: str
    operation: str
    whose: str
    outcome: Outcome | None

    @property
    def mark(self) -> str:
        """What a table shows: rows reached, a dash for none, "allowed", or the SQLSTATE."""
        if self.outcome is None:
            return "not tried"
        if is_past_policies(self.outcome):
            return f"allowed ({self.outcome.sqlstate})"
        if self.outcome.sqlstate:
            return self.outcome.sqlstate
        return "-" if self.outcome.count == 0 else str(self.outcome.count)

    @property
    def is_reached(self) -> bool:
        """Whether the person reached or changed a row, or only a constraint stopped them."""
        if self.outcome is None:
            return False
        return is_past_policies(self.outcome) or (not self.outcome.sqlstate and self.outcome.count > 0)


def is_past_policies(outcome: Outcome) -> bool:
    """Whether only a constraint refused: PostgreSQL checks policies before constraints."""
    return outcome.sqlstate.startswith("23")


def matrix(connection: Connection[Any], relation: Relation) -> list[Cell]:
    """Try every combination for one relation inside the open transaction."""
    everyone = people(connection)
    rows = rows_of(connection, relation)
    owner = _first_owner(relation, everyone, rows)
    stranger = next((one for one in everyone if owner is None or one.id != owner.id), None)
    cells: list[Cell] = []
    for person in (None, owner, stranger):
        if person is None and everyone and cells:
            continue
        who = Who(person.id) if person else Who(SIGNED_OUT)
        label = person.email if person else "signed out"
        caller = caller_of(connection, who)
        for operation in OPERATIONS if relation.is_table else VIEW_OPERATIONS:
            for whose, attempt in _attempts(relation, operation, person, owner, stranger, rows):
                outcome = run(connection, relation, caller, attempt) if attempt else None
                cells.append(Cell(label, operation, whose, outcome))
    return cells


def _attempts(
    relation: Relation,
    operation: str,
    person: Person | None,
    owner: Person | None,
    stranger: Person | None,
    rows: Sequence[Mapping[str, Any]],
) -> list[tuple[str, Attempt | None]]:
    """Return the attempts of one operation by whose row they aim at; None where there is no such row."""
    if not relation.is_table or relation.owner_column is None or not relation.key:
        return [(ALL, _on_all(relation, operation, rows))]
    attempts: list[tuple[str, Attempt | None]] = []
    column = relation.owner_column.name
    others = owner if person is not owner else stranger
    for whose, target in ((OWN, person), (OTHERS, others)):
        if whose == OWN and person is None:
            continue
        row = next((one for one in rows if target and str(one[column]) == target.id), None)
        if operation == "insert":
            attempts.append((whose, _insert(relation, target, rows)))
        else:
            attempts.append((whose, _on_row(relation, operation, row)))
    if operation in ("select", "update", "delete"):
        attempts.append((ALL, _on_all(relation, operation, rows)))
    return attempts


def _on_row(relation: Relation, operation: str, row: Mapping[str, Any] | None) -> Attempt | None:
    if row is None:
        return None
    key = {column.name: row[column.name] for column in relation.key}
    if operation == "upsert":
        return Attempt("upsert", None, _texts(relation, row))
    return Attempt(operation, key, _unchanged(relation, row) if operation == "update" else {})


def _on_all(relation: Relation, operation: str, rows: Sequence[Mapping[str, Any]]) -> Attempt | None:
    if operation in ("select", "delete"):
        return Attempt(operation)
    if not rows:
        return None
    if operation == "update":
        return Attempt("update", None, _unchanged(relation, rows[0]))
    if operation == "upsert" and not relation.key:
        return None
    return Attempt(operation, None, _texts(relation, rows[0]))


def _insert(relation: Relation, target: Person | None, rows: Sequence[Mapping[str, Any]]) -> Attempt | None:
    """Insert a copy of a row for the target; its own key comes from the defaults."""
    if target is None:
        return None
    column = relation.owner_column
    values: dict[str, str | None] = {
        one.name: _text(rows[0].get(one.name))
        for one in relation.columns
        if rows and one.is_required and not one.is_key and not one.default_expression
    }
    return Attempt("insert", None, {**values, **({column.name: target.id} if column else {})})


def _unchanged(relation: Relation, row: Mapping[str, Any]) -> dict[str, str | None]:
    """Return an assignment that stores what is there: the first column that is neither key nor owner."""
    owner = relation.owner_column
    for column in relation.columns:
        if not column.is_key and not column.is_generated and (owner is None or column.name != owner.name):
            return {column.name: _text(row.get(column.name))}
    column = relation.columns[-1]
    return {column.name: _text(row.get(column.name))}


def _texts(relation: Relation, row: Mapping[str, Any]) -> dict[str, str | None]:
    return {one.name: _text(row.get(one.name)) for one in relation.columns if not one.is_generated}


def _text(value: Any) -> str | None:
    if value is None:
        return None
    if isinstance(value, dict | list):
        return json.dumps(value)
    if isinstance(value, bool):
        return str(value).lower()
    return str(value)


def _first_owner(
    relation: Relation, everyone: Sequence[Person], rows: Sequence[Mapping[str, Any]]
) -> Person | None:
    """Return the person who owns the first owned row; the first person when no row is owned."""
    column = relation.owner_column
    if column is not None:
        owners = {str(row[column.name]) for row in rows}
        for person in everyone:
            if person.id in owners:
                return person
    return everyone[0] if everyone else None
