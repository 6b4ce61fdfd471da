"""Every page by axe-core, in both colour schemes: no violation of WCAG 2.2 A and AA."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page

from tests.browser.conftest import WAIT_MS
from tests.browser.steps import create_profile, sign_up
from tests.support.people import new_email

OPEN = ("/", "/login", "/signup", "/forgot-password", "/nothing-here")
SIGNED_IN = ("/", "/profile", "/people", "/account/sessions", "/profile/delete")
LAB = ("/lab/", "/lab/policies", "/lab/token", "/lab/keys", "/lab/sessions")
OPTIONS = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]}


@pytest.fixture(params=["light", "dark"])
def page(chromium: Browser, lab_site: str, request: pytest.FixtureRequest) -> Iterator[Page]:
    """Return a window in one colour scheme."""
    context = chromium.new_context(base_url=lab_site, color_scheme=request.param)
    page = context.new_page()
    page.set_default_timeout(WAIT_MS)
    yield page
    context.close()


def violations(page: Page) -> list[str]:
    """Return each violation with the elements that have it."""
    found = Axe().run(page, options=OPTIONS).response["violations"]
    return [f"{page.url} {one['id']}: {[node['html'][:90] for node in one['nodes']]}" for one in found]


def test_open_pages_and_the_lab_have_no_violation(page: Page) -> None:
    found = []
    for path in (*OPEN, *LAB):
        page.goto(path)
        found += violations(page)
    assert found == []


def test_pages_of_a_signed_in_person_have_no_violation(page: Page) -> None:
    sign_up(page, new_email())
    create_profile(page, "Ada with a name so long that it wraps in every card and table of the site")
    found = []
    for path in SIGNED_IN:
        page.goto(path)
        found += violations(page)
    assert found == []


def test_results_of_the_lab_have_no_violation(page: Page) -> None:
    email = new_email()
    sign_up(page, email)
    found = []
    page.goto("/lab/policies?table=public.profiles")
    page.get_by_label("Who", exact=True).select_option(label=email)
    page.get_by_label("Break something first").select_option(label="Disable row-level security")
    page.get_by_label("measure the policy's cost").check()
    page.get_by_role("button", name="Run and roll back").click()
    found += violations(page)
    page.goto("/lab/token")
    page.get_by_role("button", name="expired an hour ago").click()
    found += violations(page)
    page.goto("/lab/sessions")
    page.get_by_role("button", name="Refresh now").click()
    found += violations(page)
    assert found == []


def test_error_states_of_forms_have_no_violation(page: Page) -> None:
    page.goto("/login")
    page.get_by_label("E-mail address").fill("nobody")
    page.get_by_role("button", name="Log in").click()
    found = violations(page)
    page.goto("/lab/token")
    page.get_by_role("button", name="Inspect").click()
    found += violations(page)
    assert found == []
