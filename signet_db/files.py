"""Find and read migration files: ``<digits>_<name>.sql``, in the order of their versions as text.

The naming and the order are Supabase's, so that its own CLI reads the same folder. Line endings and a byte
order mark say nothing about a migration: both are taken away before anything looks at it.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

from signet_db.directives import Directive, read_directives
from signet_db.errors import FileRefused
from signet_db.lexer import Statement, Unterminated, statements
from signet_db.place import Place, shown_path

FILE_NAME = re.compile(r"(?P<version>[0-9]+)_(?P<name>.+)\.sql", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Migration:
    """One file, read and split."""

    version: str
    name: str
    path: Path
    text: str = field(repr=False)
    statements: tuple[Statement, ...] = field(repr=False)
    directives: tuple[Directive, ...] = field(repr=False)

    @property
    def checksum(self) -> str:
        """SHA-256 of the text, hexadecimal; the same whatever the line endings."""
        return hashlib.sha256(self.text.encode()).hexdigest()

    @property
    def recorded(self) -> list[str]:
        """What goes into the history: the statements, and comments after the last, as Supabase's CLI does."""
        end = self.statements[-1].end if self.statements else 0
        rest = self.text[end:].strip("; \t\r\n")
        return [*(statement.text for statement in self.statements), *([rest] if rest else [])]

    @property
    def is_transactional(self) -> bool:
        """Whether the file runs in one transaction; ``-- signet: no-transaction`` says otherwise."""
        return not any(directive.name == "no-transaction" for directive in self.directives)

    def place(self, position: int) -> Place:
        """Return the place of a character, counted from 0."""
        return Place.at(self.path, self.text, position)

    @classmethod
    def read(cls, path: Path) -> Migration:
        """Read a file; raises FileRefused when its name or its text cannot be a migration's."""
        match = FILE_NAME.fullmatch(path.name)
        if match is None:
            raise FileRefused(
                f"{shown_path(path)} is not named <digits>_<name>.sql.",
                hint="Rename it, or make a new one with  flask db new NAME",
            )
        text = _read_text(path)
        try:
            parts = statements(text)
        except Unterminated as error:
            raise FileRefused(
                f"{error.what.capitalize()} begins here and never ends.",
                hint="Close it, then run the command again.",
                place=Place.at(path, text, error.start),
            ) from error
        directives = read_directives(path, text)
        return cls(match["version"], match["name"], path, text, parts, directives)


def find(folder: Path) -> tuple[Migration, ...]:
    """Return the folder's migrations in order; raises FileRefused."""
    migrations = sorted(
        (Migration.read(path) for path in _files(folder)), key=lambda migration: migration.version
    )
    for one, other in pairwise(migrations):
        if one.version == other.version:
            raise FileRefused(
                f"Two files have the version {one.version}: {one.path.name} and {other.path.name}.",
                hint="Rename the one that is applied nowhere yet to a newer version.",
            )
    return tuple(migrations)


def _files(folder: Path) -> list[Path]:
    try:
        if folder.is_dir():
            return [path for path in folder.iterdir() if _is_migration(path)]
    except OSError as error:
        raise FileRefused(
            f"{shown_path(folder)} cannot be read: {error.strerror}.",
            hint="Check the folder and its permissions.",
        ) from error
    raise FileRefused(
        f"There is no folder {shown_path(folder)}.",
        hint="Make the first migration with  flask db new NAME  or name a folder with --folder.",
    )


def unrecognised(folder: Path) -> tuple[Path, ...]:
    """Return the folder's other .sql files, which are never run."""
    paths = folder.glob("*.sql") if folder.is_dir() else iter(())
    return tuple(sorted(path for path in paths if not FILE_NAME.fullmatch(path.name)))


def _is_migration(path: Path) -> bool:
    return FILE_NAME.fullmatch(path.name) is not None and path.is_file()


def _read_text(path: Path) -> str:
    """Return the text without byte order mark and with plain line ends."""
    try:
        content = path.read_bytes()
        text = content.decode("utf-8-sig").replace("\r\n", "\n")
    except OSError as error:
        raise FileRefused(
            f"{shown_path(path)} cannot be read: {error.strerror}.",
            hint="Check the file and its permissions.",
        ) from error
    except UnicodeDecodeError as error:
        before = content[: error.start].decode("utf-8-sig").replace("\r\n", "\n")
        raise FileRefused(
            "The file is not UTF-8 text.",
            hint="Save it as UTF-8, then run the command again.",
            place=Place.at(path, before, len(before)),
        ) from error
    if (position := text.find("\0")) >= 0:
        raise FileRefused(
            "The file holds a NUL character, which SQL text cannot.",
            hint="Save it as UTF-8 text, then run the command again.",
            place=Place.at(path, text, position),
        )
    return text
