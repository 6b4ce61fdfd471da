"""Two clicks 120 ms apart at 150 ms of latency show the first outcome, also without JavaScript."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect
from waitress.server import create_server

from app import create_app
from signet_stack.handle import RunningStack
from tests.browser.conftest import WAIT_MS
from tests.browser.steps import fill_in, heading
from tests.conftest import free_port
from tests.support.cast import PASSWORD
from tests.support.mailbox import only_mail
from tests.support.people import new_email
from tests.support.site import settings_for

LATENCY_SECONDS = 0.15
BETWEEN_CLICKS_MS = 120
NEW_PASSWORD = "entirely other words"


@pytest.fixture(scope="module")
def slow_site(stack: RunningStack) -> Iterator[str]:
    """Serve the app with 150 ms of latency before each request."""
    url = f"http://127.0.0.1:{(port := free_port())}"
    app = create_app(settings_for(stack, url))
    inner = app.wsgi_app

    def slow(environ, start_response):  # type: ignore[no-untyped-def]
        time.sleep(LATENCY_SECONDS)
        return inner(environ, start_response)

    app.wsgi_app = slow  # type: ignore[method-assign]
    server = create_server(app, host="127.0.0.1", port=port, threads=8)
    threading.Thread(target=server.run, daemon=True).start()
    yield url
    server.close()


@pytest.fixture(params=[True, False], ids=["JavaScript", "no JavaScript"])
def page(request: pytest.FixtureRequest, chromium: Browser, slow_site: str) -> Iterator[Page]:
    context = chromium.new_context(base_url=slow_site, java_script_enabled=request.param)
    page = context.new_page()
    page.set_default_timeout(WAIT_MS)
    yield page
    context.close()


def click_twice(page: Page, button: str) -> None:
    found = page.get_by_role("button", name=button, exact=True).last
    found.scroll_into_view_if_needed()
    box = found.bounding_box()
    assert box is not None
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.click(x, y)
    page.wait_for_timeout(BETWEEN_CLICKS_MS)
    page.mouse.click(x, y)


def no_problem(page: Page) -> None:
    expect(page.get_by_role("alert")).to_have_count(0)


def test_every_form_shows_its_first_outcome(page: Page, stack: RunningStack) -> None:
    email = new_email()
    page.goto("/signup")
    page.get_by_label("E-mail address").fill(email)
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    click_twice(page, "Sign up")
    heading(page, "Your profile")
    no_problem(page)

    page.get_by_label("Display name").fill("Ada")
    click_twice(page, "Create profile")
    expect(page.get_by_role("status")).to_contain_text("Your profile is created.")
    no_problem(page)

    click_twice(page, "Sign out")
    expect(page.get_by_role("status").first).to_contain_text("You are signed out.")
    no_problem(page)

    page.goto("/auth/forgot")
    page.get_by_label("E-mail address").fill(email)
    page.get_by_role("button", name="Send the mail").click()
    heading(page, "Check your e-mail")
    page.goto(only_mail(stack, email).link)
    click_twice(page, "Go on")
    heading(page, "Choose a new password")
    no_problem(page)

    page.get_by_label("New password").fill(NEW_PASSWORD)
    click_twice(page, "Set the password")
    heading(page, "You are logged in")
    no_problem(page)

    page.get_by_role("button", name="Sign out", exact=True).click()
    page.goto("/login")
    fill_in(page, email, NEW_PASSWORD, "Log in")
    heading(page, "You are logged in")
