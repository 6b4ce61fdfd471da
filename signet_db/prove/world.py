"""Everything that was made for a proof: marked rows, and whose they are."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from uuid import UUID

from signet_db.prove.expectation import Expectations, Tenancy
from signet_db.prove.people import PUBLIC_HOLDER
from signet_db.prove.relations import Catalogue, Column, Table

TENANT_OF = {"alice": "a", "carol": "a", "bob": "b", PUBLIC_HOLDER: "a"}
MEMBERS = {"a": frozenset({"alice", "carol"}), "b": frozenset({"bob", "carol"})}


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
            return self._made_up_tenant(table.columns[tenancy.column], TENANT_OF[holder])
        row = self.row_of(target, "bob" if TENANT_OF[holder] == "b" else "alice")
        return row.values[key.target_columns[0]] if row else None

    def _made_up_tenant(self, column: Column, tenant: str) -> str:
        number = 0xA if tenant == "a" else 0xB
        if column.type == "uuid":
            return f"00000000-0000-4000-9000-{number:012x}"
        return f"{self.mark}-{tenant}" if column.is_text else str(number)
