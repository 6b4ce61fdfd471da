"""Plan a whole request: what it may do, what it reads or changes, what comes back."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from signet_stack.rest.body import Payload, parse_body
from signet_stack.rest.errors import RestError
from signet_stack.rest.grammar.query_params import QueryParams, parse_query_params
from signet_stack.rest.grammar.select import ALL
from signet_stack.rest.grammar.trees import Window
from signet_stack.rest.media import Media, negotiate
from signet_stack.rest.plan.call import CallPlan, plan_get, plan_post
from signet_stack.rest.plan.read import ReadPlan, ReadPlanner
from signet_stack.rest.plan.suggestions import suggest_table
from signet_stack.rest.plan.write import WritePlan, plan_write
from signet_stack.rest.preferences import WRITES, Preferences, parse_preferences
from signet_stack.rest.schema_cache.model import SchemaCache, Table

_RANGE = re.compile(r"([0-9]{1,18})-([0-9]{1,18})?")


@dataclass(frozen=True, slots=True)
class Target:
    """What the URL names, in one schema; the root has an empty name."""

    schema: str
    name: str
    is_call: bool = False
    is_named: bool = False  # the schema, by a profile header


@dataclass(frozen=True, slots=True)
class PlanInput:
    """All of a request that its plan depends on, besides the schema cache; raw texts and bytes."""

    method: str
    target: Target
    query: str
    prefer: str = ""
    accept: str = ""
    range: str = ""
    content_type: str = ""
    body: bytes = b""


@dataclass(frozen=True, slots=True)
class Plan:
    """Everything decided about one request on a table or a function."""

    method: str
    target: Target
    query: QueryParams
    preferences: Preferences
    media: Media
    max_rows: int  # on a page, and that an estimate counts exactly
    read: ReadPlan
    write: WritePlan | None = None
    call: CallPlan | None = None

    @property
    def is_read_only(self) -> bool:
        """Whether nothing may be changed: a write, or a POST to a function that might write."""
        return self.write is None and not (
            self.call and self.method == "POST" and self.call.routine.is_volatile
        )

    @property
    def returns_rows(self) -> bool:
        """Whether the reply has rows in its body."""
        return self.write is None or self.preferences.get("return") == "representation"


def plan_request(given: PlanInput, cache: SchemaCache) -> Plan:
    """Plan a request on a table, view or function."""
    method, target, preferences = given.method, given.target, parse_preferences(given.prefer)
    settings = cache.settings
    if target.is_call and method not in ("GET", "HEAD", "POST"):
        raise RestError("PGRST101", f"Cannot use the {method} method on RPC")
    if method not in {"GET", "HEAD", *WRITES}:
        raise RestError("PGRST117", f"Unsupported HTTP method: {method}")
    table = None if target.is_call else find_table(cache, target)
    media = negotiate(given.accept, plan_enabled=settings.plan_enabled)
    query = parse_query_params(given.query, takes_arguments=target.is_call and method != "POST")
    query = _within_range(query, given.range if method == "GET" else "")
    call = _plan_call(given, query, cache) if target.is_call else None
    if call is not None:
        table = cache.tables.get((target.schema, call.routine.returns_table or ""))
    planner = ReadPlanner(cache, query, settings.max_rows, aggregates=settings.aggregates_enabled)
    alias = table.name if table else target.name
    if call is not None or table is None or method not in WRITES:
        read = planner.plan(table, alias)
        return Plan(method, target, query, preferences, media, settings.max_rows, read, None, call)
    payload = _payload(given, query)
    # Planned without a representation, too: a filter on what is not embedded must be refused, not dropped.
    shape = planner.plan(table, alias, of_change=True)
    is_shaped = preferences.get("return") == "representation"
    shown = shape if is_shaped else None
    safe = settings.safe_updates
    write = plan_write(method, table, query, payload, preferences, shown, is_safe=safe)
    read = shape if is_shaped else replace(shape, columns=ALL, embeds=(), order=())
    return Plan(method, target, query, preferences, media, settings.max_rows, read, write)


def find_table(cache: SchemaCache, target: Target) -> Table:
    """Return the table or view that a request names."""
    if table := cache.tables.get((target.schema, target.name)):
        return table
    place, hint = f"{target.schema}.{target.name}", suggest_table(cache, target.schema, target.name)
    raise RestError("PGRST205", f"Could not find the table '{place}' in the schema cache", hint=hint)


def within_range(window: Window, header: str) -> Window:
    """Intersect a window with a Range header (RFC 9110 section 14.2, in rows); raise for an empty range."""
    if window.limit is not None and window.limit < 0:
        raise _not_satisfiable("Limit should be greater than or equal to zero.")
    found = _RANGE.fullmatch(header)
    if found is None or window.limit == 0:
        return window
    first = int(found[1])
    ends = [] if window.limit is None else [window.offset + window.limit]
    if found[2] is not None:
        if int(found[2]) < first:
            rule = "The lower boundary must be lower than or equal to the upper boundary in the Range header."
            raise _not_satisfiable(rule)
        ends.append(int(found[2]) + 1)
    offset = max(first, window.offset)
    return Window(max(0, min(ends) - offset) if ends else None, offset)


def _within_range(query: QueryParams, header: str) -> QueryParams:
    windows = {path: within_range(window, "") for path, window in query.windows.items()}
    root = within_range(windows.get((), Window()), header)
    return query if root == Window() else replace(query, windows={**windows, (): root})


def _plan_call(given: PlanInput, query: QueryParams, cache: SchemaCache) -> CallPlan:
    place = given.target.schema, given.target.name
    if given.method != "POST":
        return plan_get(cache, place, query.arguments)
    return plan_post(cache, place, given.body, given.content_type, query.columns)


def _payload(given: PlanInput, query: QueryParams) -> Payload:
    if given.method == "DELETE":
        return Payload("[]", True, ())
    return parse_body(given.body, given.content_type, query.columns)


def _not_satisfiable(details: str) -> RestError:
    return RestError("PGRST103", "Requested range not satisfiable", details=details)
