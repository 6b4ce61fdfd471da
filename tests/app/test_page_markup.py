"""What axe would look for, on every page and state that needs no project: names, ids, order, purposes."""

from __future__ import annotations

import pytest

from tests.support.accessibility import faults
from tests.support.markup import parse
from tests.support.visitor import Visitor

PAGES = {
    "home": "/",
    "log in": "/login",
    "sign up": "/signup",
    "forgot": "/auth/forgot",
    "magic link": "/auth/link",
    "confirm": "/auth/confirm?token_hash=0123456789abcdef&type=recovery",
    "expired link": "/auth/confirm?error_code=otp_expired",
    "link of a default template": "/auth/confirm?code=1",
    "incomplete link": "/auth/confirm",
    "sent to log in": "/profile",
}


@pytest.mark.parametrize("path", PAGES.values(), ids=PAGES)
def test_a_page_has_nothing_to_find(lonely: Visitor, path: str) -> None:
    assert faults(lonely.get(path).tree) == []


@pytest.mark.parametrize(
    ("path", "button", "values"),
    [
        ("/login", "Log in", {"email": "ada", "password": ""}),
        ("/login", "Sign up", {"email": "", "password": "short"}),
        ("/login", "Log in", {"email": "ada@example.com", "password": "nobody answers"}),
        ("/auth/forgot", "Send the mail", {"email": "ada@example.com"}),
    ],
    ids=["two fields wrong", "sign-up", "no answer", "no answer to forgot"],
)
def test_a_form_that_comes_back_has_nothing_to_find(
    lonely: Visitor, path: str, button: str, values: dict[str, str | bool]
) -> None:
    lonely.get(path)
    page = lonely.press(button, **values)
    assert page.status in (422, 503)
    assert faults(page.tree) == []
    assert page.title.startswith("Error: ")


def test_errors_stand_at_the_field_and_in_the_summary_with_the_same_words(lonely: Visitor) -> None:
    lonely.get("/signup")
    page = lonely.press("Sign up", email="ada", password="short")
    assert page.status == 422
    summary = page.tree.find("div", role="alert")
    for link in summary.find_all("a"):
        name = link["href"].removeprefix("#")
        field = page.field(name)
        assert field["aria-invalid"] == "true"
        assert f"{name}-error" in field["aria-describedby"].split()
        assert page.tree.find("p", id=f"{name}-error").text == f"Error: {link.text}"
    assert [link["href"] for link in summary.find_all("a")] == ["#email", "#password"]
    assert summary.has("autofocus")


@pytest.mark.parametrize(
    ("path", "name", "purpose"),
    [
        ("/login", "email", "username"),
        ("/login", "password", "current-password"),
        ("/signup", "email", "username"),
        ("/signup", "password", "new-password"),
        ("/auth/forgot", "email", "username"),
    ],
)
def test_password_stores_know_what_a_field_is_for(
    lonely: Visitor, path: str, name: str, purpose: str
) -> None:
    field = lonely.get(path).field(name)
    assert field["autocomplete"] == purpose
    if name == "email":
        assert (field["type"], field["inputmode"], field["autocapitalize"]) == ("email", "email", "none")
        assert (field["spellcheck"], field["maxlength"]) == ("false", "254")


def test_one_form_has_both_ways_in_and_works_without_scripts(lonely: Visitor) -> None:
    form = lonely.get("/login").tree.find("main").find("form")
    assert (form["method"], form["action"]) == ("post", "/login")
    assert form.has("novalidate")
    buttons = [(b.text, b["formaction"]) for b in form.find_all("button") if b["type"] != "button"]
    assert buttons == [("Log in", "/login"), ("Sign up", "/signup")]
    assert form.find("button", type="button").has("hidden")


def test_the_check_finds_what_is_wrong(lonely: Visitor) -> None:
    page = lonely.get("/login")
    for good, bad in [
        ('<label for="email">', "<label>"),
        ('id="password"', 'id="email"'),
        ('id="password-hint"', 'id="other"'),
        ("<h1>", "<h3>"),
        ('alt=""', ""),
        ("<button formaction", '<button tabindex="1" formaction'),
        ("Forgot your password?", ""),
        ('lang="en"', ""),
        ('autocomplete="username"', ""),
    ]:
        assert good in page.response.text
        broken = page.response.text.replace(good, bad)
        if good == "<h1>":
            broken = broken.replace("</h1>", "</h3>")
        assert faults(parse(broken)), f"not noticed: {bad}"
