"""Migration files: find, read, check and create ``<digits>_<name>.sql``, ordered by version as text.

Names and order are those of Supabase's CLI, so both tools can use one folder. Line endings and a byte order
mark are removed before the text is used. A file is read when the folder is, and lexed when its statements are
needed: an applied file whose checksum matches the history is never lexed.

Comments of the form ``-- signet: <name> <argument>`` are directives, each on a line of its own:
``no-transaction`` runs the file statement by statement, for what PostgreSQL refuses in a transaction;
``as-written`` does too, and lets the file begin and end transactions of its own;
``allow RULE on OBJECT: reason`` waives a finding of ``flask db lint``.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from itertools import pairwise
from pathlib import Path
from string import Template

from signet_db.errors import FileRefused, Place, shown_path
from signet_db.lexer import Statement, Unterminated, statements, tokens

FILE_NAME = re.compile(r"(?P<version>[0-9]+)_(?P<name>.+)\.sql", re.DOTALL)
DIRECTIVES = ("no-transaction", "as-written", "allow", "rows", "everybody", "members")
_DIRECTIVE = re.compile(r"--+\s*signet\s*:\s*(?P<name>\S*)\s*(?P<argument>.*?)\s*")
_OPTIONAL = ("work", "transaction")
_BEGIN = {("begin",), *(("begin", word) for word in _OPTIONAL), ("start", "transaction")}
_COMMIT = {(verb, *rest) for verb in ("commit", "end") for rest in ((), *((word,) for word in _OPTIONAL))}


@dataclass(frozen=True, slots=True)
class Directive:
    """One directive; ``start`` is its offset in the file."""

    name: str
    argument: str
    start: int


@dataclass(frozen=True)
class Migration:
    """One file; the properties that need the lexer raise FileRefused where the text cannot be split."""

    version: str
    name: str
    path: Path
    text: str = field(repr=False)

    @cached_property
    def checksum(self) -> str:
        """SHA-256 of the text, hexadecimal; independent of line endings."""
        return hashlib.sha256(self.text.encode()).hexdigest()

    @cached_property
    def statements(self) -> tuple[Statement, ...]:
        """The statements of the text, transaction control included."""
        try:
            return statements(self.text)
        except Unterminated as error:
            raise FileRefused(
                f"{error.what.capitalize()} begins here and never ends.",
                hint="Close it, then run the command again.",
                place=self.place(error.start),
            ) from error

    @cached_property
    def directives(self) -> tuple[Directive, ...]:
        """The directives among the comments; raises FileRefused for an unknown one."""
        if "signet" not in self.text:
            return ()
        return tuple(self._read_directives())

    def _read_directives(self) -> Iterator[Directive]:
        for token in tokens(self.text):
            match = _DIRECTIVE.fullmatch(token.text) if token.kind == "comment" else None
            if match is None:
                continue
            if match["name"] not in DIRECTIVES:
                raise FileRefused(
                    f"“-- signet: {match['name']}” is not a directive.",
                    hint=f"The directives are: {', '.join(DIRECTIVES)}.",
                    place=self.place(token.start),
                )
            yield Directive(match["name"], match["argument"], token.start)

    def has_directive(self, name: str) -> bool:
        """Whether a directive of this name is in the file."""
        return any(directive.name == name for directive in self.directives)

    @property
    def is_as_written(self) -> bool:
        """Whether the file controls its own transactions (``-- signet: as-written``)."""
        return self.has_directive("as-written")

    @property
    def is_transactional(self) -> bool:
        """Whether the file runs in one transaction of the runner."""
        return not (self.has_directive("no-transaction") or self.is_as_written)

    @cached_property
    def is_wrapped(self) -> bool:
        """Whether the first statement is a plain BEGIN and the last a plain COMMIT."""
        return (
            len(self.statements) > 1
            and self.statements[0].words in _BEGIN
            and self.statements[-1].words in _COMMIT
            and self.is_transactional
        )

    @property
    def run_statements(self) -> tuple[Statement, ...]:
        """The statements that the runner sends: without the pair that wraps the file."""
        return self.statements[1:-1] if self.is_wrapped else self.statements

    @property
    def run_text(self) -> str:
        """The text that the runner sends; blanks replace the wrapping pair, so that positions stay."""
        text = self.text
        for wrapper in (self.statements[0], self.statements[-1]) if self.is_wrapped else ():
            text = f"{text[: wrapper.first]}{' ' * (wrapper.end - wrapper.first)}{text[wrapper.end :]}"
        return text

    @property
    def recorded(self) -> list[str]:
        """The ``statements`` of the history row, as Supabase's CLI writes them, with trailing comments."""
        end = self.statements[-1].end if self.statements else 0
        rest = self.text[end:].strip("; \t\r\n")
        return [*(statement.text for statement in self.statements), *([rest] if rest else [])]

    def place(self, position: int) -> Place:
        """Return the place of a character, counted from 0."""
        return Place.at(self.path, self.text, position)

    @classmethod
    def read(cls, path: Path) -> Migration:
        """Read a file; raises FileRefused for a wrong name, an unreadable file, or text that is not UTF-8."""
        match = FILE_NAME.fullmatch(path.name)
        if match is None:
            raise FileRefused(
                f"{shown_path(path)} is not named <digits>_<name>.sql.",
                hint="Rename it, or make a new one with  flask db new NAME",
            )
        return cls(match["version"], match["name"], path, _read_text(path))


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


