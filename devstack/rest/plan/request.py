"""Plan a whole request: what it may do, what it reads or changes, what comes back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from devstack.rest.body import Payload, parse_body
from devstack.rest.catalog.model import Catalog, Routine, Table
from devstack.rest.errors import RestError
from devstack.rest.grammar.query import Query, parse_query
from devstack.rest.grammar.select import ALL
from devstack.rest.grammar.trees import Window
from devstack.rest.media import Media, negotiate
from devstack.rest.plan.call import CallPlan, plan_get, plan_post
from devstack.rest.plan.read import ReadPlan, ReadPlanner
from devstack.rest.plan.window import check_limit, within_range
from devstack.rest.plan.write import WritePlan, plan_write
from devstack.rest.preferences import WRITES, Preferences
from devstack.rest.settings import RestSettings


@dataclass(frozen=True, slots=True)
class ApiRequest:
    """What arrived; ``path`` (below ``prefix``) and ``query`` are raw, header names in lower case."""

    method: str
    prefix: str
    path: str
    query: str
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class Target:
    """What the URL names, in one schema."""

    schema: str
    name: str
    is_call: bool = False
    is_named: bool = False  # the schema, by a profile header

    @property
    def is_root(self) -> bool:
        """Whether the request is about the API itself."""
        return not self.name


@dataclass(frozen=True, slots=True)
class Plan:
    """Everything decided about one request on a table or a function."""

    method: str
    target: Target
    query: Query
    preferences: Preferences
    media: Media
    is_read_only: bool
    read: ReadPlan
    write: WritePlan | None = None
    call: CallPlan | None = None
    hoisted: tuple[tuple[str, str], ...] = ()

    @property
    def returns_rows(self) -> bool:
        """Whether the reply has rows in its body."""
        return self.write is None or self.preferences.get("return") == "representation"


def plan_table(
    request: ApiRequest,
    target: Target,
    table: Table,
    preferences: Preferences,
    catalog: Catalog,
    settings: RestSettings,
) -> Plan:
    """Plan a request on a table or view."""
    media = negotiate(request.headers.get("accept", ""), plan_enabled=settings.plan_enabled)
    query = _within_range(parse_query(request.query), request)
    planner = ReadPlanner(catalog, query, settings.max_rows, aggregates=settings.aggregates_enabled)
    if request.method not in WRITES:
        read = planner.plan(table, table.name)
        return Plan(request.method, target, query, preferences, media, True, read)
    payload = _payload(request, query)
    # Planned also where no representation is asked for: a filter on what is not embedded must not be dropped.
    shape = planner.plan(table, table.name, of_change=True)
    is_shaped = preferences.get("return") == "representation"
    write = plan_write(request.method, table, query, payload, preferences, shape if is_shaped else None)
    read = shape if is_shaped else _bare(table)
    return Plan(request.method, target, query, preferences, media, False, read, write)


def plan_call(
    request: ApiRequest,
    target: Target,
    routines: tuple[Routine, ...],
    preferences: Preferences,
    catalog: Catalog,
    settings: RestSettings,
) -> Plan:
    """Plan a call of a function."""
    if request.method not in ("GET", "HEAD", "POST"):
        raise RestError("PGRST101", f"Cannot use the {request.method} method on RPC")
    media = negotiate(request.headers.get("accept", ""), plan_enabled=settings.plan_enabled)
    is_get = request.method != "POST"
    query = _within_range(parse_query(request.query, takes_arguments=is_get), request)
    label = f"{target.schema}.{target.name}"
    if is_get:
        call = plan_get(routines, label, query.arguments)
    else:
        content_type = request.headers.get("content-type", "")
        call = plan_post(routines, label, request.body, content_type, query.columns)
    routine = call.routine
    if routine.returns != "composite":
        query = replace(query, select=ALL)
    table = catalog.tables.get((routine.schema, routine.returns_table or ""))
    planner = ReadPlanner(catalog, query, settings.max_rows, aggregates=settings.aggregates_enabled)
    read = planner.plan(table, table.name if table else routine.name)
    read_only = is_get or not routine.is_volatile
    return Plan(
        request.method,
        target,
        query,
        preferences,
        media,
        read_only,
        read,
        None,
        call,
        hoisted=routine.settings,
    )


def _payload(request: ApiRequest, query: Query) -> Payload:
    if request.method == "DELETE":
        return Payload("[]", True, ())
    return parse_body(request.body, request.headers.get("content-type", ""), query.columns)


def _bare(table: Table) -> ReadPlan:
    return ReadPlan(table, table.name, ALL, (), (), (), Window())


def _within_range(query: Query, request: ApiRequest) -> Query:
    """Cut the root window by the Range header, which only a GET may have."""
    for window in query.windows.values():
        check_limit(window)
    header = request.headers.get("range", "") if request.method == "GET" else ""
    window = within_range(query.windows.get((), Window()), header)
    return query if window == Window() else replace(query, windows={**query.windows, (): window})
