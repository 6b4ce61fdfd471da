"""What only a browser can tell: focus, order, size, reflow and both colour schemes."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import NewPage
from tests.browser.steps import create_profile, heading, send_portraits, sign_up
from tests.support.cast import PASSWORD
from tests.support.people import new_email

OPEN_PAGES = [
    "/",
    "/login",
    "/signup",
    "/auth/forgot",
    "/auth/link",
    "/auth/confirm?code=1",
    "/auth/confirm?token_hash=0123456789abcdef0123&type=recovery",
]
CLOSED_PAGES = ["/", "/profile", "/profile/delete", "/people", "/account/sessions", "/nothing"]
LONG_NAME = "Wolfeschlegelsteinhausenbergerdorff" * 2
SMALLEST_TARGET, COMFORTABLE_TARGET = 24, 44

# The element with the focus: what it is, and whether its focus can be seen.
FOCUS = """() => {
  const element = document.activeElement, box = element.getBoundingClientRect();
  const style = getComputedStyle(element);
  return {
    what: (element.getAttribute("aria-label") || element.innerText || element.name || element.tagName).trim(),
    ring: style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2,
    inside: box.top >= 0 && box.bottom <= innerHeight && box.left >= 0 && box.right <= innerWidth,
  };
}"""
SIZES = """() => [...document.querySelectorAll(
    "button, .button, input:not([type=hidden]), header a, summary, .actions a"
  )].filter((e) => e.checkVisibility())
    .map((e) => [e.outerHTML.slice(0, 80), e.getBoundingClientRect().height, e.type])"""


def tab(page: Page) -> str:
    """Press Tab, and return what has the focus now; it must be visible."""
    page.wait_for_load_state("load")
    page.keyboard.press("Tab")
    found = page.evaluate(FOCUS)
    assert found["ring"], f"no focus ring on {found['what']}"
    assert found["inside"], f"{found['what']} has the focus out of sight"
    return str(found["what"])


def tab_to(page: Page, what: str) -> None:
    """Press Tab until something has the focus; it must be reachable in a few steps."""
    reached = [tab(page)]
    while reached[-1] != what:
        assert len(reached) < 20, f"{what!r} is not reached: {reached}"
        reached.append(tab(page))


@pytest.mark.parametrize("scripts", [True, False], ids=["with scripts", "without scripts"])
def test_everything_can_be_done_with_the_keyboard(new_page: NewPage, scripts: bool) -> None:
    page = new_page(java_script_enabled=scripts)
    press, write = page.keyboard.press, page.keyboard.type
    page.goto("/")
    assert tab(page) == "Skip to the content"
    press("Enter")
    expect(page.locator("main")).to_be_focused()
    tab_to(page, "Log in")
    press("Enter")
    heading(page, "Log in")
    tab_to(page, "email")
    write(new_email())
    tab_to(page, "password")
    write(PASSWORD)
    tab_to(page, "Sign up")
    press("Enter")
    heading(page, "Your profile")
    tab_to(page, "display_name")
    write("Ada")
    tab_to(page, "is_public")
    press("Space")
    press("Enter")
    expect(page.get_by_role("status")).to_contain_text("Your profile is created.")
    expect(page.get_by_label("Profile as it is stored")).to_contain_text("Public")
    tab_to(page, "Sign out")
    press("Enter")
    expect(page.get_by_role("status")).to_contain_text("You are signed out.")


def test_enter_logs_in_and_the_first_problem_is_one_step_away(new_page: NewPage) -> None:
    page = new_page()
    page.goto("/login")
    page.get_by_label("E-mail address").fill("ada")
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert")).to_be_focused()
    assert page.url.endswith("/login")
    tab(page)
    page.keyboard.press("Enter")
    expect(page.get_by_label("E-mail address")).to_be_focused()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_pages_fit_a_narrow_window_and_targets_are_large_enough(new_page: NewPage, scheme: str) -> None:
    """320 px are a phone, or 400 % zoom of a common screen (WCAG 2.2, 1.4.10 and 2.5.8)."""
    page = new_page(viewport={"width": 320, "height": 640}, color_scheme=scheme)
    send_portraits(page)
    for path in OPEN_PAGES:
        check_narrow(page, path)
    sign_up(page, new_email())
    create_profile(page, LONG_NAME, picture="https://pictures.example/" + "a" * 200, is_public=True)
    for path in CLOSED_PAGES:
        check_narrow(page, path)
    page.goto("/profile")
    page.get_by_label("Display name").fill("x")
    page.get_by_label("Address of your picture").fill("http://" + "b" * 200)
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("alert")).to_be_visible()
    check_narrow(page)


def check_narrow(page: Page, path: str = "") -> None:
    if path:
        page.goto(path)
    page.wait_for_load_state("load")
    assert page.evaluate("document.documentElement.scrollWidth") <= 320, path
    for element, height, kind in page.evaluate(SIZES):
        least = SMALLEST_TARGET if kind == "checkbox" else COMFORTABLE_TARGET
        assert height >= least - 0.5, f"{path}: {element} is {height} px high"


def test_the_colour_scheme_follows_the_system(new_page: NewPage) -> None:
    page = new_page(color_scheme="light")
    page.goto("/login")
    colours = "() => [getComputedStyle(document.body).backgroundColor, getComputedStyle(document.body).color]"
    light = page.evaluate(colours)
    page.emulate_media(color_scheme="dark")
    dark = page.evaluate(colours)
    assert light == ["rgb(250, 249, 247)", "rgb(27, 35, 39)"]
    assert dark == ["rgb(20, 24, 27)", "rgb(233, 235, 236)"]
