"""Views and functions: doors past the policies, found by the marks of others' rows in their results."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Sequence

from signet_db.prove.attempts import Reached, Results, conditions_of, whose
from signet_db.prove.people import People, Person
from signet_db.prove.relations import Function, View, literal, quoted
from signet_db.prove.stage import Stage
from signet_db.prove.world import Row, World

_MOST_CALLS = 12
_ALIKE = {
    "integer": ("1", "700001"),
    "bigint": ("1", "700001"),
    "smallint": ("1",),
    "numeric": ("1",),
    "real": ("1",),
    "double precision": ("1",),
    "boolean": ("true", "false"),
    "date": ("2030-06-01",),
    "timestamp with time zone": ("2001-06-01 12:00+00", "2030-06-01 12:00+00"),
    "timestamp without time zone": ("2001-06-01 12:00",),
    "interval": ("1 hour",),
    "inet": ("203.0.113.7",),
}


class Doors:
    """The attempts on views and functions."""

    def __init__(self, stage: Stage, people: People, results: Results) -> None:
        self.stage = stage
        self.world: World = stage.world
        self.people = people
        self.results = results
        self.catalogue = stage.world.catalogue
        self.everything = frozenset(oid for oid, rows in self.world.rows.items() if rows)
        self.marks = _marks(self.world)
        self._pattern = re.compile(
            "|".join(map(re.escape, sorted(self.marks, key=len, reverse=True))) or r"(?!)"
        )
        self._emails = {email: name for name, email in people.emails.items()}
        self._email = re.compile("|".join(map(re.escape, self._emails)))
        self._conditions = {
            oid: conditions_of(self.world, table) for oid, table in self.catalogue.tables.items()
        }

    # Views

    def try_view(self, view: View) -> None:
        """Read the view as every person, and write through it."""
        readings = self.world.expectations.readings_of(view.title)
        count = self.stage.connection.execute(f"select count(*) from {view.sql}".encode()).fetchone()
        if view.is_materialized:
            self._refresh(view)
        elif not count or not count[0]:
            self.results.not_tried[view.title] = "no row that was made shows in it"
        for person in self.people.all:
            rights = view.rights[person.role]
            if rights.select:
                is_open = any(
                    one.condition is None and (person.user or not one.signed_in) for one in readings
                )
                self._read_view(view, person, sorted(rights.select), is_open)
            self._write_view(view, person)

    def _refresh(self, view: View) -> None:
        self.stage.connection.execute(f"refresh materialized view {view.sql}".encode())

    def _read_view(self, view: View, person: Person, columns: Sequence[str], is_open: bool) -> None:
        names = [name for name in view.columns if name in columns]
        texts = ", ".join(f"{quoted(name)}::text" for name in names)
        outcome = self.stage.attempt(person, f"select {texts} from {view.sql}")
        if not outcome.passed and outcome.sqlstate != "42501":
            self.results.broken.setdefault(view.title, f"{outcome.message} ({outcome.sqlstate})")
        others = [] if is_open else self._others_in(outcome.rows, person)
        count = len(outcome.rows)
        self.results.cells[view.title, "select", person.name] = f"{count or '–'}{'!' if others else ''}"
        if others:
            self._reached(view.title, "select", person, f"select * from {view.title}", "reads", others)

    def _write_view(self, view: View, person: Person) -> None:
        rights = view.rights[person.role]
        column = next((name for name in view.text_columns if name in rights.update), None)
        statements = []
        if column is not None:
            value = f"'{self.world.mark}'"
            statements.append(("update", f"update {view.sql} set {quoted(column)} = {value}", "changes"))
        if rights.delete:
            statements.append(("delete", f"delete from {view.sql}", "deletes"))
        for operation, statement, verb in statements:
            outcome = self.stage.attempt(person, statement, self.everything)
            others = [row for row in outcome.touched if not self._may(person, row, "w")]
            count = len(outcome.touched)
            self.results.cells[view.title, operation, person.name] = f"{count or '–'}{'!' if others else ''}"
            if others:
                self._reached(view.title, operation, person, statement, verb, others)

    # Functions

    def try_function(self, function: Function) -> None:
        """Call the function with arguments made up from alice's rows, as every person."""
        choices = [self._arguments(name, kind) for name, kind in function.arguments]
        if not all(choices):
            kind = next(kind for (_, kind), made in zip(function.arguments, choices, strict=True) if not made)
            self.results.not_tried[function.title] = f"no argument of type {kind} could be made up"
            return
        if not self.everything:
            self.results.not_tried[function.title] = "there is no row that it could reach"
            return
        calls = list(itertools.islice(itertools.product(*choices), _MOST_CALLS))
        for person in self.people.all:
            if person.role in function.roles and person.name not in ("alice", "aal1", "ended"):
                self._call(function, person, calls)

    def _call(self, function: Function, person: Person, calls: Iterable[Sequence[str]]) -> None:
        cell = "–"
        for arguments in calls:
            text = ", ".join(
                f"{literal(value)}::{kind}"
                for value, (_, kind) in zip(arguments, function.arguments, strict=True)
            )
            statement = f"select answer::text from {function.sql}({text}) as answer"
            outcome = self.stage.attempt(person, statement, self.everything)
            if outcome.passed:
                cell = "runs"
            given = set(arguments)
            read = self._others_in(outcome.rows, person, given)
            written = [row for row in outcome.touched if not self._may(person, row, "w")]
            if read or written:
                self.results.cells[function.title, "call", person.name] = "runs!"
                verb = "calls a function that changes" if written else "calls a function that reads"
                self._reached(function.title, "call", person, statement, verb, written or read)
                return
        self.results.cells[function.title, "call", person.name] = cell

    def _arguments(self, name: str, kind: str) -> list[str]:
        """Return values for an argument: what its name refers to among alice's rows, else by type."""
        plain = (
            name.strip("_").removeprefix("p_").removeprefix("in_").removeprefix("target_").removeprefix("_")
        )
        alice = self.people.ids["alice"]
        if kind == "uuid":
            named = [str(alice)] if re.search("user|owner|account|member|author|person|who", plain) else []
            found = [*named, *self._values_of(plain, kind), str(alice), *self._keys("uuid")]
            return list(dict.fromkeys(found))[:6]
        if kind in ("text", "character varying", "citext"):
            mails = [self.people.emails["alice"]] if "mail" in plain else []
            found = [
                *mails,
                *self._values_of(plain, kind),
                self.people.emails["alice"],
                self.world.mark,
                "%",
                "",
            ]
            return list(dict.fromkeys(found))[:4]
        if kind in _ALIKE:
            return list(dict.fromkeys([*self._values_of(plain, kind), *_ALIKE[kind]]))[:3]
        if kind.endswith("[]") and (one := self._arguments(name, kind.removesuffix("[]"))):
            return ["{" + ",".join(f'"{value}"' for value in one) + "}"]
        return self._labels(kind)

    def _values_of(self, name: str, kind: str) -> list[str]:
        """Return alice's values in columns of this name, or keys of tables named so."""
        found = []
        for row in self.world.all_rows():
            table = self.catalogue.tables[row.table]
            if row.holder != "alice" or row.is_open:
                continue
            if (value := row.values.get(name)) is not None:
                found.append(value)
            if len(table.key) == 1 and name.removesuffix("_id") in (table.name, table.name.removesuffix("s")):
                found.append(row.values[table.key[0]] or "")
        return list(dict.fromkeys(found))

    def _keys(self, kind: str) -> list[str]:
        return [
            row.values[table.key[0]] or ""
            for row in self.world.all_rows()
            if row.holder == "alice" and not row.is_open
            for table in (self.catalogue.tables[row.table],)
            if len(table.key) == 1 and table.columns[table.key[0]].type == kind
        ]

    def _labels(self, kind: str) -> list[str]:
        query = "select enumlabel::text from pg_enum where enumtypid = to_regtype(%s) order by enumsortorder"
        return [label for (label,) in self.stage.connection.execute(query, (kind,))][:2]

    # Whose is what

    def _may(self, person: Person, row: Row, command: str) -> bool:
        if person.user is None or person.user not in row.entitled:
            return False
        asked = self._conditions[row.table]
        return not (person.name == "ended" and command in asked.live_session)

    def _others_in(
        self,
        rows: Iterable[tuple[object, ...]],
        person: Person,
        given: frozenset[str] | set[str] = frozenset(),
    ) -> list[Row]:
        """Return the rows of others whose marks show in an answer, beside those that were given to it."""
        text = "\n".join(str(value) for row in rows for value in row)
        found = [
            row
            for mark in dict.fromkeys(self._pattern.findall(text))
            if mark not in given and not any(mark in value for value in given)
            for row in (self.marks[mark],)
        ]
        others = [row for row in found if not self._may_read(person, row)]
        for email in dict.fromkeys(self._email.findall(text)):
            name = self._emails[email]
            if name != person.user and email not in given:
                others.append(Row(0, name, frozenset({name}), {}))
        return others

    def _may_read(self, person: Person, row: Row) -> bool:
        if self.world.expectations.tables[row.table].is_shared or self._may(person, row, "r"):
            return True
        return row.is_open and (person.user is not None or row.opens_to_anon)

    def _reached(
        self, title: str, operation: str, person: Person, statement: str, verb: str, rows: Sequence[Row]
    ) -> None:
        tables = sorted(
            {self.catalogue.tables[row.table].title if row.table else "auth.users" for row in rows}
        )
        sentence = f"{person.title}, {verb} {whose(rows, ', '.join(tables))}"
        self.results.reached.append(Reached(title, operation, person, statement, sentence, "", tuple(rows)))


def _marks(world: World) -> dict[str, Row]:
    """Return the texts by which rows are recognised: marked text, and keys that nothing refers to."""
    referred = {key.target for table in world.catalogue.tables.values() for key in table.foreign_keys}
    found: dict[str, Row] = {}
    marked = re.compile(rf"{re.escape(world.mark)}[0-9a-f]{{4}}")
    for row in world.all_rows():
        table = world.catalogue.tables[row.table]
        if table.partition_of is not None:
            continue
        text = " ".join(value for value in row.values.values() if value)
        for mark in marked.findall(text):
            found.setdefault(mark, row)
        own_key = len(table.key) == 1 and table.columns[table.key[0]].type == "uuid"
        owners = world.expectations.tables[row.table].owners
        if own_key and row.table not in referred and table.key[0] not in owners:
            found[row.values[table.key[0]] or ""] = row
        for column in table.columns.values():
            value = row.values[column.name]
            if (
                value
                and value.startswith("700")
                and len(value) == 6
                and column.type in ("int4", "int8", "numeric")
            ):
                found.setdefault(value, row)
    return found
