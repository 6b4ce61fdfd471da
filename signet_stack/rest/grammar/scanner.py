"""A cursor over one text, with the errors of the grammar: where, what was found, what was expected."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TypeVar

from signet_stack.rest.errors import RestError
from signet_stack.rest.grammar.trees import Field, JsonStep

MAX_DEPTH = 16
FIELD_NAME = "field name (* or [a..z0..9_$])"
JSON_KEY = '"-", digit or any non reserved character different from: .,>()'

_NAME = re.compile(r"[\w $]+(?:-(?!>)[\w $]+)*")
_KEY = re.compile(r"[^(\-:.,>)]+(?:-(?!>)[^(\-:.,>)]+)*")
_ARROW = re.compile("->>?")
_INDEX = re.compile(r"-?[0-9]{1,9}(?=->|::|\.|,|\)|$)")
_QUOTED = re.compile(r'"((?:[^"\\]|\\.)*)"', re.DOTALL)
_ESCAPE = re.compile(r"\\(.)", re.DOTALL)
_BLANKS = re.compile(r"[ \t]*")

Read = TypeVar("Read")


class Scanner:
    """Reads ``text`` from left to right; every method either consumes or leaves the place untouched."""

    __slots__ = ("_depth", "_text", "_what", "at")

    def __init__(self, what: str, text: str, shown: str | None = None) -> None:
        self._what = f"failed to parse {what} ({text if shown is None else shown})"
        self._text = text
        self._depth = 0
        self.at = 0

    def fail(self, expecting: str) -> RestError:
        """Return the error for this place."""
        found = f'"{self._text[self.at]}"' if self.at < len(self._text) else "end of input"
        return self._refuse(f"unexpected {found} expecting {expecting}")

    def _refuse(self, details: str) -> RestError:
        return RestError("PGRST100", f'"{self._what}" (line 1, column {self.at + 1})', details=details)

    def is_next(self, *literals: str) -> bool:
        """Whether one of the literals comes next."""
        return self._text.startswith(literals, self.at)

    def is_done(self) -> bool:
        """Whether all text is read."""
        return self.at == len(self._text)

    def accept(self, literal: str) -> bool:
        """Consume the literal if it comes next."""
        if not self.is_next(literal):
            return False
        self.at += len(literal)
        return True

    def expect(self, literal: str, expecting: str | None = None) -> None:
        """Consume the literal; raise if something else comes next."""
        if not self.accept(literal):
            raise self.fail(expecting or f'"{literal}"')

    def match(self, pattern: re.Pattern[str]) -> str | None:
        """Consume what the pattern matches here."""
        if found := pattern.match(self._text, self.at):
            self.at = found.end()
            return found.group()
        return None

    def skip_blanks(self) -> None:
        """Consume blanks and tabs."""
        self.match(_BLANKS)

    def rest(self) -> str:
        """Consume everything that is left."""
        text, self.at = self._text[self.at :], len(self._text)
        return text

    def whole(self, read: Callable[[Scanner], Read], expecting: str = "end of input") -> Read:
        """Read all of the text; raise if something is left."""
        tree = read(self)
        if not self.is_done():
            raise self.fail(expecting)
        return tree

    def commas(self, read: Callable[[Scanner], Read]) -> tuple[Read, ...]:
        """Read one thing or several with commas between them and blanks around them."""
        things: list[Read] = []
        while not things or self.accept(","):
            self.skip_blanks()
            things.append(read(self))
            self.skip_blanks()
        return tuple(things)

    def group(
        self, read: Callable[[Scanner], Read], expecting: str, *, may_be_empty: bool = False
    ) -> tuple[Read, ...]:
        """Read ``(…)`` with commas inside; raise where groups are nested too deeply."""
        self.expect("(")
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise self._refuse(f"nested deeper than {MAX_DEPTH} levels")
        self.skip_blanks()
        things = () if may_be_empty and self.is_next(")") else self.commas(read)
        self.expect(")", expecting)
        self._depth -= 1
        return things

    def quoted(self) -> str | None:
        """Consume a double-quoted text and return its content, ``\\x`` read as ``x``."""
        if found := _QUOTED.match(self._text, self.at):
            self.at = found.end()
            return _ESCAPE.sub(r"\1", found.group(1))
        return None

    def name(self) -> str:
        """Consume a name, quoted or plain; raise where there is none."""
        return self._named(_NAME, FIELD_NAME)

    def field(self) -> Field:
        """Consume a name and the JSON path behind it."""
        name, steps = self.name(), []
        while arrow := self.match(_ARROW):
            index = self.match(_INDEX)
            key = int(index) if index is not None else self._named(_KEY, JSON_KEY)
            steps.append(JsonStep(key, arrow == "->>"))
        return Field(name, tuple(steps))

    def _named(self, pattern: re.Pattern[str], expecting: str) -> str:
        start = self.at
        if self.is_next('"'):
            name = self.quoted()
            if name is None:
                self.at = len(self._text)
                raise self.fail('"\\\\" or "\\""')
        else:
            name = "-".join(part.strip() for part in (self.match(pattern) or "").split("-"))
        if not name or "\0" in name:  # PostgreSQL can name nothing with a NUL
            self.at = start
            raise self.fail(expecting)
        return name
