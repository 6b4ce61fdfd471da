"""Plan a read: which rows, columns and relations; also the shape of what a write or a call returns."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from signet_stack.rest.errors import RestError
from signet_stack.rest.grammar.query_params import QueryParams
from signet_stack.rest.grammar.trees import (
    Aggregate,
    Column,
    Condition,
    Embed,
    Logic,
    NullTest,
    OrderTerm,
    Path,
    SelectItem,
    Tree,
    Window,
)
from signet_stack.rest.plan.relation_lookup import find_relation
from signet_stack.rest.schema_cache.model import Relation, SchemaCache, Table

SortKey = tuple[OrderTerm, str, Table | None]  # the term, and whose field it looks at: alias and table


@dataclass(frozen=True, slots=True)
class ReadPlan:
    """Rows of one table (None: of a function without a table's row type) and what hangs on them."""

    table: Table | None
    alias: str
    columns: tuple[Column, ...]
    embeds: tuple[Related, ...]
    where: tuple[Tree, ...]
    order: tuple[SortKey, ...]
    window: Window


@dataclass(frozen=True, slots=True)
class Related:
    """One embed: the relation to follow, the rows there, and how they join."""

    label: str
    alias: str
    relation: Relation
    plan: ReadPlan
    is_inner: bool
    is_spread: bool

    @property
    def is_hidden(self) -> bool:
        """Whether the embed only joins and shows nothing."""
        return not self.plan.columns and all(embed.is_hidden for embed in self.plan.embeds)

    def lifted(self) -> tuple[Lifted, ...]:
        """Return the values that a spread lifts into the rows of its parent."""
        return tuple(_lifted(self.plan)) if self.is_spread else ()


@dataclass(frozen=True, slots=True)
class Lifted:
    """One value of a spread: its label, and the aggregate that the parent applies to it."""

    label: str
    aggregate: Aggregate | None = None


def _lifted(plan: ReadPlan) -> Iterator[Lifted]:
    for column in plan.columns:
        if column.is_star and plan.table:
            yield from (Lifted(name) for name in plan.table.columns)
        else:
            yield Lifted(column.label, column.aggregate)
    for embed in plan.embeds:
        if embed.is_spread:
            yield from embed.lifted()
        elif not embed.is_hidden:
            yield Lifted(embed.label)


_At = tuple[int, ...]  # where an embed stands: its number among the embeds of each level


class ReadPlanner:
    """Plans one request against one schema cache."""

    def __init__(self, cache: SchemaCache, query: QueryParams, max_rows: int, *, aggregates: bool) -> None:
        self._schema_cache = cache
        self._query = query
        self._max_rows = max_rows
        self._aggregates = aggregates
        self._root = ""

    def plan(self, table: Table | None, alias: str, *, of_change: bool = False) -> ReadPlan:
        """Plan from the root; the rows ``of_change`` are there already, filtered and all of them."""
        self._root = alias
        query, places = self._query, self._place
        self._conditions = [(places(path), tree) for path, tree in query.conditions]
        self._order = {places(path): terms for path, terms in query.order.items()}
        self._windows = {places(path): window for path, window in query.windows.items()}
        plan = self._level(table, alias, query.select, ())
        return replace(plan, where=(), window=Window()) if of_change else plan

    def _level(self, table: Table | None, alias: str, items: tuple[SelectItem, ...], at: _At) -> ReadPlan:
        columns = tuple(item for item in items if isinstance(item, Column))
        if not self._aggregates and any(column.aggregate for column in columns):
            raise RestError("PGRST123", "Use of aggregate functions is not allowed")
        children = (item for item in items if isinstance(item, Embed))
        embeds = tuple(self._related(table, alias, item, (*at, n)) for n, item in enumerate(children))
        where = tuple(plan_test(tree, table, embeds) for place, tree in self._conditions if place == at)
        order = tuple(_sort_key(term, table, alias, embeds) for term in self._order.get(at, ()))
        window = self._windows.get(at, Window())
        limit = self._max_rows if window.limit is None else min(window.limit, self._max_rows)
        return ReadPlan(table, alias, columns, embeds, where, order, Window(limit, window.offset))

    def _related(self, table: Table | None, alias: str, embed: Embed, at: _At) -> Related:
        if table is None:
            message = (
                f"Could not find a relationship between '{alias}' and '{embed.target}' in the schema cache"
            )
            raise RestError("PGRST200", message, details=f"'{alias}' does not return rows of a table")
        relation, depth = find_relation(self._schema_cache, table, embed), len(at)
        inner_alias = f"{relation.target}_{depth}"
        if inner_alias == self._root:  # a table that is called like this
            inner_alias += "_"
        target = self._schema_cache.tables[relation.schema, relation.target]
        related = Related(
            embed.label,
            f"{alias}_{embed.label}_{depth}",
            relation,
            self._level(target, inner_alias, embed.items, at),
            embed.join == "inner",
            embed.is_spread,
        )
        if not relation.is_to_one and any(value.aggregate for value in related.lifted()):
            message = "Aggregates are not implemented for one-to-many or many-to-many spreads."
            raise RestError("PGRST127", "Feature not implemented", details=message)
        return related

    def _place(self, path: Path) -> _At:
        """Find the embed that a path names by labels or by names of tables; raise PGRST108 for none."""
        at, items = list[int](), self._query.select
        for name in path:
            embeds = [item for item in items if isinstance(item, Embed)]
            found = [n for n, embed in enumerate(embeds) if name in (embed.label, embed.target)]
            if not found:
                raise _not_embedded(name)
            at.append(found[0])
            items = embeds[found[0]].items
        return tuple(at)


def plan_test(tree: Tree, table: Table | None, embeds: tuple[Related, ...] = ()) -> Tree:
    """Return a condition as it is, but one on an embed as a test for rows there."""
    if isinstance(tree, Logic):
        return replace(tree, children=tuple(plan_test(child, table, embeds) for child in tree.children))
    if not isinstance(tree, Condition) or tree.field.path:
        return tree
    embed, comparison = _labelled(tree.field.name, embeds), tree.comparison
    if embed is None:
        return tree
    if comparison.operator == "is" and comparison.value in ("null", "not_null"):
        negated = comparison.negated != (comparison.value == "not_null")
        return NullTest(embed.alias, embed.relation.is_to_one, negated)
    if table is None or embed.label not in table.columns:
        message = "Only is null or not is null filters are allowed on embedded resources"
        raise RestError("PGRST120", "Bad operator on the embedded resource", details=message)
    return tree


def _sort_key(term: OrderTerm, table: Table | None, alias: str, embeds: tuple[Related, ...]) -> SortKey:
    if term.embed is None:
        return term, alias, table
    embed = _labelled(term.embed, embeds)
    if embed is None:
        raise _not_embedded(term.embed)
    if not embed.relation.is_to_one:
        message = f"A related order on '{term.embed}' is not possible"
        raise RestError("PGRST118", message, details=_not_to_one(alias, term.embed))
    return term, embed.alias, embed.plan.table


def _labelled(label: str, embeds: tuple[Related, ...]) -> Related | None:
    return next((embed for embed in embeds if embed.label == label), None)


def _not_embedded(name: str) -> RestError:
    return RestError(
        "PGRST108",
        f"'{name}' is not an embedded resource in this request",
        hint=f"Verify that '{name}' is included in the 'select' query parameter.",
    )


def _not_to_one(source: str, target: str) -> str:
    return f"'{source}' and '{target}' do not form a many-to-one or one-to-one relationship"
