"""The values of a row to be: owners, keys and tenants first, then candidates that checks may refuse."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from psycopg import Error

from signet_db.prove.expectation import Tenancy
from signet_db.prove.relations import Column, ForeignKey, Table, literal, quoted
from signet_db.prove.values import candidates, is_known
from signet_db.prove.world import MEMBERS, TENANT_OF, Row, World

_CHECK, _NOT_NULL, _UNIQUE, _FOREIGN, _EXCLUDED = "23514", "23502", "23505", "23503", "23P01"
_BAD_VALUE = frozenset({"22P02", "22003", "22007", "22008", "22001", "22026", "22023", "42804"})
_ON = re.compile(r"(is_)?(active|accepted|approved|confirmed|enabled|joined)", re.IGNORECASE)
_LATER_NULL = re.compile(
    r"(deleted|archived|removed|banned|revoked|disabled|suspended|left|cancelled|canceled)_?(at|by|on)?",
    re.IGNORECASE,
)
_STRONG, _WEAK = ("owner", "admin", "administrator"), ("member", "viewer", "reader", "user", "guest")


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
        self.tenant = tenant or TENANT_OF.get(holder, "a")
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
            self.tenant = TENANT_OF[self.changed[column]]
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
        tenant = [row for row in settled if TENANT_OF.get(row.holder) == self.tenant]
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
