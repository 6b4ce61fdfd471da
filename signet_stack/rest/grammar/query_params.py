"""Parse a whole query string into the parts that the planner needs."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from urllib.parse import quote, unquote_plus

from signet_stack.rest.errors import RestError
from signet_stack.rest.grammar.filters import (
    LOGIC,
    parse_comparison,
    parse_logic,
    parse_names,
    parse_order,
    parse_path,
)
from signet_stack.rest.grammar.select import ALL, parse_select
from signet_stack.rest.grammar.trees import Condition, Embed, OrderTerm, Path, SelectItem, Tree, Window

MAX_EMBEDS = 32
MAX_COLUMNS = 500

_INTEGER = re.compile(r"-?[0-9]{1,18}")
_RESERVED = {"select", "columns", "on_conflict"}


@dataclass(slots=True)
class QueryParams:
    """Everything that the query string says. Levels (order, windows, conditions) are keyed by embed path."""

    select: tuple[SelectItem, ...] = ALL
    columns: tuple[str, ...] | None = None
    on_conflict: tuple[str, ...] = ()
    conditions: tuple[tuple[Path, Tree], ...] = ()
    order: dict[Path, tuple[OrderTerm, ...]] = field(default_factory=dict)
    windows: dict[Path, Window] = field(default_factory=dict)
    arguments: tuple[tuple[str, str], ...] = ()  # of a function called by GET
    canonical: str = ""  # for Content-Location


def split_pairs(query_string: str) -> list[tuple[str, str]]:
    """Split and decode a query string or a form; a key without ``=`` is left out."""
    pairs = (pair.partition("=") for pair in query_string.split("&"))
    return [(unquote_plus(key), unquote_plus(value)) for key, equals, value in pairs if equals]


def parse_query_params(query_string: str, *, takes_arguments: bool = False) -> QueryParams:
    """Parse a raw query string; with ``takes_arguments`` what is no filter is an argument of a function."""
    pairs = split_pairs(query_string)
    first = dict(reversed(pairs))
    query = QueryParams(canonical=_canonical(query_string))
    for key, value in pairs:
        if key not in _RESERVED:
            _sort_in(query, key, value, takes_arguments)
    query.select = parse_select(first.get("select", ""))
    if "columns" in first:
        query.columns = parse_names("columns parameter", first["columns"])
    if "on_conflict" in first:
        query.on_conflict = parse_names("on_conflict parameter", first["on_conflict"])
    _check_sizes(query)
    return query


def _canonical(query_string: str) -> str:
    """Sort by key and encode again; the values of a key are joined by commas, as PostgREST's library does."""
    values: dict[str, list[str]] = {}
    for pair in filter(None, query_string.split("&")):
        key, _, value = pair.partition("=")
        values.setdefault(unquote_plus(key), []).append(quote(unquote_plus(value), ""))
    return "&".join(f"{quote(key, '')}={','.join(values[key])}" for key in sorted(values))


def _sort_in(query: QueryParams, key: str, value: str, takes_arguments: bool) -> None:
    last = key.rpartition(".")[2]
    if last in LOGIC:
        names = _level(key)
        path = tuple(name for name in names if name != "not")
        query.conditions += ((path, parse_logic(last, value, negated="not" in names)),)
    elif last == "order":
        query.order.setdefault(_level(key), parse_order(value))
    elif last in ("limit", "offset"):
        if _INTEGER.fullmatch(value):
            path = _level(key)
            old, number = query.windows.get(path, Window()), int(value)
            is_limit = last == "limit"
            query.windows[path] = (
                Window(number, old.offset) if is_limit else Window(old.limit, max(0, number))
            )
    else:
        _sort_in_filter(query, key, value, takes_arguments)


def _sort_in_filter(query: QueryParams, key: str, value: str, takes_arguments: bool) -> None:
    try:
        comparison = parse_comparison(value)
    except RestError:
        if not takes_arguments:
            parse_path(key)  # a bad key is the earlier error
            raise
        query.arguments += ((key, value),)
    else:
        path, place = parse_path(key)
        query.conditions += ((path, Condition(place, comparison)),)


def _level(key: str) -> Path:
    """Return the embed path in front of ``.order`` and the like."""
    if "." not in key:
        return ()
    path, place = parse_path(key.rpartition(".")[0])
    return (*path, place.name)


def _check_sizes(query: QueryParams) -> None:
    embeds = list(_embeds(query.select))
    if len(embeds) > MAX_EMBEDS:
        raise RestError("PGRST100", f"more than {MAX_EMBEDS} embedded resources in one request")
    if len(query.select) + sum(len(embed.items) for embed in embeds) > MAX_COLUMNS:
        raise RestError("PGRST100", f"more than {MAX_COLUMNS} selected columns in one request")


def _embeds(items: tuple[SelectItem, ...]) -> Iterator[Embed]:
    for item in items:
        if isinstance(item, Embed):
            yield item
            yield from _embeds(item.items)
