"""What is proved: tables with columns, keys and policies, views and functions, read from the catalogue."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from psycopg import Connection
from psycopg.rows import dict_row

from signet_db.schemas import exposed_schemas, user_schemas

QUERIES = Path(__file__).with_name("relations.sql")
ROLES = ("anon", "authenticated")


def quoted(name: str) -> str:
    """Quote a name."""
    return '"' + name.replace('"', '""') + '"'


def literal(text: str | None) -> str:
    """Quote a value as a string literal of no type, which PostgreSQL converts to the type of its place."""
    return "null" if text is None else "'" + text.replace("'", "''") + "'"


@dataclass(frozen=True, slots=True)
class Column:
    """A column; ``type`` is the base type's name of a domain, ``labels`` those of an enum."""

    name: str
    type: str
    category: str
    length: int | None
    is_array: bool
    is_required: bool
    has_default: bool
    is_generated: bool
    labels: tuple[str, ...]

    @property
    def is_text(self) -> bool:
        """Whether it holds free text, which can carry a mark."""
        return self.type in ("text", "varchar", "bpchar", "citext")


@dataclass(frozen=True, slots=True)
class ForeignKey:
    """A foreign key; ``target`` is the oid of the table that it refers to."""

    name: str
    columns: tuple[str, ...]
    target: int
    target_title: str
    target_columns: tuple[str, ...]
    cascades: bool


@dataclass(frozen=True, slots=True)
class Policy:
    """A policy; ``text`` is its two expressions, ``columns`` the own columns that they read."""

    name: str
    command: str  # r, a, w, d or *
    is_permissive: bool
    roles: tuple[str, ...]
    text: str
    columns: frozenset[str]
    calls_ours: bool  # a function of a user's schema

    def governs(self, command: str) -> bool:
        """Whether it applies to a command: r, a, w or d."""
        return self.command in (command, "*")


@dataclass(frozen=True, slots=True)
class Rights:
    """What one role may do with a relation, by its grants."""

    select: frozenset[str] = frozenset()
    insert: frozenset[str] = frozenset()
    update: frozenset[str] = frozenset()
    delete: bool = False
    truncate: bool = False


@dataclass(slots=True)
class Table:
    """A table, with everything that decides who reaches its rows."""

    oid: int
    schema: str
    name: str
    title: str  # qualified and quoted where that is needed
    is_exposed: bool
    has_rls: bool
    partition_of: int | None
    has_rules: bool
    has_triggers: bool
    is_partitioned: bool = False
    columns: dict[str, Column] = field(default_factory=dict)
    key: tuple[str, ...] = ()
    unique: list[frozenset[str]] = field(default_factory=list)
    foreign_keys: list[ForeignKey] = field(default_factory=list)
    checks: dict[str, tuple[frozenset[str], str]] = field(default_factory=dict)
    policies: list[Policy] = field(default_factory=list)
    rights: dict[str, Rights] = field(default_factory=dict)

    @property
    def sql(self) -> str:
        """The name in a statement."""
        return f"{quoted(self.schema)}.{quoted(self.name)}"

    def permissive(self, command: str, role: str) -> list[Policy]:
        """Return the permissive policies of a command for a role."""
        return [
            policy
            for policy in self.policies
            if policy.is_permissive and policy.governs(command) and {role, "public"} & set(policy.roles)
        ]


@dataclass(frozen=True, slots=True)
class View:
    """A view or materialized view of an exposed schema."""

    title: str
    sql: str
    is_materialized: bool
    is_invoker: bool
    columns: tuple[str, ...]
    text_columns: tuple[str, ...]
    rights: dict[str, Rights]


@dataclass(frozen=True, slots=True)
class Function:
    """A function of an exposed schema; ``arguments`` are name and type of those without a default."""

    title: str
    sql: str
    is_definer: bool
    arguments: tuple[tuple[str, str], ...]
    roles: frozenset[str]


