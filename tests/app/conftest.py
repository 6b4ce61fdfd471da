"""Fixtures for the pages: the app on the local stack, one whose project does not answer, and visitors."""

from __future__ import annotations

import pytest
from flask import Flask
from flask.testing import FlaskClient

from app import create_app
from app.settings import Settings
from signet_stack.handle import RunningStack
from tests.support.people import Person, sign_up
from tests.support.site import SECRET_KEY, SITE, settings_for
from tests.support.visitor import Visitor

NOBODY_LISTENS = "http://127.0.0.1:1"


@pytest.fixture(autouse=True)
def _push_request_context() -> None:
    """Keep pytest-flask from holding one context for a whole test, in which `g` would outlive requests."""


@pytest.fixture(scope="session")
def lonely_app() -> Flask:
    """Return the app with a project that does not answer: neither Auth nor the data API nor any key."""
    settings = Settings(
        supabase_url=NOBODY_LISTENS,
        publishable_key="sb_publishable_test",
        issuer=f"{NOBODY_LISTENS}/auth/v1",
        site_url=SITE,
        secret_key=SECRET_KEY,
    )
    return create_app(settings)


@pytest.fixture
def lonely(lonely_app: Flask) -> Visitor:
    """Return somebody who visits the app while nothing behind it answers."""
    return Visitor(lonely_app.test_client(), SITE)


@pytest.fixture(scope="session")
def app(stack: RunningStack) -> Flask:
    """Return the app on the local stack."""
    return create_app(settings_for(stack))


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    """Return a client that holds no context between requests; pytest-flask's own would, and `g` with it."""
    return app.test_client()


@pytest.fixture
def visitor(client: FlaskClient) -> Visitor:
    """Return somebody who visits the site for the first time."""
    return Visitor(client, SITE)


@pytest.fixture
def person(app: Flask) -> Person:
    """Return somebody who has an account and is logged in."""
    return sign_up(app)