def default_folder(root: Path) -> Path:
    """Return the migrations folder of a project: ``migrations/``, else that of a ``supabase/`` folder."""
    ours, supabase = root / "migrations", root / "supabase"
    return supabase / "migrations" if supabase.is_dir() and not ours.is_dir() else ours


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


def ignored(folder: Path) -> tuple[Path, ...]:
    """Return the SQL files in and below the folder that are never run: by their name, or in a sub-folder."""
    if not folder.is_dir():
        return ()
    paths = (path for path in folder.rglob("*") if path.suffix.lower() == ".sql" and path.is_file())
    return tuple(sorted(path for path in paths if path.parent != folder or not _is_migration(path)))


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
            "The file contains a NUL character, which SQL text cannot.",
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
_IN_TRANSACTION = (
    "each file is one transaction already",
    "Delete the statement (a plain BEGIN as the first and COMMIT as the last statement may stay), or begin"
    " the file with  -- signet: as-written  if it must commit in between: docs/rls.md#transactions-in-files",
)
_BY_STATEMENT = (
    "this file runs statement by statement",
    "Delete the statement. What must be one transaction goes into a file without  -- signet: no-transaction",
)
_PSQL_COMMAND = re.compile(r"\\[a-z!?]+", re.IGNORECASE)


def check(migration: Migration) -> None:
    """Raise FileRefused for what must not be run; called for the whole run before its first statement."""
    for statement in migration.run_statements:
        if not migration.is_as_written:
            _refuse_transaction_control(migration, statement)
        _refuse_what_needs_psql(migration, statement)


def _refuse_transaction_control(migration: Migration, statement: Statement) -> None:
    """Refuse what would end the transaction of the file, and leave half of it without a record."""
    for words in _TRANSACTION_CONTROL:
        if statement.words[: len(words)] == words:
            why, hint = _IN_TRANSACTION if migration.is_transactional else _BY_STATEMENT
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
    """Write ``<14 digits>_<name>.sql`` into the folder and return its path; raises FileRefused.

    The version is the time in UTC, or one more than the newest file's where that one is ahead.
    """
    slug = re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_")
    if not slug:
        raise FileRefused(
            f"“{name}” holds no letter or digit to name a file with.",
            hint="Name it after what the migration does:  flask db new add_notes",
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
    version = now.astimezone(UTC).strftime("%Y%m%d%H%M%S")
    matches = (FILE_NAME.fullmatch(path.name) for path in folder.iterdir())
    newest = max((match["version"] for match in matches if match), default="")
    return version if version > newest else str(int(newest) + 1).zfill(len(newest))


# Leaves room for the names of the table's policies, within 63 bytes.
_TABLE = re.compile(r"[a-z_][a-z0-9_]{0,38}")


def table_text(table: str) -> str:
    """Return the text of a migration that creates a table under row-level security: new_table.sql, filled in.

    Raises FileRefused for a name that would need quotes.
    """
    if not _TABLE.fullmatch(table):
        raise FileRefused(
            f"“{table}” is not a plain name for a table.",
            hint="Use small letters, digits and underscores, at most 39, beginning with a letter.",
        )
    words = table.replace("_", " ").strip()
    template = Template(Path(__file__).with_name("new_table.sql").read_text(encoding="utf-8"))
    return template.substitute(table=table, words=words, title=words.capitalize())
