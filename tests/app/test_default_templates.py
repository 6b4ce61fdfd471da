"""Mails of hosted projects' default templates: their links lead through Auth and come back with a code."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import urlsplit

import httpx
import psycopg
import pytest
from flask import Flask
from psycopg import sql

from signet_stack.handle import RunningStack
from tests.support.cast import PASSWORD
from tests.support.mailbox import mails_to
from tests.support.people import Person, log_in, new_email
from tests.support.project_settings import changed
from tests.support.visitor import Visitor

NEW_PASSWORD = "entirely other words"


@pytest.fixture(params=["auth", "app"], autouse=True)
def mail_links(request: pytest.FixtureRequest, stack: RunningStack) -> Iterator[str]:
    """Have mails lead through Auth, and to the app itself."""
    with changed(stack, mail_links=request.param, mailer_autoconfirm=False, smtp_max_frequency=0):
        yield request.param


@pytest.fixture
def other(app: Flask, visitor: Visitor) -> Visitor:
    return Visitor(app.test_client(), visitor.site_url)


def open_mail(stack: RunningStack, visitor: Visitor, email: str) -> None:
    """Open the newest mail's link; Auth's own redirect leads to the app."""
    link = mails_to(stack, email)[0].link
    if link.startswith("/auth/v1/verify"):
        location = httpx.get(f"{stack.api_url}{link}", follow_redirects=False).headers["Location"]
        parts = urlsplit(location)
        link = f"{parts.path}?{parts.query}"
    visitor.get(link)


def backdate(stack: RunningStack, email: str, column: str) -> None:
    """Move a time of an account two minutes into the past: people are slower than tests."""
    statement = sql.SQL("update auth.users set {0} = {0} - interval '2 minutes' where email = %s")
    with psycopg.connect(stack.database_url) as connection:
        connection.execute(statement.format(sql.Identifier(column)), [email])


def confirmed(stack: RunningStack, visitor: Visitor) -> str:
    """Sign up, confirm and sign out."""
    email = signed_up(stack, visitor)
    open_mail(stack, visitor, email)
    visitor.press("Confirm and log in")
    visitor.press("Sign out")
    backdate(stack, email, "email_confirmed_at")
    return email


def signed_up(stack: RunningStack, visitor: Visitor) -> str:
    email = new_email()
    visitor.get("/signup?next=/people")
    visitor.press("Sign up", email=email, password=PASSWORD)
    return email


def test_a_new_address_is_confirmed_in_its_own_browser(visitor: Visitor, stack: RunningStack) -> None:
    email = signed_up(stack, visitor)
    open_mail(stack, visitor, email)
    page = visitor.press("Confirm and log in")
    assert page.path == "/people"
    assert page.messages == [f"Done: Your e-mail address is confirmed, and you are logged in as {email}."]


def test_in_another_browser_the_address_is_confirmed_too(
    app: Flask, visitor: Visitor, other: Visitor, stack: RunningStack, mail_links: str
) -> None:
    email = signed_up(stack, visitor)
    open_mail(stack, other, email)
    assert other.page is not None
    if mail_links == "auth":
        assert (other.page.status, other.page.heading) == (400, "Your address is confirmed")
        log_in(app, email)
    else:  # whoever created the account may know its password, so this browser chooses one
        assert other.press("Confirm and log in").path == "/auth/reset"


def test_a_forgotten_password_is_replaced(app: Flask, visitor: Visitor, stack: RunningStack) -> None:
    email = confirmed(stack, visitor)
    visitor.get("/auth/forgot")
    visitor.press("Send the mail", email=email)
    open_mail(stack, visitor, email)
    assert visitor.press("Go on").path == "/auth/reset"
    assert visitor.press("Set the password", password=NEW_PASSWORD).heading == "You are logged in"
    log_in(app, email, NEW_PASSWORD)


def test_a_link_logs_in_without_a_password(visitor: Visitor, stack: RunningStack) -> None:
    email = confirmed(stack, visitor)
    visitor.get("/login?next=/people")
    visitor.follow("E-mail me a link instead")
    page = visitor.press("Send the mail", email=email)
    assert (page.path, page.heading) == ("/auth/check-email", "Check your e-mail")
    open_mail(stack, visitor, email)
    page = visitor.press("Log in")
    assert page.path == "/people"
    assert page.messages == [f"Done: You are logged in as {email}."]


def test_a_mailed_code_logs_in(visitor: Visitor, stack: RunningStack, mail_links: str) -> None:
    email = confirmed(stack, visitor)
    visitor.get("/auth/link")
    visitor.press("Send the mail", email=email)
    code = mails_to(stack, email)[0].code
    if mail_links == "auth":
        assert code == ""  # the default template has no code
    else:
        assert visitor.press("Use the code", code=code).heading == "You are logged in"


def test_an_unknown_address_gets_the_same_answer(app: Flask, person: Person, visitor: Visitor) -> None:
    answers = []
    for email in (person.email, new_email()):
        browser = Visitor(app.test_client(), visitor.site_url)
        browser.get("/auth/link")
        page = browser.press("Send the mail", email=email)
        token = page.field("csrf_token")["value"]
        answers.append((page.status, page.response.text.replace(email, "").replace(token, "")))
    assert answers[0] == answers[1]


def test_a_strangers_first_password_is_replaced_by_the_owner_of_the_address(
    app: Flask, visitor: Visitor, other: Visitor, stack: RunningStack, mail_links: str
) -> None:
    email = signed_up(stack, visitor)  # the stranger
    backdate(stack, email, "created_at")
    other.get("/signup")
    other.press("Sign up", email=email, password="words of the owner")
    open_mail(stack, other, email)
    page = other.press("Confirm and log in")
    assert page.path == "/auth/reset"
    other.press("Set the password", password=NEW_PASSWORD)
    log_in(app, email, NEW_PASSWORD)
    visitor.get("/login")
    page = visitor.press("Log in", email=email, password=PASSWORD)
    assert page.status == 422
