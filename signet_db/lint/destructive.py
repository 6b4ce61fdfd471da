"""Destructive statements: the one rule that reads the files, because the catalogue keeps no trace of them."""

from __future__ import annotations

from collections.abc import Iterator

from signet_db.files import Migration
from signet_db.lexer import Statement, tokens
from signet_db.lint.finding import Finding, Level, Rule

_SHOWN = 60
_DROPS = ("table", "schema", "type", "owned", "materialized", "sequence")
_HARMLESS_DROPS = frozenset({"constraint", "default", "not", "expression", "identity"})

RULE = Rule(
    id="destructive_statement",
    level=Level.WARNING,
    what="A statement that deletes data",
    why="Only a backup brings it back, and running code may still read it.",
    fix="deploy code that no longer needs it first; then waive the rule with the reason",
    supabase="",
    find=lambda connection, scope: (),
)


def find_destructive(migration: Migration) -> Iterator[Finding]:
    """Yield the statements of a file that delete data."""
    for statement in migration.statements:
        if loss := _loss(statement.words):
            place = migration.place(statement.first)
            yield Finding(RULE, _title(statement), loss, migration.path.name, place=place)


def _loss(words: tuple[str, ...]) -> str:
    """Return what a statement deletes; empty for nothing."""
    match words[:2]:
        case ("drop", kind) if kind in _DROPS:
            return f"drops a {kind}" if kind != "owned" else "drops everything of a role"
        case ("truncate", *_):
            return "empties a table"
        case ("delete", "from") | ("update", _) if "where" not in words:
            return f"{words[0]}s every row"
        case ("alter", "table"):
            return _loss_of_column(words)
    return ""


def _loss_of_column(words: tuple[str, ...]) -> str:
    following = [*words[1:], ""]
    for word, after in zip(words, following, strict=True):
        if word == "drop" and after not in _HARMLESS_DROPS:
            return "drops a column"
        if word == "type":
            return "changes the type of a column"
    return ""


def _title(statement: Statement) -> str:
    """Return the beginning of the statement in one line, without comments: what a waiver names."""
    said = "".join(" " if token.is_blank else token.text for token in tokens(statement.text))
    title = " ".join(said.split())
    return title if len(title) <= _SHOWN else f"{title[:_SHOWN]}…"
