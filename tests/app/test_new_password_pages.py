"""A forgotten password: the mail, its link or code, and the page that sets a new one."""

from __future__ import annotations

import pytest
from flask import Flask

from signet_stack.handle import RunningStack
from tests.support.accessibility import faults
from tests.support.cast import PASSWORD
from tests.support.mailbox import only_mail
from tests.support.people import Person, log_in, new_email
from tests.support.visitor import Page, Visitor

NEW_PASSWORD = "entirely other words"


def forget(visitor: Visitor, email: str) -> Page:
    visitor.get("/auth/forgot")
    return visitor.press("Send the mail", email=email)


def test_a_forgotten_password_is_replaced_and_other_devices_are_signed_out(
    app: Flask, person: Person, visitor: Visitor, stack: RunningStack
) -> None:
    page = forget(visitor, person.email)
    assert (page.path, page.heading) == ("/auth/check-email", "Check your e-mail")
    visitor.get(only_mail(stack, person.email).link)
    page = visitor.press("Go on")
    assert (page.path, page.heading) == ("/auth/reset", "Choose a new password")
    assert page.field("username")["value"] == person.email
    assert page.field("password")["autocomplete"] == "new-password"
    assert faults(page.tree) == []
    page = visitor.press("Set the password", password=NEW_PASSWORD)
    assert (page.path, page.heading) == ("/", "You are logged in")
    assert "All your other devices were signed out." in page.messages[0]
    assert person.get("/profile").path == "/login"
    log_in(app, person.email, NEW_PASSWORD)


@pytest.mark.parametrize(
    ("password", "problem"),
    [
        ("", "Choose a new password."),
        ("short", "The password must have at least 8 characters."),
        (PASSWORD, "This is the password that you have now."),
    ],
    ids=["none", "short", "the old one"],
)
def test_a_new_password_that_cannot_be_is_said_at_the_field(
    person: Person, visitor: Visitor, stack: RunningStack, password: str, problem: str
) -> None:
    forget(visitor, person.email)
    visitor.get(only_mail(stack, person.email).link)
    visitor.press("Go on")
    page = visitor.press("Set the password", password=password)
    assert (page.status, page.problems) == (422, [problem])
    assert page.field("password")["aria-invalid"] == "true"
    assert visitor.press("Set the password", password=NEW_PASSWORD).heading == "You are logged in"


def test_an_unknown_address_gets_the_same_answer_as_a_known_one(
    app: Flask, person: Person, visitor: Visitor, stack: RunningStack
) -> None:
    answers = []
    for email in (person.email, new_email(), person.email):
        page = forget(Visitor(app.test_client(), visitor.site_url), email)
        token = page.field("csrf_token")["value"]
        answers.append((page.status, page.response.text.replace(email, "").replace(token, "")))
    assert answers[0] == answers[1] == answers[2]


def test_only_a_mailed_link_opens_the_page_for_a_new_password(app: Flask, person: Person) -> None:
    page = person.get("/auth/reset")
    assert page.path == "/auth/forgot"
    assert page.messages == ["Note: To set a new password, ask for a mail with a link first."]
    assert page.field("email")["value"] == person.email
    token = page.field("csrf_token")["value"]
    response = person.visitor.post("/auth/reset", csrf_token=token, password=NEW_PASSWORD)
    assert (response.status_code, response.headers["Location"]) == (303, "/auth/forgot")
    log_in(app, person.email)


def test_the_permission_serves_once(person: Person, visitor: Visitor, stack: RunningStack) -> None:
    forget(visitor, person.email)
    visitor.get(only_mail(stack, person.email).link)
    visitor.press("Go on")
    visitor.press("Set the password", password=NEW_PASSWORD)
    assert visitor.get("/auth/reset").path == "/auth/forgot"


def test_replayed_cookies_set_no_second_password(
    app: Flask, person: Person, visitor: Visitor, stack: RunningStack
) -> None:
    forget(visitor, person.email)
    visitor.get(only_mail(stack, person.email).link)
    visitor.press("Go on")
    replay = Visitor(app.test_client(), visitor.site_url)
    for name in ("sb-8000", "session-8000"):
        cookie = visitor.client.get_cookie(name, domain="127.0.0.1")
        assert cookie is not None
        replay.client.set_cookie(name, cookie.value, domain="127.0.0.1")
    assert replay.get("/auth/reset").path == "/auth/reset"
    visitor.press("Set the password", password=NEW_PASSWORD)
    page = replay.press("Set the password", password="words of a thief")
    assert page.path == "/auth/forgot"
    log_in(app, person.email, NEW_PASSWORD)


def test_a_link_for_another_account_says_so_and_ends_the_former_session(
    app: Flask, person: Person, visitor: Visitor, stack: RunningStack
) -> None:
    forget(visitor, person.email)
    somebody_else = Person(new_email(), visitor)
    visitor.get("/signup")
    visitor.press("Sign up", email=somebody_else.email, password=PASSWORD)
    page = visitor.get(only_mail(stack, person.email).link)
    assert f"You are logged in as {somebody_else.email} now." in page.main
    cookie = visitor.client.get_cookie("sb-8000", domain="127.0.0.1")
    assert cookie is not None
    page = visitor.press("Go on")
    assert person.email in page.messages[0]
    replay = Visitor(app.test_client(), visitor.site_url)
    replay.client.set_cookie("sb-8000", cookie.value, domain="127.0.0.1")
    assert replay.get("/profile").path == "/login"


def test_a_confirm_form_that_is_out_of_date_keeps_the_link(
    person: Person, visitor: Visitor, stack: RunningStack
) -> None:
    forget(visitor, person.email)
    visitor.get(only_mail(stack, person.email).link)
    visitor.client.delete_cookie("session-8000", domain="127.0.0.1")
    page = visitor.press("Go on")
    assert page.status == 422
    assert "This form was open for too long" in page.problems[0]
    assert visitor.press("Go on").path == "/auth/reset"
