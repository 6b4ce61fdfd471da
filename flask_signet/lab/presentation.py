"""Reading the lab's forms, and what its pages show beside the results: sentences, snippets, drawings."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote
from uuid import UUID

from psycopg import Connection
from psycopg.rows import dict_row

from flask_signet.lab.attempts import Attempt, Outcome
from flask_signet.lab.catalog import Relation
from flask_signet.lab.errors import BadChoice
from flask_signet.lab.keys import KeyRow
from flask_signet.lab.people import SIGNED_OUT, Caller
from flask_signet.lab.playground import SQLSTATES, Explanation

MAX_LABEL = 60
_NEW_SESSION = (
    "insert into auth.sessions (id, user_id, created_at, updated_at, aal)"
    " values ('{session_id}', '{user_id}', now(), now(), '{aal}')"
)
WIDTH = 640.0  # of drawings, in SVG units


@dataclass(frozen=True, slots=True)
class Choices:
    """What the reader chose in the playground's form."""

    table: str = ""
    who: str = SIGNED_OUT
    claims: str = ""
    session_ended: bool = False
    second_factor: bool = False
    operation: str = "select"
    row: str = ""
    values: Mapping[str, str] = field(default_factory=dict)
    change: str = ""
    wants_speed: bool = False

    def assignments(self) -> dict[str, str | None]:
        """Return the values that were given: an empty field is none, the text ``null`` is NULL."""
        return {name: None if text == "null" else text for name, text in self.values.items() if text != ""}

    def key(self) -> dict[str, Any] | None:
        """Return the chosen row's primary key; None means every row. Raises BadChoice."""
        if not self.row or self.operation in ("insert", "upsert"):
            return None
        try:
            key = json.loads(self.row)
        except ValueError:
            raise BadChoice("row", "Choose a row of the list.") from None
        if not isinstance(key, dict):
            raise BadChoice("row", "Choose a row of the list.")
        return key


def read_choices(form: Mapping[str, str]) -> Choices:
    """Return the choices of a form or a link, without NUL, which PostgreSQL cannot store."""
    clean = {name: value.replace("\0", "") for name, value in form.items()}
    return Choices(
        table=clean.get("table", ""),
        who=clean.get("who", SIGNED_OUT),
        claims=clean.get("claims", ""),
        session_ended="session_ended" in clean,
        second_factor="second_factor" in clean,
        operation=clean.get("operation", "select"),
        row=clean.get("row", ""),
        values={name[2:]: value for name, value in clean.items() if name.startswith("v.")},
        change=clean.get("change", ""),
        wants_speed="speed" in clean,
    )


def row_labels(relation: Relation, rows: Sequence[Mapping[str, Any]]) -> list[tuple[str, str]]:
    """Return (key as JSON, label) of rows that can be named by a primary key."""
    if not relation.key:
        return []
    labels = []
    for row in rows:
        key = json.dumps({column.name: row[column.name] for column in relation.key})
        shown = ", ".join(f"{name} {value}" for name, value in row.items() if value is not None)
        labels.append((key, shown if len(shown) <= MAX_LABEL else f"{shown[:MAX_LABEL]}…"))
    return labels


def verdict(explanation: Explanation, relation: Relation, operation: str) -> list[str]:
    """Return the result in sentences, the decisive one first."""
    outcome, role = explanation.outcome, explanation.caller.role
    lines = [_result(outcome, explanation, operation)]
    lines.append(
        f"A GRANT lets {role} {operation} on {relation.full_name}."
        if explanation.has_grant
        else f"No GRANT lets {role} {operation} on {relation.full_name}: the policies are never asked."
    )
    if not relation.is_table:
        rights = "the caller's" if relation.is_invoker else f"its owner's ({relation.owner})"
        lines.append(f"{relation.full_name} is a view and reads with {rights} rights.")
    elif not relation.has_rls:
        lines.append("Row-level security is off: every row is open to each role with the GRANT.")
    elif explanation.bypasses:
        lines.append(f"{role} bypasses row-level security: no policy applies to it.")
    else:
        forced = "also for the owner" if relation.is_forced else "but not for the table's owner"
        lines.append(f"Row-level security is on, {forced}.")
        if explanation.has_grant and any(not step.results for step in explanation.steps):
            lines.append(f"No policy is for {role} and this command: that hides or refuses every row.")
    return lines


