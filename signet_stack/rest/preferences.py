"""The Prefer header (RFC 7240): parse preferences, and name those that were applied."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from signet_stack.rest.errors import RestError

# In the order in which Preference-Applied lists them.
CHOICES: Mapping[str, tuple[str, ...]] = {
    "resolution": ("merge-duplicates", "ignore-duplicates"),
    "missing": ("default", "null"),
    "return": ("representation", "minimal", "headers-only"),
    "count": ("exact", "planned", "estimated"),
    "tx": ("commit", "rollback"),
    "handling": ("strict", "lenient"),
    "timezone": (),  # any text; PostgreSQL checks it
    "max-affected": (),  # any number
}
WRITES = frozenset({"POST", "PATCH", "PUT", "DELETE"})
ALWAYS = frozenset({"count", "handling", "timezone", "tx"})


@dataclass(frozen=True, slots=True)
class Preferences:
    """The first valid preference of each kind."""

    values: Mapping[str, str]

    def get(self, kind: str) -> str | None:
        """Return the value of one kind, or None."""
        return self.values.get(kind)

    @property
    def is_strict(self) -> bool:
        """Whether preferences that cannot be kept are errors."""
        return self.values.get("handling") == "strict"

    @property
    def max_affected(self) -> int | None:
        """The largest number of rows to change; only with strict handling."""
        number = self.values.get("max-affected")
        return int(number) if number is not None and self.is_strict else None

    def applied(self, kinds: frozenset[str]) -> str:
        """Return Preference-Applied for the kinds that this request can apply."""
        named = kinds & self.values.keys()
        return ", ".join(f"{kind}={self.values[kind]}" for kind in CHOICES if kind in named)


def parse_preferences(header: str) -> Preferences:
    """Parse the header; raise where strict handling meets something unknown."""
    values: dict[str, str] = {}
    unknown: list[str] = []
    for part in filter(None, (part.strip() for part in header.split(","))):
        kind, _, value = part.partition("=")
        if _is_known(kind, value):
            values.setdefault(kind, value)
        else:
            unknown.append(part)
    if unknown and values.get("handling") == "strict":
        details = f"Invalid preferences: {', '.join(unknown)}"
        raise RestError("PGRST122", "Invalid preferences given with handling=strict", details=details)
    return Preferences(values)


def _is_known(kind: str, value: str) -> bool:
    if kind == "max-affected":
        return value.isascii() and value.isdecimal() and len(value) < 19
    return bool(value) if kind == "timezone" else value in CHOICES.get(kind, ())
