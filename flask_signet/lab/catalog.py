"""Exposed tables and views as the playground sees them: columns, keys, grants, policies, people."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from psycopg import Connection, sql
from psycopg.rows import class_row

API_ROLES = ("anon", "authenticated")
SCHEMAS = ("public",)
MAX_PEOPLE = 20
MAX_ROWS = 20

_RELATIONS = """
    select c.oid::int, n.nspname as schema, c.relname as name, c.relkind::text as kind,
        c.relrowsecurity as has_rls, c.relforcerowsecurity as is_forced,
        pg_get_userbyid(c.relowner) as owner,
        coalesce(c.reloptions && array['security_invoker=true', 'security_invoker=on'], false) as is_invoker
    from pg_class c join pg_namespace n on n.oid = c.relnamespace
    where n.nspname = any(%s) and c.relkind in ('r', 'p', 'v', 'm')
    order by n.nspname, c.relname
"""
_COLUMNS = """
    select a.attname as name, format_type(a.atttypid, a.atttypmod) as type, a.attnotnull as is_required,
        coalesce(pg_get_expr(d.adbin, d.adrelid), '') as default_expression,
        a.attgenerated <> '' or a.attidentity = 'a' as is_generated,
        coalesce(a.attnum = any(k.conkey), false) as is_key,
        exists (select from pg_constraint f where f.conrelid = a.attrelid and f.contype = 'f'
            and f.conkey = array[a.attnum] and f.confrelid = 'auth.users'::regclass) as names_user
    from pg_attribute a
    left join pg_attrdef d on d.adrelid = a.attrelid and d.adnum = a.attnum
    left join pg_constraint k on k.conrelid = a.attrelid and k.contype = 'p'
    where a.attrelid = %s and a.attnum > 0 and not a.attisdropped
    order by a.attnum
"""
_POLICIES = """
    select p.polname as name, p.polpermissive as is_permissive, p.polcmd::text as command,
        coalesce((select array_agg(coalesce(pg_get_userbyid(nullif(r, 0)), 'public') order by r)
            from unnest(p.polroles) r), '{}') as roles,
        pg_get_expr(p.polqual, p.polrelid) as using_expression,
        pg_get_expr(p.polwithcheck, p.polrelid) as check_expression
    from pg_policy p where p.polrelid = %s order by p.polpermissive desc, p.polname
"""
_COMMANDS = {"*": "all", "r": "select", "a": "insert", "w": "update", "d": "delete"}


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a relation."""

    name: str
    type: str
    is_required: bool
    default_expression: str
    is_generated: bool
    is_key: bool
    names_user: bool


@dataclass(frozen=True, slots=True)
class Policy:
    """A policy; the expressions are PostgreSQL's own text of USING and WITH CHECK."""

    name: str
    is_permissive: bool
    command: str
    roles: list[str]
    using_expression: str | None
    check_expression: str | None

    @property
    def command_name(self) -> str:
        """The command as SQL writes it."""
        return _COMMANDS[self.command]

    def applies_to(self, role: str, command: str, memberships: frozenset[str]) -> bool:
        """Whether PostgreSQL considers the policy for a role and a command."""
        for_role = "public" in self.roles or bool({role, *memberships} & set(self.roles))
        return for_role and self.command_name in ("all", command)


@dataclass(frozen=True, slots=True)
class Relation:
    """A table, partitioned table, view or materialized view of an exposed schema."""

    oid: int
    schema: str
    name: str
    kind: str
    has_rls: bool
    is_forced: bool
    owner: str
    is_invoker: bool
    columns: tuple[Column, ...] = ()
    policies: tuple[Policy, ...] = ()

    @property
    def full_name(self) -> str:
        """The name with its schema, as people write it."""
        return f"{self.schema}.{self.name}"

    @property
    def sql_name(self) -> sql.Identifier:
        """The quoted name for statements."""
        return sql.Identifier(self.schema, self.name)

    @property
    def is_table(self) -> bool:
        """Whether policies can apply to it."""
        return self.kind in ("r", "p")

    @property
    def key(self) -> tuple[Column, ...]:
        """The columns of the primary key, in table order."""
        return tuple(column for column in self.columns if column.is_key)

    @property
    def owner_column(self) -> Column | None:
        """The column that names the row's owner: a reference to auth.users, else a default of auth.uid()."""
        for column in self.columns:
            if column.names_user or "auth.uid()" in column.default_expression:
                return column
        return next((column for column in self.columns if column.name in ("user_id", "owner_id")), None)


@dataclass(frozen=True, slots=True)
class Person:
    """A user of the database."""

    id: str
    email: str


def relations(connection: Connection[Any]) -> list[Relation]:
    """Return the tables and views of the exposed schemas, without their columns."""
    with connection.cursor(row_factory=class_row(Relation)) as cursor:
        return cursor.execute(_RELATIONS, (list(SCHEMAS),)).fetchall()


def relation(connection: Connection[Any], full_name: str) -> Relation | None:
    """Return one exposed relation with columns and policies; None for any other name."""
    found = next((one for one in relations(connection) if one.full_name == full_name), None)
    if found is None:
        return None
    with connection.cursor(row_factory=class_row(Column)) as cursor:
        columns = tuple(cursor.execute(_COLUMNS, (found.oid,)).fetchall())
    with connection.cursor(row_factory=class_row(Policy)) as cursor:
        policies = tuple(cursor.execute(_POLICIES, (found.oid,)).fetchall())
    return Relation(
        **{name: getattr(found, name) for name in Relation.__slots__ if name not in ("columns", "policies")},
        columns=columns,
        policies=policies,
    )


def people(connection: Connection[Any], always: str | None = None) -> list[Person]:
    """Return the newest users of the database in the order of their sign-up, and ``always`` if it is one."""
    with connection.cursor(row_factory=class_row(Person)) as cursor:
        return cursor.execute(
            "select id, email from"
            " (select id::text, coalesce(email, id::text) as email, created_at from auth.users"
            " where deleted_at is null order by id::text = %s desc, created_at desc limit %s) u"
            " order by created_at, id",
            (always or "", MAX_PEOPLE),
        ).fetchall()


def rows_of(connection: Connection[Any], found: Relation) -> list[dict[str, Any]]:
    """Return the first rows of a relation as JSON objects, past all policies."""
    statement = sql.SQL("select to_jsonb(t) from (select * from {} limit {}) t").format(
        found.sql_name, sql.Literal(MAX_ROWS)
    )
    return [row[0] for row in connection.execute(statement).fetchall()]
