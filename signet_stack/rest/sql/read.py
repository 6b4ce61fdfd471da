"""Write the SELECT of a read plan, one lateral join for each embed."""

from __future__ import annotations

from signet_stack.rest.grammar.trees import Column, OrderTerm
from signet_stack.rest.plan.read import ReadPlan, Related
from signet_stack.rest.schema_cache.model import Pairs, Table
from signet_stack.rest.sql.fragments import Parameters, aliased, cast, field, name, tests, where

ORDER = {None: "", "asc": " ASC", "desc": " DESC", "nullsfirst": " NULLS FIRST", "nullslast": " NULLS LAST"}


def select(plan: ReadPlan, bind: Parameters, source: str, joined_by: tuple[str, ...] = ()) -> str:
    """Write the rows of a plan, read from ``source`` (a table or a WITH query, and what joins it)."""
    shown = [_column(column, plan, bind) for column in plan.columns]
    shown += [_output(embed) for embed in plan.embeds if not embed.is_hidden]
    text = f"SELECT {', '.join(shown)} {rows(plan, bind, source, joined_by)}"
    sums = {place for place, column in enumerate(plan.columns, 1) if column.aggregate}
    if sums and (others := [str(place) for place in range(1, len(shown) + 1) if place not in sums]):
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


def _column(column: Column, plan: ReadPlan, bind: Parameters) -> str:
    place, aggregate = column.field, column.aggregate
    if place is None:
        text = "count(*)"
    elif place.name == "*" and not place.path:
        text = f"{name(plan.alias)}.*"
    else:
        text = cast(field(place, plan.alias, plan.table, bind), column.cast)
    if aggregate is not None:
        text = cast(text if place is None else f"{aggregate.function}({text})", aggregate.cast)
    label = column.alias or _natural_name(column)
    return f"{text} AS {name(label)}" if label else text


def _natural_name(column: Column) -> str | None:
    """A JSON path is called after its last key, an aggregate after its function, a column needs no name."""
    if column.aggregate is not None:
        return column.aggregate.function
    if column.field is None or not (column.field.path or column.cast):
        return None
    keys = [step.key for step in column.field.path if isinstance(step.key, str)]
    return keys[-1] if keys else column.field.name


def _output(embed: Related) -> str:
    alias = name(embed.alias)
    if embed.is_spread:
        return f"{alias}.*"
    if embed.relation.is_to_one:
        return f"row_to_json({alias}.*)::jsonb AS {name(embed.label)}"
    return f"COALESCE({alias}.{alias}, '[]') AS {name(embed.label)}"


def _join(embed: Related, parent: str, bind: Parameters) -> str:
    alias, relation, inner = name(embed.alias), embed.relation, embed.plan.alias
    source = aliased(relation.schema, relation.target, inner)
    if relation.junction is not None:
        between = f"{embed.alias}_junction"
        far = _equal(between, inner, relation.far_columns)
        source += f" INNER JOIN {aliased(relation.schema, relation.junction, between)} ON {far}"
        inner = between
    inside, on = select(embed.plan, bind, source, (_equal(parent, inner, relation.columns),)), "TRUE"
    if not relation.is_to_one:
        inside = f"SELECT json_agg({alias})::jsonb AS {alias} FROM ({inside}) AS {alias}"
        on = f"{alias}.{alias} IS NOT NULL" if embed.is_inner else "TRUE"
    return f" {'INNER' if embed.is_inner else 'LEFT'} JOIN LATERAL ({inside}) AS {alias} ON {on}"


def _equal(left: str, right: str, columns: Pairs) -> str:
    return " AND ".join(f"{name(right)}.{name(there)} = {name(left)}.{name(here)}" for here, there in columns)


def _sort_key(term: OrderTerm, alias: str, table: Table | None, bind: Parameters) -> str:
    return field(term.field, alias, table, bind) + ORDER[term.direction] + ORDER[term.nulls]
