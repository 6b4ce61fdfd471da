"""From nothing to a profile that nobody else sees, in a real browser, with and without scripts."""

from __future__ import annotations

import os
import uuid
from pathlib import Path

import pytest
from playwright.sync_api import expect

from signet_stack.handle import RunningStack
from tests.browser.conftest import NewPage
from tests.browser.steps import create_profile, fill_in, heading, log_in, send_portraits, sign_out, sign_up
from tests.support.cast import PASSWORD
from tests.support.people import new_email

PICTURE = "https://pictures.example/ada.svg"


@pytest.mark.parametrize("scripts", [True, False], ids=["with scripts", "without scripts"])
def test_a_profile_is_mine_alone(new_page: NewPage, scripts: bool) -> None:
    page = new_page(java_script_enabled=scripts)
    ada, name = new_email(), f"Ada {uuid.uuid4().hex[:8]}"
    sign_up(page, ada)
    create_profile(page, name)
    expect(page.get_by_label("Profile as it is stored")).to_contain_text(name)
    sign_out(page)

    sign_up(page, new_email())
    expect(page.get_by_role("main")).to_contain_text("You have no profile yet.")
    page.get_by_role("link", name="People").click()
    expect(page.get_by_role("main")).not_to_contain_text(name)
    sign_out(page)
    page.goto("/profile")
    heading(page, "Log in")

    fill_in(page, ada, PASSWORD, "Log in")
    heading(page, "Your profile")
    expect(page.get_by_label("Profile as it is stored")).to_contain_text(name)


def test_a_forgotten_password_is_replaced_from_the_mailbox(new_page: NewPage, stack: RunningStack) -> None:
    page = new_page()
    page.goto(stack.mailbox_login_url)  # as the terminal shows it
    email = new_email()
    sign_up(page, email)
    sign_out(page)
    log_in(page, email, "not my password")
    page.get_by_role("link", name="Forgot your password?").click()
    expect(page.get_by_label("E-mail address")).to_have_value(email)
    page.get_by_role("button", name="Send the mail").click()
    heading(page, "Check your e-mail")
    page.get_by_role("main").get_by_role("link", name="mailbox").click()
    page.get_by_role("listitem").filter(has_text=email).get_by_role("link").click()
    page.get_by_role("link", name="Open link").click()
    heading(page, "Set a new password")
    page.get_by_role("button", name="Go on").click()
    heading(page, "Choose a new password")
    page.get_by_label("New password").fill("entirely other words")
    page.get_by_role("button", name="Set the password").click()
    heading(page, "You are logged in")


@pytest.mark.parametrize("scripts", [True, False], ids=["with scripts", "without scripts"])
def test_an_error_keeps_what_was_typed(new_page: NewPage, scripts: bool) -> None:
    page = new_page(java_script_enabled=scripts)
    log_in(page, "nobody@example.com", "not a password of anybody")
    problem = page.get_by_role("alert")
    expect(problem).to_contain_text("The e-mail or password is not right.")
    expect(problem).to_be_focused()
    expect(page).to_have_title("Error: Log in · Signet")
    expect(page.get_by_label("E-mail address")).to_have_value("nobody@example.com")
    expect(page.get_by_label("Password", exact=True)).to_have_value("")


def test_a_form_sent_after_logging_in_elsewhere_loses_nothing(new_page: NewPage) -> None:
    page = new_page()
    email = new_email()
    sign_up(page, email)
    sign_out(page)
    page.goto("/login")
    other = page.context.new_page()
    log_in(other, email)
    page.get_by_label("E-mail address").fill(email)
    page.get_by_role("button", name="Log in").click()
    expect(page.get_by_role("status")).to_contain_text(f"You are logged in as {email} already.")


def test_the_button_shows_the_password_and_hides_it_before_it_is_sent(new_page: NewPage) -> None:
    page = new_page()
    page.goto("/login")
    password = page.get_by_label("Password", exact=True)
    password.fill("words to see")
    page.get_by_role("button", name="Show password").click()
    expect(password).to_have_attribute("type", "text")
    page.get_by_role("button", name="Hide password").click()
    expect(password).to_have_attribute("type", "password")
    page.get_by_role("button", name="Show password").click()
    page.evaluate("document.querySelector('main form').addEventListener('submit', (e) => e.preventDefault())")
    page.get_by_role("button", name="Log in").click()
    expect(password).to_have_attribute("type", "password")


@pytest.mark.parametrize(
    ("fragment", "words"),
    [
        ("#error=access_denied&error_code=otp_expired", "This link has expired or was already used"),
        ("#access_token=eyJ-secret&refresh_token=secret&type=signup", "Your address is confirmed"),
        ("#access_token=eyJ-secret&refresh_token=secret", "Ask for the mail from this browser"),
    ],
    ids=["an error", "tokens of a sign-up", "tokens"],
)
def test_a_link_of_a_default_template_is_explained_and_its_token_not_kept(
    new_page: NewPage, fragment: str, words: str
) -> None:
    page = new_page()
    page.goto(f"/{fragment}")
    heading(page, words)
    assert "secret" not in page.url
    page.go_back()
    assert "secret" not in page.url


def test_a_picture_loads_where_pictures_are_shown(new_page: NewPage) -> None:
    """Also makes the picture of the README: PICTURE=docs/profile.png pytest tests/browser -k picture"""
    page = new_page(viewport={"width": 1000, "height": 880}, color_scheme="light")
    send_portraits(page)
    requests = []
    page.on("request", lambda request: requests.append(request))
    sign_up(page, new_email())
    create_profile(page, "Ada Lovelace", picture=PICTURE, is_public=True)
    portrait = page.locator(".avatar img")
    expect(portrait).to_be_visible()
    expect(portrait).not_to_have_js_property("naturalWidth", 0)
    (asked,) = {request for request in requests if request.url == PICTURE}
    assert "referer" not in asked.all_headers()
    if target := os.environ.get("PICTURE"):
        page.goto("/profile")
        expect(portrait).not_to_have_js_property("naturalWidth", 0)
        page.screenshot(path=Path(target))
