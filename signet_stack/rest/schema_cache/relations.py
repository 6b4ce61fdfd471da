"""Derive the relations of tables and views from foreign keys, view definitions and functions.

A view takes over the keys of the tables below it: where all columns of a foreign key, of the key that it
references, or of a primary key appear in a view, the view stands in the table's place. PostgreSQL notes the
origin of each output column in the view's stored query (``pg_rewrite.ev_action``), so no SQL is parsed.
Source of the rules: PostgREST, "Resource Embedding".
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import permutations, product

from signet_stack.rest.schema_cache.model import Kind, Pairs, Place, Relation, Table

ColumnKey = tuple[int, int]  # oid of a table or view, number of the column
REVERSED: dict[Kind, Kind] = {"many-to-one": "one-to-many", "one-to-one": "one-to-one"}

_NODE = re.compile(r"\\.|[{}()]|:targetList |:(resno|resorigtbl|resorigcol) ([0-9]+)", re.DOTALL)
_STEPS = {"(": 1, "{": 1, ")": -1, "}": -1}


@dataclass(frozen=True, slots=True)
class Key:
    """Columns of one table that form a key, or its part of a foreign key: names and column keys."""

    place: Place
    names: tuple[str, ...]
    columns: tuple[ColumnKey, ...]


@dataclass(frozen=True, slots=True)
class ForeignKey:
    """One foreign key; unique if its own columns are a primary or unique key, too."""

    constraint: str
    is_unique: bool
    source: Key
    target: Key


@dataclass(frozen=True, slots=True)
class View:
    """A view or materialized view: oid, names of its columns by number, stored query (pg_node_tree)."""

    oid: int
    place: Place
    columns: Mapping[int, str]
    definition: str


class ViewColumns:
    """Which columns of views show which columns of tables, through views on views, too."""

    def __init__(self, views: Iterable[View]) -> None:
        self._views = {view.oid: view for view in views}
        self._origins: dict[ColumnKey, ColumnKey] = {}
        for view in self._views.values():
            for number, origin in column_origins(view.definition):
                self._origins[view.oid, number] = origin
        self._shown: dict[ColumnKey, dict[int, list[str]]] = defaultdict(lambda: defaultdict(list))
        for oid, number in sorted(self._origins):
            view = self._views[oid]
            if number in view.columns:
                for origin in self._chain((oid, number)):
                    self._shown[origin][oid].append(view.columns[number])

    def _chain(self, column: ColumnKey) -> Iterator[ColumnKey]:
        """Yield the origins of a view's column, the nearest first; PostgreSQL allows no circle."""
        while (origin := self._origins.get(column)) is not None:
            yield origin
            column = origin

    def keys_like(self, key: Key) -> Iterator[Key]:
        """Yield the key itself, and each view (one entry per choice of columns) that shows all of it."""
        yield key
        shown = [self._shown.get(column, {}) for column in key.columns]
        for oid in set.intersection(*(set(views) for views in shown)) if shown else ():
            for names in product(*(views[oid] for views in shown)):
                yield Key(self._views[oid].place, names, key.columns)


def column_origins(definition: str) -> Iterator[tuple[int, ColumnKey]]:
    """Yield (number, (oid, number) of its origin) for each output column of a stored query that has one.

    Only the target list of the outermost query counts. Names in a pg_node_tree are escaped by backslashes.
    """
    depth, is_in_list, entry = 0, False, dict[str, int]()
    for match in _NODE.finditer(definition):
        text = match.group()
        if text == ":targetList ":
            is_in_list = is_in_list or depth == 2
        elif step := _STEPS.get(text):
            depth += step
            if is_in_list and depth == 2:
                return
            if is_in_list and depth == 3 and entry:
                if entry.get("resorigtbl"):
                    yield entry["resno"], (entry["resorigtbl"], entry["resorigcol"])
                entry = {}
        elif match[1] and is_in_list and depth == 4:
            entry[match[1]] = int(match[2])


def add_view_keys(
    tables: Mapping[Place, Table], primary_keys: Iterable[Key], views: ViewColumns
) -> dict[Place, Table]:
    """Return the tables with the primary keys of views filled in: those of all tables they show whole."""
    found: dict[Place, list[str]] = defaultdict(list)
    for key in primary_keys:
        _, *shown = views.keys_like(key)
        firsts = {one.place: one for one in reversed(shown)}  # a column shown twice counts once
        for one in firsts.values():
            found[one.place] += one.names
    return {
        place: replace(table, primary_key=tuple(found[place])) if table.is_view and place in found else table
        for place, table in tables.items()
    }


def derive_relations(
    foreign_keys: Iterable[ForeignKey],
    views: ViewColumns,
    computed: Iterable[Relation],
    tables: Mapping[Place, Table],
) -> dict[Place, tuple[Relation, ...]]:
    """Return the relations of each exposed table or view; computed ones replace those to the same name."""
    found: dict[Place, list[Relation]] = defaultdict(list)
    for key in foreign_keys:
        for relation in _of_foreign_key(key, views, tables):
            found[relation.schema, relation.source].append(relation)
    keys = {place: list(relations) for place, relations in found.items()}
    for place, relations in keys.items():
        many_to_many = _many_to_many(relations, set(tables[place].primary_key))
        for relation in (*map(_reversed, relations), *many_to_many):
            found[relation.schema, relation.source].append(relation)
    for relation in computed:
        place = relation.schema, relation.source
        if place in tables and (relation.schema, relation.target) in tables:
            kept = [one for one in found[place] if one.function or one.target != relation.constraint]
            found[place] = [*kept, relation]
    return {place: tuple(relations) for place, relations in found.items()}


def _of_foreign_key(key: ForeignKey, views: ViewColumns, tables: Mapping[Place, Table]) -> Iterator[Relation]:
    sources = [one for one in views.keys_like(key.source) if one.place in tables]
    targets = [one for one in views.keys_like(key.target) if one.place in tables] if sources else []
    kind: Kind = "one-to-one" if key.is_unique else "many-to-one"
    for source, target in product(sources, targets):
        (schema, name), (target_schema, target_name) = source.place, target.place
        if schema == target_schema:
            pairs = tuple(zip(source.names, target.names, strict=True))
            yield Relation(schema, kind, name, target_name, key.constraint, pairs)


def _reversed(key: Relation) -> Relation:
    kind = REVERSED[key.kind]
    return Relation(key.schema, kind, key.target, key.source, key.constraint, _swapped(key.columns))


def _many_to_many(keys: list[Relation], primary_key: set[str]) -> Iterator[Relation]:
    """Read a table as a junction wherever the columns of two foreign keys are part of its primary key."""
    keys = [key for key in keys if {source for source, _ in key.columns} <= primary_key]
    for near, far in permutations([key for key in keys if key.kind == "many-to-one"], 2):
        if near.constraint != far.constraint:
            ends = (near.target, far.target, near.constraint, _swapped(near.columns))
            junction = (near.source, far.constraint, far.columns)
            yield Relation(near.schema, "many-to-many", *ends, *junction)


def _swapped(columns: Pairs) -> Pairs:
    return tuple((target, source) for source, target in columns)
