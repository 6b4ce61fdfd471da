"""The grammar of filters, logic trees, order and column lists. Operators come from closed tables only."""

from __future__ import annotations

import re
from typing import Final, Literal, TypeVar

from devstack.rest.grammar.scanner import FIELD_NAME, Scanner
from devstack.rest.grammar.trees import (
    Comparison,
    Condition,
    Field,
    Logic,
    LogicOperator,
    OrderTerm,
    Path,
    Tree,
)

QUANTIFIED = ("eq", "gte", "gt", "lte", "lt", "like", "ilike", "match", "imatch")
PLAIN = ("neq", "cs", "cd", "ov", "sl", "sr", "nxr", "nxl", "adj", "isdistinct")
TEXT_SEARCH = ("fts", "plfts", "phfts", "wfts")
DIRECTIONS: Final[tuple[Literal["asc", "desc"], ...]] = ("asc", "desc")
NULLS: Final[tuple[Literal["nullsfirst", "nullslast"], ...]] = ("nullsfirst", "nullslast")
LOGIC: Final[dict[str, LogicOperator]] = {"and": "and", "or": "or"}
IS_WORDS = ("not_null", "null", "true", "false", "unknown")

Word = TypeVar("Word", bound=str)

_OPERATOR = re.compile("(?:" + "|".join((*QUANTIFIED, *PLAIN, *TEXT_SEARCH, "in", "is")) + r")(?=[.(]|$)")
_QUANTIFIER = re.compile(r"\((?:any|all)\)")
_CONFIG = re.compile(r"\([\w $]+\)")
_UNTIL_DELIMITER = re.compile(r"[^,)]*")
_ARRAY = re.compile(r"\{[^{}]*\}")
_OPERATORS_EXPECTED = "operator (eq, gt, ...)"
_IS_EXPECTED = "null or trilean value (unknown, true, false)"
_LOGIC_EXPECTED = f"{FIELD_NAME}, negation operator (not) or logic operator (and, or)"


def parse_path(key: str) -> tuple[Path, Field]:
    """Parse the key of a filter: names of embeds, then the field, joined by dots."""
    scanner = Scanner("tree path", key)
    names: list[str] = []
    while True:
        field = scanner.field()
        if field.path or not scanner.accept("."):
            scanner.expect_end('letter, digit, "-", "->>", "->", "." or end of input')
            return tuple(names), field
        names.append(field.name)


def parse_comparison(text: str) -> Comparison:
    """Parse the value of a filter: ``[not.]operator.value``."""
    scanner = Scanner("filter", text)
    comparison = _comparison(scanner, in_tree=False)
    scanner.expect_end()
    return comparison


def parse_logic(operator: LogicOperator, value: str, *, negated: bool) -> Logic:
    """Parse ``and=(…)`` or ``or=(…)``; errors count columns as if the operator stood before the value."""
    prefix = ("not." if negated else "") + operator
    scanner = Scanner("logic tree", prefix + value, shown=value)
    scanner.expect(prefix)
    scanner.skip_blanks()
    tree = Logic(operator, _children(scanner), negated)
    scanner.skip_blanks()
    scanner.expect_end('"," or ")"')
    return tree


def parse_order(text: str) -> tuple[OrderTerm, ...]:
    """Parse an order parameter."""
    scanner = Scanner("order", text)
    terms = [_order_term(scanner)]
    while scanner.accept(","):
        terms.append(_order_term(scanner))
    scanner.expect_end('"asc", "desc", "nullsfirst" or "nullslast"')
    return tuple(terms)


def parse_names(what: str, text: str) -> tuple[str, ...]:
    """Parse a comma-separated list of names."""
    scanner = Scanner(what, text)
    names = [_padded_name(scanner)]
    while scanner.accept(","):
        names.append(_padded_name(scanner))
    scanner.expect_end('"," or end of input')
    return tuple(names)


def _padded_name(scanner: Scanner) -> str:
    scanner.skip_blanks()
    name = scanner.name()
    scanner.skip_blanks()
    return name


