"""Event triggers in migrations, which PostgreSQL lets only superusers create.

Hosted projects run these statements for role postgres. The local stack's database has functions for them,
which are called in the statement's place; any other database is sent the statement as it is written.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from psycopg import Connection, sql
from psycopg.rows import TupleRow

from signet_db.lexer import Statement

_SPACE = r"(?:\s|--[^\n]*\n|/\*.*?\*/)+"
_NAME = r'(?:"(?:[^"]|"")+"|[a-z_][\w$]*)'


def _grammar(text: str) -> re.Pattern[str]:
    """Compile a pattern in which a blank stands for any blanks and comments, and " ?" for optional blanks."""
    return re.compile(text.replace(" ?", r"\s*").replace(" ", _SPACE), re.IGNORECASE | re.DOTALL)


_CREATE = _grammar(
    rf"create event trigger (?P<name>{_NAME}) on (?P<event>{_NAME})"
    r"(?: when tag in ?\((?P<tags>[^()]*)\))?"
    rf" execute (?:function|procedure) (?P<function>{_NAME}(?:\.{_NAME})?) ?\( ?\)"
)
_DROP = _grammar(rf"drop event trigger (?P<missing>if exists )?(?P<name>{_NAME})(?: cascade| restrict)?")
_ALTER = _grammar(rf"alter event trigger (?P<name>{_NAME}) (?P<state>disable|enable(?: always| replica)?)")
_TAG = re.compile(r"'((?:[^']|'')*)'")
_KINDS = tuple((verb, "event", "trigger") for verb in ("create", "drop", "alter"))


def is_about_event_trigger(statement: Statement) -> bool:
    """Whether a statement creates, drops or alters an event trigger."""
    return statement.words[:3] in _KINDS


def is_lent(connection: Connection[TupleRow]) -> bool:
    """Whether the database has the local stack's functions for event triggers."""
    row = connection.execute("select to_regproc('signet_hosted.create_event_trigger') is not null").fetchone()
    return bool(row and row[0])


def call_for(statement: Statement) -> str | None:
    """Return the call that stands for a statement; None for a form that is not supported."""
    call = next(_calls(statement.text[statement.first - statement.start :].strip()), None)
    return call.as_string() if call else None


def _calls(text: str) -> Iterator[sql.Composed]:
    if match := _CREATE.fullmatch(text):
        tags = [tag.replace("''", "'") for tag in _TAG.findall(match["tags"] or "")] or None
        yield sql.SQL("select signet_hosted.create_event_trigger({}, {}, {}, {})").format(
            _folded(match["name"]), _folded(match["event"]), tags, match["function"]
        )
    elif match := _DROP.fullmatch(text):
        condition = "from pg_event_trigger where evtname = {}" if match["missing"] else ""
        call = "select signet_hosted.drop_event_trigger({}) " + condition
        name = _folded(match["name"])
        yield sql.SQL(call).format(*([name, name] if condition else [name]))
    elif match := _ALTER.fullmatch(text):
        yield sql.SQL("select signet_hosted.alter_event_trigger({}, {})").format(
            _folded(match["name"]), " ".join(match["state"].split())
        )


def _folded(name: str) -> str:
    """Return an identifier's text as PostgreSQL folds it."""
    return name[1:-1].replace('""', '"') if name.startswith('"') else name.lower()
