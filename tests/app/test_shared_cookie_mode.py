"""With the cookies of `@supabase/ssr` a browser client beside the pages finds the session and its user."""

from __future__ import annotations

from dataclasses import replace

import pytest
from flask import Flask

from app import create_app
from flask_signet.gatekeeper.shared_cookies import SharedCookies
from signet_stack.handle import RunningStack
from tests.support.people import Person, sign_up
from tests.support.site import SITE, settings_for


@pytest.fixture(scope="module")
def shared_app(stack: RunningStack) -> Flask:
    return create_app(replace(settings_for(stack), cookie_mode="shared"))


def session_cookies(person: Person) -> dict[str, list[str]]:
    names = ("sb-127-auth-token", "sb-127-auth-token.0", "sb-127-auth-token.1")
    found = {name: person.visitor.client.get_cookie(name, domain="127.0.0.1") for name in names}
    return {name: [cookie.value] for name, cookie in found.items() if cookie}


def test_a_session_carries_its_user_from_sign_up_to_sign_out(shared_app: Flask, stack: RunningStack) -> None:
    person = sign_up(shared_app)
    session = SharedCookies(SITE, stack.api_url).read(session_cookies(person)).session
    assert session is not None
    assert session.tokens.user is not None
    assert session.tokens.user["email"] == person.email
    person.get("/")
    person.press("Sign out")
    assert session_cookies(person) == {}
