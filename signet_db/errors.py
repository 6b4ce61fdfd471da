"""Base class of the libraries' errors, and the errors of migrations; each carries the next step.

SignetError                  base for flask_signet, signet_db and signet_stack
├── InputRejected            the command cannot run with the input it was given
├── Misconfigured            a setting or an environment variable is missing or wrong
├── NotAllowed               the credentials do not permit the operation
├── NotFound                 the named object does not exist
├── Conflict                 the present state does not permit the operation
├── ServiceUnavailable       a service does not answer, or refuses for now
└── MigrationError
    ├── FileRefused          the file is not a valid migration; nothing was run
    ├── HistoryConflict      files and history contradict each other; nothing was run
    ├── MigrationFailed      the server refused a statement
    ├── DatabaseUnreachable  the connection failed
    └── LockBusy             another run holds the lock for longer than the time limit
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from pathlib import Path

_SHOWN_COLUMNS = 100
_LEAD_COLUMNS = 60  # how much of a long line is shown before the caret


@dataclass(frozen=True, slots=True)
class Place:
    """A character of a file; line and column count from 1."""

    path: Path
    line: int
    column: int
    source: str  # the whole line

    @classmethod
    def at(cls, path: Path, text: str, position: int) -> Place:
        """Return the place of the character at an offset from 0; past the end it is the last one."""
        position = max(0, min(position, len(text)))
        start = text.rfind("\n", 0, position) + 1
        end = text.find("\n", position)
        source = text[start:] if end < 0 else text[start:end]
        return cls(path, text.count("\n", 0, position) + 1, position - start + 1, source)

    def __str__(self) -> str:
        return f"{shown_path(self.path)}:{self.line}"

    def excerpt(self) -> tuple[str, str]:
        """Return the line, cut to what a terminal shows, and the caret's line below it."""
        skipped = max(0, self.column - 1 - _LEAD_COLUMNS)
        visible = self.source[skipped : skipped + _SHOWN_COLUMNS]
        before = visible[: self.column - 1 - skipped]
        lead = "…" if skipped else ""
        tail = "…" if len(self.source) > skipped + _SHOWN_COLUMNS else ""
        padding = "".join(_blank_for(character) for character in lead + before)
        return _without_controls(lead + visible + tail), f"{padding}^"


def shown_path(path: Path) -> str:
    """Return the path as a person would type it: relative where it lies below the current folder."""
    try:
        return str(path.resolve().relative_to(Path.cwd()))
    except ValueError:
        return str(path)


def _blank_for(character: str) -> str:
    """Return blanks as wide as the character stands in a terminal; a tab stays a tab."""
    if character == "\t":
        return "\t"
    if unicodedata.combining(character) or unicodedata.category(character) == "Cf":
        return ""
    return "  " if unicodedata.east_asian_width(character) in "WF" else " "


def _without_controls(line: str) -> str:
    """Replace what could drive the terminal."""
    return "".join("�" if unicodedata.category(c) == "Cc" and c != "\t" else c for c in line)


class SignetError(Exception):
    """Base class: stable ``code``, ``message``, ``hint`` with the next step, ``detail`` for the log."""

    code = "error"
    message = "Something went wrong."
    hint = ""
    exit_code = 1  # of the command that it ends

    def __init__(
        self,
        message: str | None = None,
        *,
        code: str | None = None,
        hint: str | None = None,
        detail: str = "",
    ) -> None:
        self.message = message or type(self).message
        self.code = code or type(self).code
        self.hint = type(self).hint if hint is None else hint
        self.detail = detail
        super().__init__(self.message)


class InputRejected(SignetError):
    """Raised when a command cannot run with the options or answers it was given."""

    code = "input_rejected"
    message = "The command cannot run with this input."


class Misconfigured(SignetError):
    """Raised when a setting is missing or wrong."""

    code = "misconfigured"


class NotAllowed(SignetError):
    """Raised when the credentials of the command do not permit the operation."""

    code = "not_allowed"


class NotFound(SignetError):
    """Raised when the object that the command names does not exist."""

    code = "not_found"


class Conflict(SignetError):
    """Raised when the present state does not permit the operation."""

    code = "conflict"


class ServiceUnavailable(SignetError):
    """Raised when a service does not answer, or refuses for now; trying again can help."""

    code = "service_unavailable"


class MigrationError(SignetError):
    """Base class for migrations; ``place`` is the position in a file, if there is one."""

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
