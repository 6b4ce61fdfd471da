"""Comparison of files and history: what is applied, what is pending, where the two contradict. Pure."""

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
    """The state of one version."""

    APPLIED = "applied"
    PENDING = "pending"
    OUT_OF_ORDER = "out_of_order"  # not applied, but older than one that is
    EDITED = "edited"  # applied, and the file has changed since
    MISSING = "missing"  # applied, without a file


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


def compare(
    migrations: Sequence[Migration], records: Sequence[Record], *, ignore_missing: bool = False
) -> tuple[Entry, ...]:
    """Return an entry for each version, in order.

    With ``ignore_missing``, a record without a file does not make older pending files out of order.
    """
    by_version = {migration.version: migration for migration in migrations}
    recorded = {record.version: record for record in records}
    newest = max(recorded.keys() & by_version.keys() if ignore_missing else recorded.keys(), default="")
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
    """Whether the file is what was applied: by checksum, else by the recorded statements."""
    if record.checksum == migration.checksum:
        return True
    if record.statements is None:
        return record.checksum is None
    return _texts(_SEPARATOR.join(record.statements)) == _texts(migration.text)


def _texts(sql: str) -> list[str]:
    """Return the statements without what tools record differently: line ends and comments after the last."""
    return [statement.text for statement in statements(sql.replace("\r\n", "\n"))]


def to_apply(
    entries: Sequence[Entry], *, to: str | None, include_all: bool, ignore_missing: bool = False
) -> tuple[Migration, ...]:
    """Return what an upgrade runs, in order; raises HistoryConflict where that would not be safe."""
    if not ignore_missing:
        _refuse(entries, State.MISSING)
    _refuse(entries, State.EDITED)
    if to is not None:
        find_entry(entries, to)
    pending = tuple(
        entry for entry in entries if entry.record is None and (to is None or entry.version <= to)
    )
    if not include_all:
        _refuse(pending, State.OUT_OF_ORDER)
    return tuple(entry.migration for entry in pending if entry.migration)


def missing_warning(missing: Sequence[Entry]) -> tuple[str, str]:
    """Return message and hint for files of another branch that are applied to a local database."""
    first = missing[0]
    more = f" and {len(missing) - 1} more" if len(missing) > 1 else ""
    return (
        f"{_title(first)}{more} is applied here, but its file is not: another branch's?",
        "Check out that branch again, or rebuild the database from this one's files, losing the rows of its"
        " tables:  flask db reset",
    )


def find_entry(entries: Sequence[Entry], version: str) -> Entry:
    """Return the entry of a version; raises HistoryConflict for an unknown one."""
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
        "Restore the file and write the change as a new migration. A local database can be rebuilt:"
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
        if state is State.EDITED and _was_empty(found[0]):
            hint = _WRITTEN_LATER
        raise HistoryConflict(
            f"{_title(found[0])} {what}.",
            hint=hint.format(version=found[0].version),
            details=tuple(f"{_title(entry)} {what}." for entry in found[1:]),
        )


_WRITTEN_LATER = (
    "It had no statement when it was applied. To apply what it has now:  flask db repair {version} --reverted"
    "  then run  flask db upgrade"
)


def _was_empty(entry: Entry) -> bool:
    """Whether no statement was run when the file was recorded."""
    recorded = entry.record.statements if entry.record else None
    return recorded is not None and not statements(_SEPARATOR.join(recorded))


def _title(entry: Entry) -> str:
    return shown_path(entry.migration.path) if entry.migration else f"{entry.version} {entry.name}".rstrip()
