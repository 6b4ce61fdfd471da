"""Signing another device out from the sessions page, as both devices see it."""

from __future__ import annotations

import time

import pytest
from playwright.sync_api import Page, expect

from signet_stack.handle import RunningStack
from tests.browser.conftest import WAIT_MS, NewPage
from tests.browser.steps import heading, log_in, sign_up
from tests.browser.test_looks import tab_to
from tests.support.people import new_email
from tests.support.project_settings import changed

IPHONE = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_7 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) "
    "Version/18.6 Mobile/15E148 Safari/604.1"
)
ENDED = "You were signed out because the session was ended: from another device"


def both_devices(new_page: NewPage, scripts: bool = True) -> tuple[Page, Page]:
    """Sign one person in at a laptop and at a phone, and open the sessions page at the laptop."""
    laptop = new_page(java_script_enabled=scripts)
    phone = new_page(java_script_enabled=scripts, user_agent=IPHONE)
    email = new_email()
    sign_up(laptop, email)
    log_in(phone, email)
    heading(phone, "You are logged in")
    laptop.get_by_role("link", name="Sessions", exact=True).click()
    heading(laptop, "Your sessions")
    return laptop, phone


def sign_out_phone(laptop: Page) -> None:
    laptop.get_by_role("button", name="Sign out Safari on iPhone").click()
    expect(laptop.get_by_role("status")).to_contain_text("That device is signed out.")
    expect(laptop.get_by_role("main")).to_contain_text("Only this device is signed in.")


@pytest.mark.parametrize("scripts", [True, False], ids=["with scripts", "without scripts"])
def test_the_data_is_closed_to_the_other_device_at_once(new_page: NewPage, scripts: bool) -> None:
    laptop, phone = both_devices(new_page, scripts)
    expect(laptop.get_by_role("listitem")).to_have_count(2)
    expect(laptop.get_by_role("listitem").first).to_contain_text("This device")
    sign_out_phone(laptop)
    phone.goto("/")
    heading(phone, "You are logged in")  # a page that needs no data, within the bound that was stated
    phone.get_by_role("link", name="Profile", exact=True).click()
    heading(phone, "Log in")
    expect(phone.get_by_role("status")).to_contain_text(ENDED)
    laptop.goto("/profile")
    heading(laptop, "Your profile")


def test_the_other_device_learns_why_at_its_next_renewal(new_page: NewPage, stack: RunningStack) -> None:
    with changed(stack, jwt_exp=2):
        laptop, phone = both_devices(new_page)
        expect(laptop.get_by_role("main")).to_contain_text(
            "for at most 2 seconds, the life of an access token"
        )
        sign_out_phone(laptop)
        deadline = time.monotonic() + WAIT_MS / 1000
        phone.goto("/profile/delete")  # closed, and needs no data
        while "/login" not in phone.url:
            assert time.monotonic() < deadline
            phone.goto("/profile/delete")
    heading(phone, "Log in")
    expect(phone.get_by_role("status")).to_contain_text(ENDED)


def test_the_keyboard_signs_out_one_device_and_then_this_one(new_page: NewPage) -> None:
    laptop, _ = both_devices(new_page)
    tab_to(laptop, laptop.get_by_role("button", name="Sign out Safari on iPhone").inner_text())
    laptop.keyboard.press("Enter")
    expect(laptop.get_by_role("status")).to_contain_text("That device is signed out.")
    expect(laptop.get_by_role("button", name="Sign out all other devices")).to_have_count(0)
    tab_to(laptop, laptop.get_by_role("button", name="Sign out this device").inner_text())
    laptop.keyboard.press("Space")
    expect(laptop.get_by_role("status")).to_contain_text("You are signed out.")
