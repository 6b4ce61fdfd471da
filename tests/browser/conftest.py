"""Chromium and the app on a port of its own, against the local stack."""

from __future__ import annotations

import os
import shutil
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, expect, sync_playwright
from waitress.server import create_server

from app import create_app
from signet_stack.api_clients import LOCAL_PROJECT, ManagementApi
from signet_stack.handle import RunningStack
from tests.conftest import free_port
from tests.support.patience import HANG_SECONDS
from tests.support.site import settings_for

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
WAIT_MS = HANG_SECONDS * 1000
NO_NETWORK = "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"
# What Chromium reports for answers that tests provoke, and for pictures of people that other tests made.
EXPECTED_REPORTS = (
    "the server responded with a status of 4",
    "the server responded with a status of 5",
    "net::ERR_NAME_NOT_RESOLVED",
)

NewPage = Callable[..., Page]


@pytest.fixture(autouse=True)
def _push_request_context() -> None:
    """Keep pytest-flask from holding one context for a whole test, in which `g` would outlive requests."""


def find_chromium() -> str:
    """Return Chromium's path; without it the test is skipped, and in CI fails."""
    path = os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, NAMES)), None)
    if path:
        return path
    reason = f"no Chromium: set CHROMIUM to its path, or install one of {', '.join(NAMES)}"
    if os.environ.get("CI"):
        pytest.fail(reason)
    pytest.skip(reason)


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """Run one headless Chromium for the session."""
    path = find_chromium()
    with sync_playwright() as playwright:
        expect.set_options(timeout=WAIT_MS)
        browser = playwright.chromium.launch(executable_path=path, args=[NO_NETWORK])
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def site(stack: RunningStack) -> Iterator[str]:
    """Serve the app on loopback and return its address."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    # Not Flask's own server: it forgets to close a static file when the browser goes away.
    server = create_server(create_app(settings_for(stack, url)), host="127.0.0.1", port=port, threads=4)
    threading.Thread(target=server.run, daemon=True).start()
    yield url
    server.close()


@pytest.fixture(scope="module")
def lab_site(stack: RunningStack) -> Iterator[str]:
    """Serve the app with the lab and return its address."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    app = create_app(replace(settings_for(stack, url), lab=True, database_url=stack.database_url))
    project = ManagementApi(stack.api_url, LOCAL_PROJECT, stack.management_token)
    app.extensions["signet_lab"]._find_project = lambda: project
    server = create_server(app, host="127.0.0.1", port=port, threads=4)
    threading.Thread(target=server.run, daemon=True).start()
    yield url
    server.close()
    project.call("PATCH", "/config/auth", {"sessions_timebox": 0})


@pytest.fixture
def new_page(chromium: Browser, site: str) -> Iterator[NewPage]:
    """Return a function that opens a window with its own cookies; complaints of the browser fail the test."""
    contexts: list[BrowserContext] = []
    complaints: list[str] = []

    def note(message: ConsoleMessage) -> None:
        if message.type in ("error", "warning") and not any(e in message.text for e in EXPECTED_REPORTS):
            complaints.append(message.text)

    def open_page(**options: object) -> Page:
        contexts.append(chromium.new_context(base_url=site, **options))  # type: ignore[arg-type]
        page = contexts[-1].new_page()
        page.set_default_timeout(WAIT_MS)
        page.on("console", note)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert complaints == []
