"""Rows made from the catalogue, each marked with its owner, and the people who may reach them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from psycopg import Connection, Error

from signet_db.prove.expectation import Expectations, Tenancy
from signet_db.prove.people import HOLDERS, PUBLIC_HOLDER
from signet_db.prove.relations import Catalogue, Column, ForeignKey, Table, literal, quoted
from signet_db.prove.values import candidates, is_known

_CHECK, _NOT_NULL, _UNIQUE, _FOREIGN, _EXCLUDED = "23514", "23502", "23505", "23503", "23P01"
_BAD_VALUE = frozenset({"22P02", "22003", "22007", "22008", "22001", "22026", "22023", "42804"})
_MOST_TRIES = 60
_ON = re.compile(r"(is_)?(active|accepted|approved|confirmed|enabled|joined)", re.IGNORECASE)
_LATER_NULL = re.compile(
    r"(deleted|archived|removed|banned|revoked|disabled|suspended|left|cancelled|canceled)_?(at|by|on)?",
    re.IGNORECASE,
)
_TENANT_OF = {"alice": "a", "carol": "a", "bob": "b", PUBLIC_HOLDER: "a"}
MEMBERS = {"a": frozenset({"alice", "carol"}), "b": frozenset({"bob", "carol"})}
_STRONG, _WEAK = ("owner", "admin", "administrator"), ("member", "viewer", "reader", "user", "guest")


@dataclass(slots=True)
class Row:
    """A row that was made; ``entitled`` are the users to whom it belongs, ``is_open`` lets others read it."""

    table: int
    holder: str
    entitled: frozenset[str]
    values: dict[str, str | None]
    is_open: bool = False
    opens_to_anon: bool = False
    ctid: str = ""

    def key(self, table: Table) -> dict[str, str | None]:
        """Return what names the row: its primary key, else every column."""
        return {name: self.values[name] for name in table.key or table.columns}


@dataclass(slots=True)
class World:
    """Everything that was made: rows by table, and the reasons why a table has none."""

    catalogue: Catalogue
    expectations: Expectations
    ids: Mapping[str, UUID]
    mark: str
    rows: dict[int, list[Row]] = field(default_factory=dict)
    failures: dict[int, str] = field(default_factory=dict)
    claims: dict[str, dict[str, object]] = field(default_factory=dict)
    number: int = 0

    def all_rows(self) -> Iterator[Row]:
        """Yield the rows of all tables."""
        for rows in self.rows.values():
            yield from rows

    def row_of(self, table: int, holder: str) -> Row | None:
        """Return the first row that a person holds in a table."""
        return next((row for row in self.rows.get(table, ()) if row.holder == holder), None)

    def tenant_value(self, table: Table, tenancy: Tenancy, holder: str) -> str | None:
        """Return the tenant of a holder as a value for a column of tenants; None without a row for it."""
        key = next((one for one in table.foreign_keys if one.columns == (tenancy.column,)), None)
        target = tenancy.membership.tenants if tenancy.membership else key.target if key else None
        if target is None or target not in self.rows or key is None:
            return self._made_up_tenant(table.columns[tenancy.column], _TENANT_OF[holder])
        row = self.row_of(target, "bob" if _TENANT_OF[holder] == "b" else "alice")
        return row.values[key.target_columns[0]] if row else None

    def _made_up_tenant(self, column: Column, tenant: str) -> str:
        number = 0xA if tenant == "a" else 0xB
        if column.type == "uuid":
            return f"00000000-0000-4000-9000-{number:012x}"
        return f"{self.mark}-{tenant}" if column.is_text else str(number)


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


class Draft:
    """The values of a row to be, for each column the next candidate when one is refused."""

    def __init__(
        self, world: World, table: Table, holder: str, changed: Mapping[str, str], tenant: str = ""
    ) -> None:
        self.world = world
        self.table = table
        self.holder = holder
        self.changed = changed
        self.belonging = world.expectations.tables[table.oid]
        self.missing = ""
        self.values: dict[str, str | None] = {}
        self._choices: dict[str, Iterator[str]] = {}
        self.partners: list[str] = []
        self.tenant = tenant or _TENANT_OF.get(holder, "a")
        self._fill_owners()
        self._fill_keys()
        self._fill_others()
        for name, value in changed.items():
            if name != self._tenant_column():
                self.values[name] = value

    @property
    def is_public(self) -> bool:
        """Whether the row carries a public flag."""
        return any(self.changed.get(column) == value for column, value in self.belonging.public)

    def _tenant_column(self) -> str:
        membership = self.belonging.membership
        return membership.tenant_column if membership else ""

    def _fill_owners(self) -> None:
        column = self._tenant_column()
        if column in self.changed:
            self.tenant = _TENANT_OF[self.changed[column]]
        person = str(self.world.ids[self.holder])
        users = {
            key.columns[0]
            for key in self.table.foreign_keys
            if key.target_title == "auth.users" and len(key.columns) == 1
        }
        for name in (*self.belonging.owners, *sorted(users)):
            self.values[name] = person
        holder = "bob" if self.tenant == "b" else "alice"
        for tenancy in self.belonging.tenancies:
            self.values[tenancy.column] = self.world.tenant_value(self.table, tenancy, holder)
            if tenancy.claim:
                for member in MEMBERS[self.tenant] if self.holder != "carol" else ():
                    claims = self.world.claims.setdefault(member, {})
                    claims.setdefault(tenancy.claim, self.values[tenancy.column])
        membership = self.belonging.membership
        if membership is not None:
            tenancy = Tenancy(membership.tenant_column, membership)
            self.values[membership.tenant_column] = self.world.tenant_value(self.table, tenancy, holder)

    def _fill_keys(self) -> None:
        for key in self.table.foreign_keys:
            if (
                all(self.values.get(name) is not None for name in key.columns)
                or key.target not in self.world.rows
            ):
                continue
            target = self._target(key)
            if target is None:
                needed = [name for name in key.columns if self.table.columns[name].is_required]
                if needed and key.target != self.table.oid and not self.values.get(needed[0]):
                    self.missing = f"no row could be made: {key.target_title} has no row to refer to"
                continue
            for name, other in zip(key.columns, key.target_columns, strict=True):
                if self.values.get(name) is None:
                    self.values[name] = target.values[other]

    def _target(self, key: ForeignKey) -> Row | None:
        """Return the row to refer to: the holder's own, of the same tenant, else any."""
        rows = self.world.rows.get(key.target, ())
        settled = [
            row
            for row in rows
            if all(
                self.values.get(name) in (None, row.values[other])
                for name, other in zip(key.columns, key.target_columns, strict=True)
            )
        ]
        own = [row for row in settled if row.holder == self.holder and not row.is_open]
        tenant = [row for row in settled if _TENANT_OF.get(row.holder) == self.tenant]
        return next(iter((*own, *tenant, *settled)), None)

    def _fill_others(self) -> None:
        in_keys = {name for key in self.table.foreign_keys for name in key.columns}
        mark = f"{self.world.mark}{self.world.number:04x}"
        for column in self.table.columns.values():
            name = column.name
            if name in self.values or column.is_generated or name in in_keys:
                continue
            if roles := self._roles(column):
                self._choices[name] = iter(roles)
                self._next(name)
                continue
            if not column.is_text and (column.has_default and column.type != "bool"):
                continue
            if not column.is_required and _LATER_NULL.fullmatch(name):
                continue
            if column.type == "bool" and self.belonging.membership and _ON.fullmatch(name):
                self.values[name] = "true"
                continue
            if column.has_default and self._has_list(column) and not self.belonging.membership:
                continue  # a status or a role begins with its default
            choices = candidates(self.table, column, mark, self.world.number)
            self._choices[name] = choices
            first = next(self._choices[name], None)
            if first is not None:
                self.values[name] = first
            elif column.is_required and not column.has_default and not is_known(column):
                self.missing = f"no row could be made: no value of type {column.type} for {name}"

    def _has_list(self, column: Column) -> bool:
        return bool(column.labels) or any(
            column.name in names and "ARRAY[" in text for names, text in self.table.checks.values()
        )

    def _roles(self, column: Column) -> list[str]:
        """Return the roles of a membership: the strongest first for alice and bob, the weakest for carol."""
        if self.belonging.membership is None or not re.search("role|level|rank|kind|type", column.name):
            return []
        texts = [text for names, text in self.table.checks.values() if column.name in names]
        named = {
            one for text in (*texts, *self.world.catalogue.sources) for one in re.findall(r"'(\w+)'", text)
        }
        known = set(column.labels) or named
        wanted = (*_WEAK, *_STRONG) if self.holder == "carol" else (*_STRONG, *_WEAK)
        return [role for role in wanted if role in known] if column.is_text or column.labels else []

    def entitled(self) -> frozenset[str]:
        """Return the users to whom the row belongs."""
        belonging = self.belonging
        users: set[str] = {self.holder, *self.partners} if belonging.owners else set()
        if belonging.tenancies or belonging.membership:
            users |= MEMBERS[self.tenant]
        if belonging.members_read:
            users |= MEMBERS[self.tenant]
        for key in belonging.parents:
            target = self._target(key)
            users |= target.entitled if target else set()
        return frozenset(users)

    def statement(self) -> str:
        """Return the INSERT, which gives back every column as text."""
        columns = [name for name, value in self.values.items() if value is not None]
        returning = ", ".join(f"{quoted(name)}::text" for name in self.table.columns)
        into = f"insert into {self.table.sql}"
        if not columns:
            return f"{into} default values returning {returning}"
        names = ", ".join(quoted(name) for name in columns)
        values = ", ".join(literal(self.values[name]) for name in columns)
        return f"{into} ({names}) overriding system value values ({values}) returning {returning}"

    def vary(self, error: Error) -> bool:
        """Take the next candidate for what the error names; False where there is none."""
        state, diag = error.sqlstate or "", error.diag
        names: list[str] = []
        if state == _CHECK and diag.constraint_name in self.table.checks:
            names = sorted(self.table.checks[diag.constraint_name][0], key=self._is_fixed)
            if self._has_partner([name for name in names if name in self.belonging.owners]):
                return True
        elif state in _BAD_VALUE or state == _CHECK:
            names = list(self._choices)
        elif state == _NOT_NULL and diag.column_name:
            return self._provide(diag.column_name)
        elif state in (_UNIQUE, _EXCLUDED) and diag.constraint_name:
            names = [name for name in self._choices if name in (diag.message_detail or "")]
        return any(self._next(name) for name in names)

    def _has_partner(self, owners: list[str]) -> bool:
        """Name another user in the second of two owner columns that must differ, such as a recipient."""
        if len(owners) < 2 or self.partners:
            return False
        partner = "alice" if self.holder == "carol" else "carol"
        self.partners.append(partner)
        self.values[self.belonging.owners[1]] = str(self.world.ids[partner])
        return True

    def _is_fixed(self, name: str) -> bool:
        return name not in self._choices

    def _next(self, name: str) -> bool:
        value = next(self._choices.get(name, iter(())), None)
        if value is None:
            return False
        self.values[name] = value
        return True

    def _provide(self, name: str) -> bool:
        column = self.table.columns.get(name)
        if column is None or self.values.get(name) is not None:
            return False
        mark = f"{self.world.mark}{self.world.number:04x}"
        self._choices[name] = candidates(self.table, column, mark, self.world.number)
        return self._next(name)


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
