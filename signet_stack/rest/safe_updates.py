"""Refuse DELETE and UPDATE without a WHERE clause, as hosted projects do for everything the data API runs.

There the C module pg-safeupdate refuses each such statement when it is parsed. Here the planner refuses
those of a request, and functions are checked in two steps: the bodies of all functions are searched when the
schema cache is loaded, and PostgreSQL's statistics of the transaction show whether such a function was called
and changed rows of the table in question. SQL in texts (EXECUTE) is not seen, and neither is a statement that
met no row. Source: pg-safeupdate 1.5.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import lru_cache

from signet_db.lexer import Token, Unterminated, tokens
from signet_stack.rest.schema_cache.model import UnsafeStatement, Verb

REMEMBERED_BODIES = 4096  # the same ones are searched at each load

# Words in front of UPDATE that make it a clause: ON CONFLICT DO UPDATE, SELECT FOR UPDATE, triggers' events.
CLAUSES = frozenset({"do", "for", "key", "on", "or", "before", "after", "of"})


@lru_cache(REMEMBERED_BODIES)
def unsafe_statements(function: int, body: str) -> tuple[UnsafeStatement, ...]:
    """Return the statements of a body (SQL or PL/pgSQL) that change a table without WHERE."""
    try:
        words = [token for token in tokens(body) if not token.is_blank]
    except Unterminated:
        return ()
    return tuple(_find(function, words))


def _find(function: int, words: list[Token]) -> Iterator[UnsafeStatement]:
    for place in range(len(words) - 1):
        verb = _verb(words, place)
        if verb is None:
            continue
        rest = words[place + 1 :]
        if not _has_where(rest) and (table := _table(rest)):
            yield UnsafeStatement(function, verb, table)


def _verb(words: list[Token], place: int) -> Verb | None:
    word, after = words[place].text.lower(), words[place + 1].text.lower()
    before = words[place - 1].text.lower() if place else ""
    if word == "delete" and after == "from":
        return "DELETE"
    if word == "update" and before not in CLAUSES and after not in ("set", "of", "on"):
        return "UPDATE"
    return None


def _table(words: list[Token]) -> str | None:
    """Return the name of the table behind DELETE FROM or UPDATE, without its schema."""
    named = [token for token in words[:8] if token.text.lower() not in ("from", "only")]
    while len(named) > 2 and named[1].text == ".":
        named = named[2:]
    if not named or named[0].kind not in ("word", "name"):
        return None
    text = named[0].text
    return text[1:-1].replace('""', '"') if named[0].kind == "name" else text.lower()


def _has_where(words: Iterable[Token]) -> bool:
    """Whether WHERE stands before the end of the statement: ``;``, ``loop`` or the bracket around it."""
    depth = 0
    for token in words:
        text = token.text.lower()
        depth += {"(": 1, ")": -1}.get(text, 0)
        if depth < 0 or (depth == 0 and text in (";", "loop")):
            return False
        if depth == 0 and text == "where":
            return True
    return False
