"""What a person does on the pages, by what they see: labels and buttons."""

from __future__ import annotations

from pathlib import Path

from playwright.sync_api import Page, expect

from tests.support.cast import PASSWORD


def heading(page: Page, text: str) -> None:
    """Wait for the page of this heading, styles included."""
    expect(page.get_by_role("heading", level=1)).to_have_text(text)
    page.wait_for_load_state("load")


def send_portraits(page: Page) -> None:
    """Stand in for the server of pictures elsewhere: tests reach nothing beyond this machine."""
    portrait = Path(__file__).with_name("portrait.svg")
    page.route(
        "https://pictures.example/**",
        lambda route: route.fulfill(content_type="image/svg+xml", path=portrait),
    )


def sign_up(page: Page, email: str) -> None:
    page.goto("/")
    page.get_by_role("main").get_by_role("link", name="Log in").click()
    fill_in(page, email, PASSWORD, "Sign up")
    heading(page, "Your profile")


def log_in(page: Page, email: str, password: str = PASSWORD) -> None:
    page.goto("/login")
    fill_in(page, email, password, "Log in")


def fill_in(page: Page, email: str, password: str, button: str) -> None:
    page.get_by_label("E-mail address").fill(email)
    page.get_by_label("Password", exact=True).fill(password)
    page.get_by_role("button", name=button).click()


def sign_out(page: Page) -> None:
    page.get_by_role("button", name="Sign out", exact=True).click()
    expect(page.get_by_role("status")).to_contain_text("You are signed out.")


def create_profile(page: Page, name: str, *, picture: str = "", is_public: bool = False) -> None:
    page.get_by_role("link", name="Profile").click()
    page.get_by_label("Display name").fill(name)
    page.get_by_label("Address of your picture").fill(picture)
    page.get_by_label("Show my profile to other people").set_checked(is_public)
    page.get_by_role("button", name="Create profile").click()
    expect(page.get_by_role("status")).to_contain_text("Your profile is created.")
