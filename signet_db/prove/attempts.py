"""Everything that each person tries with a table, and what of it reaches rows of others."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from signet_db.prove.expectation import Belonging
from signet_db.prove.people import People, Person
from signet_db.prove.relations import Rights, Table, literal, quoted
from signet_db.prove.rows import fresh_values
from signet_db.prove.stage import Stage, watched_tables
from signet_db.prove.world import Row, World

COMMANDS = {"select": "r", "insert": "a", "update": "w", "delete": "d"}


@dataclass(frozen=True, slots=True)
class Reached:
    """A statement by which a person reached what is not theirs."""

    relation: str
    operation: str
    person: Person
    statement: str
    sentence: str
    command: str = ""  # r, a, w, d: the policies in question
    rows: tuple[Row, ...] = ()
    is_beside: bool = False  # in another table than the one named
    again: Callable[[str], bool] = field(default=lambda before: False, repr=False)


@dataclass(slots=True)
class Results:
    """A cell for each relation, operation and person; what leaked; what could not be tried."""

    cells: dict[tuple[str, str, str], str] = field(default_factory=dict)
    reached: list[Reached] = field(default_factory=list)
    broken: dict[str, str] = field(default_factory=dict)  # relations whose policies cannot run
    not_tried: dict[str, str] = field(default_factory=dict)
    controlled: set[str] = field(default_factory=set)  # relations of which an owner reached their row


@dataclass(frozen=True, slots=True)
class Conditions:
    """What beside the user the policies of a table ask of a token, by command."""

    live_session: frozenset[str]
    second_factor: frozenset[str]
    not_anonymous: frozenset[str]


def conditions_of(world: World, table: Table) -> Conditions:
    """Return for which commands a policy reads the session, the assurance level or is_anonymous."""

    def commands(*words: str) -> frozenset[str]:
        return frozenset(
            command
            for command in COMMANDS.values()
            for policy in table.policies
            if policy.governs(command) and any(word in policy.text for word in words)
        )

    functions = [name.replace('"', "") for name in world.catalogue.session_functions]
    return Conditions(commands("auth.sessions", *functions), commands("'aal'"), commands("is_anonymous"))


class TableAttempts:
    """The attempts on one table: whose rows are whose in it, values for new ones, and the results."""

    def __init__(self, stage: Stage, people: People, table: Table, results: Results) -> None:
        self.stage = stage
        self.world = stage.world
        self.people = people
        self.table = table
        self.results = results
        self.rows = self.world.rows.get(table.oid, [])
        self.belonging: Belonging = self.world.expectations.tables[
            table.oid if table.partition_of is None else table.partition_of
        ]
        self.conditions = {
            oid: conditions_of(self.world, one) for oid, one in self.world.catalogue.tables.items()
        }
        self.watched = watched_tables(self.world, table)
        self.fresh: dict[tuple[str, str], dict[str, str] | None] = {}

    def may(self, person: Person, row: Row, command: str) -> bool:
        """Whether the row is the person's, to reach by this command."""
        if person.user is None or person.user not in row.entitled:
            return False
        asked = self.conditions[row.table]
        closed = {"ended": asked.live_session, "aal1": asked.second_factor, "anonymous": asked.not_anonymous}
        return command not in closed.get(person.name, ())

    def may_read(self, person: Person, row: Row) -> bool:
        """Whether the person may read the row: their own, an open one, or one of a shared table."""
        if person.name == "ended" and "r" in self.conditions[row.table].live_session:
            return False
        if self.may(person, row, "r") or self.belonging.is_shared:
            return True
        return row.is_open and (person.user is not None or row.opens_to_anon)

    @staticmethod
    def where(values: Mapping[str, str | None]) -> str:
        return " and ".join(f"{quoted(name)} = {literal(value)}" for name, value in values.items())

    def plain_column(self, names: Iterable[str]) -> str | None:
        """Return the column to change: one that says nothing about whose the row is, and is not unique."""
        unique = {name for columns in self.table.unique for name in columns}
        telling = {*self.belonging.owners, *(tenancy.column for tenancy in self.belonging.tenancies)}
        telling |= {name for key in self.table.foreign_keys for name in key.columns}
        read = {name for policy in self.table.policies for name in policy.columns}

        def rank(name: str) -> tuple[bool, bool, bool, bool]:
            return (name in unique, name in telling, name in read, not self.table.columns[name].is_text)

        usable = [
            name for name in self.table.columns if name in names and not self.table.columns[name].is_generated
        ]
        return min(usable, key=rank, default=None)

    def values(self, holder: str, rights: Rights, tenant: str = "") -> dict[str, str] | None:
        if (holder, tenant) not in self.fresh:
            self.fresh[holder, tenant] = fresh_values(
                self.stage.connection, self.world, self.table, holder, tenant, self.make_room(holder)
            )
        values = self.fresh[holder, tenant]
        return {name: value for name, value in values.items() if name in rights.insert} if values else None

    def insert(self, values: dict[str, str]) -> str:
        names = ", ".join(quoted(name) for name in values)
        texts = ", ".join(literal(value) for value in values.values())
        if not values:
            return f"insert into {self.table.sql} default values"
        return f"insert into {self.table.sql} ({names}) values ({texts})"

    def make_room(self, user: str) -> str:
        """Return the statement that lets a user insert a row where one is all they may have."""
        owners = self.belonging.owners
        if owners and any(set(columns) <= {*owners, *self.tenant_columns()} for columns in self.table.unique):
            where = f"{quoted(owners[0])} = {literal(str(self.people.ids[user]))}"
            return f"delete from {self.table.sql} where {where}"
        return ""

    def tenant_columns(self) -> list[str]:
        membership = self.belonging.membership
        return [
            *(t.column for t in self.belonging.tenancies),
            *([membership.tenant_column] if membership else []),
        ]

    def count(self, query: str) -> int:
        row = self.stage.connection.execute(query.encode()).fetchone()
        return int(row[0]) if row else 0

    def cell(
        self, operation: str, person: Person, reached: Sequence[Row], others: Sequence[Row], command: str
    ) -> None:
        own = [row for row in self.rows if self.may(person, row, command)]
        mark = "!" if others else ""
        if not reached:
            text = "–"
        elif len(reached) == len(self.rows) and len(own) < len(self.rows):
            text = "ALL"
        elif own and len(own) == sum(self.may(person, row, command) for row in reached):
            more = len(reached) - len(own)
            text = f"own+{more}" if more else "own"
        else:
            text = str(len(reached))
        self.results.cells[self.table.title, operation, person.name] = text + mark

    def reached(
        self,
        operation: str,
        person: Person,
        statement: str,
        verb: str,
        rows: Sequence[Row],
        command: str,
        again: Callable[[str], bool] = lambda before: False,
    ) -> None:
        beside = [row for row in rows if row.table != self.table.oid]
        is_beside = bool(beside) and len(beside) == len(rows)
        where = self.table.title
        if is_beside:
            where = ", ".join(sorted({self.world.catalogue.tables[row.table].title for row in beside}))
            verb = f"{verb} {self.table.title} and with it"
        sentence = f"{person.title}, {verb} {whose(rows, where)}"
        if operation in ("give away", "raise"):
            sentence = f"{person.title}, {verb} their own row of {where}"
        if operation == "insert" and person.name in ("ended", "aal1", "anonymous") and not rows:
            sentence = f"{person.title}, inserts rows into {where}"
        self.results.reached.append(
            Reached(
                self.table.title,
                operation,
                person,
                statement,
                sentence,
                command,
                tuple(rows),
                is_beside,
                again,
            )
        )


def whose(rows: Sequence[Row], where: str) -> str:
    """Return rows in words: how many, of which relation, belonging to whom."""
    if not rows:
        return f"a row of {where} that is not theirs"
    *others, last = sorted({row.holder for row in rows})
    holders = f"{', '.join(others)} and {last}" if others else last
    return f"1 row of {where} ({holders})" if len(rows) == 1 else f"{len(rows)} rows of {where} ({holders})"
