"""Files against history: what is applied, what waits, and where the two contradict each other. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from signet_db.errors import HistoryConflict, shown_path
from signet_db.files import Migration
from signet_db.history import Record
from signet_db.lexer import statements

_SEPARATOR = "\n;\n"  # on a line of its own, after whatever comment ends a statement


class State(StrEnum):
    """How one version stands."""

    APPLIED = "applied"
    PENDING = "pending"
    OUT_OF_ORDER = "out_of_order"  # not applied, but older than one that is
    EDITED = "edited"  # applied, and the file says something else now
    MISSING = "missing"  # applied, and there is no such file


@dataclass(frozen=True, slots=True)
class Entry:
    """One version in both places; at least one of migration and record is there."""

    version: str
    name: str
    state: State
    migration: Migration | None
    record: Record | None

    @property
    def applied_at(self) -> datetime | None:
        return self.record.applied_at if self.record else None


def compare(migrations: Sequence[Migration], records: Sequence[Record]) -> tuple[Entry, ...]:
    """Return an entry for each version, in order."""
    by_version = {migration.version: migration for migration in migrations}
    recorded = {record.version: record for record in records}
    newest = max(recorded, default="")
    return tuple(
        _entry(version, by_version.get(version), recorded.get(version), newest)
        for version in sorted(by_version.keys() | recorded.keys())
    )


def _entry(version: str, migration: Migration | None, record: Record | None, newest: str) -> Entry:
    if migration is None:
        state = State.MISSING
    elif record is None:
        state = State.OUT_OF_ORDER if version < newest else State.PENDING
    else:
        state = State.APPLIED if _is_same(migration, record) else State.EDITED
    name = migration.name if migration else (record and record.name) or ""
    return Entry(version, name, state, migration, record)


def _is_same(migration: Migration, record: Record) -> bool:
    """Whether the file is what was applied: by checksum, else by the statements that were recorded."""
    if record.checksum == migration.checksum:
        return True
    if record.statements is None:
        return record.checksum is None
    return _texts(_SEPARATOR.join(record.statements)) == _texts(migration.text)


def _texts(sql: str) -> list[str]:
    """Return the statements without what tools record differently: line ends and comments after the last."""
    return [statement.text for statement in statements(sql.replace("\r\n", "\n"))]


def to_apply(entries: Sequence[Entry], *, to: str | None, include_all: bool) -> tuple[Migration, ...]:
    """Return what an upgrade runs, in order; raises HistoryConflict where that would not be safe."""
    _refuse(entries, State.MISSING)
    _refuse(entries, State.EDITED)
    if to is not None:
        find_entry(entries, to)
    waiting = tuple(
        entry for entry in entries if entry.record is None and (to is None or entry.version <= to)
    )
    if not include_all:
        _refuse(waiting, State.OUT_OF_ORDER)
    return tuple(entry.migration for entry in waiting if entry.migration)


def find_entry(entries: Sequence[Entry], version: str) -> Entry:
    """Return the entry of a version; raises HistoryConflict when neither files nor history know it."""
    found = next((entry for entry in entries if entry.version == version), None)
    if found is None:
        raise HistoryConflict(
            f"There is no migration “{version}”.", hint="See the versions with  flask db status"
        )
    return found


_CONFLICTS = {
    State.MISSING: (
        "is applied, but its file is not here",
        "Get the file back (git pull?). If it is gone for good:  flask db repair {version} --reverted",
    ),
    State.EDITED: (
        "was edited after it was applied",
        "Put the file back and write the change as a new migration. On the local stack you can start anew:"
        "  flask db reset   If the edit changes nothing:  flask db repair {version} --applied",
    ),
    State.OUT_OF_ORDER: (
        "is not applied, but newer ones are",
        "Rename it to a newer version, or apply it late:  flask db upgrade --include-all",
    ),
}


def _refuse(entries: Sequence[Entry], state: State) -> None:
    found = [entry for entry in entries if entry.state is state]
    if found:
        what, hint = _CONFLICTS[state]
        raise HistoryConflict(
            f"{_title(found[0])} {what}.",
            hint=hint.format(version=found[0].version),
            details=tuple(f"{_title(entry)} {what}." for entry in found[1:]),
        )


def _title(entry: Entry) -> str:
    return shown_path(entry.migration.path) if entry.migration else f"{entry.version} {entry.name}".rstrip()
