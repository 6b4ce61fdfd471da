"""The lab's pages in the app: all open in development, none elsewhere, and what their buttons do."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import psycopg
import pytest
from flask import Flask

from app import create_app
from flask_signet.lab import broken_tokens
from signet_db.errors import Misconfigured
from signet_stack.api_clients import LOCAL_PROJECT, ManagementApi
from signet_stack.handle import RunningStack
from tests.conftest import ROOT
from tests.support.people import Person, sign_up
from tests.support.site import SITE, settings_for
from tests.support.visitor import Visitor

PAGES = ("/lab/", "/lab/policies", "/lab/token", "/lab/keys", "/lab/sessions")


@pytest.fixture(autouse=True)
def _push_request_context() -> None:
    """Keep pytest-flask from holding one context for a whole test, in which `g` would outlive requests."""


@pytest.fixture(scope="module")
def app(stack: RunningStack) -> Iterator[Flask]:
    """Return the app with the lab, on the local stack."""
    settings = replace(settings_for(stack), lab=True, database_url=stack.database_url)
    app = create_app(settings)
    project = ManagementApi(stack.api_url, LOCAL_PROJECT, stack.management_token)
    app.extensions["signet_lab"]._find_project = lambda: project
    yield app
    for name in ("sessions_timebox", "sessions_inactivity_timeout"):
        project.call("PATCH", "/config/auth", {name: 0})


@pytest.fixture
def person(app: Flask) -> Person:
    return sign_up(app)


def test_every_page_is_open_to_people_who_are_signed_out(app: Flask) -> None:
    visitor = Visitor(app.test_client(), SITE)
    for path in PAGES:
        page = visitor.get(path)
        assert page.status == 200, path
        assert page.title.endswith("· Lab")


WITHOUT = """
import sys
from app import create_app
from app.settings import Settings

