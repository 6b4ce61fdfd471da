"""From what is asked to the statements that answer it."""

from __future__ import annotations

from dataclasses import dataclass

from devstack.rest.catalog.model import Catalog
from devstack.rest.plan.request import Asked, Plan, plan_request
from devstack.rest.settings import RestSettings
from devstack.rest.sql.statement import Statement, count_statement, main_statement


@dataclass(frozen=True, slots=True)
class Planned:
    """A plan and its statements."""

    plan: Plan
    main: Statement
    count: Statement | None


class Planner:
    """Plans requests against one schema cache. Who asks plays no part; that is for the transaction."""

    def __init__(self, catalog: Catalog, settings: RestSettings) -> None:
        self.catalog = catalog
        self._settings = settings

    def plan(self, asked: Asked) -> Planned:
        """Plan a request."""
        plan = plan_request(asked, self.catalog, self._settings)
        return Planned(plan, main_statement(plan), count_statement(plan))
