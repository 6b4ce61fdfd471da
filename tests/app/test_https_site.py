"""The same pages under https: cookies that only this host can set or read, and nothing else changes."""

from __future__ import annotations

import pytest
from flask import Flask

from app import create_app
from signet_stack.handle import RunningStack
from tests.support.people import Person, log_in, sign_up
from tests.support.site import settings_for

SITE = "https://www.example.com"


@pytest.fixture(scope="module")
def https_app(stack: RunningStack) -> Flask:
    return create_app(settings_for(stack, SITE))


def attributes(cookie: str) -> set[str]:
    """Return the attributes of a Set-Cookie header, in lower case and without the cookie itself."""
    return {part.strip().lower() for part in cookie.split(";")[1:]}


def test_a_whole_visit_sets_only_cookies_of_this_host(https_app: Flask) -> None:
    cookies: list[str] = []
    person = sign_up(https_app)
    for step in (
        lambda: person.create_profile("Ada"),
        lambda: person.press("Save", display_name="Ada King"),
        lambda: person.press("Sign out"),
        lambda: person.get("/login"),
    ):
        step()
        cookies += [c for hop in person.visitor.hops for c in hop.headers.getlist("Set-Cookie")]
    assert {cookie.partition("=")[0] for cookie in cookies} == {"__Host-session", "__Host-sb"}
    for cookie in cookies:
        assert {"secure", "httponly", "samesite=lax", "path=/"} <= attributes(cookie)
        assert not [part for part in attributes(cookie) if part.startswith("domain")]
        assert len(cookie) < 4096


def test_no_referer_is_needed(https_app: Flask) -> None:
    """Privacy tools remove it; the check of the origin does not need it."""
    person: Person = sign_up(https_app)
    person.press("Sign out")
    assert log_in(https_app, person.email).get("/profile").status == 200
