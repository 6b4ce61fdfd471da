"""Read a table as each person: all rows, and with a plan that was cached for another person."""

from __future__ import annotations

from collections.abc import Sequence

from signet_db.prove.attempts import TableAttempts
from signet_db.prove.people import Person
from signet_db.prove.relations import Rights, quoted
from signet_db.prove.stage import Outcome
from signet_db.prove.world import Row


def select(on: TableAttempts, person: Person, rights: Rights) -> None:
    """Read all rows of which the person may read columns."""
    columns = [name for name in on.table.columns if name in rights.select]
    texts = ", ".join(f"{quoted(name)}::text" for name in columns)
    statement = f"select {texts} from {on.table.sql}"
    outcome = on.stage.attempt(person, statement)
    if not outcome.passed:
        _note_broken(on, outcome)
    seen = _rows_seen(on, person, columns, outcome)
    others = [row for row in seen if not on.may_read(person, row)]
    on.cell("select", person, seen, others, "r")
    if any(on.may(person, row, "r") for row in seen):
        on.results.controlled.add(on.table.title)
    if others:

        def again(before: str) -> bool:
            found = _rows_seen(on, person, columns, on.stage.attempt(person, statement, before=before))
            return any(not on.may_read(person, row) for row in found)

        on.reached("select", person, f"select * from {on.table.title}", "reads", others, "r", again)


def _rows_seen(on: TableAttempts, person: Person, columns: Sequence[str], outcome: Outcome) -> list[Row]:
    """Return the rows whose values were read; of several that look alike, first those the person may read."""
    left = list(outcome.rows)
    seen = []
    for row in sorted(on.rows, key=lambda row: not on.may_read(person, row)):
        values = tuple(row.values[name] for name in columns)
        if values in left:
            seen.append(row)
            if len(columns) < len(on.table.columns):
                left.remove(values)
    return seen


def _note_broken(on: TableAttempts, outcome: Outcome) -> None:
    if (outcome.sqlstate not in ("42501", "57014") and not outcome.sqlstate.startswith("22")) or (
        outcome.sqlstate == "42501" and "permission denied for function" in outcome.message
    ):
        on.results.broken.setdefault(on.table.title, f"{outcome.message} ({outcome.sqlstate})")


def as_cached_plan(on: TableAttempts) -> None:
    """Read with a plan that was made for alice: an immutable function keeps her in it."""
    if not any(policy.calls_ours for policy in on.table.policies):
        return
    alice, zoe = on.people.named("alice"), on.people.named("zoe")
    rights = on.table.rights["authenticated"]
    columns = [name for name in on.table.columns if name in rights.select]
    if not columns:
        return
    texts = ", ".join(f"{quoted(name)}::text" for name in columns)
    prepare = (
        f"set local plan_cache_mode = force_generic_plan; {alice.setting};"
        f" prepare signet_plan as select {texts} from {on.table.sql}; execute signet_plan;"
        " set local role none"
    )
    outcome = on.stage.attempt(zoe, "execute signet_plan", before=prepare)
    on.stage.connection.execute("deallocate all")
    others = [row for row in _rows_seen(on, zoe, columns, outcome) if not on.may_read(zoe, row)]
    if others and on.results.cells.get((on.table.title, "select", "zoe"), "–") in ("–", "own"):
        on.reached(
            "select", zoe, "a plan that was cached for alice", "reads, with a cached plan,", others, "r"
        )
