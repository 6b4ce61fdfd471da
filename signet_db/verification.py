"""Compare a database with what it should be: its history, what it allows, what it held after an upgrade."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from signet_db import catalogue, history
from signet_db.catalogue import Difference, Kept
from signet_db.comparison import Entry, State, compare
from signet_db.files import find
from signet_db.lint import RULES, Judgement, Level, judge
from signet_db.lint.waivers import apply_waivers, read_waivers
from signet_db.lock import OnWait, locked
from signet_db.target import connected


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
        kept = catalogue.kept(connection)
        now = catalogue.look(connection)
        found = judge(connection)
    entries = compare(migrations, records)
    applied = [entry.migration for entry in entries if entry.migration and entry.record]
    waivers = read_waivers(applied, (rule.id for rule in RULES))
    # What another tool applied since is meant to be there: only the same version can be compared.
    is_comparable = kept is not None and bool(records) and kept.version == records[-1].version
    drift = catalogue.differences(kept.objects, now) if kept and is_comparable else None
    return Verification(entries, Judgement(*apply_waivers(found, waivers)), kept, drift)


def accept(connection_string: str, on_wait: OnWait) -> None:
    """Take the database for right as it is: later differences count from here. Raises MigrationError."""
    with connected(connection_string, "db verify") as connection, locked(connection, on_wait):
        catalogue.keep(connection)