def _comparison(scanner: Scanner, *, in_tree: bool) -> Comparison:
    negated = scanner.accept("not.")
    operator = scanner.match(_OPERATOR)
    if operator is None:
        raise scanner.fail(_OPERATORS_EXPECTED if negated else f'"not" or {_OPERATORS_EXPECTED}')
    modifier = _modifier(scanner, operator)
    scanner.expect(".", _OPERATORS_EXPECTED)
    if operator == "in":
        return Comparison(operator, _list(scanner), negated)
    if operator == "is":
        return Comparison(operator, _is_word(scanner), negated)
    value = _tree_value(scanner) if in_tree else scanner.rest()
    return Comparison(operator, value, negated, modifier)


def _modifier(scanner: Scanner, operator: str) -> str | None:
    if operator in QUANTIFIED:
        found = scanner.match(_QUANTIFIER)
    elif operator in TEXT_SEARCH:
        found = scanner.match(_CONFIG)
    else:
        return None
    return None if found is None else found[1:-1].strip()


def _is_word(scanner: Scanner) -> str:
    for word in IS_WORDS:
        if scanner.match(re.compile(word, re.IGNORECASE)):
            return word
    raise scanner.fail(_IS_EXPECTED)


def _list(scanner: Scanner) -> tuple[str, ...]:
    scanner.skip_blanks()
    scanner.expect("(")
    scanner.skip_blanks()
    values = [_delimited(scanner)]
    while scanner.accept(","):
        values.append(_delimited(scanner))
    scanner.expect(")", '"," or ")"')
    scanner.skip_blanks()
    return () if values == [""] else tuple(values)


def _delimited(scanner: Scanner) -> str:
    """Read a value that ends at ``,`` or ``)``; quotes count only when they enclose all of it."""
    start = scanner.at
    quoted = scanner.quoted()
    if quoted is not None and (scanner.is_done() or scanner.is_next(",") or scanner.is_next(")")):
        return quoted
    scanner.at = start
    return scanner.match(_UNTIL_DELIMITER) or ""


def _tree_value(scanner: Scanner) -> str:
    if not scanner.is_next('"') and (array := scanner.match(_ARRAY)) is not None:
        return array
    return _delimited(scanner)


def _tree(scanner: Scanner) -> Tree:
    scanner.enter()
    scanner.skip_blanks()
    start = scanner.at
    negated = scanner.accept("not.")
    for operator in LOGIC.values():
        if scanner.accept(operator):
            scanner.skip_blanks()
            if scanner.is_next("("):
                tree: Tree = Logic(operator, _children(scanner), negated)
                break
            scanner.at = start
    else:
        scanner.at = start
        tree = _condition(scanner)
    scanner.skip_blanks()
    scanner.leave()
    return tree


def _children(scanner: Scanner) -> tuple[Tree, ...]:
    scanner.expect("(")
    children = [_tree(scanner)]
    while scanner.accept(","):
        children.append(_tree(scanner))
    scanner.expect(")", '"," or ")"')
    return tuple(children)


def _condition(scanner: Scanner) -> Condition:
    if scanner.is_next(")") or scanner.is_next(",") or scanner.is_done():
        raise scanner.fail(_LOGIC_EXPECTED)
    field = scanner.field()
    scanner.expect(".", 'letter, digit, "-", "->>", "->" or delimiter (.)')
    return Condition(field, _comparison(scanner, in_tree=True))


def _order_term(scanner: Scanner) -> OrderTerm:
    scanner.skip_blanks()
    field, embed = scanner.field(), None
    if not field.path and scanner.accept("("):
        embed, field = field.name, scanner.field()
        scanner.expect(")")
    direction, nulls = _choice(scanner, DIRECTIONS), _choice(scanner, NULLS)
    scanner.skip_blanks()
    return OrderTerm(field, direction, nulls, embed)


def _choice(scanner: Scanner, words: tuple[Word, ...]) -> Word | None:
    """Accept ``.word``; a longer word that only begins like one is left for the error at the end."""
    for word in words:
        if scanner.match(re.compile(rf"\.{word}(?![\w])")):
            return word
    return None
