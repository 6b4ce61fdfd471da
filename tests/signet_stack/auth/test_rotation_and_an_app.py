"""A rotation and a revocation as an app lives through them: Auth and data at once, its pages in time."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import jwt
import pytest
from flask.testing import FlaskClient

from flask_signet.gatekeeper.jwks import LIFE
from signet_stack.context import Context
from tests.flask_signet.gatekeeper.gatekept import Clock, make_app
from tests.signet_stack.auth.conftest import Project, TestClock, serve_project


@pytest.fixture
def project(make_context: Callable[..., Context]) -> Iterator[Project]:
    """Return a project of this test's own."""
    clock = TestClock()
    with serve_project(make_context(clock), clock) as project:
        yield project


@pytest.fixture
def clock() -> Clock:
    """Return the clock of the app."""
    return Clock(time.time)


@pytest.fixture
def new_browser(project: Project, clock: Clock) -> Iterator[Callable[[dict[str, Any]], FlaskClient]]:
    """Return a function that makes a browser of one app, signed in by a session of Auth."""
    auth: Any = SimpleNamespace(url=project.origin, issuer=project.context.issuer)
    apps = [make_app(auth, clock)]

    def new(session: dict[str, Any]) -> FlaskClient:
        browser = apps[0].test_client()
        form = {name: session[name] for name in ("access_token", "refresh_token")}
        assert browser.post("/session", data=form).status_code == 200
        return browser

    yield new
    apps.clear()
    gc.collect()  # with the app go its connections, for which the project would wait


def kid_of(session: dict[str, Any]) -> str:
    return str(jwt.get_unverified_header(session["access_token"])["kid"])


def refreshes(project: Project) -> int:
    ((count,),) = project.rows("select count(refreshed_at) from auth.sessions")
    return int(count)


def test_nobody_signs_in_again_and_a_revoked_key_opens_no_page_after_ten_minutes(
    project: Project, clock: Clock, new_browser: Callable[[dict[str, Any]], FlaskClient]
) -> None:
    keys, first = project.context.signing_keys, project.sign_up()
    old = new_browser(first)
    keys.create("ES256", "in_use")
    second = project.sign_up()
    assert kid_of(second) != kid_of(first)
    new = new_browser(second)  # the app has not heard of the new key, and asks
    assert [browser.get("/private").status_code for browser in (old, new)] == [200, 200]
    assert refreshes(project) == 0

    keys.set_status(kid_of(first), "revoked")
    bearer = {"Authorization": f"Bearer {first['access_token']}"}
    assert project.http.get("/auth/v1/user", headers=bearer).status_code == 403
    assert project.http.get("/rest/v1/", headers=bearer).status_code == 401
    assert new.get("/api", headers=bearer).status_code == 200  # within the bound that docs/keys.md states

    clock.offset = LIFE
    assert new.get("/api", headers=bearer).status_code == 401
    assert [browser.get("/private").status_code for browser in (old, new)] == [200, 200]
    assert refreshes(project) == 1  # the old token was refused, and exchanged for one of the new key
