"""Attempts of the lab: one operation as a statement, run as one person and rolled back.

Every value is a bound parameter and every name comes from the catalogue. Numbers that a tried insert took
from a sequence stay taken, as PostgreSQL defines it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import psycopg
from psycopg import ClientCursor, Connection, sql

from flask_signet.lab.catalog import Column, Relation
from flask_signet.lab.errors import BadChoice
from flask_signet.lab.people import Caller, acting_as
from signet_db.testing import refused_by

OPERATIONS = ("select", "insert", "update", "delete", "upsert")
MAX_SHOWN = 20


@dataclass(frozen=True, slots=True)
class Attempt:
    """One operation: ``key`` names the row by its primary key, None means every row.

    ``values`` are texts that PostgreSQL casts to the column's type; None is NULL.
    """

    operation: str
    key: Mapping[str, Any] | None = None
    values: Mapping[str, str | None] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What happened: rows reached, or the SQLSTATE that ended the statement and what raised it."""

    statement: str  # with the values in it
    count: int
    shown: tuple[dict[str, Any], ...]
    sqlstate: str = ""
    message: str = ""
    refused_by: str = ""

    @property
    def mark(self) -> str:
        """The outcome in one word for a matrix: a number of rows, or the SQLSTATE."""
        return self.sqlstate or str(self.count)


def run(connection: Connection[Any], relation: Relation, caller: Caller, attempt: Attempt) -> Outcome:
    """Run the attempt as the caller in a sub-transaction that is rolled back."""
    statement, parameters = statement_of(relation, attempt)
    text = ClientCursor(connection).mogrify(statement, parameters)
    try:
        with connection.transaction(force_rollback=True), acting_as(connection, caller):
            connection.execute("select set_config('statement_timeout', '3s', true)")
            cursor = connection.execute(statement, parameters)
            rows = cursor.fetchmany(MAX_SHOWN) if cursor.description else []
            return Outcome(text, cursor.rowcount, tuple(row[0] for row in rows))
    except psycopg.Error as error:
        message = error.diag.message_primary or str(error)
        return Outcome(text, 0, (), error.sqlstate or "", message, refused_by(error))


def statement_of(relation: Relation, attempt: Attempt) -> tuple[sql.Composed, list[Any]]:
    """Return the statement of an attempt and its parameters."""
    if attempt.operation not in OPERATIONS:
        raise BadChoice("operation", "Choose an operation of the list.")
    where, parameters = where_clause(relation, attempt.key)
    name = relation.sql_name
    if attempt.operation == "select":
        return sql.SQL("select to_jsonb(t) from {} t{}").format(name, where), parameters
    if attempt.operation == "delete":
        return sql.SQL("delete from {} t{}").format(name, where), parameters
    names, values = _assignments(relation, attempt.values)
    if attempt.operation == "update":
        if not names:
            raise BadChoice("values", "Give at least one value to change.")
        pairs = sql.SQL(", ").join(
            sql.SQL("{} = {}").format(sql.Identifier(one.name), _cast(one.type)) for one in names
        )
        return sql.SQL("update {} t set {}{}").format(name, pairs, where), [*values, *parameters]
    columns = sql.SQL(", ").join(sql.Identifier(one.name) for one in names)
    if not names:
        return sql.SQL("insert into {} default values").format(name), []
    insert = sql.SQL("insert into {} ({}) values ({})").format(
        name, columns, sql.SQL(", ").join(_cast(one.type) for one in names)
    )
    if attempt.operation == "upsert":
        insert += _on_conflict(relation, [one.name for one in names])
    return insert, values


def _on_conflict(relation: Relation, names: Sequence[str]) -> sql.Composed:
    key = [column.name for column in relation.key]
    if not key:
        raise BadChoice("operation", f"{relation.full_name} has no primary key to upsert by.")
    changed = [name for name in names if name not in key] or key
    pairs = sql.SQL(", ").join(sql.SQL("{0} = excluded.{0}").format(sql.Identifier(name)) for name in changed)
    return sql.SQL(" on conflict ({}) do update set {}").format(
        sql.SQL(", ").join(map(sql.Identifier, key)), pairs
    )


def _cast(type_name: str) -> sql.Composed:
    return sql.SQL("cast({} as {})").format(sql.Placeholder(), sql.SQL(type_name))


def _assignments(
    relation: Relation, values: Mapping[str, str | None]
) -> tuple[list[Column], list[str | None]]:
    """Return the columns that are given a value, and the values, in the order of the table."""
    given = [column for column in relation.columns if column.name in values]
    return given, [values[column.name] for column in given]


def where_clause(relation: Relation, key: Mapping[str, Any] | None) -> tuple[sql.Composed, list[Any]]:
    """Return the condition that names a row by its primary key, and its parameters. Raises BadChoice."""
    if key is None:
        return sql.Composed([]), []
    columns = relation.key
    if not key or {column.name for column in columns} != set(key):
        raise BadChoice("row", "This row cannot be named: choose one of the list.")
    conditions = sql.SQL(" and ").join(
        sql.SQL("t.{} = {}").format(sql.Identifier(column.name), _cast(column.type)) for column in columns
    )
    return sql.SQL(" where {}").format(conditions), [str(key[column.name]) for column in columns]
