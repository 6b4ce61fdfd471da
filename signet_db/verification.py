"""Compare a database with what it should be: its history, what it allows, what it held after an upgrade."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC
from pathlib import Path

from signet_db import history, snapshot
from signet_db.comparison import Entry, State, compare
from signet_db.files import find
from signet_db.lint import RULES, Judgement, Level, judge
from signet_db.lint.report import judgement_json, judgement_lines, next_step
from signet_db.lint.waivers import apply_waivers, read_waivers
from signet_db.report import counts, status_json
from signet_db.snapshot import Difference, Kept
from signet_db.target import OnWait, connected, locked


@dataclass(frozen=True, slots=True)
class Verification:
    """What was found; ``drift`` is None where there is nothing to compare with."""

    entries: tuple[Entry, ...]
    judgement: Judgement
    kept: Kept | None
    drift: tuple[Difference, ...] | None

    @property
    def conflicts(self) -> tuple[Entry, ...]:
        """Where files and history contradict each other."""
        return tuple(e for e in self.entries if e.state not in (State.APPLIED, State.PENDING))

    @property
    def is_sound(self) -> bool:
        """Whether nothing is wrong."""
        return not (self.conflicts or self.judgement.open(Level.ERROR) or self.drift)


def verify(connection_string: str, folder: Path) -> Verification:
    """Look at everything and change nothing; raises MigrationError."""
    migrations = find(folder)
    with connected(connection_string, "db verify") as connection:
        records = history.read(connection)
        kept = snapshot.kept(connection)
        now = snapshot.look(connection)
        found = judge(connection)
    entries = compare(migrations, records)
    applied = [entry.migration for entry in entries if entry.migration and entry.record]
    waivers = read_waivers(applied, (rule.id for rule in RULES))
    # What another tool applied since is meant to be there: only the same version can be compared.
    is_comparable = kept is not None and bool(records) and kept.version == records[-1].version
    drift = snapshot.differences(kept.objects, now) if kept and is_comparable else None
    return Verification(entries, Judgement(*apply_waivers(found, waivers)), kept, drift)


def accept(connection_string: str, on_wait: OnWait) -> None:
    """Take the database for right as it is: later differences count from here. Raises MigrationError."""
    with connected(connection_string, "db verify") as connection, locked(connection, on_wait):
        snapshot.keep(connection)


_ACCEPT = "flask db verify --accept"


def verification_lines(found: Verification) -> list[str]:
    """Return what was found, part by part, and the next step."""
    lines = ["History", *(f"  ! {one.version} {one.name}: {_WORDS[one.state]}" for one in found.conflicts)]
    lines += [
        f"  {counts(found.entries)}",
        "Rules",
        *(f"  {line}" for line in judgement_lines(found.judgement)),
    ]
    return [*lines, "Drift", *_drift_lines(found), *_next(found)]


_WORDS = {
    State.EDITED: "edited after it was applied",
    State.MISSING: "applied, but its file is missing",
    State.OUT_OF_ORDER: "not applied, but newer ones are",
}


def _drift_lines(found: Verification) -> list[str]:
    if found.kept is None:
        return ["  nothing to compare with: no upgrade of Signet has kept the catalogue yet"]
    if found.drift is None:
        return [f"  not compared: another tool changed the history after {found.kept.version}"]
    if not found.drift:
        return [f"  none since {found.kept.version}"]
    kept_at = found.kept.kept_at.astimezone(UTC)
    lines = [f"  {len(found.drift)} since {found.kept.version}, {kept_at:%Y-%m-%d %H:%M} UTC"]
    for difference in found.drift:
        lines += _difference_lines(difference)
    return lines


def _difference_lines(difference: Difference) -> list[str]:
    if difference.before is None:
        return [f"  ! new      {difference.object}"]
    if difference.now is None:
        return [f"  ! missing  {difference.object}"]
    return [
        f"  ! changed  {difference.object}",
        f"      was {' '.join(difference.before.split())}",
        f"      is  {' '.join(difference.now.split())}",
    ]


def _next(found: Verification) -> list[str]:
    if found.conflicts:
        return ["Next: flask db status"]
    if found.drift:
        return [f"Next: undo it, or write it as a migration, or take it for right:  {_ACCEPT}"]
    if found.judgement.open(Level.ERROR):
        return next_step(found.judgement)
    if found.drift is None and any(entry.record for entry in found.entries):
        return [f"Next: look at the database, then take it for right:  {_ACCEPT}"]
    return next_step(found.judgement)


def verification_json(found: Verification) -> dict[str, object]:
    """Return what was found as plain values; ``drift`` is null where nothing could be compared."""
    drift = None
    if found.drift is not None:
        drift = [{"object": one.object, "before": one.before, "now": one.now} for one in found.drift]
    return {
        "is_sound": found.is_sound,
        "migrations": status_json(found.entries),
        **judgement_json(found.judgement),
        "drift": drift,
    }
