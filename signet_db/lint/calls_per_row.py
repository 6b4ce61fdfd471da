"""The rule about policies that ask for the caller once for each row instead of once for the statement.

PostgreSQL computes a sub-select without FROM once, before it reads a row. Whether a call stands in one cannot
be asked of the catalogue, so the rule reads the expressions of policies itself.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any

from psycopg import Connection

from signet_db.lexer import Token, tokens
from signet_db.lint.finding import Found, Level, Rule, Scope

_CALL = re.compile(r"auth\.(?:uid|jwt|role|email)\(|current_setting\(|private\.\w+\(")
_POLICIES = """
    select format('%%I.%%I "%%s"', n.nspname, c.relname, p.polname),
        pg_get_expr(p.polqual, p.polrelid), pg_get_expr(p.polwithcheck, p.polrelid)
    from pg_policy p
    join pg_class c on c.oid = p.polrelid
    join pg_namespace n on n.oid = c.relnamespace
    where n.nspname = any (%(schemas)s)
    order by 1
"""


def find(connection: Connection[Any], scope: Scope) -> Iterable[Found]:
    """Return the policies with such a call."""
    for title, *expressions in connection.execute(_POLICIES, {"schemas": scope.schemas}):
        calls = {call for text in expressions if text for call in calls_per_row(text)}
        if calls:
            yield title, f"{', '.join(sorted(calls))} is called for each row"


def calls_per_row(expression: str) -> Iterator[str]:
    """Yield the calls of an expression, as PostgreSQL prints it, that stand in no sub-select without FROM."""
    said = [token for token in tokens(expression) if not token.is_blank]
    computed_once: list[bool] = []  # for each open parenthesis
    for index, token in enumerate(said):
        if token.text == "(":
            computed_once.append(_is_constant_select(said, index))
        elif token.text == ")":
            computed_once.pop()
        elif (call := _CALL.match(expression, token.start)) and not any(computed_once):
            yield f"{call.group()})"


def _is_constant_select(said: list[Token], opening: int) -> bool:
    """Whether the parenthesis holds a SELECT that has no FROM of its own."""
    if said[opening + 1].text.lower() != "select":
        return False
    depth = 0
    for token in said[opening + 1 :]:
        if token.text == "(":
            depth += 1
        elif token.text == ")":
            depth -= 1
            if depth < 0:
                return True
        elif depth == 0 and token.text.lower() == "from":
            return False
    return True


RULE = Rule(
    id="policy_calls_per_row",
    level=Level.ERROR,
    what="A policy asks for the caller once for each row",
    why="At a hundred thousand rows the statement takes seconds instead of microseconds.",
    fix="write  (select auth.uid())  instead of  auth.uid()  and the like",
    supabase="0003 auth_rls_initplan",
    find=find,
)
