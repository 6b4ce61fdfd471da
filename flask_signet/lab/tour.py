"""The tour: six steps by plain links; progress is read from the database and from Flask's session."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from psycopg import Connection, sql

from flask_signet.gatekeeper.identity import Identity
from flask_signet.lab.catalog import relation, relations


@dataclass(frozen=True, slots=True)
class Step:
    """One step: what to do, where, and what it shows."""

    id: str
    title: str
    what: str
    endpoint: str
    label: str


STEPS = (
    Step(
        "signed_up",
        "Sign up",
        "Make an account and stay signed in. Then look inside the access token that your browser holds.",
        "lab.token",
        "Inspect my token",
    ),
    Step(
        "has_row",
        "Store a row of your own",
        "Make a profile in the app. The row carries your user id: the column's default is auth.uid().",
        "lab.policies",
        "See who reaches it",
    ),
    Step(
        "two_people",
        "Be somebody else",
        "Sign up a second person in a private window. In the playground, act as each of them: the same SELECT"
        " returns different rows.",
        "lab.policies",
        "Compare two people",
    ),
    Step(
        "broke",
        "Break a policy",
        "Choose a change under “Break something” and run it. The matrix shows who would reach which row; the"
        " transaction is rolled back.",
        "lab.policies",
        "Break a policy",
    ),
    Step(
        "rotated",
        "Rotate the signing key",
        "Create a standby key, put it in use, and see that your old token is still accepted everywhere.",
        "lab.keys_page",
        "Rotate a key",
    ),
    Step(
        "limited",
        "Limit a session",
        "Give sessions a time-box of 20 seconds, refresh before and after, and read how the app explains"
        " the end.",
        "lab.sessions_page",
        "Limit sessions",
    ),
)


def facts(connection: Connection[Any], identity: Identity | None) -> dict[str, bool]:
    """Return what the database knows of the tour's steps."""
    row = connection.execute(
        "select count(*) from (select from auth.users where deleted_at is null limit 2) u"
    ).fetchone()
    count = row[0] if row else 0
    return {
        "signed_up": identity is not None,
        "has_row": identity is not None and _owns_a_row(connection, identity),
        "two_people": count >= 2,
    }


def progress(session: Mapping[str, Any], found: Mapping[str, bool]) -> dict[str, bool]:
    """Return which steps are done."""
    return {
        **found,
        "broke": bool(session.get("lab_broke")),
        "rotated": bool(session.get("lab_rotated")),
        "limited": bool(session.get("lab_limited")),
    }


def _owns_a_row(connection: Connection[Any], identity: Identity) -> bool:
    for one in relations(connection):
        found = relation(connection, one.full_name)
        column = found.owner_column if found and found.is_table else None
        if found is None or column is None or column.type != "uuid":
            continue
        query = sql.SQL("select exists (select from {} where {} = {})").format(
            found.sql_name, sql.Identifier(column.name), sql.Placeholder()
        )
        row = connection.execute(query, (identity.user_id,)).fetchone()
        if row and row[0]:
            return True
    return False