app = create_app(Settings(
    supabase_url="http://127.0.0.1:9", publishable_key="sb_publishable_test", issuer="http://127.0.0.1:9/auth/v1",
    site_url="http://127.0.0.1:8000", secret_key="a-secret-key-of-more-than-32-bytes-for-tests",
))
rules = [rule.rule for rule in app.url_map.iter_rules() if rule.rule.startswith("/lab")]
print(rules, [name for name in sys.modules if name.startswith("flask_signet.lab")])
"""


def test_without_the_setting_no_page_exists_and_no_code_is_loaded() -> None:
    ended = subprocess.run(
        [sys.executable, "-c", WITHOUT], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert ended.stdout == "[] []\n"


def test_a_database_of_another_machine_is_refused(stack: RunningStack) -> None:
    settings = replace(
        settings_for(stack), lab=True, database_url="postgresql://postgres@db.example.com/postgres"
    )
    with pytest.raises(ValueError, match="this machine"):
        create_app(settings)


def test_the_playground_runs_and_changes_nothing(app: Flask, person: Person) -> None:
    person.create_profile("Ada")
    page = person.get("/lab/policies?table=public.profiles")
    options = page.tree.find("select", name="who").find_all("option")
    alice = next(one["value"] for one in options if one.text == person.email)
    form = {"table": "public.profiles", "who": alice, "operation": "delete", "row": ""}
    answer = post(person, "/lab/policies", form | {"change": "disable_rls"})
    assert answer.status == 200
    assert "deleted of" in answer.main
    assert "After the change" in answer.main
    assert "rls_disabled" in answer.main
    person.get("/profile")
    assert "Ada" in person.visitor.page.main


@pytest.mark.parametrize(
    "form",
    [
        {"who": "nobody"},
        {"who": "claims", "claims": "{"},
        {"operation": "truncate"},
        {"operation": "update"},
        {"change": "drop_99"},
        {"row": "7", "operation": "delete"},
    ],
)
def test_a_wrong_choice_is_explained(person: Person, form: dict[str, str]) -> None:
    answer = post(person, "/lab/policies", {"table": "public.profiles", "who": "anon"} | form)
    assert answer.status == 422
    assert answer.title.startswith("Error: ")
    assert answer.tree.find("p", role="alert").text


def test_an_unknown_table_shows_the_form(person: Person) -> None:
    assert person.get("/lab/policies?table=auth.users").status == 200


def test_ones_own_token_is_accepted_and_its_session_shown(person: Person) -> None:
    answer = post(person, "/lab/token", {"mine": "1"})
    assert "accept it" in answer.main
    assert person.email in answer.main
    assert "refreshed_at" in answer.main


@pytest.mark.parametrize("kind", broken_tokens.BROKEN)
def test_a_broken_token_is_refused_with_its_code(person: Person, kind: str) -> None:
    answer = post(person, "/lab/token", {"broken": kind})
    assert answer.status == 200
    assert f"({broken_tokens.BROKEN[kind][1]})" in answer.main


def test_nothing_pasted_is_a_problem_in_words(app: Flask) -> None:
    visitor = Visitor(app.test_client(), SITE)
    visitor.get("/lab/token")
    page = visitor.press("Inspect")
    assert page.status == 422
    assert "Paste a token" in page.main


def test_keys_are_created_rotated_revoked_and_restored(app: Flask, person: Person) -> None:
    kid = next(key["id"] for key in keys_of(app) if key["status"] == "in_use")
    before = person.get("/lab/keys").main
    assert "your token" in before
    post(person, "/lab/keys", {"action": "create"})
    post(person, "/lab/keys", {"action": "create", "confirmed": "1"})
    refused = post(person, "/lab/keys", {"action": "create"})
    assert refused.status == 409
    asked = post(person, "/lab/keys", {"action": "rotate"})
    assert "will sign every new token" in asked.main
    unticked = post(person, "/lab/keys", {"action": "rotate", "confirmed": "1"})
    assert unticked.status == 422
    done = post(person, "/lab/keys", {"action": "rotate", "confirmed": "1", "known": "on", "kept": "on"})
    assert done.path == "/lab/keys"
    assert "previously used" in done.main
    wrong = post(person, "/lab/keys", {"action": "revoke", "kid": kid, "confirmed": "1", "typed": "no"})
    assert wrong.status == 422
    revoked = post(person, "/lab/keys", {"action": "revoke", "kid": kid, "confirmed": "1", "typed": kid[:8]})
    assert "refused: 401" in revoked.main or "refused: 403" in revoked.main
    restored = post(person, "/lab/keys", {"action": "restore", "kid": kid, "confirmed": "1"})
    assert "refused" not in restored.main.partition("Lives of keys")[0].partition("What happens")[2]
    assert person.get("/profile").status == 200


def test_sessions_are_limited_refreshed_and_replayed(app: Flask, person: Person) -> None:
    assert "20" in post(person, "/lab/sessions", {"action": "timebox"}).main
    assert "none" in post(person, "/lab/sessions", {"action": "restore"}).main
    assert "a new access token" in post(person, "/lab/sessions", {"action": "refresh"}).main
    both = post(person, "/lab/sessions", {"action": "twice"})
    assert both.main.count("a new access token") == 2
    assert person.get("/profile").status == 200
    replayed = post(person, "/lab/sessions", {"action": "replay"})
    assert "refresh_token_already_used" in replayed.main


def test_a_refresh_while_signed_out_is_explained(app: Flask) -> None:
    visitor = Visitor(app.test_client(), SITE)
    visitor.get("/lab/sessions")
    page = visitor.press("Refresh now")
    assert page.status == 422
    assert "Sign in first" in page.main


def test_an_unknown_action_is_400(person: Person) -> None:
    assert post(person, "/lab/keys", {"action": "explode"}).status == 400
    assert post(person, "/lab/sessions", {"action": "explode"}).status == 400


def test_the_tour_follows_what_was_done(app: Flask, person: Person) -> None:
    sign_up(app)  # the second person of step 3
    assert person.get("/lab/").main.count("done") >= 1
    person.create_profile("Ada")
    post(person, "/lab/policies", {"table": "public.profiles", "who": "anon", "change": "disable_rls"})
    steps = [item.text for item in person.get("/lab/").tree.find("ol").find_all("h2")]
    assert [text.endswith("done") for text in steps][:4] == [True] * 4


def keys_of(app: Flask) -> list[dict[str, Any]]:
    answer = app.extensions["signet_lab"].project().call("GET", "/config/auth/signing-keys")
    keys: list[dict[str, Any]] = answer["keys"]
    return keys


def post(person: Person, path: str, form: dict[str, str]) -> Any:
    """Send a form of the lab with the token of its page."""
    page = person.get(path)
    token = page.tree.find("input", name="csrf_token")["value"]
    return person.visitor.send(path, {"csrf_token": token, **form})


def test_another_persons_tokens_are_not_called_mine(app: Flask, person: Person) -> None:
    assert "your token" in person.get("/lab/keys").main
    assert "an earlier token" not in sign_up(app).get("/lab/keys").main
    assert "Sign in to see" in Visitor(app.test_client(), SITE).get("/lab/keys").main


def test_other_machines_do_not_reach_the_lab(app: Flask) -> None:
    client = app.test_client()
    for address, status in (
        ("192.168.1.7", 404),
        ("::ffff:10.0.0.1", 404),
        ("", 404),
        ("unix:", 404),
        ("127.0.0.1", 200),
        ("::1", 200),
    ):
        client.environ_base["REMOTE_ADDR"] = address
        assert client.get("/lab/token", base_url=SITE).status_code == status, address


def test_a_view_that_fails_is_explained(stack: RunningStack, person: Person) -> None:
    with psycopg.connect(stack.database_url) as connection:
        connection.execute("create view public.lab_broken as select 1 / 0 as x")
    try:
        page = person.get("/lab/policies?table=public.lab_broken")
        assert page.status == 422
        assert "22012" in page.main
    finally:
        with psycopg.connect(stack.database_url) as connection:
            connection.execute("drop view public.lab_broken")


def test_without_the_management_api_the_page_says_what_to_do(
    app: Flask, person: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse() -> ManagementApi:
        raise Misconfigured("SUPABASE_ACCESS_TOKEN is not set.", hint="Set it.")

    monkeypatch.setattr(app.extensions["signet_lab"], "_find_project", refuse)
    for path in ("/lab/keys", "/lab/sessions"):
        page = person.get(path)
        assert page.status == 503
        assert "SUPABASE_ACCESS_TOKEN is not set. Set it." in page.main


def test_without_the_database_the_page_says_what_to_do(
    app: Flask, person: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        app.extensions["signet_lab"], "_database_url", "postgresql://postgres@127.0.0.1:9/postgres"
    )
    page = person.get("/lab/policies")
    assert page.status == 503
    assert "flask local status" in page.main
