"""Log in, sign up, sign out: through the pages, without scripts, against the real stack."""

from __future__ import annotations

from dataclasses import replace

import pytest
from flask import Flask

from app import create_app
from tests.support.accessibility import faults
from tests.support.cast import PASSWORD
from tests.support.people import Person, log_in, new_email
from tests.support.site import SECRET_KEY
from tests.support.visitor import Visitor


def test_signing_up_makes_an_account_and_begins_at_the_profile(visitor: Visitor) -> None:
    email = new_email()
    visitor.get("/login")
    page = visitor.press("Sign up", email=email, password=PASSWORD)
    assert (page.status, page.path) == (200, "/profile")
    assert page.messages == [f"Done: Your account is ready, and you are logged in as {email}."]


def test_logging_in_leads_home_and_says_who_one_is(app: Flask, person: Person, visitor: Visitor) -> None:
    visitor.get("/login")
    page = visitor.press("Log in", email=f"  {person.email.upper()} ", password=PASSWORD)
    assert (page.status, page.path, page.heading) == (200, "/", "You are logged in")
    assert person.email in page.main
    assert "verified here once, then remembered" in page.main
    assert "lives for another 59 minutes" in page.main
    assert faults(page.tree) == []
    assert page.response.headers["Cache-Control"] == "private, no-store"


def test_a_wrong_password_and_an_unknown_address_get_the_same_page(visitor: Visitor, person: Person) -> None:
    answers = []
    for email in (person.email, new_email()):
        visitor.get("/login")
        page = visitor.press("Log in", email=email, password="not the password")
        assert page.status == 422
        assert page.problems == ["The e-mail or password is not right."]
        assert page.field("email")["value"] == email
        assert page.field("password")["value"] == ""
        answers.append(page.main.replace(email, ""))
    assert answers[0] == answers[1]


@pytest.mark.parametrize(
    ("target", "arrives"),
    [("/people?page=2", "/people?page=2"), ("//evil.example", "/"), ("/login?next=//evil", "/"), ("", "/")],
)
def test_the_way_back_is_followed_if_it_is_safe(
    visitor: Visitor, person: Person, target: str, arrives: str
) -> None:
    visitor.get("/login?next=" + target)
    visitor.press("Log in", email=person.email, password=PASSWORD)
    assert visitor.hops[0].headers["Location"] == arrives
    assert visitor.hops[0].status_code == 303


def test_the_way_back_survives_an_error_and_a_change_to_sign_up(visitor: Visitor) -> None:
    visitor.get("/people")
    assert visitor.page is not None
    assert visitor.page.path == "/login"
    visitor.press("Log in", email="nobody", password="")
    visitor.press("Sign up", email=new_email(), password="short")
    page = visitor.press("Sign up", email=new_email(), password=PASSWORD)
    assert page.path == "/people"


def test_two_ways_back_are_refused(visitor: Visitor) -> None:
    assert visitor.get("/login?next=/profile&next=//evil").status == 400
    assert visitor.get("/login?next=/profile&next=/profile").status == 200


@pytest.mark.parametrize("path", ["/login", "/signup"])
def test_somebody_who_is_logged_in_is_sent_home(person: Person, path: str) -> None:
    page = person.get(path)
    assert (page.path, page.messages) == ("/", [])
    assert person.visitor.post(path, email="x", password="y").status_code == 303
    assert "To use another account, sign out first." in person.get("/").messages[0]


def test_an_address_that_has_an_account_is_told_so_in_place(visitor: Visitor, person: Person) -> None:
    visitor.get("/signup")
    page = visitor.press("Sign up", email=person.email, password=PASSWORD)
    assert page.status == 409
    assert page.problems == ["There is already an account with this e-mail address."]
    assert page.field("email")["aria-invalid"] == "true"
    assert "set a new password" in page.main


@pytest.mark.parametrize(
    ("email", "password", "problems"),
    [
        ("", "", ["Enter your e-mail address.", "Choose a password."]),
        ("ada", PASSWORD, ["Enter an e-mail address like name@example.com."]),
        ("ada@", PASSWORD, ["Enter an e-mail address like name@example.com."]),
        ("a b@example.com", PASSWORD, ["Enter an e-mail address like name@example.com."]),
        ("a@b@example.com", PASSWORD, ["Enter an e-mail address like name@example.com."]),
        ("ada@example.com\r\nBcc: eve@example.com", PASSWORD, ["contains a character that cannot be used."]),
        ("ada\0@example.com", PASSWORD, ["contains a character that cannot be used."]),
        ("a" * 250 + "@b.example", PASSWORD, ["at most 254 characters; this has 260."]),
        ("ada@example.com", "1234567", ["at least 8 characters."]),
        ("ada@example.com", "x" * 73, ["at most 72 letters or digits"]),
        ("ada@example.com", "é" * 37, ["other characters count as two to four."]),
        ("ada@example.com", "with\0inside", ["contains a character that cannot be used."]),
    ],
)
def test_what_cannot_be_is_said_at_the_field(
    visitor: Visitor, email: str, password: str, problems: list[str]
) -> None:
    visitor.get("/signup")
    page = visitor.press("Sign up", email=email, password=password)
    assert page.status == 422
    assert len(page.problems) == len(problems)
    for said, expected in zip(page.problems, problems, strict=True):
        assert said.endswith(expected) or expected in said
    assert page.field("password")["value"] == ""


