"""The sessions page: where one is signed in, in words, and signing out from afar."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from time import monotonic
from uuid import uuid4

import psycopg
import pytest
from flask import Flask

from app import create_app
from signet_stack.handle import RunningStack
from tests.support.accessibility import faults
from tests.support.markup import Element
from tests.support.patience import HANG_SECONDS
from tests.support.people import Person, log_in, sign_up
from tests.support.project_settings import changed
from tests.support.site import settings_for
from tests.support.visitor import Page

FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:147.0) Gecko/20100101 Firefox/147.0"
SAFARI = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_7 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) "
    "Version/18.6 Mobile/15E148 Safari/604.1"
)
ENDED = "the session was ended: from another device"


def rows(page: Page) -> list[Element]:
    return page.tree.find("ul", **{"class": "card sessions"}).find_all("li")


def devices(page: Page) -> list[str]:
    return [row.find("p").text for row in rows(page)]


def others(page: Page) -> list[str]:
    """Return the ids behind the buttons of the other devices."""
    buttons = page.tree.find("main").find_all("button", name="session")
    return [button["value"] for button in buttons if button["value"] != "others"]


def button_for(person: Person, device: str) -> str:
    """Return the name of the button that signs this device out."""
    assert person.visitor.page is not None
    names = [button.text for button in person.visitor.page.tree.find("main").find_all("button")]
    return next(name for name in names if name.startswith(f"Sign out {device}, last used "))


@pytest.fixture
def person(app: Flask) -> Person:
    """Return somebody with Firefox, who has just signed up."""
    return sign_up(app, FIREFOX)


@pytest.fixture
def phone(app: Flask, person: Person) -> Person:
    """Return the same person at their phone."""
    return log_in(app, person.email, user_agent=SAFARI)


def test_the_only_device_is_listed_as_the_only_one(person: Person) -> None:
    page = person.visitor.follow("Sessions")
    assert (page.status, page.path, page.heading) == (200, "/account/sessions", "Your sessions")
    assert devices(page) == ["Firefox on Linux This device"]
    assert "Only this device is signed in." in page.main
    assert "Sign out all other devices" not in page.main
    assert page.response.headers["Cache-Control"] == "private, no-store"
    assert page.tree.find("nav").find("a", **{"aria-current": "page"}).text == "Sessions"
    assert faults(page.tree) == []


def test_this_device_comes_first_and_every_other_is_named(app: Flask, person: Person, phone: Person) -> None:
    log_in(app, person.email, user_agent="python-httpx/0.28.1")
    page = person.get("/account/sessions")
    assert devices(page) == ["Firefox on Linux This device", "Unknown browser", "Safari on iPhone"]
    assert devices(phone.get("/account/sessions"))[0] == "Safari on iPhone This device"
    assert "You are signed in on 3 devices." in page.main
    assert faults(page.tree) == []
    names = [button.text.partition(", last used ")[0] for button in page.tree.find("main").find_all("button")]
    assert names == [
        "Sign out this device",
        "Sign out Unknown browser",
        "Sign out Safari on iPhone",
        "Sign out all other devices",
    ]


def test_times_are_told_in_words_and_in_full(person: Person, phone: Person, stack: RunningStack) -> None:
    now = datetime.now(UTC)
    page = person.get("/account/sessions")
    with psycopg.connect(stack.database_url, autocommit=True) as owner:
        owner.execute(
            "update auth.sessions set created_at = %s, refreshed_at = %s where id = %s",
            (now - timedelta(days=3), (now - timedelta(minutes=5)).replace(tzinfo=None), others(page)[0]),
        )
    page = person.get("/account/sessions")
    assert "Last used now" in rows(page)[0].text
    assert [time.text for time in rows(page)[1].find_all("time")] == ["3 days ago", "5 minutes ago"]
    moments = [datetime.fromisoformat(time["datetime"]) for time in rows(page)[1].find_all("time")]
    assert [moment - now for moment in moments] == [timedelta(days=-3), timedelta(minutes=-5)]
    assert f"{moments[0]:%B %Y, %H:%M} UTC" in rows(page)[1].text


def test_no_address_is_shown(person: Person, phone: Person) -> None:
    """Auth knows the address of this server only (docs/decisions/0033-session-devices.md)."""
    assert "127.0.0.1" not in person.get("/account/sessions").main


def test_a_renewal_tells_the_browser_that_is_in_use(app: Flask, stack: RunningStack) -> None:
    with changed(stack, jwt_exp=1):
        person = sign_up(app, SAFARI)
        person.visitor.client.environ_base["HTTP_USER_AGENT"] = FIREFOX
        deadline = monotonic() + HANG_SECONDS  # a token of one second is soon renewed
        while devices(person.get("/account/sessions")) != ["Firefox on Linux This device"]:
            assert monotonic() < deadline


def test_one_device_is_signed_out(person: Person, phone: Person) -> None:
    assert phone.get("/profile").path == "/profile"
    person.get("/account/sessions")
    page = person.press(button_for(person, "Safari on iPhone"))
    assert (page.status, page.path) == (200, "/account/sessions")
    assert person.visitor.hops[0].status_code == 303
    assert page.messages == ["Done: That device is signed out."]
    assert devices(page) == ["Firefox on Linux This device"]
    page = phone.get("/profile")
    assert page.path == "/login"
    assert ENDED in page.messages[0]


def test_all_other_devices_are_signed_out(app: Flask, person: Person, phone: Person) -> None:
    tablet = log_in(app, person.email)
    person.get("/account/sessions")
    page = person.press("Sign out all other devices")
    assert page.messages == ["Done: All your other devices are signed out."]
    assert devices(page) == ["Firefox on Linux This device"]
    for other in (phone, tablet):
        page = other.get("/account/sessions")
        assert page.path == "/login"
        assert ENDED in page.messages[0]
    assert person.get("/profile").path == "/profile"


def test_signing_out_this_device_is_the_ordinary_sign_out(person: Person, phone: Person) -> None:
    person.get("/account/sessions")
    page = person.press("Sign out this device")
    assert (page.path, page.messages) == ("/", ["Note: You are signed out."])
    assert person.visitor.hops[0].headers["Clear-Site-Data"] == '"cache", "storage"'
    assert devices(phone.get("/account/sessions")) == ["Safari on iPhone This device"]


def test_the_id_of_this_device_leads_to_the_ordinary_sign_out_too(person: Person, phone: Person) -> None:
    mine = others(phone.get("/account/sessions"))
    token = person.get("/account/sessions").field("csrf_token")["value"]
    response = person.visitor.post("/account/sessions", session=mine[0], csrf_token=token)
    assert (response.status_code, response.headers["Location"]) == (307, "/logout")


def test_a_device_that_is_signed_out_already_is_no_error(person: Person, phone: Person) -> None:
    page = person.get("/account/sessions")
    phone.press("Sign out")
    page = person.press(button_for(person, "Safari on iPhone"))
    assert page.status == 200
    assert page.messages == ["Note: You have no such session any more: there was nothing to sign out."]
    page = person.press("Sign out this device")
    assert page.status == 200


def test_nobody_else_can_be_signed_out(app: Flask, person: Person) -> None:
    victim = sign_up(app)
    laptop = log_in(app, victim.email)
    theirs = others(victim.get("/account/sessions"))[0]
    token = person.get("/account/sessions").field("csrf_token")["value"]
    for session_id in (theirs, str(uuid4())):
        response = person.visitor.post("/account/sessions", session=session_id, csrf_token=token)
        assert response.status_code == 303
        page = person.get("/account/sessions")
        assert page.messages == ["Note: You have no such session any more: there was nothing to sign out."]
    assert laptop.get("/profile").path == "/profile"


@pytest.mark.parametrize("session_id", ["", "x", "all", "'; drop table", "0" * 31, "\x00", "é" * 100])
def test_what_is_no_session_at_all_is_said_in_place(person: Person, session_id: str) -> None:
    token = person.get("/account/sessions").field("csrf_token")["value"]
    response = person.visitor.post("/account/sessions", session=session_id, csrf_token=token)
    assert response.status_code == 422
    assert "This is not one of your sessions." in response.text
    assert "Firefox on Linux" in response.text


def test_a_form_that_is_out_of_date_comes_back_with_the_list(person: Person, phone: Person) -> None:
    person.get("/account/sessions")
    person.visitor.client.delete_cookie("session-8000", domain="127.0.0.1")
    page = person.press("Sign out all other devices")
    assert (page.status, page.title) == (422, "Error: Your sessions · Signet")
    assert "This form was open for too long" in page.problems[0]
    assert len(devices(page)) == 2
    assert faults(page.tree) == []
    assert devices(person.press("Sign out all other devices")) == ["Firefox on Linux This device"]


@pytest.mark.parametrize("which", ["one", "others"])
def test_a_session_that_was_ended_meanwhile_ends_nothing_and_says_so(
    person: Person, phone: Person, which: str
) -> None:
    phone.get("/account/sessions")
    button = button_for(phone, "Firefox on Linux") if which == "one" else "Sign out all other devices"
    person.get("/account/sessions")
    person.press("Sign out all other devices")
    page = phone.press(button)
    assert page.path == "/login"
    assert ENDED in page.messages[0]
    assert phone.visitor.hops[0].headers["Location"] == "/login?next=/account/sessions"
    assert person.get("/profile").path == "/profile"


def test_the_bound_is_that_of_the_token(person: Person) -> None:
    main = person.get("/account/sessions").main
    assert "may still open there for at most 60 minutes, the life of an access token." in main
    assert "is renewed within 60 minutes." in main


@pytest.mark.parametrize(
    ("check", "words"),
    [
        (60.0, "for at most 60 seconds: that often, this site asks"),
        (7200.0, "for at most 60 minutes, the life of an access token."),
    ],
    ids=["shorter than a token's life", "longer"],
)
def test_the_bound_is_that_of_the_check_where_it_is_shorter(
    stack: RunningStack, check: float, words: str
) -> None:
    app = create_app(replace(settings_for(stack), revocation_check_seconds=check))
    page = sign_up(app).get("/account/sessions")
    assert words in page.main
    assert ("does not answer" in page.main) == (check == 60.0)


def test_nobody_sees_the_page_without_logging_in(app: Flask) -> None:
    client = app.test_client()
    base = {"base_url": "http://127.0.0.1:8000"}
    response = client.get("/account/sessions", **base)
    assert (response.status_code, response.headers["Location"]) == (303, "/login?next=/account/sessions")
    assert client.get("/account/sessions", headers={"Accept": "application/json"}, **base).status_code == 401


@pytest.mark.parametrize("path", ["/account", "/account/", "/account/sessions/", "/account/sessions/1"])
def test_there_is_nothing_beside_it(person: Person, path: str) -> None:
    assert person.get(path).status == 404
