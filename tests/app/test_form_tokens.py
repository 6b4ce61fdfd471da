"""No route changes anything for a request without its own form token, or one that another site started."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest
from flask import Flask
from werkzeug.test import TestResponse

from app import create_app
from flask_signet.gatekeeper import public
from signet_stack.handle import RunningStack
from tests.support.cast import PASSWORD
from tests.support.people import Person, sign_up
from tests.support.site import settings_for

SAFE = {"GET", "HEAD", "OPTIONS"}
# What each route needs in order to change something. A new route must be added here, or its test fails.
ROUTES: dict[str, dict[str, str]] = {
    "/login": {"email": "ada@example.com", "password": PASSWORD},
    "/signup": {"email": "token-test@example.com", "password": PASSWORD},
    "/logout": {"scope": "global"},
    "/auth/check-email": {"code": "123456"},
    "/auth/resend": {},
    "/auth/forgot": {"email": "ada@example.com"},
    "/auth/link": {"email": "ada@example.com"},
    "/auth/confirm": {"token_hash": "0123456789abcdef0123", "type": "recovery"},
    "/auth/reset": {"password": "entirely other words"},
    "/account/sessions": {"session": "others"},
    "/profile": {"display_name": "Forged", "version": ""},
    "/profile/delete": {},
}


def digest(stack: RunningStack) -> Any:
    """Return what a forged request could change."""
    with psycopg.connect(stack.database_url) as owner:
        return owner.execute(
            "select (select count(*) from auth.users), (select count(*) from auth.sessions),"
            " (select count(*) from auth.one_time_tokens),"
            " (select string_agg(profiles::text, ',' order by id) from public.profiles)"
        ).fetchone()


def test_every_route_that_changes_something_is_listed(app: Flask) -> None:
    changing = {rule.rule for rule in app.url_map.iter_rules() if (rule.methods or set()) - SAFE}
    assert changing == ROUTES.keys()


@pytest.fixture(scope="module")
def victim(app: Flask) -> Person:
    """Return somebody with a session and a profile; no test may change either, so all can share them."""
    person = sign_up(app)
    person.create_profile("Untouched")
    return person


@pytest.fixture(scope="module")
def attacker(app: Flask) -> Person:
    return sign_up(app)


def refused(response: TestResponse) -> bool:
    """Whether an answer says no: the form comes back, an error, or the way to log in or ask for a mail."""
    if response.status_code in (400, 403, 422):
        return True
    return response.status_code == 303 and response.headers["Location"] in ("/login", "/auth/forgot", "/")


@pytest.mark.parametrize("path", ROUTES)
@pytest.mark.parametrize("forgery", ["no token", "another's token", "a made-up token"])
def test_a_request_without_its_own_token_changes_nothing(
    victim: Person, attacker: Person, stack: RunningStack, path: str, forgery: str
) -> None:
    sent = dict(ROUTES[path])
    if forgery != "no token":
        token = attacker.get("/profile").field("csrf_token")["value"]
        sent["csrf_token"] = token if forgery == "another's token" else token[::-1]
    before = digest(stack)
    assert refused(victim.visitor.post(path, **sent))
    assert digest(stack) == before
    assert victim.get("/profile").field("display_name")["value"] == "Untouched"


@pytest.mark.parametrize("path", ROUTES)
@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Origin": "null"},
        {"Origin": "http://evil"},
    ],
    ids=["cross-site", "same-site", "null origin", "other origin"],
)
def test_another_site_gets_403_even_with_a_right_token(
    victim: Person, stack: RunningStack, path: str, headers: dict[str, str]
) -> None:
    token = victim.get("/profile").field("csrf_token")["value"]
    before = digest(stack)
    response = victim.visitor.client.post(
        path, base_url=victim.visitor.site_url, data={**ROUTES[path], "csrf_token": token}, headers=headers
    )
    assert response.status_code == 403
    assert "started by another site" in response.text
    assert "Set-Cookie" not in response.headers
    assert digest(stack) == before


@pytest.mark.parametrize("headers", [{"Sec-Fetch-Site": "same-origin"}, {"Origin": "http://127.0.0.1:8000"}])
def test_our_own_form_is_welcome(person: Person, headers: dict[str, str]) -> None:
    token = person.get("/profile").field("csrf_token")["value"]
    response = person.visitor.client.post(
        "/logout",
        base_url=person.visitor.site_url,
        data={"scope": "local", "csrf_token": token},
        headers=headers,
    )
    assert response.status_code == 303


@pytest.fixture(scope="module")
def formless_app(stack: RunningStack) -> Flask:
    """Return the app with a route that changes something and has no form of ours."""
    app = create_app(settings_for(stack))
    app.add_url_rule("/change", "change", public(lambda: "changed"), methods=["POST"])
    return app


def test_a_route_without_a_form_is_guarded_as_well(formless_app: Flask) -> None:
    person = sign_up(formless_app)
    response = person.visitor.post("/change")
    assert response.status_code == 403
    assert "This form was open for too long" in response.text
    token = person.get("/profile").field("csrf_token")["value"]
    assert person.visitor.post("/change", csrf_token=token).text == "changed"


def test_a_token_from_before_signing_in_is_worth_nothing(app: Flask, stack: RunningStack) -> None:
    person = sign_up(app)
    person.press("Sign out")
    early = person.get("/login").field("csrf_token")["value"]
    person.press("Log in", email=person.email, password=PASSWORD)
    before = digest(stack)
    response = person.visitor.post("/logout", scope="global", csrf_token=early)
    assert response.status_code == 422
    assert digest(stack) == before


def test_looking_changes_nothing(app: Flask, victim: Person, stack: RunningStack) -> None:
    before = digest(stack)
    for rule in app.url_map.iter_rules():
        if not rule.arguments:
            for method in ("GET", "HEAD", "OPTIONS"):
                response = victim.visitor.client.open(
                    rule.rule, method=method, base_url=victim.visitor.site_url
                )
                assert response.status_code < 500
    assert digest(stack) == before


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE", "TRACE", "CONNECT", "PROPFIND", "PURGE"])
def test_other_methods_do_nothing(app: Flask, victim: Person, stack: RunningStack, method: str) -> None:
    before = digest(stack)
    for rule in app.url_map.iter_rules():
        if not rule.arguments:
            response = victim.visitor.client.open(rule.rule, method=method, base_url=victim.visitor.site_url)
            assert response.status_code == 405, rule.rule
            assert method not in response.headers["Allow"]
    assert digest(stack) == before


@pytest.mark.parametrize(
    "path", ["/profile/x.css", "/profile.png", "/profile;.css", "/people/..%2fstatic/x.js"]
)
def test_no_page_hides_behind_the_name_of_a_file(victim: Person, path: str) -> None:
    """A cache in front that keeps files must never get hold of a page (web cache deception)."""
    page = victim.get(path)
    assert page.status == 404
    assert "Untouched" not in page.response.text
    assert page.response.headers["Cache-Control"] == "private, no-store"
