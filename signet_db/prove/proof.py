"""The proof: people, rows, attempts, the control, and for each leak the policy or door with its place."""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from psycopg import Connection, Error

from signet_db.errors import FileRefused, MigrationError, Place
from signet_db.files import Migration, find
from signet_db.prove import adding, changing, own_rows, reading
from signet_db.prove.attempts import Reached, Results, TableAttempts
from signet_db.prove.doors import Doors
from signet_db.prove.expectation import Reading, expect
from signet_db.prove.people import People, add_users, sign_in
from signet_db.prove.relations import Catalogue, Table, quoted, read_catalogue
from signet_db.prove.rows import make_rows
from signet_db.prove.stage import Stage
from signet_db.prove.world import World
from signet_db.rehearsal import applied
from signet_db.sources import place_of

# Of several people who reach the same, the one whose name says most comes first.
_TELLING = {name: place for place, name in enumerate(("nobody", "zoe", "bob", "alice", "carol"))}
# Tokens of people who try with another token too: written with only where policies can tell them apart.
_OTHER_TOKENS = frozenset({"ended", "aal1", "anonymous"})
LIMITS = "set local statement_timeout = '10s'; set local row_security = on"


@dataclass(frozen=True, slots=True)
class Leak:
    """Rows of others that people reach by one operation on one relation, and what lets them."""

    relation: str
    operation: str
    people: tuple[str, ...]
    sentence: str
    cause: str
    place: Place | None
    statement: str


@dataclass(frozen=True, slots=True)
class Proof:
    """What was tried and what came of it."""

    people: tuple[str, ...]
    cells: dict[tuple[str, str, str], str]
    leaks: tuple[Leak, ...]
    broken: dict[str, tuple[str, Place | None]]
    not_tried: dict[str, str]
    statements: int
    rows: int
    control: str  # why the proof proves nothing; empty when it does
    stale: tuple[str, ...] = field(default=())

    @property
    def is_proved(self) -> bool:
        """Whether everything that was tried held."""
        return not (self.leaks or self.broken or self.stale or self.control)


def prove_files(connection_string: str, folder: Path) -> Proof:
    """Prove the migrations of a folder in a scratch database on this server; raises MigrationError."""
    migrations = find(folder)
    with applied(connection_string, migrations, "db prove") as rehearsal:
        return prove(rehearsal.connection, migrations)


def prove(
    connection: Connection[Any], migrations: Sequence[Migration] = (), exposed: Sequence[str] | None = None
) -> Proof:
    """Prove the database of an open transaction, which the caller rolls back; raises MigrationError.

    ``exposed`` are the schemas of the data API, where the database does not say so itself.
    """
    connection.execute(LIMITS)
    catalogue = read_catalogue(connection, exposed)
    expectations = expect(catalogue, migrations)
    mark = f"mk{secrets.token_hex(3)}"
    try:
        ids, emails = add_users(connection, mark)
        world = World(catalogue, expectations, ids, mark)
        _make_rows(connection, world)
        lures = [row.values[name] or "" for row in _of_alice(world) for name in _telling(world, row.table)]
        lures = list(dict.fromkeys(lures))[:3]
        people = sign_in(connection, ids, emails, world.claims, catalogue.sources, lures)
        world.ids = people.ids
    except Error as error:
        raise MigrationError(
            f"The people of the proof could not be made: {error.diag.message_primary} ({error.sqlstate})",
            hint="Correct the trigger on auth.users that refuses new users: sign-up fails in the same way.",
            detail=error.diag.context or "",
        ) from error
    results = Results()
    stage = Stage(connection, world)
    for table in catalogue.exposed():
        _try_table(stage, people, table, results)
    doors = Doors(stage, people, results)
    for view in catalogue.views:
        doors.try_view(view)
    for function in catalogue.functions:
        doors.try_function(function)
    control = _control(stage, people, results)
    return Proof(
        tuple(person.name for person in people.all),
        results.cells,
        tuple(_leaks(stage, migrations, results.reached)),
        {title: (words, place_of(migrations, title)) for title, words in results.broken.items()},
        results.not_tried,
        stage.statements,
        sum(len(rows) for oid, rows in world.rows.items() if catalogue.tables[oid].partition_of is None),
        control,
        tuple(_stale_lines(expectations.readings, results)),
    )


