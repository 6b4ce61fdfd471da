"""The rules that are queries on the catalogue: one file each in ``rules/``, with its words at the top.

A file begins with ``-- key: text`` lines (level, supabase, what, why, fix); the query that follows continues
``prelude.sql`` and returns the object and what is wrong with it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import partial
from pathlib import Path
from typing import Any

from psycopg import Connection

from signet_db.lint.rule import Found, Level, Rule, Scope

FOLDER = Path(__file__).with_name("rules")
_HEADER = re.compile(r"-- (level|supabase|what|why|fix): (.+)\n")


def load_rules() -> tuple[Rule, ...]:
    """Return the rules of the folder, by name."""
    prelude = FOLDER.with_name("prelude.sql").read_text(encoding="utf-8")
    return tuple(_rule(path, prelude) for path in sorted(FOLDER.glob("*.sql")))


def _rule(path: Path, prelude: str) -> Rule:
    text = path.read_text(encoding="utf-8")
    words = dict(_HEADER.findall(text))
    return Rule(
        id=path.stem,
        level=Level(words["level"]),
        what=words["what"],
        why=words["why"],
        fix=words["fix"],
        supabase=words.get("supabase", ""),
        find=partial(_find, (prelude + text).encode()),
    )


def _find(query: bytes, connection: Connection[Any], scope: Scope) -> Iterable[Found]:
    rows = connection.execute(query, {"schemas": scope.schemas, "exposed": scope.exposed})
    return sorted((str(title), str(detail)) for title, detail in rows)
