"""Migrations as lines of text and as JSON, and the progress of a run."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path

from signet_db.comparison import Entry, State
from signet_db.errors import shown_path
from signet_db.files import ignored
from signet_db.output import tell
from signet_db.runner import Applied, Applying, Event, Noticed, Trial, Waiting, Warned
from signet_db.target import Holder

_MARKS = {State.APPLIED: "✓", State.PENDING: "•"}
_WORDS = {
    State.PENDING: "pending",
    State.OUT_OF_ORDER: "pending, but older than one that is applied",
    State.EDITED: "edited after it was applied",
    State.MISSING: "applied, but its file is missing",
}
_NEXT = {
    State.MISSING: "restore the file (another branch?), or  flask db repair {version} --reverted",
    State.EDITED: "restore the file, or  flask db repair {version} --applied",
    State.OUT_OF_ORDER: "rename it to a newer version, or  flask db upgrade --include-all",
    State.PENDING: "flask db upgrade",
}


def status_lines(entries: Sequence[Entry], now: datetime) -> list[str]:
    """Return the table of versions, a line with counts, and the next step."""
    versions = max((len(entry.version) for entry in entries), default=0)
    names = max((len(entry.name) for entry in entries), default=0)
    lines = [
        f"  {_MARKS.get(one.state, '!')} {one.version:<{versions}}  {one.name:<{names}}  {_state(one, now)}"
        for one in entries
    ]
    lines.append(counts(entries) if entries else "no migrations")
    for state, step in _NEXT.items():
        first = next((entry for entry in entries if entry.state is state), None)
        if first is not None:
            return [*lines, f"Next: {step.format(version=first.version)}"]
    return lines


def _state(entry: Entry, now: datetime) -> str:
    if entry.state is not State.APPLIED:
        return _WORDS[entry.state]
    return ago(now - entry.applied_at) if entry.applied_at else "by another tool"


def counts(entries: Sequence[Entry]) -> str:
    """Return how many versions are in which state."""
    found = Counter(entry.state for entry in entries)
    found[State.PENDING] += found.pop(State.OUT_OF_ORDER, 0)
    words = {
        State.APPLIED: "applied",
        State.PENDING: "pending",
        State.EDITED: "edited",
        State.MISSING: "without a file",
    }
    always = (State.APPLIED, State.PENDING)
    return ", ".join(f"{found[s]} {word}" for s, word in words.items() if found[s] or s in always)


def ago(age: timedelta) -> str:
    """Return an age in its largest unit: 3 d ago."""
    seconds = max(0, int(age.total_seconds()))
    for unit, length in (("d", 86400), ("h", 3600), ("min", 60)):
        if seconds >= length:
            return f"{seconds // length} {unit} ago"
    return "just now"


def status_json(entries: Sequence[Entry]) -> list[dict[str, object]]:
    """Return the versions as plain values."""
    return [
        {
            "version": entry.version,
            "name": entry.name,
            "state": entry.state.value,
            "applied_at": entry.applied_at.isoformat() if entry.applied_at else None,
        }
        for entry in entries
    ]


def upgrade_summary(applied: Sequence[Applied], to: str | None = None) -> str:
    """Return what an upgrade, up to a version if given, did in one line."""
    if not applied and to is not None:
        return f"Nothing to apply up to {to}."
    if not applied:
        return "Nothing to apply: the database is up to date."
    return f"{len(applied)} applied in {sum(one.seconds for one in applied):.1f} s"


def applied_json(applied: Sequence[Applied]) -> list[dict[str, object]]:
    """Return what an upgrade did as plain values."""
    return [
        {"version": one.migration.version, "name": one.migration.name, "seconds": round(one.seconds, 6)}
        for one in applied
    ]


def trial_lines(trial: Trial) -> list[str]:
    """Return the files that a dry run has tried and those it has not."""
    lines = [f"  ✓ {one.path.name}" for one in trial.tried]
    lines += [f"  • {one.path.name}  not tried" for one in trial.untried]
    pending = len(trial.tried) + len(trial.untried)
    lines.append(f"{pending} pending, {len(trial.tried)} tried and rolled back; nothing was changed")
    if trial.untried:
        lines.append(
            "Not tried: a file that cannot run in a transaction with those before it, and what follows it."
        )
    return lines


def trial_json(trial: Trial) -> list[dict[str, object]]:
    """Return the pending files as plain values."""
    return [
        {"version": one.version, "name": one.name, "tried": one in trial.tried}
        for one in (*trial.tried, *trial.untried)
    ]


_WIDTH = 60


def tell_waiting(holder: Holder | None) -> None:
    """Print the session that holds the lock."""
    tell(f"Waiting for another migration run: {holder or 'it cannot be named'}")


def tell_warning(warning: Warned) -> None:
    """Print a warning and its next step."""
    tell(f"warning: {warning.message}")
    tell(f"  {warning.hint}")


def warn_of_ignored(folder: Path) -> None:
    """Print a warning for each SQL file in or below the folder that is never run."""
    for path in ignored(folder):
        tell(
            f"warning: {shown_path(path)} is never run;"
            f" only files <digits>_<name>.sql directly in {folder.name}/ are."
        )


class Progress:
    """Progress on stderr: a line for each file, completed when the file is done or fails."""

    def __init__(self) -> None:
        self._is_line_open = False

    def __call__(self, event: Event) -> None:
        match event:
            case Waiting(holder):
                tell_waiting(holder)
            case Applying(migration):
                tell(f"  + {migration.version}  {migration.name} ".ljust(_WIDTH, "."), newline=False)
                self._is_line_open = True
            case Applied(_, seconds):
                self._complete(f"ok {seconds * 1000:6.0f} ms")
            case Noticed(severity, message):
                self._complete("")
                tell(f"    {severity.lower()}: {message}")
            case Warned():
                self._complete("")
                tell_warning(event)

    def __enter__(self) -> Progress:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        """Complete the line of a file that failed."""
        if kind and self._is_line_open:
            self._complete("failed")

    def _complete(self, result: str) -> None:
        if self._is_line_open:
            tell(f" {result}")
        elif result:
            tell(f"    {result}")
        self._is_line_open = False
