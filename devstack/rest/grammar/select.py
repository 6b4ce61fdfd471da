"""The grammar of ``select=``: columns, casts, aggregates, embeds."""

from __future__ import annotations

import re
from typing import Literal

from devstack.rest.grammar.scanner import Scanner
from devstack.rest.grammar.trees import Aggregate, Column, Embed, Field, SelectItem

AGGREGATES = ("sum", "avg", "count", "max", "min")
ALL = (Column(Field("*")),)

_CAST = re.compile(r"[\w $]+")
_ENDS = 'letter, digit, "-", "->>", "->", "::", ".", ")", "," or end of input'


def parse_select(text: str) -> tuple[SelectItem, ...]:
    """Parse a select parameter; the empty text means all columns."""
    if not text:
        return ALL
    scanner = Scanner("select parameter", text)
    items = _items(scanner)
    scanner.expect_end(_ENDS)
    return items


def _items(scanner: Scanner) -> tuple[SelectItem, ...]:
    items = [_item(scanner)]
    while scanner.accept(","):
        items.append(_item(scanner))
    return tuple(items)


def _item(scanner: Scanner) -> SelectItem:
    scanner.skip_blanks()
    if scanner.accept("..."):
        item: SelectItem = _spread(scanner)
    elif scanner.accept("*"):
        item = Column(Field("*"))
    else:
        item = _named_item(scanner)
    scanner.skip_blanks()
    return item


def _spread(scanner: Scanner) -> Embed:
    target = scanner.name()
    hint, join = _hint_and_join(scanner)
    return Embed(target, _inside(scanner), hint=hint, join=join, is_spread=True)


def _named_item(scanner: Scanner) -> SelectItem:
    alias = _alias(scanner)
    if scanner.accept("count()"):
        return Column(None, alias, aggregate=Aggregate("count", _cast(scanner)))
    start = scanner.at
    target = scanner.name()
    if scanner.is_next("!") or scanner.is_next("("):
        hint, join = _hint_and_join(scanner)
        return Embed(target, _inside(scanner), alias, hint, join)
    scanner.at = start
    field, cast = scanner.field(), _cast(scanner)
    return Column(field, alias, cast, _aggregate(scanner))


def _alias(scanner: Scanner) -> str | None:
    start = scanner.at
    name = scanner.name()
    if scanner.is_next(":") and not scanner.is_next("::"):
        scanner.accept(":")
        return name
    scanner.at = start
    return None


def _cast(scanner: Scanner) -> str | None:
    if not scanner.accept("::"):
        return None
    cast = (scanner.match(_CAST) or "").strip()
    if not cast:
        raise scanner.fail("letter, digit or blank")
    return cast


def _aggregate(scanner: Scanner) -> Aggregate | None:
    for function in AGGREGATES:
        if scanner.accept(f".{function}()"):
            return Aggregate(function, _cast(scanner))
    return None


def _hint_and_join(scanner: Scanner) -> tuple[str | None, Literal["inner", "left"] | None]:
    hint: str | None = None
    join: Literal["inner", "left"] | None = None
    while scanner.accept("!"):
        word = scanner.name()
        if word == "inner" or word == "left":
            join = "inner" if word == "inner" else "left"
        elif hint is None:
            hint = word
        else:
            raise scanner.fail('"("')
    return hint, join


def _inside(scanner: Scanner) -> tuple[SelectItem, ...]:
    scanner.expect("(")
    scanner.enter()
    scanner.skip_blanks()
    items = () if scanner.is_next(")") else _items(scanner)
    scanner.expect(")", _ENDS)
    scanner.leave()
    return items
