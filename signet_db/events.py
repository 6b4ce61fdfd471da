"""What a run tells while it works; the command line puts it into words."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from signet_db.files import Migration
from signet_db.lock import Holder


@dataclass(frozen=True, slots=True)
class Waiting:
    """Another run holds the lock."""

    holder: Holder | None


@dataclass(frozen=True, slots=True)
class Applying:
    """A file begins."""

    migration: Migration


@dataclass(frozen=True, slots=True)
class Applied:
    """A file is applied and recorded."""

    migration: Migration
    seconds: float


@dataclass(frozen=True, slots=True)
class Noticed:
    """The server said something while a file ran."""

    severity: str
    message: str


Event = Waiting | Applying | Applied | Noticed
OnEvent = Callable[[Event], None]


def ignore(_event: Event) -> None:
    """Tell nobody."""
