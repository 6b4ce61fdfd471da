"""Which database a command works on: named on the command line, in DATABASE_URL, or the local stack's."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path

from app import local_stack as checkout_stack
from app import startup
from app.errors import Misconfigured
from signet_db.target import named

_EXAMPLE = "--database-url postgresql://USER:PASSWORD@HOST:5432/DATABASE"


@dataclass(frozen=True, slots=True)
class Target:
    """A database and whether it is this checkout's local stack."""

    url: str = field(repr=False)
    is_local_stack: bool = False

    @property
    def name(self) -> str:
        """The target without its password."""
        return named(self.url)

    def __str__(self) -> str:
        return f"{self.name} (local)" if self.is_local_stack else self.name


def find_target(database_url: str | None) -> Target:
    """Return the database to work on, starting the local stack for it when that is meant; raises AppError."""
    if database_url is not None and not database_url.strip():
        # A variable that is not set, most likely: another database must not take its place.
        raise Misconfigured("--database-url is empty.", code="no_database", hint=f"Write  {_EXAMPLE}")
    if url := database_url or _from_environment():
        return Target(url)
    if startup.wants_local_stack(os.environ):
        return Target(checkout_stack.stack_for().database_url, is_local_stack=True)
    raise Misconfigured(
        "No database is named.",
        code="no_database",
        hint=f"Set DATABASE_URL, or add  {_EXAMPLE}",
    )


def _from_environment() -> str:
    if url := os.environ.get("DATABASE_URL", "").strip():
        return url
    if not (path := os.environ.get("DATABASE_URL_FILE")):
        return ""
    try:
        url = Path(path).read_text().strip()
    except (OSError, UnicodeDecodeError) as error:
        raise Misconfigured(
            f"DATABASE_URL_FILE names {path}, which cannot be read: {error}.", hint="Correct the path."
        ) from error
    if not url:
        raise Misconfigured(
            f"DATABASE_URL_FILE names {path}, which is empty.", hint="Write the connection string into it."
        )
    return url