@pytest.mark.parametrize("path", ["/login", "/signup"])
@pytest.mark.parametrize("field", ["email", "password", "csrf_token", "next"])
@pytest.mark.parametrize(
    "value", ["", "x" * 10_000, "\0", "\ud800", "%00", "' or 1=1 --", "<script>"], ids=range(7)
)
def test_nothing_that_is_typed_breaks_a_page(visitor: Visitor, path: str, field: str, value: str) -> None:
    token = visitor.get(path).field("csrf_token")["value"]
    sent = {"csrf_token": token, "email": "ada", "password": PASSWORD, field: value}
    body = "&".join(f"{name}={_encoded(text)}" for name, text in sent.items())
    response = visitor.client.post(
        path, base_url="http://127.0.0.1:8000", data=body, content_type="application/x-www-form-urlencoded"
    )
    assert response.status_code == 422


def _encoded(text: str) -> str:
    return "".join(f"%{byte:02x}" for byte in text.encode("utf-8", "surrogatepass"))


def test_a_password_of_72_bytes_with_blanks_around_is_kept_as_it_is(app: Flask, visitor: Visitor) -> None:
    email, password = new_email(), "  " + "é" * 34 + "  "
    visitor.get("/signup")
    assert visitor.press("Sign up", email=email, password=password).path == "/profile"
    log_in(app, email, password)
    other = Visitor(app.test_client(), visitor.site_url)
    other.get("/login")
    assert other.press("Log in", email=email, password=password.strip()).status == 422


def test_signing_out_ends_this_session_only(app: Flask, person: Person) -> None:
    phone = log_in(app, person.email)
    page = person.press("Sign out")
    assert (page.path, page.messages) == ("/", ["Note: You are signed out."])
    assert person.visitor.hops[0].headers["Clear-Site-Data"] == '"cache", "storage"'
    assert person.get("/profile").path == "/login"
    assert phone.get("/profile").path == "/profile"


def test_signing_out_everywhere_ends_the_others_too(app: Flask, person: Person) -> None:
    phone = log_in(app, person.email)
    person.get("/")
    page = person.press("Sign out everywhere")
    assert "All your other devices are signed out as well." in " ".join(page.messages)
    page = phone.get("/profile")
    assert page.path == "/login"
    assert "the session was ended: from another device" in page.messages[0]


def test_a_session_that_was_ended_elsewhere_saves_nothing_and_says_so(app: Flask, person: Person) -> None:
    phone = log_in(app, person.email)
    phone.get("/profile")
    person.get("/")
    person.press("Sign out everywhere")
    page = phone.press("Create profile", display_name="Lost")
    assert page.path == "/login"
    assert "nothing was saved." in " ".join(page.messages)


def test_signing_out_in_doubt_says_that_auth_was_not_told(person: Person, lonely_app: Flask) -> None:
    """The cookie goes, but nobody can tell Auth which session it was."""
    person.get("/")
    with_auth, without = person.visitor.client, lonely_app.test_client()
    for name in ("sb-8000", "session-8000"):
        cookie = with_auth.get_cookie(name, domain="127.0.0.1")
        assert cookie is not None
        without.set_cookie(name, cookie.value, domain="127.0.0.1")
    person.visitor.client = without
    assert any("still counts this session as open" in text for text in person.press("Sign out").messages)
    assert without.get_cookie("sb-8000", domain="127.0.0.1") is None


def test_the_old_cookie_opens_nothing_after_signing_out(app: Flask, person: Person) -> None:
    cookie = person.visitor.client.get_cookie("sb-8000", domain="127.0.0.1")
    assert cookie is not None
    person.press("Sign out")
    thief = Visitor(app.test_client(), person.visitor.site_url)
    thief.client.set_cookie("sb-8000", cookie.value, domain="127.0.0.1")
    assert thief.get("/profile").path == "/login"


def test_a_form_that_is_out_of_date_comes_back_with_what_was_typed(app: Flask, visitor: Visitor) -> None:
    visitor.get("/login")
    visitor.client.delete_cookie("session-8000", domain="127.0.0.1")
    page = visitor.press("Log in", email="ada@example.com", password="secret words")
    assert page.status == 422
    assert "This form was open for too long" in page.problems[0]
    assert page.field("email")["value"] == "ada@example.com"
    assert page.field("password")["value"] == ""
    assert visitor.press("Log in", email="ada@example.com", password="wrong").problems == [
        "The e-mail or password is not right."
    ]


def test_a_form_from_before_the_secret_key_changed_comes_back_with_what_was_typed(
    app: Flask, visitor: Visitor
) -> None:
    visitor.get("/login")
    form, cookie = visitor.page, visitor.client.get_cookie("session-8000", domain="127.0.0.1")
    assert cookie is not None
    rotated = replace(
        app.extensions["settings"],
        secret_key="another-secret-key-of-more-than-32-bytes",
        secret_key_fallbacks=(SECRET_KEY,),
    )
    visitor.client = create_app(rotated).test_client()
    visitor.client.set_cookie("session-8000", cookie.value, domain="127.0.0.1")
    visitor.page = form
    page = visitor.press("Log in", email="ada@example.com", password="secret words")
    assert page.status == 422
    assert page.field("email")["value"] == "ada@example.com"
    assert visitor.press("Log in", email="ada@example.com", password="wrong").problems == [
        "The e-mail or password is not right."
    ]


def test_a_sign_out_form_that_is_out_of_date_asks_once_more(person: Person) -> None:
    person.get("/")
    assert person.visitor.page is not None
    response = person.visitor.post("/logout", scope="local", csrf_token="old")
    assert response.status_code == 422
    person.get("/")
    assert person.press("Sign out").messages == ["Note: You are signed out."]
