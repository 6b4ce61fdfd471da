"""Comments of a migration that speak to Signet: ``-- signet: <name> <argument>``, each on a line of its own.

``no-transaction`` runs the file statement by statement, for what PostgreSQL refuses in a transaction.
``allow RULE on OBJECT: reason`` waives a finding of ``flask db lint``.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from signet_db.errors import FileRefused
from signet_db.lexer import tokens
from signet_db.place import Place

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
