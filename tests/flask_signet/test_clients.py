"""Clients cost nothing that stays: no thread, few sockets, nothing of one person left for the next."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from flask import Flask

from flask_signet.clients import anonymous_client, user_client
from flask_signet.gatekeeper import Identity
from tests.support.cast import PASSWORD
from tests.support.people import Person
from tests.support.verified import CLAIMS

ROOT = Path(__file__).parents[2]
SOCKETS = Path("/proc/self/fd")


def credentials(person: Person) -> dict[str, str]:
    return {"email": person.email, "password": PASSWORD}


def identity_of(access_token: str) -> Identity:
    return Identity.of(CLAIMS, access_token)


def open_sockets() -> int:
    links = (os.readlink(path) for path in SOCKETS.iterdir() if path.is_symlink())
    return sum(link.startswith("socket:") for link in links)


@pytest.mark.skipif(not SOCKETS.exists(), reason="counts sockets in /proc, which only Linux has")
def test_two_hundred_signed_in_requests_start_no_thread_and_open_a_handful_of_sockets(person: Person) -> None:
    person.get("/profile")
    threads, sockets = set(threading.enumerate()), open_sockets()
    for _ in range(200):
        assert person.get("/profile").status == 200
    assert set(threading.enumerate()) <= threads
    assert open_sockets() <= sockets + 5


def test_signing_in_leaves_no_thread_behind(app: Flask, person: Person) -> None:
    before = set(threading.enumerate())
    with app.app_context():
        for _ in range(5):
            anonymous_client().auth.sign_in_with_password(credentials(person))
    assert set(threading.enumerate()) <= before


def test_each_client_is_new_and_forgets_nobody_onto_the_next(app: Flask, person: Person) -> None:
    with app.app_context():
        first = anonymous_client()
        first.auth.sign_in_with_password(credentials(person))
        second = anonymous_client()
    assert second is not first
    assert second.auth.get_session() is None
    assert "sb_publishable" in second.options.headers["Authorization"]


def test_no_session_is_kept_and_no_write_is_repeated(app: Flask, person: Person) -> None:
    with app.app_context():
        answer = anonymous_client().auth.sign_in_with_password(credentials(person))
        identity = identity_of(answer.session.access_token)
        options = user_client(identity).options
    assert (options.auto_refresh_token, options.persist_session) == (False, False)
    assert options.postgrest_client_retry is False
    assert options.flow_type == "implicit", "no PKCE flow, so no verifier to keep in a cookie"
    assert options.headers["Authorization"] == f"Bearer {identity.access_token}"


def test_the_package_is_imported_on_first_need() -> None:
    """It costs a worker 176 ms and 15 MB; a process that only shows the login page never pays."""
    code = "import sys, app; raise SystemExit('supabase' in sys.modules or 'psycopg' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT).returncode == 0
