"""The rule about statements that take data away; it reads the files, for the catalogue forgets."""

from __future__ import annotations

from collections.abc import Iterator

from signet_db.files import Migration
from signet_db.lexer import Statement, tokens
from signet_db.lint.rule import Finding, Level, Rule

_SHOWN = 60
_DROPS = ("table", "schema", "type", "owned", "materialized", "sequence")
_HARMLESS_DROPS = frozenset({"constraint", "default", "not", "expression", "identity"})

RULE = Rule(
    id="destructive_statement",
    level=Level.WARNING,
    what="A statement that takes data away",
    why="There is no way back but a backup, and code that runs now may still need it.",
    fix="deploy code that does without it first; then allow the statement with the reason why it may go",
    supabase="",
    find=lambda connection, scope: (),
)


def find_destructive(migration: Migration) -> Iterator[Finding]:
    """Yield the statements of a file that take data away."""
    for statement in migration.statements:
        if loss := _loss(statement.words):
            line = migration.place(statement.first).line
            yield Finding(RULE, _title(statement), f"{loss} in line {line}", migration.path.name)


def _loss(words: tuple[str, ...]) -> str:
    """Return what a statement takes away; empty for nothing."""
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
