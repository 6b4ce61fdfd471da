"""What a rule of the lint is, and what it finds."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from psycopg import Connection


class Level(StrEnum):
    """How much a finding matters."""

    ERROR = "error"  # data is open, or the database does not do what was meant
    WARNING = "warning"
    INFO = "info"


@dataclass(frozen=True, slots=True)
class Scope:
    """Where a rule looks: the user's schemas, and which of them the data API serves."""

    schemas: list[str]
    exposed: list[str]


Found = tuple[str, str]  # the object, as a waiver names it, and what is wrong with it
Find = Callable[[Connection[Any], Scope], Iterable[Found]]


@dataclass(frozen=True, slots=True)
class Rule:
    """One thing that the lint looks for, with its reason and its remedy."""

    id: str
    level: Level
    what: str
    why: str
    fix: str
    supabase: str  # number and name of Supabase's own lint, where one exists
    find: Find = field(repr=False)


@dataclass(frozen=True, slots=True)
class Finding:
    """What a rule found; ``file`` is the migration that brought it, ``reason`` why it is allowed."""

    rule: Rule
    object: str
    detail: str
    file: str | None = None
    reason: str | None = None