def _make_rows(connection: Connection[Any], world: World) -> None:
    try:
        make_rows(connection, world)
    except Error as error:
        for line in world.expectations.readings:
            if line.condition and error.sqlstate and error.sqlstate.startswith("42"):
                raise FileRefused(
                    f"The condition of this line cannot run: {error.diag.message_primary}",
                    hint="Write it as a condition on the columns of the table.",
                    place=line.place,
                ) from error
        raise


def _of_alice(world: World) -> list[Any]:
    return [row for row in world.all_rows() if row.holder == "alice" and not row.is_open]


def _telling(world: World, table: int) -> list[str]:
    belonging = world.expectations.tables[table]
    return [*(tenancy.column for tenancy in belonging.tenancies), *belonging.owners[:1]]


def _try_table(stage: Stage, people: People, table: Table, results: Results) -> None:
    if not any(
        rights.select or rights.insert or rights.update or rights.delete or rights.truncate
        for rights in table.rights.values()
    ):
        return
    if not stage.world.rows.get(table.oid):
        reason = stage.world.failures.get(table.oid)
        if table.partition_of is None or reason:
            results.not_tried[table.title] = reason or "no row could be made"
        return
    attempts = TableAttempts(stage, people, table, results)
    _run(attempts, people)
    belonging = attempts.belonging
    if (
        belonging.is_shared
        and _is_read(results, table)
        and not stage.world.expectations.readings_of(table.title)
    ):
        results.not_tried[table.title] = (
            "who may read it is not known: it has no owner, tenant or parent. Write"
            f"  -- signet: everybody reads {table.title}"
        )
    elif not belonging.is_shared and table.title not in results.controlled and _may_be_read(table):
        results.not_tried[table.title] = (
            "no owner reaches a row of their own, so nothing shows that others do not"
        )
    elif table.has_rls and not belonging.is_shared and _may_be_read(table) and not _notices(attempts, people):
        results.not_tried[table.title] = "with row-level security off, strangers read nothing either"


def _run(on: TableAttempts, people: People) -> None:
    """Try everything that the grants let each person try."""
    for person in people.all:
        rights = on.table.rights[person.role]
        if rights.select:
            reading.select(on, person, rights)
        if person.name in _OTHER_TOKENS and not _reads_tokens(on):
            continue
        if rights.insert:
            adding.insert_own(on, person, rights)
            adding.forge(on, person, rights)
        if rights.update:
            changing.update(on, person, rights)
            changing.take(on, person, rights)
        if rights.delete:
            changing.delete(on, person, rights)
        if rights.insert and rights.update:
            changing.upsert(on, person, rights)
        if rights.truncate:
            changing.truncate(on, person)
    for person in (people.named("alice"), people.named("bob")):
        rights = on.table.rights[person.role]
        if rights.update:
            own_rows.give_away(on, person, rights)
            own_rows.raise_own(on, person, rights)
    reading.as_cached_plan(on)


def _reads_tokens(on: TableAttempts) -> bool:
    """Whether a policy of the table may treat another token of the same person differently."""
    asked = on.conditions[on.table.oid]
    return bool(
        asked.live_session
        or asked.second_factor
        or asked.not_anonymous
        or any(policy.calls_ours for policy in on.table.policies)
    )


def _is_read(results: Results, table: Table) -> bool:
    return any(
        text not in ("–", "")
        for (title, operation, _), text in results.cells.items()
        if title == table.title and operation == "select"
    )


def _may_be_read(table: Table) -> bool:
    return bool(table.rights["authenticated"].select)


def _notices(attempts: TableAttempts, people: People) -> bool:
    """Whether switching row-level security off lets a stranger read: the attempts can see a leak."""
    table = attempts.table
    columns = [name for name in table.columns if name in table.rights["authenticated"].select]
    texts = ", ".join(f"{quoted(name)}::text" for name in columns)
    outcome = attempts.stage.attempt(
        people.named("zoe"),
        f"select {texts} from {table.sql}",
        before=f"alter table {table.sql} disable row level security",
    )
    return bool(outcome.rows)


