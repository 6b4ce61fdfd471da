"""Write the SELECT of a read plan, one lateral join for each embed."""

from __future__ import annotations

from collections.abc import Iterator

from signet_stack.rest.grammar.trees import Column, OrderTerm
from signet_stack.rest.plan.read import ReadPlan, Related
from signet_stack.rest.schema_cache.model import Pairs, Table
from signet_stack.rest.sql.fragments import Parameters, aliased, cast, field, name, qualified, tests, where

_Item = tuple[str, bool]  # SQL text, and whether it is an aggregate

ORDER = {None: "", "asc": " ASC", "desc": " DESC", "nullsfirst": " NULLS FIRST", "nullslast": " NULLS LAST"}


def select(
    plan: ReadPlan, bind: Parameters, source: str, joined_by: tuple[str, ...] = (), *, is_lifted: bool = False
) -> str:
    """Write the rows of a plan, read from ``source`` (a table or a WITH query, and what joins it).

    A plan ``is_lifted`` if a to-one spread lifts its values: then the parent applies the aggregates.
    """
    values = [value for embed in plan.embeds if embed.relation.is_to_one for value in embed.lifted()]
    aggregates = [item.aggregate for item in plan.columns] + [value.aggregate for value in values]
    has_aggregates = not is_lifted and any(aggregates)
    shown = [*_columns(plan, bind, expands=has_aggregates, applies=not is_lifted)]
    for embed in plan.embeds:
        if not embed.is_hidden:
            shown += _output(embed, expands=has_aggregates)
    text = f"SELECT {', '.join(item for item, _ in shown)} {rows(plan, bind, source, joined_by)}"
    if has_aggregates and (others := [str(n) for n, (_, is_sum) in enumerate(shown, 1) if not is_sum]):
        text += f" GROUP BY {', '.join(others)}"
    if plan.order:
        text += f" ORDER BY {', '.join(_sort_key(*key, bind) for key in plan.order)}"
    if plan.window.limit is not None:
        text += f" LIMIT {bind(str(plan.window.limit))}"
    return text + (f" OFFSET {bind(str(plan.window.offset))}" if plan.window.offset else "")


def rows(plan: ReadPlan, bind: Parameters, source: str, joined_by: tuple[str, ...] = ()) -> str:
    """Write FROM and WHERE: what decides which rows there are, for the page and for the count."""
    joins = "".join(_join(embed, plan.alias, bind) for embed in plan.embeds)
    return f"FROM {source}{joins}{where(*joined_by, *tests(plan.where, plan.alias, plan.table, bind))}"


def _columns(plan: ReadPlan, bind: Parameters, *, expands: bool, applies: bool) -> Iterator[_Item]:
    """Write the selected columns; ``*`` is expanded where GROUP BY needs each column."""
    for column in plan.columns:
        if column.is_star and expands and plan.table:
            yield from ((f"{name(plan.alias)}.{name(one)}", False) for one in plan.table.columns)
        else:
            yield _column(column, plan, bind, applies=applies), column.aggregate is not None


def _column(column: Column, plan: ReadPlan, bind: Parameters, *, applies: bool) -> str:
    place, aggregate = column.field, column.aggregate
    if column.is_star:
        return f"{name(plan.alias)}.*"
    if place is None:  # count(): of rows, so that a spread without a row counts as none
        text = "count(*)" if applies else "1"
    else:
        text = cast(field(place, plan.alias, plan.table, bind), column.cast)
    if aggregate is not None and applies:
        text = cast(text if place is None else f"{aggregate.function}({text})", aggregate.cast)
    is_named = column.alias or aggregate or column.cast or (place and place.path)
    return f"{text} AS {name(column.label)}" if is_named else text


def _output(embed: Related, *, expands: bool) -> Iterator[_Item]:
    alias = name(embed.alias)
    if not embed.is_spread:
        to_one = f"row_to_json({alias}.*)::jsonb AS {name(embed.label)}"
        to_many = f"COALESCE({alias}.{alias}, '[]') AS {name(embed.label)}"
        yield to_one if embed.relation.is_to_one else to_many, False
    elif embed.relation.is_to_one and not expands:
        yield f"{alias}.*", False
    else:
        for value in embed.lifted():
            text, aggregate = f"{alias}.{name(value.label)}", value.aggregate
            if aggregate is not None:
                text = f"{cast(f'{aggregate.function}({text})', aggregate.cast)} AS {name(value.label)}"
            yield text, aggregate is not None


def _join(embed: Related, parent: str, bind: Parameters) -> str:
    alias, relation = name(embed.alias), embed.relation
    source, joined_by = _source(embed, parent)
    is_lifted = embed.is_spread and relation.is_to_one
    inside, on = select(embed.plan, bind, source, joined_by, is_lifted=is_lifted), "TRUE"
    if not relation.is_to_one:
        labels = dict.fromkeys(name(value.label) for value in embed.lifted())
        lists = [f"COALESCE(json_agg({alias}.{label}), '[]')::jsonb AS {label}" for label in labels]
        shown = ", ".join([f"json_agg({alias})::jsonb AS {alias}", *lists])
        inside = f"SELECT {shown} FROM ({inside}) AS {alias}"
        on = f"{alias}.{alias} IS NOT NULL" if embed.is_inner else "TRUE"
    return f" {'INNER' if embed.is_inner else 'LEFT'} JOIN LATERAL ({inside}) AS {alias} ON {on}"


def _source(embed: Related, parent: str) -> tuple[str, tuple[str, ...]]:
    """Return the FROM item of an embed (table, function, or table and junction) and its join condition."""
    relation, inner = embed.relation, embed.plan.alias
    if relation.function is not None:
        row = f"ROW({name(parent)}.*)::{qualified(relation.schema, relation.source)}"
        return f"{qualified(*relation.function)}({row}) AS {name(inner)}", ()
    source = aliased(relation.schema, relation.target, inner)
    if relation.junction is not None:
        between = f"{embed.alias}_junction"
        far = _equal(between, inner, relation.far_columns)
        source += f" INNER JOIN {aliased(relation.schema, relation.junction, between)} ON {far}"
        inner = between
    return source, (_equal(parent, inner, relation.columns),)


def _equal(left: str, right: str, columns: Pairs) -> str:
    return " AND ".join(f"{name(right)}.{name(there)} = {name(left)}.{name(here)}" for here, there in columns)


def _sort_key(term: OrderTerm, alias: str, table: Table | None, bind: Parameters) -> str:
    return field(term.field, alias, table, bind) + ORDER[term.direction] + ORDER[term.nulls]
