"""The grammar of filters, logic trees, order and column lists. Operators come from operators.py only."""

from __future__ import annotations

import re

from signet_stack.rest.grammar.scanner import FIELD_NAME, Scanner
from signet_stack.rest.grammar.trees import Comparison, Condition, Field, Logic, OrderTerm, Path, Tree
from signet_stack.rest.operators import IS_WORDS, OPERATORS, Kind

LOGIC = ("and", "or")

_OPERATOR = re.compile(f"(?:{'|'.join(sorted(OPERATORS, key=len, reverse=True))})(?=[.(]|$)")
_MODIFIERS: dict[Kind, re.Pattern[str]] = {
    "quantified": re.compile(r"\((?:any|all)\)"),
    "text search": re.compile(r"\([\w $]+\)"),
}
_IS_WORD = re.compile("|".join(sorted(IS_WORDS, key=len, reverse=True)), re.IGNORECASE)
_LOGIC = re.compile(r"(?:and|or)(?=[ \t]*\()")
_UNTIL_DELIMITER = re.compile(r"[^,)]*")
_ARRAY = re.compile(r"\{[^{}]*\}")
_DIRECTION = re.compile(r"\.(?:asc|desc)(?!\w)")
_NULLS = re.compile(r"\.nulls(?:first|last)(?!\w)")
_OPERATORS_EXPECTED = "operator (eq, gt, ...)"
_LOGIC_EXPECTED = f"{FIELD_NAME}, negation operator (not) or logic operator (and, or)"


def parse_path(key: str) -> tuple[Path, Field]:
    """Parse the key of a filter: names of embeds, then the field, joined by dots."""
    names: list[str] = []

    def read(scanner: Scanner) -> Field:
        while (field := scanner.field()) and not field.path and scanner.accept("."):
            names.append(field.name)
        return field

    field = Scanner("tree path", key).whole(read, 'letter, digit, "-", "->>", "->", "." or end of input')
    return tuple(names), field


def parse_comparison(text: str) -> Comparison:
    """Parse the value of a filter: ``[not.]operator.value``."""
    return Scanner("filter", text).whole(lambda scanner: _comparison(scanner, in_tree=False))


def parse_logic(operator: str, value: str, *, negated: bool) -> Logic:
    """Parse ``and=(…)`` or ``or=(…)``; errors count columns as if the operator stood before the value."""
    prefix = ("not." if negated else "") + operator
    scanner = Scanner("logic tree", prefix + value, shown=value)
    scanner.expect(prefix)
    return Logic(operator, scanner.whole(_children, '"," or ")"'), negated)


def parse_order(text: str) -> tuple[OrderTerm, ...]:
    """Parse an order parameter."""
    ends = '"asc", "desc", "nullsfirst" or "nullslast"'
    return Scanner("order", text).whole(lambda scanner: scanner.commas(_order_term), ends)


def parse_names(what: str, text: str) -> tuple[str, ...]:
    """Parse a comma-separated list of names."""
    return Scanner(what, text).whole(lambda scanner: scanner.commas(Scanner.name), '"," or end of input')


def _comparison(scanner: Scanner, *, in_tree: bool) -> Comparison:
    negated = scanner.accept("not.")
    operator = scanner.match(_OPERATOR)
    if operator is None:
        raise scanner.fail(_OPERATORS_EXPECTED if negated else f'"not" or {_OPERATORS_EXPECTED}')
    kind = OPERATORS[operator].kind
    modifier = scanner.match(_MODIFIERS[kind]) if kind in _MODIFIERS else None
    scanner.expect(".", _OPERATORS_EXPECTED)
    value: str | tuple[str, ...] | None
    if kind == "list":
        value = _list(scanner)
    elif kind == "word":
        value = (scanner.match(_IS_WORD) or "").lower()
        if not value:
            raise scanner.fail("null or trilean value (unknown, true, false)")
    else:
        value = _tree_value(scanner) if in_tree else scanner.rest()
    return Comparison(operator, value, negated, modifier and modifier[1:-1].strip())


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
    if quoted is not None and (scanner.is_done() or scanner.is_next(",", ")")):
        return quoted
    scanner.at = start
    return scanner.match(_UNTIL_DELIMITER) or ""


def _tree_value(scanner: Scanner) -> str:
    array = scanner.match(_ARRAY)
    return _delimited(scanner) if array is None else array


def _children(scanner: Scanner) -> tuple[Tree, ...]:
    scanner.skip_blanks()
    children = scanner.group(_tree, '"," or ")"')
    scanner.skip_blanks()
    return children


def _tree(scanner: Scanner) -> Tree:
    start = scanner.at
    negated = scanner.accept("not.")
    if operator := scanner.match(_LOGIC):
        return Logic(operator, _children(scanner), negated)
    scanner.at = start
    if scanner.is_next(")", ",") or scanner.is_done():
        raise scanner.fail(_LOGIC_EXPECTED)
    field = scanner.field()
    scanner.expect(".", 'letter, digit, "-", "->>", "->" or delimiter (.)')
    return Condition(field, _comparison(scanner, in_tree=True))


def _order_term(scanner: Scanner) -> OrderTerm:
    field, embed = scanner.field(), None
    if not field.path and scanner.accept("("):
        embed, field = field.name, scanner.field()
        scanner.expect(")")
    # A longer word that only begins like one is left for the error at the end.
    direction, nulls = scanner.match(_DIRECTION), scanner.match(_NULLS)
    return OrderTerm(field, direction and direction[1:], nulls and nulls[1:], embed)
