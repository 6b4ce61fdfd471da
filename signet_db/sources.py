"""Find the statement of the migrations that made or changed an object: findings name file and line."""

from __future__ import annotations

import re
from collections.abc import Sequence

from signet_db.errors import Place
from signet_db.files import Migration
from signet_db.lexer import Statement, tokens

_PARTS = re.compile(r'"((?:[^"]|"")*)"|([^\s."(]+)')
_KINDS = {
    "policy": ("create policy", "alter policy"),
    "view": (
        "create view",
        "create or replace view",
        "create materialized",
        "create recursive",
        "alter view",
    ),
    "function": ("create function", "create or replace function", "alter function"),
    "table": ("create table", "create unlogged table", "alter table"),
    "grant": ("grant", "alter default privileges"),
    "rule": ("create rule", "create or replace rule"),
    "trigger": ("create trigger", "create or replace trigger", "create constraint"),
}


def place_of(migrations: Sequence[Migration], title: str, kind: str = "") -> Place | None:
    """Return the place of the last statement of a kind that names an object, as findings name it.

    Without such a statement it is the last one that holds all parts of the name, as in a DO block.
    """
    parts = [
        quoted.replace('""', '"') if quoted else plain
        for quoted, plain in _PARTS.findall(_without_types(title))
    ]
    wanted = {part.lower() for part in parts if part.lower() != "public"}
    loose: Place | None = None
    exact: Place | None = None
    for migration in migrations:
        for statement in migration.statements:
            names = names_in(statement)
            if not wanted <= names and not (wanted <= _words_within(statement)):
                continue
            place = migration.place(statement.first)
            loose = place
            if " ".join(statement.words[:5]).startswith(_KINDS.get(kind, ("create", "alter"))):
                exact = place
    return exact or loose


def _without_types(title: str) -> str:
    """Take the argument types of a function away."""
    return re.sub(r"\([^\"]*\)$", "", title)


def names_in(statement: Statement) -> frozenset[str]:
    """Return the names in a statement, in lower case."""
    return frozenset(
        token.text.strip('"').replace('""', '"').lower()
        for token in tokens(statement.text)
        if token.kind in ("word", "name")
    )


def _words_within(statement: Statement) -> frozenset[str]:
    """Return the words of a block of code, in which statements are written as strings."""
    if statement.words[:1] != ("do",):
        return frozenset()
    return frozenset(re.findall(r"\w+", statement.text.lower()))
