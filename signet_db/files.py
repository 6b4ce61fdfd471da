"""Find and read migration files: ``<digits>_<name>.sql``, in the order of their versions as text.

The naming and the order are Supabase's, so that its own CLI reads the same folder. Line endings and a byte
order mark say nothing about a migration: both are taken away before anything looks at it.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from string import Template

from signet_db.errors import FileRefused, Place, shown_path
from signet_db.lexer import Statement, Unterminated, statements, tokens

_DIRECTIVE = re.compile(r"--+\s*signet\s*:\s*(?P<name>\S*)\s*(?P<argument>.*?)\s*")
NAMES = ("no-transaction", "allow")


@dataclass(frozen=True, slots=True)
class Directive:
    """One such comment; ``start`` is its offset in the file."""

    name: str
    argument: str
    start: int


def read_directives(path: Path, text: str) -> tuple[Directive, ...]:
    """Return the directives among the comments of a file; raises FileRefused for one that nobody knows."""
    found: list[Directive] = []
    if "signet" not in text:
        return ()
    for token in tokens(text):
        match = _DIRECTIVE.fullmatch(token.text) if token.kind == "comment" else None
        if match is None:
            continue
        if match["name"] not in NAMES:
            raise FileRefused(
                f"“-- signet: {match['name']}” means nothing here.",
                hint=f"What Signet knows: {', '.join(NAMES)}.",
                place=Place.at(path, text, token.start),
            )
        found.append(Directive(match["name"], match["argument"], token.start))
    return tuple(found)


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


_TRANSACTION_CONTROL = (
    ("begin",),
    ("start", "transaction"),
    ("commit",),
    ("end",),
    ("rollback",),
    ("abort",),
    ("savepoint",),
    ("release",),
    ("prepare", "transaction"),
)
_WHOLE = (
    "each file is one transaction already",
    "Delete the statement. For what cannot run in a transaction, begin the file with"
    "  -- signet: no-transaction",
)
_BY_STATEMENT = (
    "this file runs statement by statement",
    "Delete the statement. What must be one transaction goes into a file without  -- signet: no-transaction",
)
_PSQL_COMMAND = re.compile(r"\\[a-z!?]+", re.IGNORECASE)


def check(migration: Migration) -> None:
    """Raise FileRefused when the file has nothing to run or something that must not be run."""
    if not migration.statements:
        raise FileRefused(
            "The file has no statement, so there is nothing to apply.",
            hint="Write it, or delete the file.",
            place=migration.place(0),
        )
    for statement in migration.statements:
        _refuse_transaction_control(migration, statement)
        _refuse_what_needs_psql(migration, statement)


def _refuse_transaction_control(migration: Migration, statement: Statement) -> None:
    """Refuse what would end the transaction of the file, and leave half of it without a record."""
    for words in _TRANSACTION_CONTROL:
        if statement.words[: len(words)] == words:
            why, hint = _WHOLE if migration.is_transactional else _BY_STATEMENT
            raise FileRefused(
                f"{' '.join(words).upper()} is not allowed here: {why}.",
                hint=hint,
                place=migration.place(statement.first),
            )


def _refuse_what_needs_psql(migration: Migration, statement: Statement) -> None:
    if command := _PSQL_COMMAND.match(migration.text, statement.first):
        raise FileRefused(
            f"{command.group()} is a command of psql, not SQL.",
            hint="Delete it; a migration is plain SQL.",
            place=migration.place(statement.first),
        )
    words = statement.words
    if words[:1] == ("copy",) and ("stdin" in words or "stdout" in words):
        raise FileRefused(
            "COPY from or to the client needs psql.",
            hint="Write INSERT statements, or load the rows with psql after the migration.",
            place=migration.place(statement.first),
        )


_EMPTY = "-- {name}\n\n"


def create(folder: Path, name: str, now: datetime, text: str | None = None) -> Path:
    """Write ``<14 digits>_<name>.sql`` into the folder and return its path; raises FileRefused."""
    slug = re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_")
    if not slug:
        raise FileRefused(
            f"“{name}” holds no letter or digit to name a file with.",
            hint="Say what the migration does:  flask db new add_notes",
        )
    path = folder
    try:
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"{_next_version(folder, now)}_{slug}.sql"
        with path.open("x", encoding="utf-8", newline="\n") as file:
            file.write(_EMPTY.format(name=slug.replace("_", " ").capitalize()) if text is None else text)
    except OSError as error:
        raise FileRefused(
            f"{shown_path(path)} cannot be written: {error.strerror}.",
            hint="Check the folder and its permissions.",
        ) from error
    return path


def _next_version(folder: Path, now: datetime) -> str:
    """Return the time as 14 digits in UTC, or one more than the newest file where a clock was ahead."""
    version = now.astimezone(UTC).strftime("%Y%m%d%H%M%S")
    matches = (FILE_NAME.fullmatch(path.name) for path in folder.iterdir())
    newest = max((match["version"] for match in matches if match), default="")
    return version if version > newest else str(int(newest) + 1).zfill(len(newest))


_NAME = re.compile(r"[a-z_][a-z0-9_]{0,38}")  # leaves room for the names of its policies, within 63 bytes


def table_text(table: str) -> str:
    """Return the migration's text; raises FileRefused for a name that would need quotes."""
    if not _NAME.fullmatch(table):
        raise FileRefused(
            f"“{table}” is not a plain name for a table.",
            hint="Use small letters, digits and underscores, at most 39, beginning with a letter.",
        )
    words = table.replace("_", " ").strip()
    template = Template(Path(__file__).with_name("new_table.sql").read_text(encoding="utf-8"))
    return template.substitute(table=table, words=words, title=words.capitalize())
