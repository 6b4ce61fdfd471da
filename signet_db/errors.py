"""What can go wrong with migrations, each with the next step.

MigrationError
├── FileRefused          a file cannot be a migration as it stands; nothing was run
├── HistoryConflict      files and history contradict each other; nothing was run
├── MigrationFailed      the server refused a statement
├── DatabaseUnreachable  no connection
└── LockBusy             another run holds the lock and does not end
"""

from __future__ import annotations

from app.errors import Misconfigured
from signet_db.place import Place


class MigrationError(Misconfigured):
    """Base of all; ``place`` is where in the files, if anywhere."""

    code = "migration_error"

    def __init__(self, message: str, *, hint: str, place: Place | None = None, detail: str = "") -> None:
        super().__init__(message, hint=hint, detail=detail)
        self.place = place


class FileRefused(MigrationError):
    """Raised when a file cannot be read or must not be run as it stands."""

    code = "migration_refused"


class HistoryConflict(MigrationError):
    """Raised when the files contradict what the database has recorded; ``details`` has a line for each."""

    code = "migration_history"

    def __init__(self, message: str, *, hint: str, details: tuple[str, ...] = ()) -> None:
        super().__init__(message, hint=hint)
        self.details = details


class MigrationFailed(MigrationError):
    """Raised when the server refuses a statement of a file; ``earlier`` files of the same run are applied."""

    code = "migration_failed"

    def __init__(
        self,
        message: str,
        *,
        hint: str,
        place: Place,
        sqlstate: str,
        details: tuple[str, ...] = (),
        kept_of_file: str,
    ) -> None:
        super().__init__(message, hint=hint, place=place)
        self.sqlstate = sqlstate
        self.details = details
        self.kept_of_file = kept_of_file
        self.earlier = 0

    @property
    def kept(self) -> str:
        """What remains of the run, in words."""
        files = "file is" if self.earlier == 1 else "files are"
        return (
            f"{self.kept_of_file} {self.earlier} earlier {files} applied."
            if self.earlier
            else self.kept_of_file
        )


class DatabaseUnreachable(MigrationError):
    """Raised when no connection to the database can be made; ``may_pass`` says whether waiting can help."""

    code = "database_unreachable"

    def __init__(self, message: str, *, hint: str, may_pass: bool = False) -> None:
        super().__init__(message, hint=hint)
        self.may_pass = may_pass


class LockBusy(MigrationError):
    """Raised when another run keeps the lock for longer than we wait."""

    code = "migration_lock_busy"
