"""Rows made from the catalogue, each marked with its owner, and the people who may reach them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from psycopg import Connection, Error

from signet_db.prove.drafts import Draft
from signet_db.prove.people import HOLDERS, PUBLIC_HOLDER
from signet_db.prove.relations import Catalogue, Table, literal, quoted
from signet_db.prove.world import Row, World

_MOST_TRIES = 60


def make_rows(connection: Connection[Any], world: World) -> None:
    """Insert rows for each holder into every table, tables that are referred to first."""
    for table in _in_order(world.catalogue):
        if table.partition_of is None:
            _make_for_table(connection, world, table)
    for table in world.catalogue.tables.values():
        if table.partition_of is not None:
            world.rows[table.oid] = _rows_of_partition(connection, world, table)
    connection.execute("set constraints all immediate")
    _apply_readings(connection, world)
    _locate(connection, world)


def _in_order(catalogue: Catalogue) -> list[Table]:
    order: list[Table] = []
    seen: set[int] = set()

    def visit(table: Table) -> None:
        if table.oid in seen:
            return
        seen.add(table.oid)
        for key in table.foreign_keys:
            if key.target in catalogue.tables:
                visit(catalogue.tables[key.target])
        order.append(table)

    for table in catalogue.tables.values():
        visit(table)
    return order


def _make_for_table(connection: Connection[Any], world: World, table: Table) -> None:
    belonging = world.expectations.tables[table.oid]
    world.rows[table.oid] = []
    wanted: list[tuple[str, dict[str, str]]] = [(holder, {}) for holder in HOLDERS]
    if belonging.membership is not None:
        wanted += [("carol", {belonging.membership.tenant_column: "bob"})]
    elif belonging.members_read is not None or belonging.is_shared:
        wanted = wanted[:2]  # two tenants; of shared rows two are as good as three
    wanted += [(PUBLIC_HOLDER, {column: value}) for column, value in belonging.public]
    wanted += [(PUBLIC_HOLDER, values) for values in _reading_values(world, table)]
    for holder, changed in wanted:
        row = make_row(connection, world, table, holder, changed)
        if row is not None:
            world.rows[table.oid].append(row)
    if world.rows[table.oid]:
        world.failures.pop(table.oid, None)


def _reading_values(world: World, table: Table) -> Iterable[dict[str, str]]:
    """Yield values that could fulfil the conditions of written lines."""
    for reading in world.expectations.readings_of(table.title):
        if reading.condition is None:
            continue
        for column in table.columns.values():
            name = re.escape(column.name)
            if not re.search(rf"\b{name}\b", reading.condition):
                continue
            if column.type == "bool":
                yield {column.name: "true"}
                yield {column.name: "false"}
            for value in re.findall(rf"\b{name}\b\"?(?:::\w+)? *= *'([^']*)'", reading.condition):
                yield {column.name: value}


def make_row(
    connection: Connection[Any], world: World, table: Table, holder: str, changed: Mapping[str, str]
) -> Row | None:
    """Insert a row of a holder; None, with the reason in ``world.failures``, where none can be made."""
    world.number += 1
    draft = Draft(world, table, holder, changed)
    if draft.missing:
        world.failures.setdefault(table.oid, draft.missing)
        return None
    connection.execute("savepoint signet_row")
    # As the owner, because defaults and triggers may read auth.uid().
    claims = f'{{"sub": "{world.ids[holder]}", "role": "authenticated"}}'
    connection.execute("select set_config('request.jwt.claims', %s, true)", (claims,))
    row = _adopted(connection, draft) or _inserted(connection, draft)
    connection.execute("select set_config('request.jwt.claims', '', true)")
    connection.execute("release savepoint signet_row")
    return row


def _inserted(connection: Connection[Any], draft: Draft) -> Row | None:
    """Insert the draft, changing values that a check refuses, and without triggers where they refuse it."""
    table, failures = draft.table, draft.world.failures
    triggers_off = False
    for _ in range(_MOST_TRIES):
        try:
            connection.execute("savepoint signet_try")
            values = connection.execute(draft.statement().encode()).fetchone()
            connection.execute("release savepoint signet_try")
            if triggers_off:
                connection.execute(f"alter table {table.sql} enable trigger user".encode())
            return _row(draft, values)
        except Error as error:
            connection.execute("rollback to savepoint signet_try; release savepoint signet_try")
            if draft.vary(error):
                continue
            if table.has_triggers and not triggers_off:
                connection.execute(f"alter table {table.sql} disable trigger user".encode())
                triggers_off = True
                continue
            failures.setdefault(table.oid, f"no row could be made: {error.diag.message_primary}")
            break
    else:
        failures.setdefault(table.oid, "no row could be made: no value fulfils its checks")
    if triggers_off:
        connection.execute(f"alter table {table.sql} enable trigger user".encode())
    return None


def _row(draft: Draft, values: Any) -> Row:
    named = dict(zip(draft.table.columns, values, strict=True))
    return Row(draft.table.oid, draft.holder, draft.entitled(), named, draft.is_public, draft.is_public)


def _adopted(connection: Connection[Any], draft: Draft) -> Row | None:
    """Take the row that a trigger made for a new user, where the owner may have one only."""
    owners = draft.belonging.owners
    table = draft.table
    if draft.changed or not owners or frozenset({owners[0]}) not in table.unique:
        return None
    sets = ", ".join(
        f"{quoted(name)} = {literal(value)}"
        for name, value in draft.values.items()
        if name not in owners
        and name not in table.key
        and value is not None
        and not any(name in columns for columns in table.unique)
    )
    where = f"{quoted(owners[0])} = {literal(str(draft.world.ids[draft.holder]))}"
    returning = ", ".join(f"{quoted(name)}::text" for name in table.columns)
    for assignment in (sets, f"{quoted(owners[0])} = {quoted(owners[0])}"):
        if not assignment:
            continue
        connection.execute("savepoint signet_try")
        try:
            values = connection.execute(
                f"update {table.sql} set {assignment} where {where} returning {returning}".encode()
            ).fetchone()
            connection.execute("release savepoint signet_try")
            return _row(draft, values) if values else None
        except Error:
            connection.execute("rollback to savepoint signet_try; release savepoint signet_try")
    return None


def fresh_values(
    connection: Connection[Any], world: World, table: Table, holder: str, tenant: str = "", room: str = ""
) -> dict[str, str] | None:
    """Return values with which a row of a holder, in the tenant named, can be inserted; None without any.

    ``room`` is the statement that deletes the one row that the holder may have.
    """
    world.number += 1
    draft = Draft(world, table, holder, {}, tenant)
    if draft.missing:
        return None
    connection.execute(f"savepoint signet_fresh; {room}".encode())
    failures = dict(world.failures)
    row = _inserted(connection, draft)
    world.failures = failures
    connection.execute("rollback to savepoint signet_fresh; release savepoint signet_fresh")
    return {name: value for name, value in draft.values.items() if value is not None} if row else None


def _rows_of_partition(connection: Connection[Any], world: World, table: Table) -> list[Row]:
    parent = table.partition_of
    assert parent is not None  # noqa: S101
    found = []
    for row in world.rows.get(parent, ()):
        where = " and ".join(
            f"{quoted(name)} = {literal(value)}"
            for name, value in row.key(world.catalogue.tables[parent]).items()
            if value is not None
        )
        if connection.execute(f"select from only {table.sql} where {where}".encode()).rowcount:
            found.append(Row(table.oid, row.holder, row.entitled, row.values, row.is_open, row.opens_to_anon))
    return found


def _apply_readings(connection: Connection[Any], world: World) -> None:
    """Open the rows that written lines open; raises psycopg.Error for a condition that cannot run."""
    for table in world.catalogue.tables.values():
        for reading in world.expectations.readings_of(table.title):
            for row in world.rows[table.oid]:
                where = " and ".join(
                    f"{quoted(name)} = {literal(value)}"
                    for name, value in row.key(table).items()
                    if value is not None
                )
                condition = reading.condition or "true"
                query = f"select from {table.sql} where ({where}) and ({condition})"
                if connection.execute(query.encode()).rowcount:
                    row.is_open = True
                    row.opens_to_anon = row.opens_to_anon or not reading.signed_in


def _locate(connection: Connection[Any], world: World) -> None:
    """Note where each row lies: a row that is changed or deleted lies elsewhere or nowhere."""
    for oid, rows in world.rows.items():
        table = world.catalogue.tables[oid]
        for row in rows:
            where = " and ".join(
                f"{quoted(name)}::text is not distinct from {literal(value)}"
                for name, value in row.key(table).items()
            )
            texts = ", ".join(f"{quoted(name)}::text" for name in table.columns)
            found = connection.execute(
                f"select tableoid::text || ctid::text, {texts} from {table.sql} where {where}".encode()
            ).fetchone()
            if found is not None:
                row.ctid = found[0]
                row.values = dict(zip(table.columns, found[1:], strict=True))
