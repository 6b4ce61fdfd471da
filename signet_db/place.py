"""A place in a migration file, and how it is shown: path and line, the line itself, a caret below it."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from pathlib import Path

_SHOWN_COLUMNS = 100
_LEAD_COLUMNS = 60  # how much of a long line is shown before the caret


@dataclass(frozen=True, slots=True)
class Place:
    """A character of a file; line and column count from 1."""

    path: Path
    line: int
    column: int
    source: str  # the whole line

    @classmethod
    def at(cls, path: Path, text: str, position: int) -> Place:
        """Return the place of the character at an offset from 0; past the end it is the last one."""
        position = max(0, min(position, len(text)))
        start = text.rfind("\n", 0, position) + 1
        end = text.find("\n", position)
        source = text[start:] if end < 0 else text[start:end]
        return cls(path, text.count("\n", 0, position) + 1, position - start + 1, source)

    def __str__(self) -> str:
        return f"{shown_path(self.path)}:{self.line}"

    def excerpt(self) -> tuple[str, str]:
        """Return the line, cut to what a terminal shows, and the caret's line below it."""
        skipped = max(0, self.column - 1 - _LEAD_COLUMNS)
        visible = self.source[skipped : skipped + _SHOWN_COLUMNS]
        before = visible[: self.column - 1 - skipped]
        lead = "…" if skipped else ""
        tail = "…" if len(self.source) > skipped + _SHOWN_COLUMNS else ""
        padding = "".join(_blank_for(character) for character in lead + before)
        return _without_controls(lead + visible + tail), f"{padding}^"


def shown_path(path: Path) -> str:
    """Return the path as a person would type it: relative where it lies below the current folder."""
    try:
        return str(path.resolve().relative_to(Path.cwd()))
    except ValueError:
        return str(path)


def _blank_for(character: str) -> str:
    """Return blanks as wide as the character stands in a terminal; a tab stays a tab."""
    if character == "\t":
        return "\t"
    if unicodedata.combining(character) or unicodedata.category(character) == "Cf":
        return ""
    return "  " if unicodedata.east_asian_width(character) in "WF" else " "


def _without_controls(line: str) -> str:
    """Replace what could drive the terminal."""
    return "".join("�" if unicodedata.category(c) == "Cc" and c != "\t" else c for c in line)
