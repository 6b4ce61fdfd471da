"""A verification in words and as JSON."""

from __future__ import annotations

from datetime import UTC

from signet_db.catalogue import Difference
from signet_db.comparison import State
from signet_db.lint import Level
from signet_db.lint.words import judgement_json, judgement_lines, next_step
from signet_db.report import counts, status_json
from signet_db.verification import Verification

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
