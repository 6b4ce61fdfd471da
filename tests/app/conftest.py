"""Fixtures for the pages: an app whose project does not answer, and visitors."""

from __future__ import annotations

import pytest
from flask import Flask

from app import create_app
from app.config import Settings
from tests.visitor import Visitor

SITE = "http://127.0.0.1:8000"
SECRET_KEY = "a-secret-key-of-more-than-32-bytes-for-tests"
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
