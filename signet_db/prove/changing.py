"""Change, delete, take over and empty rows of others."""

from __future__ import annotations

from collections.abc import Iterable

from signet_db.prove.attempts import COMMANDS, TableAttempts
from signet_db.prove.people import Person
from signet_db.prove.relations import Rights, literal, quoted
from signet_db.prove.world import Row

_REPRESENTATIVES = 2  # rows of others that are named by key


def update(on: TableAttempts, person: Person, rights: Rights) -> None:
    """Change all rows without WHERE, then single rows of others by key."""
    column = on.plain_column(rights.update)
    if column is None:
        return
    value = next((row.values[column] for row in on.rows if row.values[column] is not None), None)
    change = f"update {on.table.sql} set {quoted(column)} = {literal(value)}"
    _write(on, "update", person, "w", [change, *_by_key(on, change, person, rights, "w")], "changes")


def delete(on: TableAttempts, person: Person, rights: Rights) -> None:
    """Delete all rows without WHERE, then single rows of others by key."""
    delete = f"delete from {on.table.sql}"
    _write(on, "delete", person, "d", [delete, *_by_key(on, delete, person, rights, "d")], "deletes")


def take(on: TableAttempts, person: Person, rights: Rights) -> None:
    """Make oneself the owner of others' rows, or move them into one's own tenant."""
    if person.user is None or person.name not in ("zoe", "bob"):
        return
    changes = []
    if on.belonging.owners[:1] and on.belonging.owners[0] in rights.update:
        me = str(on.people.ids[person.user])
        changes.append(f"update {on.table.sql} set {quoted(on.belonging.owners[0])} = {literal(me)}")
    for tenancy in on.belonging.tenancies:
        value = on.world.tenant_value(on.table, tenancy, "bob")
        if person.name == "bob" and tenancy.column in rights.update and value is not None:
            changes.append(f"update {on.table.sql} set {quoted(tenancy.column)} = {literal(value)}")
    statements = [one for change in changes for one in (*_by_key(on, change, person, rights, "w"), change)]
    _write(on, "take over", person, "w", statements, "takes over")


def upsert(on: TableAttempts, person: Person, rights: Rights) -> None:
    """Insert with the key of another's row, so that a conflict changes that row."""
    column = on.plain_column(rights.update)
    target = next((row for row in on.rows if not on.may(person, row, "w")), None)
    key = on.table.key
    if column is None or target is None or not key or not set(key) <= rights.insert or person.user is None:
        return
    values = on.values(person.user, rights)
    if values is None or column not in rights.insert:
        return
    values |= {name: value for name in key if (value := target.values[name]) is not None}
    values.setdefault(column, target.values[column] or "")
    names = ", ".join(quoted(name) for name in key)
    tail = f"on conflict ({names}) do update set {quoted(column)} = excluded.{quoted(column)}"
    _write(on, "upsert", person, "w", [f"{on.insert(values)} {tail}"], "changes")


def truncate(on: TableAttempts, person: Person) -> None:
    """Empty the table."""
    statement = f"truncate {on.table.sql} cascade"
    outcome = on.stage.attempt(person, statement, on.watched)
    if outcome.passed:
        on.results.cells[on.table.title, "truncate", person.name] = "ALL!"
        others = [row for row in outcome.touched if not on.may(person, row, "d")]
        on.reached("truncate", person, statement, "empties, whatever its policies,", others, "")


def _write(
    on: TableAttempts, operation: str, person: Person, command: str, statements: Iterable[str], verb: str
) -> None:
    """Run the statements until one reaches rows of others."""
    cell: list[Row] = []
    for statement in statements:
        outcome = on.stage.attempt(person, statement, on.watched)
        touched = [row for row in outcome.touched if row.table == on.table.oid]
        cell = touched if len(touched) > len(cell) else cell
        others = [row for row in outcome.touched if not _may_touch(on, person, row, command)]
        if others:

            def again(before: str, statement: str = statement) -> bool:
                found = on.stage.attempt(person, statement, on.watched, before=before)
                return any(not _may_touch(on, person, row, command) for row in found.touched)

            on.cell(operation, person, touched, others, command)
            on.reached(operation, person, statement, verb, others, command, again)
            return
    if operation in COMMANDS:
        on.cell(operation, person, cell, [], command)


def _may_touch(on: TableAttempts, person: Person, row: Row, command: str) -> bool:
    if on.may(person, row, command):
        return True
    is_beside = row.table != on.table.oid
    # Who deletes a tenant deletes what belongs to it.
    return is_beside and (on.belonging.members_read is not None or on.belonging.membership is not None)


def _by_key(on: TableAttempts, change: str, person: Person, rights: Rights, command: str) -> list[str]:
    """Return the change for single rows of others, if the person may name them."""
    others = [row for row in on.rows if not on.may(person, row, command)]
    found = []
    for row in others[:_REPRESENTATIVES]:
        named = {name: value for name, value in row.key(on.table).items() if value is not None}
        if named and set(named) <= rights.select:
            found.append(f"{change} where {on.where(named)}")
    return found
