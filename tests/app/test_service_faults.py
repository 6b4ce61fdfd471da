"""When Auth or the data API fails: words, a way on, nothing lost, nobody signed out, never a 500."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from dataclasses import replace

import pytest
from flask import Flask

from app import create_app
from signet_stack.handle import RunningStack
from tests.support.accessibility import faults
from tests.support.cast import PASSWORD
from tests.support.faulty_project import FaultyProject
from tests.support.people import Person, log_in, new_email, sign_up
from tests.support.site import SITE, settings_for
from tests.support.visitor import Visitor

FREQUENCY = "For security purposes, you can only request this after 42 seconds."
TROUBLE = "The sign-in service has a problem."
DOWN = "The sign-in service is not answering."


@pytest.fixture(scope="module")
def project(stack: RunningStack) -> Iterator[FaultyProject]:
    with FaultyProject(stack.api_url).running() as double:
        yield double


@pytest.fixture(scope="module")
def faulty_app(stack: RunningStack, project: FaultyProject) -> Flask:
    """Return the app on a project that can be made to fail."""
    return create_app(replace(settings_for(stack), supabase_url=project.url))


@pytest.fixture(autouse=True)
def _no_fault_stays(project: FaultyProject) -> Iterator[None]:
    yield
    project.faults.clear()


@pytest.fixture
def visitor(faulty_app: Flask) -> Visitor:
    return Visitor(faulty_app.test_client(), SITE)


@pytest.fixture
def person(faulty_app: Flask) -> Person:
    return sign_up(faulty_app)


# name: (status, code or body, message, headers, expected status, expected words, expected Retry-After)
AUTH_ANSWERS = {
    "limit, header": (429, "over_request_rate_limit", "", {"Retry_After": "9"}, 429, "in 9 seconds", "9"),
    "limit, message": (429, "over_request_rate_limit", FREQUENCY, {}, 429, "in 42 seconds.", "42"),
    "limit, no time": (429, "over_request_rate_limit", "", {}, 429, "in 1 minute", "60"),
    "suspended": (400, "user_banned", "", {}, 422, "The e-mail or password is not right.", None),
    "switched off": (422, "email_provider_disabled", "", {}, 403, "switched off here", None),
    "captcha": (400, "captcha_failed", "", {}, 503, "asks for a captcha", None),
    "conflict": (409, "conflict", "", {}, 409, "Two requests met", None),
    "its own fault": (500, "unexpected_failure", "secret", {}, 503, TROUBLE, None),
    "a code of tomorrow": (418, "brand_new", "secret", {}, 503, TROUBLE, None),
}  # fmt: skip
BROKEN_ANSWERS = {
    "HTML 502": (502, "<h1>Bad gateway</h1>", DOWN),
    "HTML 500": (500, "<h1>Oops</h1>", "The sign-in service has a problem."),
    "JSON 503": (503, {"message": "no"}, DOWN),
    "not a session": (200, {"nothing": "here"}, DOWN),
    "not JSON": (200, "<h1>Hello</h1>", DOWN),
    "a list": (200, [], DOWN),
    "a redirect": (302, "", "The sign-in service has a problem."),
    "a wrong key": (401, {"message": "Invalid API key"}, "do not understand each other"),
}


@pytest.mark.parametrize("name", AUTH_ANSWERS)
def test_what_auth_answers_is_said_in_the_form(visitor: Visitor, project: FaultyProject, name: str) -> None:
    status, code, message, headers, expected, words, retry_after = AUTH_ANSWERS[name]
    project.refuses("POST /auth/v1/token", status, code, message, **headers)
    visitor.get("/login")
    page = visitor.press("Log in", email="ada@example.com", password="some words")
    assert page.status == expected
    assert words in page.main
    assert page.response.headers.get("Retry-After") == retry_after
    assert page.field("email")["value"] == "ada@example.com"
    assert page.field("password")["value"] == ""
    assert "secret" not in page.response.text
    assert faults(page.tree) == []


@pytest.mark.parametrize("name", BROKEN_ANSWERS)
@pytest.mark.parametrize(
    ("path", "button", "endpoint"),
    [("/login", "Log in", "POST /auth/v1/token"), ("/signup", "Sign up", "POST /auth/v1/signup")],
    ids=["log in", "sign up"],
)
def test_what_is_no_answer_of_auth_is_a_503_in_the_form(
    visitor: Visitor, project: FaultyProject, name: str, path: str, button: str, endpoint: str
) -> None:
    status, body, words = BROKEN_ANSWERS[name]
    project.answers(endpoint, status, body)
    visitor.get(path)
    page = visitor.press(button, email="ada@example.com", password="some words")
    assert page.status == 503
    assert words in page.problems[0]
    assert page.field("email")["value"] == "ada@example.com"


def test_sign_ups_that_are_closed_say_so(visitor: Visitor, project: FaultyProject) -> None:
    project.refuses("POST /auth/v1/signup", 422, "signup_disabled")
    visitor.get("/signup")
    page = visitor.press("Sign up", email=new_email(), password=PASSWORD)
    assert page.status == 403
    assert "New accounts cannot be made here" in page.problems[0]


@pytest.mark.parametrize(
    ("path", "button", "endpoint", "values"),
    [
        ("/auth/forgot", "Send the mail", "POST /auth/v1/recover", {}),
        ("/signup", "Sign up", "POST /auth/v1/signup", {"password": PASSWORD}),
    ],
    ids=["forgotten password", "sign-up"],
)
def test_a_limit_that_only_known_addresses_meet_is_not_shown(
    visitor: Visitor,
    project: FaultyProject,
    path: str,
    button: str,
    endpoint: str,
    values: dict[str, str | bool],
) -> None:
    project.refuses(endpoint, 429, "over_email_send_rate_limit", FREQUENCY)
    visitor.get(path)
    page = visitor.press(button, email=new_email(), **values)
    assert (page.status, page.heading) == (200, "Check your e-mail")


def test_a_limit_for_everybody_is_shown(visitor: Visitor, project: FaultyProject) -> None:
    project.refuses("POST /auth/v1/recover", 429, "over_request_rate_limit", Retry_After="30")
    visitor.get("/auth/forgot")
    page = visitor.press("Send the mail", email=new_email())
    assert (page.status, page.response.headers["Retry-After"]) == (429, "30")
    assert "Try again in 30 seconds." in page.main


def test_signing_out_works_here_when_auth_does_not_hear_it(person: Person, project: FaultyProject) -> None:
    project.answers("POST /auth/v1/logout", 503, {"message": "no"})
    page = person.press("Sign out")
    assert page.status == 200
    assert "Note: You are signed out." in page.messages
    assert "it still counts this session as open" in page.messages[1]
    assert page.tree.find("div", role="alert").text.startswith("Problem:")
    assert person.get("/profile").path == "/login"


def test_signing_out_everywhere_fails_whole_when_auth_does_not_hear_it(
    person: Person, project: FaultyProject
) -> None:
    project.answers("POST /auth/v1/logout", 503, {"message": "no"})
    person.get("/")
    page = person.press("Sign out everywhere")
    assert (page.status, page.heading) == (503, DOWN)
    assert person.get("/").heading == "You are logged in"


def test_a_session_that_is_over_already_can_be_signed_out(person: Person, project: FaultyProject) -> None:
    project.refuses("POST /auth/v1/logout", 403, "session_not_found")
    assert person.press("Sign out").messages == ["Note: You are signed out."]


def test_a_profile_that_cannot_be_saved_is_kept_in_the_form(person: Person, project: FaultyProject) -> None:
    person.create_profile("Ada")
    project.answers("PATCH /rest/v1/profiles", 503, {"code": "PGRST003", "message": "busy"})
    page = person.press("Save", display_name="Typed at length", is_public=True)
    assert page.status == 503
    assert page.problems == ["The database is not answering."]
    assert page.field("display_name")["value"] == "Typed at length"
    assert page.field("is_public").has("checked")
    project.faults.clear()
    assert person.press("Save").messages == ["Done: Your profile is saved."]


@pytest.mark.parametrize(
    ("path", "asked"),
    [
        ("/profile", "GET /rest/v1/"),
        ("/people", "GET /rest/v1/"),
        ("/account/sessions", "POST /rest/v1/rpc/list_my_sessions"),
    ],
)
@pytest.mark.parametrize(
    ("status", "body"),
    [
        (503, {"code": "PGRST000", "message": "down"}),
        (502, "<h1>Bad gateway</h1>"),
        (401, {"message": "Invalid"}),
    ],
    ids=["no database", "no data API", "wrong key"],
)
def test_a_page_that_cannot_be_read_offers_to_try_again(
    person: Person, project: FaultyProject, path: str, asked: str, status: int, body: object
) -> None:
    project.answers(asked, status, body)
    page = person.get(path)
    assert page.status == 503
    links = {link.text: link["href"] for link in page.tree.find("main").find_all("a")}
    assert links == {"Try again": "", "Home page": "/"}  # empty: the same address
    project.faults.clear()
    assert person.get(path).status == 200


@pytest.mark.parametrize(
    ("button", "asked", "words"),
    [
        ("Sign out all other devices", "POST /auth/v1/logout", DOWN),
        ("Sign out Unknown browser", "POST /rest/v1/rpc/end_my_session", "The database is not answering."),
    ],
    ids=["Auth", "the data API"],
)
def test_a_device_that_cannot_be_signed_out_is_still_listed(
    faulty_app: Flask, person: Person, project: FaultyProject, button: str, asked: str, words: str
) -> None:
    other = log_in(faulty_app, person.email)
    page = person.get("/account/sessions")
    names = [found.text for found in page.tree.find("main").find_all("button")]
    project.answers(asked, 503, {"code": "PGRST000", "message": "no"})
    page = person.press(next(name for name in names if name.startswith(button)))
    assert (page.status, page.problems) == (503, [words])
    assert "You are signed in on 2 devices." in page.main
    assert faults(page.tree) == []
    project.faults.clear()
    assert other.get("/profile").path == "/profile"


def test_a_data_api_that_does_not_take_the_session_says_what_to_do(
    person: Person, project: FaultyProject
) -> None:
    project.answers("GET /rest/v1/", 401, {"code": "PGRST301", "message": "No suitable key"})
    page = person.get("/profile")
    assert page.status == 400
    assert "Sign out and log in again." in page.main


def test_a_link_is_kept_when_auth_does_not_answer(visitor: Visitor, project: FaultyProject) -> None:
    project.answers("POST /auth/v1/verify", 503, {"message": "no"})
    visitor.get("/auth/confirm?token_hash=0123456789abcdef0123&type=recovery")
    page = visitor.press("Go on")
    assert (page.status, page.problems) == (503, [DOWN])
    assert page.field("token_hash")["value"] == "0123456789abcdef0123"


def test_a_form_that_meets_a_fault_shows_the_reference_of_its_log_line(
    visitor: Visitor, project: FaultyProject, caplog: pytest.LogCaptureFixture
) -> None:
    project.refuses("POST /auth/v1/token", 500, "unexpected_failure", "disk full")
    visitor.get("/login")
    with caplog.at_level(logging.INFO, "app"):
        page = visitor.press("Log in", email="ada@example.com", password="some words")
    found = re.search(r"Reference: ([0-9a-f]{8})", page.main)
    assert found, page.main
    lines = [record.getMessage() for record in caplog.records if found[1] in record.getMessage()]
    assert len(lines) == 1
    assert "disk full" in lines[0]
    assert lines[0].startswith("503 ")


def test_a_refusal_that_is_no_fault_of_the_site_shows_no_reference(
    visitor: Visitor, project: FaultyProject
) -> None:
    project.refuses("POST /auth/v1/token", 400, "invalid_credentials")
    visitor.get("/login")
    assert "Reference" not in visitor.press("Log in", email="ada@example.com", password="some words").main


@pytest.mark.parametrize(
    ("answer", "status", "words", "never"),
    [
        (
            {"code": "P0001", "message": "Only members may join.", "hint": None, "detail": None},
            422,
            "Only members may join.",
            "again",
        ),
        (
            {"code": 500, "error_code": "unexpected_failure", "msg": "Database error saving new user"},
            503,
            "The site's owner must look at it.",
            "again",
        ),
        (
            {"code": "23502", "message": "null value in column", "hint": None, "detail": None},
            503,
            "The site's owner must look at it.",
            "null value",
        ),
    ],
    ids=["raised on purpose", "failed", "failed, with SQLSTATE"],
)
def test_a_trigger_on_the_users_of_auth_speaks_or_is_named(
    visitor: Visitor, project: FaultyProject, answer: object, status: int, words: str, never: str
) -> None:
    project.answers("POST /auth/v1/signup", 500, answer)
    visitor.get("/signup")
    page = visitor.press("Sign up", email=new_email(), password=PASSWORD)
    assert page.status == status
    assert words in page.main
    assert never not in page.tree.find("div", role="alert").text


def test_a_sign_out_that_auth_does_not_confirm_is_logged(
    person: Person, project: FaultyProject, caplog: pytest.LogCaptureFixture
) -> None:
    project.answers("POST /auth/v1/logout", 503, {"message": "no"})
    person.get("/")
    with caplog.at_level(logging.INFO, "app"):
        person.press("Sign out")
    assert any("503 " in record.getMessage() for record in caplog.records)