def _control(stage: Stage, people: People, results: Results) -> str:
    """Return why nothing is proved; empty when some owner reached their row, or nobody can reach anything."""
    if not stage.world.catalogue.exposed() and not stage.world.catalogue.views:
        return "no table or view is exposed by the data API"
    if results.controlled or results.reached:
        return ""
    tried = [table for table in stage.world.catalogue.exposed() if _may_be_read(table)]
    belongings = stage.world.expectations.tables
    if tried and any(not belongings[table.oid].is_shared for table in tried):
        return "no owner reached a single row of their own"
    return ""


def _leaks(stage: Stage, migrations: Sequence[Migration], reached: Sequence[Reached]) -> Iterable[Leak]:
    """Join what several people reached by the same operation into one leak each, with its cause."""
    joined: dict[tuple[str, str], list[Reached]] = {}
    for one in reached:
        joined.setdefault((one.relation, one.operation), []).append(one)
    for (relation, operation), ones in joined.items():
        first = min(ones, key=lambda one: _TELLING.get(one.person.name, len(_TELLING)))
        cause, place = _cause(stage, migrations, first)
        people = tuple(dict.fromkeys(one.person.name for one in ones))
        yield Leak(relation, operation, people, f"{first.sentence}.", cause, place, first.statement)


def _cause(stage: Stage, migrations: Sequence[Migration], one: Reached) -> tuple[str, Place | None]:
    catalogue = stage.world.catalogue
    for view in catalogue.views:
        if view.title == one.relation:
            kind = "materialized view" if view.is_materialized else "view"
            how = "shows what it selects" if view.is_invoker else "runs with its owner's rights"
            return f"{kind} {view.title} {how}", place_of(migrations, view.title, "view")
    for function in catalogue.functions:
        if function.title == one.relation:
            how = "security definer" if function.is_definer else "security invoker"
            return f"{how} function {function.title}", place_of(migrations, function.title, "function")
    table = next(table for table in catalogue.tables.values() if table.title == one.relation)
    return _cause_of_table(stage, catalogue, migrations, table, one)


def _cause_of_table(
    stage: Stage, catalogue: Catalogue, migrations: Sequence[Migration], table: Table, one: Reached
) -> tuple[str, Place | None]:
    if one.operation == "truncate":
        return "a grant of TRUNCATE, which no policy guards", place_of(migrations, table.title, "grant")
    if one.is_beside:
        return _cause_beside(catalogue, migrations, table, one)
    if not table.has_rls:
        return "row-level security is off", place_of(migrations, table.title, "table")
    culprits = [policy for policy in table.policies if policy.is_permissive and policy.governs(one.command)]
    for policy in culprits:
        with suppress(Error):
            if len(culprits) > 1 and one.again(f"drop policy {quoted(policy.name)} on {table.sql}"):
                continue
        named = f'{table.title} "{policy.name}"'
        return f"policy {named}", place_of(migrations, named, "policy")
    names = ", ".join(f'"{policy.name}"' for policy in culprits)
    place = place_of(migrations, f'{table.title} "{culprits[0].name}"', "policy") if culprits else None
    return f"policies {names} together" if culprits else "no policy", place


def _cause_beside(
    catalogue: Catalogue, migrations: Sequence[Migration], table: Table, one: Reached
) -> tuple[str, Place | None]:
    for row in one.rows:
        other = catalogue.tables.get(row.table)
        for key in other.foreign_keys if other else ():
            if key.cascades and other is not None:
                named = f"{other.title}.{quoted(key.name)}"
                if one.operation == "delete":
                    return f"foreign key {key.name} of {other.title} cascades", place_of(
                        migrations, named, "table"
                    )
    kind = "rule" if table.has_rules else "trigger"
    return f"a {kind} on {table.title}", place_of(migrations, table.title, kind)


def _stale_lines(readings: Iterable[Reading], results: Results) -> Iterable[str]:
    """Yield the written lines that open what nobody else can read."""
    for line in readings:
        cells = [
            text
            for (title, operation, person), text in results.cells.items()
            if title == line.title and operation == "select" and person in ("zoe", "bob", "nobody")
        ]
        if cells and all(re.fullmatch("–|own", text) for text in cells):
            yield f"{line.place}: only owners read rows of {line.title}: “everybody reads” is stale."
