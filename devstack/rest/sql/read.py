"""Write the SELECT of a read plan, one lateral join for each embed."""

from __future__ import annotations

from devstack.rest.catalog.model import Pairs
from devstack.rest.grammar.trees import Column
from devstack.rest.plan.read import ReadPlan, Related, SortKey
from devstack.rest.sql import fragments
from devstack.rest.sql.fragments import Parameters, name, qualified


def select(plan: ReadPlan, bind: Parameters, source: str, conditions: tuple[str, ...] = ()) -> str:
    """Write the rows of a plan, read from ``source`` (a table or a WITH query, and what joins it)."""
    columns = [_column(column, plan, bind) for column in plan.columns]
    embeds = [_output(embed) for embed in plan.embeds if not embed.is_hidden]
    text = f"SELECT {', '.join(columns + embeds)} {rows(plan, bind, source, conditions)}"
    if any(column.aggregate for column in plan.columns):
        sums = {place for place, column in enumerate(plan.columns, 1) if column.aggregate}
        others = [str(place) for place in range(1, len(columns + embeds) + 1) if place not in sums]
        text += f" GROUP BY {', '.join(others)}" if others else ""
    if plan.order:
        text += f" ORDER BY {', '.join(_sort_key(key, plan, bind) for key in plan.order)}"
    return text + fragments.window(plan.window, bind)


def rows(plan: ReadPlan, bind: Parameters, source: str, conditions: tuple[str, ...] = ()) -> str:
    """Write FROM and WHERE: what decides which rows there are, for the page and for the count."""
    joins = "".join(_join(embed, plan.alias, bind) for embed in plan.embeds)
    wanted = [*conditions, *(fragments.test(one, plan.alias, plan.table, bind) for one in plan.where)]
    filters = f" WHERE {' AND '.join(wanted)}" if wanted else ""
    return f"FROM {source}{joins}{filters}"


def source_of(schema: str, table: str, alias: str) -> str:
    """Write a table under its alias."""
    return f"{qualified(schema, table)} AS {name(alias)}"


def _column(column: Column, plan: ReadPlan, bind: Parameters) -> str:
    if column.field is None:
        text = "count(*)"
    elif column.field.name == "*" and not column.field.path:
        return f"{name(plan.alias)}.*"
    else:
        text = fragments.field(column.field, plan.alias, plan.table, bind)
        text = fragments.cast(text, column.cast) if column.cast else text
    if (aggregate := column.aggregate) is not None:
        text = text if column.field is None else f"{aggregate.function}({text})"
        text = fragments.cast(text, aggregate.cast) if aggregate.cast else text
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
    alias, relation = name(embed.alias), embed.relation
    source = source_of(embed.schema, relation.target, embed.plan.alias)
    inner, outer = embed.plan.alias, parent
    if relation.junction is not None:
        inner = f"{embed.alias}_junction"
        far = _equal(inner, embed.plan.alias, relation.far_columns)
        source += f" INNER JOIN {source_of(embed.schema, relation.junction, inner)} ON {far}"
    inside = select(embed.plan, bind, source, (_equal(outer, inner, relation.columns),))
    on = "TRUE"
    if not relation.is_to_one:
        inside = f"SELECT json_agg({alias})::jsonb AS {alias} FROM ({inside}) AS {alias}"
        on = f"{alias}.{alias} IS NOT NULL" if embed.is_inner else "TRUE"
    return f" {'INNER' if embed.is_inner else 'LEFT'} JOIN LATERAL ({inside}) AS {alias} ON {on}"


def _equal(left: str, right: str, columns: Pairs) -> str:
    return " AND ".join(f"{name(right)}.{name(there)} = {name(left)}.{name(here)}" for here, there in columns)


def _sort_key(key: SortKey, plan: ReadPlan, bind: Parameters) -> str:
    if key.embed is None:
        return fragments.sort_key(key.term, plan.alias, plan.table, bind)
    return fragments.sort_key(key.term, key.embed.alias, key.embed.plan.table, bind)
