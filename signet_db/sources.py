"""Find the statement of the migrations that made or changed an object: findings name file and line."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import islice

from signet_db.errors import Place
from signet_db.files import Migration
from signet_db.lexer import Statement, tokens

_PARTS = re.compile(r'"((?:[^"]|"")*)"|([^\s."(]+)')
_CONTAINER = re.compile(r"([^\s\"]+\.[^\s\".]+)\.[^\s\".]+$")
_HEAD = 12  # tokens that hold the names of what a statement makes
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
            is_kind = " ".join(statement.words[:5]).startswith(_KINDS.get(kind, ("create", "alter")))
            if is_kind and wanted <= names_in(statement, _HEAD):
                exact = place
    if exact or loose or not (container := _CONTAINER.match(title)):
        return exact or loose
    return place_of(migrations, container[1], "table")  # a constraint that was named by PostgreSQL


def _without_types(title: str) -> str:
    """Take the argument types of a function away."""
    return re.sub(r"\([^\"]*\)$", "", title)


def names_in(statement: Statement, most: int | None = None) -> frozenset[str]:
    """Return the names in a statement, or in its first tokens only, in lower case."""
    said = (token for token in tokens(statement.text) if not token.is_blank)
    return frozenset(
        token.text.strip('"').replace('""', '"').lower()
        for token in islice(said, most)
        if token.kind in ("word", "name")
    )


def _words_within(statement: Statement) -> frozenset[str]:
    """Return the words of a block of code, in which statements are written as strings."""
    if statement.words[:1] != ("do",):
        return frozenset()
    return frozenset(re.findall(r"\w+", statement.text.lower()))
