"""The corpus of broken schemas: each with a right twin, and a witness statement that shows the fault."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

from psycopg import Connection, Error
from psycopg.rows import TupleRow

from signet_db.testing import as_nobody, as_role, as_user, claims_of, new_user

FOLDER = Path(__file__).with_name("broken")
_SECTION = re.compile(
    r"^-- (both|broken|right|seed|witness): ?(.*)\n|^-- (both|broken|right|seed)\n", re.MULTILINE
)


@dataclass(frozen=True, slots=True)
class Case:
    """A fault. ``named_by`` are ``prove`` or rules of the lint; ``witness`` is run as ``person``.

    The person is a name and before it how they come: ``blind`` (rows change, unread), ``ended``,
    ``metadata``, ``header``, ``cached``, ``changes`` (rows of alice change), ``fails`` (policies cannot run).
    """

    name: str
    fault: str
    named_by: tuple[str, ...]
    broken: str
    right: str
    seed: str
    witness: str
    person: str

    def __str__(self) -> str:
        return self.name


def cases() -> list[Case]:
    """Return the corpus, by name."""
    return [_read(path) for path in sorted(FOLDER.glob("*.sql"))]


def _read(path: Path) -> Case:
    text = path.read_text(encoding="utf-8")
    starts = list(_SECTION.finditer(text))
    ends = [match.start() for match in starts[1:]] + [len(text)]
    parts = {(match[1] or match[3]): text[match.end() : end] for match, end in zip(starts, ends, strict=True)}
    header = dict(re.findall(r"^-- (fault|named by|witness): (.+)$", text, re.MULTILINE))
    return Case(
        path.stem,
        header["fault"],
        tuple(header["named by"].split(", ")),
        parts["both"] + parts["broken"],
        parts["both"] + parts["right"],
        parts["seed"],
        parts["witness"],
        header["witness"],
    )


def is_witnessed(connection: Connection[TupleRow], case: Case) -> bool:
    """Seed the database, run the witness as its person, and return whether it shows the fault."""
    alice, bob = new_user(connection), new_user(connection)

    def filled(text: str) -> bytes:
        return text.replace(":alice", f"'{alice}'").replace(":bob", f"'{bob}'").encode()

    connection.execute(filled(case.seed))
    how, _, name = case.person.rpartition(" ")
    person = {"alice": alice, "bob": bob}.get(name)
    before = _rows(connection)
    try:
        with connection.transaction():
            return _shows(connection, case, how, person, alice, before, filled)
    except Error as error:
        return how == "fails" and error.sqlstate in ("42P17", "42501", "21000")


def _shows(
    connection: Connection[TupleRow],
    case: Case,
    how: str,
    person: UUID | None,
    alice: UUID,
    before: str,
    filled: Callable[[str], bytes],
) -> bool:
    witness = filled(case.witness)
    if case.person == "nobody":
        with as_nobody(connection):
            return connection.execute(witness).rowcount > 0
    if case.person == "anonymous":
        guest = new_user(connection, is_anonymous=True)
        with as_user(connection, guest):
            return connection.execute(witness).rowcount > 0
    assert person is not None
    if how == "cached":
        return _cached(connection, witness, alice, person)
    metadata = {"role": "admin"} if how == "metadata" else None
    with as_user(connection, person, user_metadata=metadata) as session:
        if how == "header":
            connection.execute(
                "select set_config('request.headers', %s, true)", (json.dumps({"x-user": str(alice)}),)
            )
        if how == "ended":
            with as_role(connection, "none"):
                connection.execute("delete from auth.sessions where id = %s", (session,))
                with as_role(connection, "authenticated", claims_of(person, session)):
                    return connection.execute(witness).rowcount > 0
        rows = connection.execute(witness).rowcount
    if how == "changes":
        return _of(alice, _rows(connection)) != _of(alice, before)
    if how == "blind":
        return _rows(connection) != before
    return rows > 0 and how != "fails"


def _cached(connection: Connection[TupleRow], witness: bytes, alice: UUID, bob: UUID) -> bool:
    """Plan the witness as alice, run the plan as bob."""
    connection.execute("set local plan_cache_mode = force_generic_plan")
    with as_user(connection, alice):
        connection.execute(b"prepare witness as " + witness)
        connection.execute("execute witness")
    with as_user(connection, bob):
        rows = connection.execute("execute witness").rowcount
    connection.execute("deallocate witness")
    return rows > 0


def _of(person: UUID, rows: str) -> list[str]:
    return [row for row in rows.splitlines() if str(person) in row]


def _rows(connection: Connection[TupleRow]) -> str:
    """Return everything in schema public, as text."""
    tables = connection.execute(
        "select oid::regclass::text from pg_class where relnamespace = 'public'::regnamespace"
        " and relkind in ('r', 'p') order by 1"
    ).fetchall()
    found = []
    for (title,) in tables:
        found += sorted(text for (text,) in connection.execute(f"select t::text from {title} t".encode()))
    return "\n".join(found)
