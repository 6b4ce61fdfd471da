"""Cut SQL text into tokens and statements where PostgreSQL's own lexer does.

Only the boundaries matter here: what is a quote, a comment or a body, so that a semicolon or a COMMIT inside
of them is not mistaken for one outside. What the words mean stays the server's business.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

_NEWLINE_BETWEEN = r"(?:[ \t\f\v]|--[^\n\r]*+)*+[\n\r](?:[ \t\n\r\f\v]|--[^\n\r]*+[\n\r])*+"
_ESCAPED = r"(?:[^'\\]|\\.|'')*+"
_TOKEN = re.compile(
    rf"""
      (?P<space>[ \t\n\r\f\v]++)
    | (?P<comment>--[^\n\r]*+)
    | (?P<block_comment>/\*)
    # E'' alone knows backslashes, also where it goes on after a line break. Possessive, so that a closing
    # quote is never guessed from the middle of a doubled one.
    | (?P<string>[eE]'{_ESCAPED}'(?:{_NEWLINE_BETWEEN}'{_ESCAPED}')*+|'(?:[^']|'')*+')
    | (?P<name>"(?:[^"]|"")*+")
    | (?P<open_quote>[eE]?'|")
    | (?P<dollar>\$(?:[A-Za-z_\x80-\U0010ffff][A-Za-z0-9_\x80-\U0010ffff]*+)?\$)
    | (?P<word>[A-Za-z_\x80-\U0010ffff][A-Za-z0-9_$\x80-\U0010ffff]*+)
    | (?P<other>.)
    """,
    re.VERBOSE | re.DOTALL,
)
_COMMENT_EDGE = re.compile(r"/\*|\*/")
_ENDS_LATER = frozenset({"block_comment", "dollar", "open_quote"})
_BLANK = frozenset({"space", "comment", "block_comment"})


class Unterminated(ValueError):
    """Raised when a quote, a comment or a body never ends; ``start`` is where it begins."""

    def __init__(self, what: str, start: int) -> None:
        self.what = what
        self.start = start
        super().__init__(f"{what} that begins here never ends")


class Token(NamedTuple):  # thousands of them: a dataclass takes four times as long to make
    """A piece of the text; ``kind`` is a group of the grammar above."""

    kind: str
    text: str
    start: int

    @property
    def is_blank(self) -> bool:
        """Whether it is white space or a comment."""
        return self.kind in _BLANK


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement without its semicolon, together with the comments before it."""

    text: str
    start: int  # where the text, its comments included, begins
    first: int  # where its first word begins
    words: tuple[str, ...]  # words outside of quotes and parentheses, in lower case

    @property
    def end(self) -> int:
        """Where the text ends."""
        return self.start + len(self.text)


def tokens(text: str) -> Iterator[Token]:
    """Yield the tokens of SQL text, nothing left out; raises Unterminated."""
    position = 0
    while match := _TOKEN.match(text, position):
        kind = match.lastgroup or "other"
        end = match.end()
        if kind in _ENDS_LATER:
            kind, end = _find_end(text, kind, match)
        yield Token(kind, text[position:end], position)
        position = end


def _find_end(text: str, kind: str, match: re.Match[str]) -> tuple[str, int]:
    """Return kind and end of a token of which the grammar knows the beginning only."""
    start = match.start()
    if kind == "block_comment":
        return kind, _end_of_comment(text, start)
    if kind == "dollar":
        return "string", _end_of_dollar_quote(text, start, match.group())
    raise Unterminated("a quoted name" if match.group() == '"' else "a string", start)


def _end_of_comment(text: str, start: int) -> int:
    """Return where a block comment ends; in SQL they nest."""
    depth = 0
    for edge in _COMMENT_EDGE.finditer(text, start):
        depth += 1 if edge.group() == "/*" else -1
        if depth == 0:
            return edge.end()
    raise Unterminated("a comment", start)


def _end_of_dollar_quote(text: str, start: int, tag: str) -> int:
    end = text.find(tag, start + len(tag))
    if end < 0:
        raise Unterminated(f"the text in {tag}", start)
    return end + len(tag)


def statements(text: str) -> tuple[Statement, ...]:
    """Split SQL text into its statements; raises Unterminated."""
    found: list[Statement] = []
    reading = _Reading(text)
    for token in tokens(text):
        if token.text == ";" and token.kind == "other" and reading.is_outside:
            found += reading.statement()
            reading = _Reading(text)
        else:
            reading.add(token)
    return (*found, *reading.statement())


class _Reading:
    """The statement being read, and whether a semicolon would end it.

    It would not in parentheses (CREATE RULE) nor in the body of a routine (BEGIN ATOMIC ... END).
    """

    def __init__(self, source: str) -> None:
        self._source = source
        self._tokens: list[Token] = []
        self._words: list[str] = []
        self._parentheses = 0
        self._blocks = 0

    @property
    def is_outside(self) -> bool:
        return self._parentheses <= 0 and self._blocks == 0

    def add(self, token: Token) -> None:
        self._tokens.append(token)
        if token.kind == "word":
            if self._parentheses <= 0:
                self._add_word(token.text.lower())
        elif token.text == "(":
            self._parentheses += 1
        elif token.text == ")":
            self._parentheses -= 1

    def _add_word(self, word: str) -> None:
        if word == "atomic" and self._words[:1] == ["create"] and self._words[-1] == "begin":
            self._blocks = 1
        elif word == "case" and self._blocks:
            self._blocks += 1
        elif word == "end" and self._blocks:
            self._blocks -= 1
        self._words.append(word)

    def statement(self) -> list[Statement]:
        """Return the statement, or nothing when there are only blanks and comments."""
        first = next((token for token in self._tokens if not token.is_blank), None)
        if first is None:
            return []
        start = next(token.start for token in self._tokens if token.kind != "space")
        last = next(token for token in reversed(self._tokens) if not token.is_blank)
        text = self._source[start : last.start + len(last.text)]
        return [Statement(text, start, first.start, tuple(self._words))]
