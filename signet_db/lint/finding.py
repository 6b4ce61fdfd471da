"""Types of the lint: levels, rules, findings and judgements."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from psycopg import Connection

from signet_db.errors import Place


class Level(StrEnum):
    """Severity of a finding."""

    ERROR = "error"  # data is open, or the database does not do what its migrations intend
    WARNING = "warning"
    INFO = "info"


@dataclass(frozen=True, slots=True)
class Scope:
    """Schemas that a rule looks at: the user's, and those of them that the data API serves."""

    schemas: list[str]
    exposed: list[str]


Found = tuple[str, str]  # the object, as a waiver names it, and the fault
Find = Callable[[Connection[Any], Scope], Iterable[Found]]


@dataclass(frozen=True, slots=True)
class Rule:
    """One check, with its reason and its remedy."""

    id: str
    level: Level
    what: str
    why: str
    fix: str
    supabase: str  # number and name of Supabase's own lint, where one exists
    find: Find = field(repr=False)


@dataclass(frozen=True, slots=True)
class Finding:
    """A fault that a rule found; ``file`` is the migration that brought it, ``reason`` the waiver."""

    rule: Rule
    object: str
    detail: str
    file: str | None = None
    reason: str | None = None
    place: Place | None = None

    @property
    def line(self) -> int | None:
        """The line in the file, counted from 1."""
        return self.place.line if self.place else None


@dataclass(frozen=True, slots=True)
class Waiver:
    """A finding that a migration accepts, with the reason."""

    rule: str
    object: str
    reason: str
    file: str

    def covers(self, finding: Finding) -> bool:
        """Whether rule and object are those of the finding."""
        return (self.rule, self.object) == (finding.rule.id, finding.object)


@dataclass(frozen=True, slots=True)
class Judgement:
    """All findings, waived or not, and the waivers that match none."""

    findings: tuple[Finding, ...]
    unused: tuple[Waiver, ...]

    def open(self, level: Level) -> tuple[Finding, ...]:
        """Return the findings of a level that no waiver covers."""
        return tuple(one for one in self.findings if one.rule.level is level and one.reason is None)
