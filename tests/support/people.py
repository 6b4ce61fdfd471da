"""People who visit the site: each with an account, a browser and a password of their own."""

from __future__ import annotations

from dataclasses import dataclass

from flask import Flask

from tests.support import cast
from tests.support.cast import PASSWORD
from tests.support.visitor import Page, Visitor


@dataclass(frozen=True)
class Person:
    """Somebody with an account, at one browser."""

    email: str
    visitor: Visitor

    def get(self, path: str, **headers: str) -> Page:
        return self.visitor.get(path, **headers)

    def press(self, button: str, **values: str | bool) -> Page:
        return self.visitor.press(button, **values)

    def create_profile(self, name: str = "", *, is_public: bool = False, avatar_url: str = "") -> Page:
        self.get("/profile")
        return self.press("Create profile", display_name=name, avatar_url=avatar_url, is_public=is_public)


def new_email() -> str:
    """Return an address that no other test uses."""
    return cast.person("Visitor").email


def sign_up(app: Flask, user_agent: str = "") -> Person:
    """Make an account through the pages."""
    person = Person(new_email(), _visitor(app, user_agent))
    person.get("/signup")
    page = person.press("Sign up", email=person.email, password=PASSWORD)
    assert page.status == 200, page.main
    return person


def log_in(app: Flask, email: str, password: str = PASSWORD, user_agent: str = "") -> Person:
    """Log in at another browser."""
    person = Person(email, _visitor(app, user_agent))
    person.get("/login")
    page = person.press("Log in", email=email, password=password)
    assert page.status == 200, page.main
    return person


def _visitor(app: Flask, user_agent: str) -> Visitor:
    client = app.test_client()
    if user_agent:
        client.environ_base["HTTP_USER_AGENT"] = user_agent
    return Visitor(client, app.extensions["settings"].site_url)
