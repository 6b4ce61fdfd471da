"""Verification: compare a database with its files, the lint rules, and the snapshot of the last upgrade."""

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
from signet_db.snapshot import Difference, Snapshot
from signet_db.target import OnWait, connected, locked


@dataclass(frozen=True, slots=True)
class Verification:
    """The findings; ``drift`` is None without a snapshot of the newest version."""

    entries: tuple[Entry, ...]
    judgement: Judgement
    snapshot: Snapshot | None
    drift: tuple[Difference, ...] | None

    @property
    def conflicts(self) -> tuple[Entry, ...]:
        """The versions whose file and history contradict each other."""
        return tuple(e for e in self.entries if e.state not in (State.APPLIED, State.PENDING))

    @property
    def is_unfinished(self) -> bool:
        """Whether Signet itself applied what is newer than the snapshot: that run was killed."""
        newest = max(
            (one.record for one in self.entries if one.record), key=lambda one: one.version, default=None
        )
        return newest is not None and newest.checksum is not None

    @property
    def is_sound(self) -> bool:
        """Whether there is no conflict, no open error and no drift."""
        return not (self.conflicts or self.judgement.open(Level.ERROR) or self.drift)


def verify(connection_string: str, folder: Path) -> Verification:
    """Compare everything; changes nothing. Raises MigrationError."""
    migrations = find(folder)
    with connected(connection_string, "db verify") as connection:
        records = history.read(connection, migrations)
        before = snapshot.saved(connection)
        now = snapshot.take(connection)
        found = judge(connection)
    entries = compare(migrations, records)
    applied = [entry.migration for entry in entries if entry.migration and entry.record]
    waivers = read_waivers(applied, (rule.id for rule in RULES))
    # Objects of files that another tool has applied since are no drift: only the same version is compared.
    is_comparable = before is not None and bool(records) and before.version == records[-1].version
    drift = snapshot.differences(before.objects, now) if before and is_comparable else None
    return Verification(entries, Judgement(*apply_waivers(found, waivers)), before, drift)


def save_baseline(connection_string: str, on_wait: OnWait) -> None:
    """Save the current state as the new baseline for drift. Raises MigrationError."""
    with connected(connection_string, "db verify") as connection, locked(connection, on_wait):
        history.ensure(connection)
        snapshot.save(connection)


_BASELINE = "flask db verify --baseline"


def verification_lines(found: Verification) -> list[str]:
    """Return the findings, part by part, and the next step."""
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
    if found.snapshot is None:
        return ["  nothing to compare with: no upgrade by Signet has saved a snapshot yet"]
    if found.drift is None and found.is_unfinished:
        return [f"  not compared: the upgrade after {found.snapshot.version} did not finish"]
    if found.drift is None:
        return [f"  not compared: another tool changed the history after {found.snapshot.version}"]
    if not found.drift:
        return [f"  none since {found.snapshot.version}"]
    kept_at = found.snapshot.kept_at.astimezone(UTC)
    lines = [f"  {len(found.drift)} since {found.snapshot.version}, {kept_at:%Y-%m-%d %H:%M} UTC"]
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
        return [
            "Next: undo it, write it as a migration, or accept the current state as the new baseline: "
            f" {_BASELINE}"
        ]
    if found.judgement.open(Level.ERROR):
        return next_step(found.judgement)
    if found.drift is None and any(entry.record for entry in found.entries):
        return [f"Next: check the database, then accept its current state as the baseline:  {_BASELINE}"]
    return next_step(found.judgement)


def verification_json(found: Verification) -> dict[str, object]:
    """Return the findings as plain values; ``drift`` is null where nothing could be compared."""
    drift = None
    if found.drift is not None:
        drift = [{"object": one.object, "before": one.before, "now": one.now} for one in found.drift]
    return {
        "is_sound": found.is_sound,
        "migrations": status_json(found.entries),
        **judgement_json(found.judgement),
        "drift": drift,
    }
