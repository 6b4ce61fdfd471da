"""Which requests are planned once, and what keeps that memory small."""

from __future__ import annotations

from dataclasses import replace

import pytest

from signet_stack.rest import planner
from signet_stack.rest.plan.request import PlanInput, Target
from signet_stack.rest.planner import Planner
from signet_stack.rest.settings import RestSettings
from tests.support.rest_sample import SCHEMA_CACHE

ASKED = PlanInput("GET", Target("s", "projects"), "id=eq.1&select=id", accept="application/json")


def make_planner() -> Planner:
    return Planner(SCHEMA_CACHE, RestSettings(schemas=("s",)))


def test_a_request_that_comes_again_is_planned_once() -> None:
    planner = make_planner()
    assert planner.plan(ASKED) is planner.plan(replace(ASKED))
    assert make_planner().plan(ASKED) is not planner.plan(ASKED)


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
def test_whatever_is_asked_differently_is_another_plan(change: dict[str, str]) -> None:
    planner = make_planner()
    one, other = planner.plan(ASKED), planner.plan(replace(ASKED, **change))  # type: ignore[arg-type]
    assert one != other


@pytest.mark.parametrize(
    "asked",
    [
        replace(ASKED, method="POST", query="", body=b"{}", prefer="return=minimal"),
        replace(ASKED, query=f"name=eq.{'x' * planner.REMEMBERED_LENGTH}"),
        replace(ASKED, accept="application/json" + "," * planner.REMEMBERED_LENGTH),
    ],
    ids=["body", "query", "header"],
)
def test_bodies_and_long_requests_are_not_kept(asked: PlanInput) -> None:
    planner = make_planner()
    assert planner.plan(asked) is not planner.plan(asked)


def test_the_memory_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(planner, "REMEMBERED", 2)
    bounded = make_planner()
    first = bounded.plan(ASKED)
    for number in range(2, 4):
        bounded.plan(replace(ASKED, query=f"id=eq.{number}"))
    assert bounded.plan(ASKED) is not first
