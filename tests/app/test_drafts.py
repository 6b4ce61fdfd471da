"""A form that meets an ended session comes back after the login with what was typed."""

from __future__ import annotations

import pytest
from flask import Flask

from tests.support.cast import PASSWORD
from tests.support.people import Person, log_in, sign_up

KEPT = "Note: What you had typed is back in the form. It is not saved yet: check it and send it again."


def end_elsewhere(app: Flask, person: Person) -> None:
    other = log_in(app, person.email)
    other.get("/")
    other.press("Sign out everywhere")


@pytest.mark.parametrize("has_cookie", [True, False], ids=["ended elsewhere", "cookie gone"])
def test_the_text_comes_back_after_login(app: Flask, person: Person, has_cookie: bool) -> None:
    person.get("/profile")
    if has_cookie:
        end_elsewhere(app, person)
    else:
        person.visitor.client.delete_cookie("sb-8000", domain="127.0.0.1")
    page = person.press("Create profile", display_name="Ada Lovelace", is_public=True)
    assert page.path == "/login"
    page = person.press("Log in", email=person.email, password=PASSWORD)
    assert page.path == "/profile"
    assert KEPT in page.messages
    assert page.field("display_name")["value"] == "Ada Lovelace"
    assert page.field("is_public").has("checked")
    page = person.press("Create profile")
    assert page.messages == ["Done: Your profile is created."]
    assert "Ada Lovelace" in page.main
    assert KEPT not in person.get("/profile").messages


def test_another_account_gets_nothing_of_it(app: Flask, person: Person) -> None:
    other = sign_up(app)
    person.get("/profile")
    end_elsewhere(app, person)
    person.press("Create profile", display_name="Ada Lovelace")
    page = person.press("Log in", email=other.email, password=PASSWORD)
    assert page.path == "/profile"
    assert "Ada Lovelace" not in page.response.text


def test_the_query_survives_the_login_page(app: Flask, person: Person) -> None:
    target = "/people?page=2&back=https://www.example.com/a%2Fb//c&note=a\\b&long=" + "x" * 1500
    person.get("/")
    person.press("Sign out")
    page = person.get(target)
    assert page.path == "/login"
    page = person.press("Log in", email=person.email, password=PASSWORD)
    assert person.visitor.hops[0].headers["Location"].replace("%5C", "\\") == target


def test_the_login_page_leads_on_while_signed_in(person: Person) -> None:
    assert person.get("/login?next=/people").path == "/people"
    assert person.get("/signup?next=/people").path == "/people"
    assert person.get("/login").path == "/"
    assert person.get("/login?next=//evil.example").path == "/"
