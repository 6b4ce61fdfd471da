"""From what is asked to the statements that answer it, worked out once for requests that come again."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from signet_stack.rest.plan.request import Plan, PlanInput, plan_request
from signet_stack.rest.schema_cache.model import SchemaCache
from signet_stack.rest.settings import RestSettings
from signet_stack.rest.sql.statement import Statement, count_statement, main_statement

REMEMBERED = 256
REMEMBERED_LENGTH = 2048  # of the texts of one request


@dataclass(frozen=True, slots=True)
class PlannedRequest:
    """A plan and its statements."""

    plan: Plan
    main: Statement
    count: Statement | None


class Planner:
    """Plans requests against one schema cache. Who asks plays no part; that is for the transaction."""

    def __init__(self, schema_cache: SchemaCache, settings: RestSettings) -> None:
        self.schema_cache = schema_cache
        self._settings = settings
        self._remembered = lru_cache(REMEMBERED)(self._plan)

    def plan(self, asked: PlanInput) -> PlannedRequest:
        """Plan a request; short ones without a body are remembered as long as the schema cache holds."""
        texts = asked.target.name, asked.query, asked.prefer, asked.accept, asked.range, asked.content_type
        is_short = not asked.body and sum(map(len, texts)) <= REMEMBERED_LENGTH
        return self._remembered(asked) if is_short else self._plan(asked)

    def _plan(self, asked: PlanInput) -> PlannedRequest:
        plan = plan_request(asked, self.schema_cache, self._settings)
        return PlannedRequest(plan, main_statement(plan), count_statement(plan))
