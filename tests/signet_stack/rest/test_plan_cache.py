"""Which requests are planned once, and what keeps that memory small."""

from __future__ import annotations

from dataclasses import replace

import pytest

from signet_stack.rest import application
from signet_stack.rest.application import Planner
from signet_stack.rest.plan.request import PlanInput, Target
from tests.support.rest_sample import SCHEMA_CACHE

GIVEN = PlanInput("GET", Target("s", "projects"), "id=eq.1&select=id", accept="application/json")


def make_planner() -> Planner:
    return Planner(SCHEMA_CACHE)


def test_a_request_that_comes_again_is_planned_once() -> None:
    planner = make_planner()
    assert planner.plan(GIVEN) is planner.plan(replace(GIVEN))
    assert make_planner().plan(GIVEN) is not planner.plan(GIVEN)


@pytest.mark.parametrize(
    "change",
    [
        {"method": "HEAD"},
        {"target": Target("s", "projects", is_named=True)},
        {"query": "id=eq.2&select=id"},
        {"prefer": "count=exact"},
        {"accept": "text/csv"},
        {"range": "0-1"},
    ],
    ids=str,
)
def test_a_different_request_is_another_plan(change: dict[str, str]) -> None:
    planner = make_planner()
    one, other = planner.plan(GIVEN), planner.plan(replace(GIVEN, **change))  # type: ignore[arg-type]
    assert one != other


@pytest.mark.parametrize(
    "given",
    [
        replace(GIVEN, method="POST", query="", body=b"{}", prefer="return=minimal"),
        replace(GIVEN, query=f"name=eq.{'x' * application.MAX_CACHED_LENGTH}"),
        replace(GIVEN, accept="application/json" + "," * application.MAX_CACHED_LENGTH),
    ],
    ids=["body", "query", "header"],
)
def test_bodies_and_long_requests_are_not_kept(given: PlanInput) -> None:
    planner = make_planner()
    assert planner.plan(given) is not planner.plan(given)


def test_the_cache_of_plans_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(application, "CACHED_PLANS", 2)
    bounded = make_planner()
    first = bounded.plan(GIVEN)
    for number in range(2, 4):
        bounded.plan(replace(GIVEN, query=f"id=eq.{number}"))
    assert bounded.plan(GIVEN) is not first