@dataclass(frozen=True, slots=True)
class Catalogue:
    """Everything that is tried, and the texts in which claims are read."""

    tables: dict[int, Table]
    views: tuple[View, ...]
    functions: tuple[Function, ...]
    sources: tuple[str, ...]  # policies and bodies of functions, one text each
    session_functions: frozenset[str]  # those that read auth.sessions

    def exposed(self) -> list[Table]:
        """Return the tables of exposed schemas."""
        return [table for table in self.tables.values() if table.is_exposed]

    def find(self, title: str) -> Table | View | None:
        """Return a table or view by its title."""
        named: dict[str, Table | View] = {table.title: table for table in self.tables.values()}
        named |= {view.title: view for view in self.views}
        return named.get(title)


def read_catalogue(connection: Connection[Any], exposed: Sequence[str] | None = None) -> Catalogue:
    """Read the user's schemas; PostgreSQL prints every name with its schema while it is read."""
    parameters = {
        "schemas": user_schemas(connection),
        "exposed": list(exposed) if exposed is not None else exposed_schemas(connection),
    }
    before = connection.execute("select current_setting('search_path')").fetchone()
    connection.execute("set search_path = ''")
    rows = {
        name: _rows(connection, text, parameters)
        for name, text in _sections(QUERIES.read_text(encoding="utf-8"))
    }
    connection.execute("select set_config('search_path', %s, false)", before)
    tables = {row["oid"]: Table(**row) for row in rows["tables"]}
    for row in rows["columns"]:
        oid = row.pop("oid")
        tables[oid].columns[row["name"]] = Column(**{**row, "labels": tuple(row["labels"])})
    _add_constraints(tables, rows["constraints"])
    for row in rows["policies"]:
        oid = row.pop("oid")
        row |= {"roles": tuple(row["roles"]), "columns": frozenset(row["columns"])}
        tables[oid].policies.append(Policy(**row))
    rights = _rights(rows["rights"])
    for oid, table in tables.items():
        table.rights = rights[oid]
    return Catalogue(
        tables,
        tuple(_view(row, rights) for row in rows["views"]),
        tuple(_function(row) for row in rows["functions"]),
        tuple(row["source"] for row in rows["sources"]),
        frozenset(row["name"] for row in rows["session_functions"]),
    )


def _sections(text: str) -> list[tuple[str, str]]:
    """Split the file at its ``-- name: …`` lines."""
    parts = text.split("-- name: ")[1:]
    return [(part.partition("\n")[0].strip(), part.partition("\n")[2]) for part in parts]


def _rows(connection: Connection[Any], query: str, parameters: dict[str, Any]) -> list[dict[str, Any]]:
    with connection.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(query.encode(), parameters).fetchall()


def _add_constraints(tables: dict[int, Table], rows: Sequence[dict[str, Any]]) -> None:
    for row in rows:
        table = tables[row["oid"]]
        columns = tuple(row["columns"] or ())
        if row["kind"] == "p":
            table.key = columns
        if row["kind"] in "pu":
            table.unique.append(frozenset(columns))
        if row["kind"] == "c":
            table.checks[row["name"]] = (frozenset(columns), row["text"])
        if row["kind"] == "f":
            table.foreign_keys.append(
                ForeignKey(
                    row["name"],
                    columns,
                    row["target"],
                    row["target_title"],
                    tuple(row["target_columns"]),
                    row["cascades"],
                )
            )


def _rights(rows: Sequence[dict[str, Any]]) -> dict[int, dict[str, Rights]]:
    found: dict[int, dict[str, Rights]] = defaultdict(lambda: {role: Rights() for role in ROLES})
    for row in rows:
        found[row["oid"]][row["role"]] = Rights(
            frozenset(row["select"]),
            frozenset(row["insert"]),
            frozenset(row["update"]),
            row["delete"],
            row["truncate"],
        )
    return found


def _view(row: dict[str, Any], rights: dict[int, dict[str, Rights]]) -> View:
    return View(
        row["title"],
        row["sql"],
        row["is_materialized"],
        row["is_invoker"],
        tuple(row["columns"]),
        tuple(row["text_columns"]),
        rights[row["oid"]],
    )


def _function(row: dict[str, Any]) -> Function:
    arguments = zip(row["names"] or [""] * len(row["types"]), row["types"], strict=False)
    needed = list(arguments)[: len(row["types"]) - row["defaults"]]
    return Function(row["title"], row["sql"], row["is_definer"], tuple(needed), frozenset(row["roles"]))
