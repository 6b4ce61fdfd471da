"""A cursor over one text, with the errors of the grammar: where, what was found, what was expected."""

from __future__ import annotations

import re

from devstack.rest.errors import RestError
from devstack.rest.grammar.trees import Field, JsonStep

MAX_DEPTH = 16

_NAME = re.compile(r"[\w $]+(?:-(?!>)[\w $]+)*")
_KEY = re.compile(r"[^(\-:.,>)]+(?:-(?!>)[^(\-:.,>)]+)*")
_INDEX = re.compile(r"-?[0-9]{1,9}(?=->|::|\.|,|\)|$)")
_QUOTED = re.compile(r'"((?:[^"\\]|\\.)*)"', re.DOTALL)
_ESCAPE = re.compile(r"\\(.)", re.DOTALL)
_BLANKS = re.compile(r"[ \t]*")

FIELD_NAME = "field name (* or [a..z0..9_$])"
JSON_KEY = '"-", digit or any non reserved character different from: .,>()'


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
        return self.refuse(f"unexpected {found} expecting {expecting}")

    def refuse(self, details: str) -> RestError:
        """Return an error about this place in other words."""
        message = f'"{self._what}" (line 1, column {self.at + 1})'
        return RestError("PGRST100", message, details=details)

    def enter(self) -> None:
        """Go one level deeper; raise where a tree is nested too deeply."""
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise self.refuse(f"nested deeper than {MAX_DEPTH} levels")

    def leave(self) -> None:
        """Come back from one level."""
        self._depth -= 1

    def is_next(self, literal: str) -> bool:
        """Tell whether the literal comes next."""
        return self._text.startswith(literal, self.at)

    def is_done(self) -> bool:
        """Tell whether all text is read."""
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

    def expect_end(self, expecting: str = "end of input") -> None:
        """Raise unless all text is read."""
        if not self.is_done():
            raise self.fail(expecting)

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
        while self.is_next("->"):
            as_text = self.accept("->>")
            if not as_text:
                self.expect("->")
            index = self.match(_INDEX)
            key = int(index) if index is not None else self._named(_KEY, JSON_KEY)
            steps.append(JsonStep(key, as_text))
        return Field(name, tuple(steps))

    def _named(self, pattern: re.Pattern[str], expecting: str) -> str:
        start = self.at
        if self.is_next('"'):
            name = self.quoted()
            if name is None:
                self.at = len(self._text)
                raise self.fail('"\\\\" or "\\""')
        else:
            plain = self.match(pattern) or ""
            name = "-".join(part.strip() for part in plain.split("-"))
        if not name or "\0" in name:  # PostgreSQL can name nothing with a NUL
            self.at = start
            raise self.fail(expecting)
        return name
