"""Change one's own rows in what decides about them: give them away, raise oneself."""

from __future__ import annotations

import re
from collections.abc import Iterable

from signet_db.prove.attempts import TableAttempts
from signet_db.prove.people import Person
from signet_db.prove.relations import Rights, literal, quoted
from signet_db.prove.world import Row

_PRIVILEGE = re.compile(
    r"(is_|has_)?(super)?_?(admin|administrator|staff|moderator|mod|superuser|root|verified|approved|trusted|premium"
    r"|pro|paid|employee|internal|banned|blocked|suspended)(_user|_at)?"
    r"|role|roles|user_role|account_role|app_role|access_level|permission_level|permissions|privileges|plan|tier"
    r"|credits?|balance|subscription_(status|tier|plan)",
    re.IGNORECASE,
)


def give_away(on: TableAttempts, person: Person, rights: Rights) -> None:
    """Make another the owner of one's own row, or move it into a tenant that is not one's own."""
    own = next((row for row in on.rows if row.holder == person.name and on.may(person, row, "w")), None)
    if own is None:
        return
    targets = []
    if on.belonging.owners[:1]:
        targets.append((on.belonging.owners[0], str(on.people.ids["dave"])))
    for tenancy in on.belonging.tenancies:
        other = "bob" if person.name == "alice" else "alice"
        value = on.world.tenant_value(on.table, tenancy, other)
        if value is not None and value != own.values[tenancy.column]:
            targets.append((tenancy.column, value))
    for column, value in targets:
        if column not in rights.update or not _decides_updates(on, column):
            continue
        change = f"update {on.table.sql} set {quoted(column)} = {literal(value)}"
        count = f"select count(*) from {on.table.sql} where {quoted(column)} = {literal(value)}"
        _change_own(on, "give away", person, own, rights, change, count, "gives away")


def _decides_updates(on: TableAttempts, column: str) -> bool:
    """Whether the column says who may change a row: policies for UPDATE read it, or they read no column."""
    read = {name for policy in on.table.permissive("w", "authenticated") for name in policy.columns}
    return not read or column in read


def raise_own(on: TableAttempts, person: Person, rights: Rights) -> None:
    """Change what other policies trust, or what is named like a privilege, in one's own row."""
    own = next((row for row in on.rows if row.holder == person.name and on.may(person, row, "w")), None)
    if own is None or on.belonging.is_shared:
        return
    for column in privileges(on):
        if column not in rights.update:
            continue
        value = _other_value(on, column, own)
        if value is None:
            continue
        change = f"update {on.table.sql} set {quoted(column)} = {literal(value)}"
        count = f"select count(*) from {on.table.sql} where {quoted(column)}::text = {literal(value)}"
        _change_own(on, "raise", person, own, rights, change, count, f"sets {column} of")


def privileges(on: TableAttempts) -> list[str]:
    """Return the columns that raise their owner: by name, or because policies of other tables read them."""
    table = on.table
    telling = {*on.belonging.owners, *table.key, *(column for column, _ in on.belonging.public)}
    telling |= {tenancy.column for tenancy in on.belonging.tenancies}
    telling |= {name for key in table.foreign_keys for name in key.columns}
    telling |= {on.belonging.membership.tenant_column} if on.belonging.membership else set()
    elsewhere = " ".join(_sources_elsewhere(on))
    return [
        column.name
        for column in table.columns.values()
        if column.name not in telling
        and not column.is_generated
        and (
            column.type == "bool"
            or column.is_text
            or column.labels
            or column.type in ("int2", "int4", "numeric")
        )
        and (
            _PRIVILEGE.fullmatch(column.name)
            or (
                (column.type == "bool" or column.labels)
                and re.search(rf"\b{re.escape(column.name)}\b", elsewhere)
            )
        )
    ]


def _sources_elsewhere(on: TableAttempts) -> Iterable[str]:
    """Yield the policies of other tables that name this one: what they read in it, they trust."""
    name = re.compile(rf"\b{re.escape(on.table.name)}\b")
    for table in on.world.catalogue.tables.values():
        if table.oid != on.table.oid:
            yield from (policy.text for policy in table.policies if name.search(policy.text))


def _other_value(on: TableAttempts, column: str, own: Row) -> str | None:
    kind = on.table.columns[column]
    if kind.type == "bool":
        return "false" if own.values[column] == "true" else "true"
    if kind.type in ("int2", "int4", "numeric"):
        return str(int(float(own.values[column] or 0)) + 1)
    texts = [text for names, text in on.table.checks.values() if column in names]
    allowed = list(kind.labels) or [one for text in texts for one in re.findall(r"'(\w+)'", text)]
    allowed = allowed or ["admin", "owner", "pro"]
    preferred = sorted(allowed, key=lambda one: one not in ("admin", "owner", "superadmin", "pro"))
    return next((value for value in preferred if value != own.values[column]), None)


def _change_own(
    on: TableAttempts,
    operation: str,
    person: Person,
    own: Row,
    rights: Rights,
    change: str,
    count: str,
    verb: str,
) -> None:
    before = on.count(count)
    named = own.key(on.table)
    statements = [f"{change} where {on.where(named)}"] if set(named) <= rights.select else []
    for statement in (*statements, change):
        outcome = on.stage.attempt(person, statement, ask=count)
        if outcome.passed and outcome.found[0][0] > before:

            def again(prepare: str, statement: str = statement) -> bool:
                found = on.stage.attempt(person, statement, before=prepare, ask=count)
                return found.passed and found.found[0][0] > before

            on.results.cells[on.table.title, operation, person.name] = "own!"
            on.reached(operation, person, statement, verb, [own], "w", again)
            return
