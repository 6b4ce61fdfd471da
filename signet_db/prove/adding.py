"""Insert rows of one's own, and rows that belong to others."""

from __future__ import annotations

from collections.abc import Iterable

from signet_db.prove.attempts import TableAttempts
from signet_db.prove.people import Person
from signet_db.prove.relations import Rights, literal, quoted
from signet_db.prove.world import MEMBERS


def insert_own(on: TableAttempts, person: Person, rights: Rights) -> None:
    """Insert a row of one's own, where one may have rows."""
    user = person.user
    if user is None or on.belonging.is_shared or not (user in MEMBERS["a"] | MEMBERS["b"] or user == "guest"):
        return
    values = on.values(user, rights)
    if values is None:
        return
    outcome = on.stage.attempt(person, on.insert(values), before=on.make_room(user))
    allowed = outcome.passed or outcome.is_past_policies
    asked = on.conditions[on.table.oid]
    closed = {"ended": asked.live_session, "aal1": asked.second_factor, "anonymous": asked.not_anonymous}
    is_leak = allowed and "a" in closed.get(person.name, ())
    on.results.cells[on.table.title, "insert", person.name] = (
        ("own!" if is_leak else "own") if allowed else "–"
    )
    if is_leak:

        def again(before: str) -> bool:
            room = f"{on.make_room(user)}; {before}"
            found = on.stage.attempt(person, on.insert(values), before=room)
            return found.passed or found.is_past_policies

        on.reached("insert", person, on.insert(values), "inserts", [], "a", again)


def forge(on: TableAttempts, person: Person, rights: Rights) -> None:
    """Insert a row that belongs to another user, another tenant, or under another's row."""
    for column, value, values in _forgeries(on, person, rights):
        statement = on.insert(values)
        count = f"select count(*) from {on.table.sql} where {quoted(column)} = {literal(value)}"
        before = on.count(count)
        outcome = on.stage.attempt(person, statement, ask=count)
        if outcome.is_past_policies or (outcome.passed and outcome.found[0][0] > before):

            def again(
                prepare: str, statement: str = statement, count: str = count, before: int = before
            ) -> bool:
                found = on.stage.attempt(person, statement, before=prepare, ask=count)
                return found.is_past_policies or (found.passed and found.found[0][0] > before)

            on.results.cells[on.table.title, "insert", person.name] = "ANY!"
            on.reached("insert", person, statement, "inserts", [], "a", again)
            return
    on.results.cells.setdefault((on.table.title, "insert", person.name), "–")


def _forgeries(
    on: TableAttempts, person: Person, rights: Rights
) -> Iterable[tuple[str, str, dict[str, str]]]:
    """Yield a column, its value and the row to insert, for each way in which it would be another's."""
    belonging = on.belonging
    if belonging.owners and belonging.owners[0] in rights.insert and person.user != "dave":
        values = on.values("dave", rights)
        if values is not None:
            yield belonging.owners[0], str(on.people.ids["dave"]), values
    tenancies = [tenancy.column for tenancy in belonging.tenancies]
    tenancies += [belonging.membership.tenant_column] if belonging.membership else []
    if tenancies and person.user not in MEMBERS["a"]:
        values = on.values(person.user or "zoe", rights, "a")
        for column in tenancies:
            if values is not None and column in values:
                yield column, values[column], values
    if belonging.parents and not belonging.owners and not tenancies and person.user not in MEMBERS["a"]:
        values = on.values("dave", rights)
        for key in belonging.parents:
            if values is not None and key.columns[0] in values:
                yield key.columns[0], values[key.columns[0]], values
