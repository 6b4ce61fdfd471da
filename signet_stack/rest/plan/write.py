"""Plan a write: which columns take values, which rows change, what comes back."""

from __future__ import annotations

from dataclasses import dataclass

from signet_stack.rest.body import Payload
from signet_stack.rest.errors import RestError, without_where
from signet_stack.rest.grammar.query_params import QueryParams
from signet_stack.rest.grammar.trees import Condition, Field, Tree
from signet_stack.rest.plan.read import ReadPlan, plan_test
from signet_stack.rest.preferences import Preferences
from signet_stack.rest.schema_cache.model import Table, TableColumn

VERBS = {"PATCH": "UPDATE", "DELETE": "DELETE"}


@dataclass(frozen=True, slots=True)
class WritePlan:
    """One INSERT, UPDATE or DELETE."""

    method: str
    table: Table
    payload: Payload
    columns: tuple[TableColumn, ...]
    where: tuple[Tree, ...]  # of UPDATE and DELETE; of PUT, on the payload
    arbiter: tuple[str, ...]  # the columns of ON CONFLICT
    merges: bool  # into such a row; otherwise it is left as it is
    takes_defaults: bool  # for keys that a row lacks
    returning: tuple[str, ...] | None  # names, `*`, or None: nothing
    location: tuple[str, ...]  # key columns of the Location header


def plan_write(
    method: str,
    table: Table,
    query: QueryParams,
    payload: Payload,
    preferences: Preferences,
    shape: ReadPlan | None,
    *,
    is_safe: bool = False,
) -> WritePlan:
    """Plan a write on one table; ``shape`` is the plan of the representation, if any.

    If ``is_safe``, raise 21000 for a DELETE or UPDATE without a filter.
    """
    resolution = preferences.get("resolution") if method == "POST" else None
    arbiter = query.on_conflict or table.primary_key if resolution else ()
    if method == "PUT":
        _check_put(table, query)
        arbiter, resolution = table.primary_key, "merge-duplicates"
    tests = tuple(plan_test(tree, table) for path, tree in query.conditions if path == ())
    if is_safe and not tests and method in VERBS and (method == "DELETE" or payload.keys):
        raise without_where(VERBS[method])
    key = table.primary_key if preferences.get("return") == "headers-only" and method == "POST" else ()
    return WritePlan(
        method,
        table,
        payload,
        () if method == "DELETE" else tuple(_column(table, key) for key in payload.keys),
        () if method == "POST" else tests,
        arbiter,
        resolution == "merge-duplicates" and bool(arbiter),
        preferences.get("missing") == "default" and method in ("POST", "PATCH"),
        _returning(shape, table) if shape else key or None,
        key,
    )


def _column(table: Table, key: str) -> TableColumn:
    if key in table.columns:
        return table.columns[key]
    raise RestError("PGRST204", f"Could not find the '{key}' column of '{table.name}' in the schema cache")


def _check_put(table: Table, query: QueryParams) -> None:
    if query.windows.get(()) is not None:
        raise RestError("PGRST114", "limit/offset querystring parameters are not allowed for PUT")
    filters = [tree for path, tree in query.conditions if path == ()]
    names = [tree.field.name for tree in filters if isinstance(tree, Condition) and _is_plain_equality(tree)]
    if not names or sorted(names) != sorted(table.primary_key) or len(names) != len(filters):
        message = "Filters must include all and only primary key columns with 'eq' operators"
        raise RestError("PGRST105", message)


def _is_plain_equality(tree: Condition) -> bool:
    comparison = tree.comparison
    is_plain = not comparison.negated and comparison.modifier is None
    return comparison.operator == "eq" and is_plain and not tree.field.path


def _returning(shape: ReadPlan, table: Table) -> tuple[str, ...]:
    """Return only the columns of the representation, so that no privilege for others is needed."""
    fields = [column.field for column in shape.columns if column.field]
    fields += [term.field for term, alias, _ in shape.order if alias == shape.alias]
    names = [field.name for field in fields]
    names += [source for embed in shape.embeds for source, _ in embed.relation.columns]
    takes_rows = any(embed.relation.function for embed in shape.embeds)
    if Field("*") in fields or takes_rows:  # computed columns are not part of it
        names = ["*", *(name for name in names if name != "*" and name not in table.columns)]
    return tuple(dict.fromkeys(names))
