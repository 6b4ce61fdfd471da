"""The text of a migration that makes a table under row-level security: new_table.sql, filled in."""

from __future__ import annotations

import re
from pathlib import Path
from string import Template

from signet_db.errors import FileRefused

_NAME = re.compile(r"[a-z_][a-z0-9_]{0,38}")  # leaves room for the names of its policies, within 63 bytes


def table_text(table: str) -> str:
    """Return the migration's text; raises FileRefused for a name that would need quotes."""
    if not _NAME.fullmatch(table):
        raise FileRefused(
            f"“{table}” is not a plain name for a table.",
            hint="Use small letters, digits and underscores, at most 39, beginning with a letter.",
        )
    words = table.replace("_", " ").strip()
    template = Template(Path(__file__).with_suffix(".sql").read_text(encoding="utf-8"))
    return template.substitute(table=table, words=words, title=words.capitalize())
