"""Supabase clients leave nothing behind: no thread, few sockets, nothing of one person for the next."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask

from flask_signet import Identity, anonymous_client, clients, user_client
from tests.flask_signet.gatekeeper.faulty_auth import PASSWORD, FaultyAuth, answers
from tests.support.verified import CLAIMS

ROOT = Path(__file__).parents[2]
SOCKETS = Path("/proc/self/fd")
CREDENTIALS = {"email": "alice@example.com", "password": PASSWORD}
IDENTITY = Identity.of(CLAIMS, "alice's token")


@pytest.fixture
def project() -> Iterator[FaultyAuth]:
    """Run a project whose tables are all empty."""
    with FaultyAuth().running() as double:
        double.faults["user"] = answers(200, b"[]")
        yield double


@pytest.fixture
def app(project: FaultyAuth) -> Flask:
    app = Flask(__name__)
    clients.register(app, project.url, "sb_publishable_test")

    @app.get("/notes")
    def notes() -> list[object]:
        return list(user_client(IDENTITY).table("notes").select("*").execute().data)

    return app


@pytest.fixture(autouse=True)
def _push_request_context() -> None:
    """Keep pytest-flask from holding one context for a whole test."""


def open_sockets() -> int:
    links = (os.readlink(path) for path in SOCKETS.iterdir() if path.is_symlink())
    return sum(link.startswith("socket:") for link in links)


@pytest.mark.skipif(not SOCKETS.exists(), reason="counts sockets in /proc, which only Linux has")
def test_two_hundred_signed_in_requests_start_no_thread_and_open_a_handful_of_sockets(app: Flask) -> None:
    client = app.test_client()
    assert client.get("/notes").status_code == 200
    ours = {thread for thread in threading.enumerate() if "process_request" not in thread.name}
    sockets = open_sockets()
    for _ in range(200):
        assert client.get("/notes").json == []
    later = {thread for thread in threading.enumerate() if "process_request" not in thread.name}
    assert later <= ours
    assert open_sockets() <= sockets + 5


def test_signing_in_leaves_no_timer_thread_behind(app: Flask) -> None:
    with app.app_context():
        for _ in range(5):
            anonymous_client().auth.sign_in_with_password(CREDENTIALS)
    assert not [thread for thread in threading.enumerate() if isinstance(thread, threading.Timer)]


def test_each_client_is_new_and_starts_without_a_session(app: Flask) -> None:
    with app.app_context():
        first = anonymous_client()
        first.auth.sign_in_with_password(CREDENTIALS)
        second = anonymous_client()
    assert second is not first
    assert second.auth.get_session() is None
    assert "sb_publishable" in second.options.headers["Authorization"]


def test_a_user_client_keeps_no_session_and_repeats_no_write(app: Flask) -> None:
    with app.app_context():
        options = user_client(IDENTITY).options
    assert (options.auto_refresh_token, options.persist_session) == (False, False)
    assert options.postgrest_client_retry is False
    assert options.flow_type == "implicit", "no PKCE verifier of the client's own"
    assert options.headers["Authorization"] == "Bearer alice's token"


def test_the_supabase_package_is_imported_on_first_use() -> None:
    code = "import sys, flask_signet.clients; raise SystemExit('supabase' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT).returncode == 0
