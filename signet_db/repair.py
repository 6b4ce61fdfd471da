"""Correct the history where it is wrong about the database; nothing of a migration is run or undone."""

from __future__ import annotations

from pathlib import Path

from signet_db import history
from signet_db.comparison import State, compare, find_entry
from signet_db.errors import HistoryConflict
from signet_db.files import find
from signet_db.lock import OnWait, locked
from signet_db.target import connected


def mark_applied(connection_string: str, folder: Path, version: str, on_wait: OnWait) -> bool:
    """Record a file as applied, as it is now; return whether that changed anything. Raises MigrationError."""
    migrations = find(folder)
    with connected(connection_string, "db repair") as connection, locked(connection, on_wait):
        entry = find_entry(compare(migrations, history.read(connection)), version)
        if entry.migration is None:
            raise HistoryConflict(
                f"There is no file for {version}, so its statements cannot be recorded.",
                hint=f"Get the file back, or take the record away:  flask db repair {version} --reverted",
            )
        if entry.state is State.APPLIED:
            return False
        history.ensure(connection)
        with connection.transaction():
            history.record(connection, entry.migration)
        return True


def mark_reverted(connection_string: str, folder: Path, version: str, on_wait: OnWait) -> bool:
    """Take a version out of the history; return whether it was in it. Raises MigrationError."""
    migrations = find(folder)
    with connected(connection_string, "db repair") as connection, locked(connection, on_wait):
        entry = find_entry(compare(migrations, history.read(connection)), version)
        if entry.record is None:
            return False
        history.ensure(connection)
        with connection.transaction():
            history.forget(connection, version)
        return True
