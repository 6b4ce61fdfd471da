"""A whole query string, sorted into the parts that the planner asks for."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from urllib.parse import quote, unquote_plus

from devstack.rest.errors import RestError
from devstack.rest.grammar.filters import (
    LOGIC,
    parse_comparison,
    parse_logic,
    parse_names,
    parse_order,
    parse_path,
)
from devstack.rest.grammar.select import ALL, parse_select
from devstack.rest.grammar.trees import Condition, Embed, Logic, OrderTerm, Path, SelectItem, Tree, Window

MAX_CONDITIONS = 100
MAX_EMBEDS = 32
MAX_COLUMNS = 500

_INTEGER = re.compile(r"-?[0-9]{1,18}")
_RESERVED = {"select", "columns", "on_conflict"}
_LEVEL_KEYS = {"order", "limit", "offset", "and", "or"}


@dataclass(frozen=True, slots=True)
class Query:
    """Everything that the query string says. Levels (order, windows, conditions) are keyed by embed path."""

    select: tuple[SelectItem, ...] = ALL
    columns: tuple[str, ...] | None = None
    on_conflict: tuple[str, ...] = ()
    conditions: tuple[tuple[Path, Tree], ...] = ()
    order: dict[Path, tuple[OrderTerm, ...]] = field(default_factory=dict)
    windows: dict[Path, Window] = field(default_factory=dict)
    arguments: tuple[tuple[str, str], ...] = ()  # of a function called by GET
    canonical: str = ""  # sorted by key and encoded again, for Content-Location


def split_pairs(query_string: str) -> list[tuple[str, str]]:
    """Split and decode a query string or a form; a key without ``=`` is left out."""
    pairs = (pair.partition("=") for pair in query_string.split("&"))
    return [(unquote_plus(key), unquote_plus(value)) for key, equals, value in pairs if equals]


def parse_query(query_string: str, *, takes_arguments: bool = False) -> Query:
    """Parse a raw query string; with ``takes_arguments`` what is no filter is an argument of a function."""
    pairs = split_pairs(query_string)
    first = dict(reversed(pairs))
    conditions, arguments = _conditions(pairs, takes_arguments)
    select = parse_select(first.get("select", ""))
    _check_sizes(select, conditions)
    return Query(
        select=select,
        columns=parse_names("columns parameter", first["columns"]) if first.get("columns") else None,
        on_conflict=parse_names("on_conflict parameter", first["on_conflict"])
        if first.get("on_conflict")
        else (),
        conditions=tuple(conditions),
        order=_orders(pairs),
        windows=_windows(pairs),
        arguments=tuple(arguments),
        canonical="&".join(f"{quote(key, '')}={quote(value, '')}" for key, value in sorted(pairs)),
    )


def _conditions(
    pairs: list[tuple[str, str]], takes_arguments: bool
) -> tuple[list[tuple[Path, Tree]], list[tuple[str, str]]]:
    conditions: list[tuple[Path, Tree]] = []
    arguments: list[tuple[str, str]] = []
    for key, value in pairs:
        last = key.rpartition(".")[2]
        if last in LOGIC:
            names = _level(key)
            path = tuple(name for name in names if name != "not")
            conditions.append((path, parse_logic(LOGIC[last], value, negated="not" in names)))
        elif key not in _RESERVED and last not in _LEVEL_KEYS:
            try:
                comparison = parse_comparison(value)
            except RestError:
                if not takes_arguments:
                    parse_path(key)  # a bad key is the earlier error
                    raise
                arguments.append((key, value))
            else:
                path, place = parse_path(key)
                conditions.append((path, Condition(place, comparison)))
    return conditions, arguments


def _level(key: str) -> Path:
    """Return the embed path in front of ``.order`` and the like."""
    if "." not in key:
        return ()
    path, place = parse_path(key.rpartition(".")[0])
    return (*path, place.name)


def _orders(pairs: list[tuple[str, str]]) -> dict[Path, tuple[OrderTerm, ...]]:
    orders: dict[Path, tuple[OrderTerm, ...]] = {}
    for key, value in pairs:
        if key.rpartition(".")[2] == "order":
            orders.setdefault(_level(key), parse_order(value))
    return orders


def _windows(pairs: list[tuple[str, str]]) -> dict[Path, Window]:
    windows: dict[Path, Window] = {}
    for key, value in pairs:
        last = key.rpartition(".")[2]
        if last in ("limit", "offset") and _INTEGER.fullmatch(value):
            path = _level(key)
            old = windows.get(path, Window())
            limit = int(value) if last == "limit" else old.limit
            offset = max(0, int(value)) if last == "offset" else old.offset
            windows[path] = Window(limit, offset)
    return windows


def _check_sizes(select: tuple[SelectItem, ...], conditions: Iterable[tuple[Path, Tree]]) -> None:
    if sum(_leaves(tree) for _, tree in conditions) > MAX_CONDITIONS:
        raise RestError(
            "PGRST100",
            f"more than {MAX_CONDITIONS} conditions in one request",
            hint="Put long lists of values into one in.(…) filter, or call a function",
        )
    embeds = list(_embeds(select))
    if len(embeds) > MAX_EMBEDS:
        raise RestError("PGRST100", f"more than {MAX_EMBEDS} embedded resources in one request")
    if len(select) + sum(len(embed.items) for embed in embeds) > MAX_COLUMNS:
        raise RestError("PGRST100", f"more than {MAX_COLUMNS} selected columns in one request")


def _leaves(tree: Tree) -> int:
    return sum(_leaves(child) for child in tree.children) if isinstance(tree, Logic) else 1


def _embeds(items: tuple[SelectItem, ...]) -> Iterator[Embed]:
    for item in items:
        if isinstance(item, Embed):
            yield item
            yield from _embeds(item.items)
