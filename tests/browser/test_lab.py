"""The lab in a real browser, without scripts: every page at 320 px, and the whole tour."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from flask_signet.lab import broken_tokens
from tests.browser.conftest import WAIT_MS
from tests.browser.steps import create_profile, sign_up
from tests.support.accessibility import faults
from tests.support.markup import parse
from tests.support.people import new_email

PAGES = ("/lab/", "/lab/policies", "/lab/token", "/lab/keys", "/lab/sessions")


@pytest.fixture
def page(chromium: Browser, lab_site: str) -> Iterator[Page]:
    """Return a window without scripts, as the lab needs none."""
    context = chromium.new_context(base_url=lab_site, java_script_enabled=False)
    page = context.new_page()
    page.set_default_timeout(WAIT_MS)
    yield page
    context.close()


@pytest.mark.parametrize("path", PAGES)
def test_each_page_reflows_and_has_no_fault_in_its_markup(page: Page, path: str) -> None:
    page.set_viewport_size({"width": 320, "height": 800})
    page.goto(path)
    body = page.locator("body").bounding_box()
    assert body is not None
    assert body["width"] <= 320
    html = page.content().replace("· Lab</title>", "· Signet</title>")
    assert [fault for fault in faults(parse(html)) if "without a purpose" not in fault] == []


def shoot(page: Page, name: str) -> None:
    """Write a picture for docs/tour.md when SIGNET_SCREENSHOTS names a folder."""
    if folder := os.environ.get("SIGNET_SCREENSHOTS"):
        page.screenshot(
            path=Path(folder) / f"{name}.png", clip={"x": 0, "y": 0, "width": 1000, "height": 1180}
        )


def test_the_tour_leads_through_rows_keys_and_sessions(page: Page) -> None:
    page.set_viewport_size({"width": 1000, "height": 1180})
    email = new_email()
    sign_up(page, email)
    page.goto("/lab/")
    page.get_by_role("link", name="Inspect my token").click()
    page.get_by_role("button", name="Use mine").click()
    expect(page.get_by_role("main")).to_contain_text("accept it")
    shoot(page, "lab-token")

    page.goto("/profile")
    create_profile(page, "Ada")
    page.goto("/lab/policies?table=public.profiles")
    page.get_by_label("Who", exact=True).select_option(label=email)
    page.get_by_role("button", name="Run and roll back").click()
    expect(page.get_by_role("main")).to_contain_text("Row-level security is on")

    page.get_by_label("Break something first").select_option(label="Disable row-level security")
    page.get_by_role("button", name="Run and roll back").click()
    expect(page.get_by_role("heading", name="After the change")).to_be_visible()
    shoot(page, "lab-policies")

    page.get_by_role("navigation", name="Lab").get_by_role("link", name="Keys").click()
    page.get_by_role("button", name="Create a standby key").click()
    page.get_by_role("button", name="Create", exact=True).click()
    page.get_by_role("button", name="Rotate: put the standby key in use").click()
    page.get_by_label("Every verifier has had time").check()
    page.get_by_label("Rotating ends no token").check()
    page.get_by_role("button", name="Rotate", exact=True).click()
    expect(page.get_by_role("main")).to_contain_text("previously used")
    shoot(page, "lab-keys")

    page.get_by_role("navigation", name="Lab").get_by_role("link", name="Sessions").click()
    page.get_by_role("button", name="Refresh now").click()
    expect(page.get_by_role("main")).to_contain_text("a new access token")
    page.get_by_role("button", name="Time-box of 20 seconds").click()
    page.get_by_role("button", name="No limits: put everything back").click()

    page.get_by_role("navigation", name="Lab").get_by_role("link", name="Tour").click()
    titles = page.get_by_role("heading", level=2).all_inner_texts()
    assert [title.endswith("done") for title in titles if not title.startswith("Be somebody")] == [True] * 5


def test_every_other_button_of_the_lab_does_what_it_says(page: Page) -> None:
    """Those that the tour leaves out: broken tokens, races and replays, the end of a key's life."""
    sign_up(page, new_email())
    main = page.get_by_role("main")
    for kind, (label, code, _) in broken_tokens.BROKEN.items():
        page.goto("/lab/token")
        page.get_by_role("button", name=label, exact=True).click()
        expect(main, kind).to_contain_text(f"({code})")

    page.goto("/lab/keys")
    page.get_by_role("button", name="Create a standby key").click()
    page.get_by_role("button", name="Create", exact=True).click()
    row = page.get_by_role("row").filter(has=page.get_by_role("rowheader", name="standby"))
    kid = row.get_by_role("cell").first.inner_text()[:8]
    for button, state in (("Revoke", "revoked"), ("Restore", "previously used"), ("Revoke", "revoked")):
        page.get_by_role("button", name=f"{button} {kid}").click()
        if button == "Revoke":
            page.get_by_label("Type the first eight characters").fill(kid)
        page.get_by_role("button", name=button, exact=True).click()
        row = page.get_by_role("row").filter(has_text=kid)
        expect(row.get_by_role("rowheader")).to_contain_text(state)
    page.get_by_role("button", name=f"Delete {kid}").click()
    page.get_by_role("button", name="Delete", exact=True).click()
    expect(main).not_to_contain_text(kid)

    page.goto("/lab/sessions")
    page.get_by_role("button", name="Inactivity limit of 20 seconds").click()
    expect(main).to_contain_text("20")
    page.get_by_role("button", name="No limits: put everything back").click()
    page.get_by_role("button", name="Two tabs at once").click()
    expect(page.get_by_role("cell", name="200")).to_have_count(2)
    page.get_by_role("button", name="Replay an old token").click()
    expect(main).to_contain_text("refresh_token_already_used")
    page.get_by_role("link", name="Try it").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Log in")