def _result(outcome: Outcome, explanation: Explanation, operation: str) -> str:
    if outcome.refused_by == "policy":
        return f"Refused by WITH CHECK ({outcome.sqlstate}): {outcome.message}."
    if outcome.refused_by == "grant":
        return f"Refused by a missing GRANT ({outcome.sqlstate}): {outcome.message}."
    if outcome.sqlstate:
        meaning = SQLSTATES.get(outcome.sqlstate, "")
        if outcome.sqlstate.startswith("23"):
            meaning = "The policies allowed it; a constraint of the table refused it."
        return f"Refused ({outcome.sqlstate}): {outcome.message}. {meaning}".strip()
    reached = {"select": "seen", "update": "changed", "delete": "deleted"}.get(operation, "written")
    if outcome.count == 0:
        return f"0 rows {reached} of {explanation.total}: no error, USING hid them."
    return f"{outcome.count} row{'s' if outcome.count != 1 else ''} {reached} of {explanation.total}."


def script(caller: Caller, statement: str) -> str:
    """Return the SQL that was run, ready to paste into psql as the owner, the caller's session included."""
    claims = json.dumps(caller.claims, ensure_ascii=False).replace("'", "''")
    made = []
    if caller.has_session:
        session_id, aal = caller.claims["session_id"], caller.claims["aal"]
        made = [_NEW_SESSION.format(session_id=session_id, user_id=caller.user_id, aal=aal)]
    acting = [f"set local role {caller.role}", f"select set_config('request.jwt.claims', '{claims}', true)"]
    return ";\n".join(["begin", *made, *acting, statement, "rollback"]) + ";"


def kit_row(caller: Caller, outcome: Outcome) -> str:
    """Return the same attempt as lines for a test with signet_db.testing."""
    statement = repr(outcome.statement)
    if outcome.refused_by in ("policy", "grant", "trigger"):
        check = f"expect_denied(connection, {statement}, by={outcome.refused_by!r})"
    elif outcome.sqlstate:
        check = f"expect_denied(connection, {statement}, sqlstate={outcome.sqlstate!r})"
    elif outcome.count == 0:
        check = f"expect_no_rows(connection, {statement})"
    else:
        check = f"assert connection.execute({statement}).rowcount == {outcome.count}"
    if caller.role == "anon" and caller.user_id is None:
        acting = "as_nobody(connection)"
    elif caller.has_session:
        acting = f"as_user(connection, UUID({caller.user_id!r}), aal={caller.claims['aal']!r})"
    else:
        acting = f"as_role(connection, {caller.role!r}, {caller.claims!r})"
    return f"with {acting}:\n    {check}"


def http_request(relation: Relation, attempt: Attempt) -> str:
    """Return the request to the data API that does the same."""
    method = {"select": "GET", "update": "PATCH", "delete": "DELETE"}.get(attempt.operation, "POST")
    key = attempt.key or {}
    query = "&".join(f"{name}=eq.{quote(str(value), safe='')}" for name, value in key.items())
    lines = [f"{method} /rest/v1/{relation.name}{'?' + query if query else ''}"]
    if attempt.operation == "upsert":
        lines.append("Prefer: resolution=merge-duplicates")
    lines += ["apikey: <publishable key>", "Authorization: Bearer <access token>"]
    if attempt.operation not in ("select", "delete"):
        lines += ["", json.dumps(dict(attempt.values), ensure_ascii=False)]
    return "\n".join(lines)


def session_row(connection: Connection[Any], session_id: str) -> dict[str, Any] | None:
    """Return the row of auth.sessions that a token names; None if there is none."""
    try:
        wanted = UUID(session_id)
    except ValueError:
        return None
    with connection.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(
            "select id::text, created_at, refreshed_at, not_after, aal::text"
            " from auth.sessions where id = %s",
            (wanted,),
        ).fetchone()


def monotonic_age(fetched_at: float) -> int:
    """Return how many seconds ago a monotonic moment was."""
    return max(0, int(time.monotonic() - fetched_at))


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar of a drawing: a key's time in its present state, or the life of its last token."""

    label: str
    kind: str  # a class of the stylesheet
    x: float
    width: float
    y: float


def timeline(rows: Sequence[KeyRow], life: timedelta) -> list[Bar]:
    """Return the bars of the key and token lives, from the oldest change to one token life ahead."""
    now = datetime.now(UTC)
    starts = [row.since for row in rows if row.since]
    if not starts:
        return []
    begin, end = min(starts), now + life + timedelta(minutes=15)
    scale = WIDTH / max((end - begin).total_seconds(), 1.0)

    def at(moment: datetime) -> float:
        return round((moment - begin).total_seconds() * scale, 1)

    bars = []
    for number, row in enumerate(rows):
        if row.since is None:
            continue
        y = number * 34.0
        bars.append(Bar(f"{row.kid[:8]} {row.status}", row.status, at(row.since), at(now) - at(row.since), y))
        if row.status in ("in_use", "previously_used"):
            last = now if row.signs else row.since
            bars.append(Bar("its tokens", "tokens", at(last), at(last + life) - at(last), y + 16))
    return bars
