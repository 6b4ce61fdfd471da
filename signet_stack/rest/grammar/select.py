"""The grammar of ``select=``: columns, casts, aggregates, embeds."""

from __future__ import annotations

import re

from signet_stack.rest.grammar.scanner import Scanner
from signet_stack.rest.grammar.trees import Aggregate, Column, Embed, Field, SelectItem

JOINS = ("inner", "left")
AGGREGATES = ("sum", "avg", "count", "max", "min")
ALL = (Column(Field("*")),)

_CAST = re.compile(r"[\w $]+")
_ENDS = 'letter, digit, "-", "->>", "->", "::", ".", ")", "," or end of input'


def parse_select(text: str) -> tuple[SelectItem, ...]:
    """Parse a select parameter; the empty text means all columns."""
    scanner = Scanner("select parameter", text)
    return scanner.whole(lambda scanner: scanner.commas(_item), _ENDS) if text else ALL


def _item(scanner: Scanner) -> SelectItem:
    if scanner.accept("..."):
        return _embed(scanner, scanner.name(), is_spread=True)
    if scanner.accept("*"):
        return Column(Field("*"))
    alias = _alias(scanner)
    if scanner.accept("count()"):
        return Column(None, alias, aggregate=Aggregate("count", _cast(scanner)))
    start = scanner.at
    target = scanner.name()
    if scanner.is_next("!", "("):
        return _embed(scanner, target, alias)
    scanner.at = start
    field, cast = scanner.field(), _cast(scanner)
    function = next((name for name in AGGREGATES if scanner.accept(f".{name}()")), None)
    return Column(field, alias, cast, Aggregate(function, _cast(scanner)) if function else None)


def _alias(scanner: Scanner) -> str | None:
    start = scanner.at
    name = scanner.name()
    if not scanner.is_next("::") and scanner.accept(":"):
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


def _embed(scanner: Scanner, target: str, alias: str | None = None, *, is_spread: bool = False) -> Embed:
    words = [scanner.name() for _ in range(2) if scanner.accept("!")]
    join = next((word for word in words if word in JOINS), None)  # the first counts, as in PostgREST
    hint = next((word for word in words if word not in JOINS), None)
    return Embed(target, scanner.group(_item, _ENDS, may_be_empty=True), alias, hint, join, is_spread)
