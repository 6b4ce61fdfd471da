"""Mutants: our migrations with one mistake each, which the policy tests must find.

A mutant leaves out a statement (a grant, a revoke, a policy, a trigger, a switch of row-level security) or a
clause, or turns a condition around.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from signet_db.files import Migration
from signet_db.lexer import Statement

# Left out, these break the files that follow, or change nothing that a policy test could see.
_KEPT = frozenset({("comment", "on"), ("create", "index"), ("create", "schema"), ("create", "table")})
_ROLES = re.compile(r"(from|to) (\w+(?:, \w+)+)$")
_CLAUSES = (
    (r"using \((.+)\)$", "using (true)"),
    (r"with check \((.+)\)$", "with check (true)"),
    (r" to authenticated$", ""),
    (r" as restrictive\b", ""),
    (r"^security definer$", ""),
    (r"^set search_path = ''$", ""),
    (r" not null\b", ""),
    (r" unique\b", ""),
    (r" default auth\.uid\(\)", ""),
    (r" on delete cascade\b", ""),
    (r" check \(.*\)(?=,$|$)", ""),
    (r"is not distinct from", "is distinct from"),
    (r"is distinct from", "is not distinct from"),
    (r"\bif not\b", "if"),
    (r"\band not \($", "and ("),
    (r"<= now\(\)", "> now()"),
    (r"> now\(\)", "<= now()"),
    (r"newer\.created_at >", "newer.created_at <"),
    (r" at time zone 'UTC'", ""),
    (r"^(and|or) .*[^(]$", ""),
    (r"^new\.\w+ := .*$", ""),
    (r"^raise exception .*$", "null"),
    (r" desc$", ""),
)


@dataclass(frozen=True, slots=True)
class Mutant:
    """One migration with one mistake."""

    name: str
    path: str  # of the file
    text: str


def mutants_of(migration: Migration) -> Iterator[Mutant]:
    """Yield every mutant of a file."""
    for statement in migration.statements:
        if _is_left_out(statement):
            yield _changed(migration, statement.first, statement.end, "", "without")
    position = 0
    for line in migration.text.splitlines(keepends=True):
        if not line.lstrip().startswith("--"):
            yield from _of_line(migration, position, line)
        position += len(line)


def _is_left_out(statement: Statement) -> bool:
    words = statement.words
    return words[:2] not in _KEPT and words[:2] != ("create", "function")


def _of_line(migration: Migration, start: int, line: str) -> Iterator[Mutant]:
    code = line.strip().rstrip(";")
    begin = start + line.index(code) if code else start
    for pattern, replacement in _CLAUSES:
        for match in re.finditer(pattern, code):
            if match.group() != replacement:
                place = begin + match.start()
                yield _changed(migration, place, begin + match.end(), replacement, "instead of")
    if roles := _ROLES.search(code):
        names = roles[2].split(", ")
        for name in names:
            rest = ", ".join(one for one in names if one != name)
            place = begin + roles.start(2)
            yield _changed(migration, place, begin + roles.end(2), rest, f"without {name}:")


def _changed(migration: Migration, start: int, end: int, replacement: str, how: str) -> Mutant:
    text = migration.text
    line = text.count("\n", 0, start) + 1
    removed = " ".join(text[start:end].split())[:60]
    name = f"{migration.version}:{line} {replacement or ''} {how} {removed}".replace("  ", " ")
    return Mutant(name, migration.path.name, text[:start] + replacement + text[end:])
