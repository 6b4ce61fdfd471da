"""All rules, by level and name.

Most rules are queries on the catalogue, one file each in ``queries/``. A file begins with ``-- key: text``
lines (level, supabase, what, why, fix); its query continues ``queries_common.sql`` and returns the object and
the fault. Two rules need more than a query: one reads plans, one reads the files.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import partial
from pathlib import Path
from typing import Any

from psycopg import Connection

from signet_db.lint import destructive, plans
from signet_db.lint.finding import Found, Level, Rule, Scope

FOLDER = Path(__file__).with_name("queries")
COMMON = Path(__file__).with_name("queries_common.sql")
_HEADER = re.compile(r"-- (level|supabase|what|why|fix): (.+)\n")


def load_rules() -> tuple[Rule, ...]:
    """Return the rules of the folder, by name."""
    common = COMMON.read_text(encoding="utf-8")
    return tuple(_rule(path, common) for path in sorted(FOLDER.glob("*.sql")))


def _rule(path: Path, common: str) -> Rule:
    text = path.read_text(encoding="utf-8")
    header = dict(_HEADER.findall(text))
    return Rule(
        id=path.stem,
        level=Level(header["level"]),
        what=header["what"],
        why=header["why"],
        fix=header["fix"],
        supabase=header.get("supabase", ""),
        find=partial(_find, (common + text).encode()),
    )


def _find(query: bytes, connection: Connection[Any], scope: Scope) -> Iterable[Found]:
    rows = connection.execute(query, {"schemas": scope.schemas, "exposed": scope.exposed})
    return sorted((str(title), str(detail)) for title, detail in rows)


RULES: tuple[Rule, ...] = tuple(
    sorted(
        (*load_rules(), *plans.RULES, destructive.RULE),
        key=lambda rule: (list(Level).index(rule.level), rule.id),
    )
)
