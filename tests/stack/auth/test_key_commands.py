"""`flask keys` and `flask local config` against a served project, by the way that hosted projects take."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import click
import pytest
from click.testing import CliRunner, Result

from app.cli import auth_config, management_api
from app.cli.auth_config import config
from app.cli.keys import keys
from app.cli.management_api import ManagementApi
from devstack.context import Context
from tests.stack.auth.conftest import Project, TestClock, serve_project

Run = Callable[..., Result]


@pytest.fixture
def own(make_context: Callable[..., Context], monkeypatch: pytest.MonkeyPatch) -> Iterator[Project]:
    """Return a project of this test's own that the environment names."""
    clock = TestClock()
    with serve_project(make_context(clock), clock) as project:
        monkeypatch.setattr(management_api, "PLATFORM", project.origin)
        monkeypatch.setenv("SUPABASE_ACCESS_TOKEN", project.context.management_token)
        monkeypatch.setenv("SUPABASE_PROJECT_REF", "local")
        yield project


def run(*argv: str, command: click.Command = keys, code: int = 0) -> Result:
    """Run a command and check its exit code."""
    result = CliRunner().invoke(command, argv)
    assert result.exit_code == code, result.output
    return result


def read(*argv: str, **options: Any) -> Any:
    """Run a command with --json and return what it printed."""
    return json.loads(run(*argv, "--json", **options).stdout)


def states(project: Project) -> list[str]:
    project.clock.advance(1)
    return [key["status"] for key in read("list")["keys"]]


def test_a_key_lives_through_its_states(own: Project) -> None:
    own.clock.advance(1)
    first = read("list")["keys"][0]["id"]
    second = read("create", "--algorithm", "EdDSA")["id"]
    assert states(own) == ["in_use", "standby"]
    rotated = run("rotate", "--yes")
    assert f"Revoking {first} is safe from" in rotated.stdout
    assert "Nobody has to sign in again." in rotated.stderr
    assert states(own) == ["previously_used", "in_use"]
    assert read("revoke", first, "--yes")["status"] == "revoked"
    assert [key["kid"] for key in read("jwks")["keys"]] == [second]
    assert read("restore", first)["status"] == "previously_used"
    run("revoke", first, "--yes")
    assert read("delete", first, "--yes")["id"] == first
    assert states(own) == ["in_use"]


def test_the_list_says_what_each_state_means(own: Project) -> None:
    shown = run("list").stdout
    for words in ("signs new tokens", "signs nothing yet", "refused and unpublished", "have run out"):
        assert words in shown


@pytest.mark.parametrize(
    ("argv", "words"),
    [
        (("rotate", "--yes"), "flask keys create"),
        (("revoke", "nothing", "--yes"), "There is no signing key nothing"),
        (("restore", "KID"), "is not revoked"),
        (("revoke", "KID", "--yes"), "The key in use stays"),
        (("delete", "KID", "--yes"), "Only a revoked key"),
        (("revoke", "KID"), "Add --yes"),
    ],
)
def test_what_cannot_be_done_says_why(own: Project, argv: tuple[str, ...], words: str) -> None:
    kid = own.context.signing_keys.in_use().kid
    named = [kid if part == "KID" else part for part in argv]
    assert words in run(*named, code=1).stderr
    error = json.loads(run(*named, "--json", code=1).stdout)["error"]
    assert error["message"]


def test_a_second_standby_key_is_refused(own: Project) -> None:
    run("create")
    assert "standby key already" in run("create", code=1).stderr


def test_a_wrong_token_is_told_without_showing_it(own: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SUPABASE_ACCESS_TOKEN", "sbp_wrong_token")
    shown = run("list", code=1).output
    assert "SUPABASE_ACCESS_TOKEN" in shown
    assert "sbp_wrong_token" not in shown


def test_half_a_project_is_told(own: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SUPABASE_PROJECT_REF")
    assert "SUPABASE_PROJECT_REF is not set" in run("list", code=1).stderr


def test_a_platform_that_does_not_answer_is_told(own: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(management_api, "PLATFORM", "http://127.0.0.1:1")
    assert "does not answer" in run("list", code=1).stderr


@pytest.fixture
def local(own: Project, monkeypatch: pytest.MonkeyPatch) -> Project:
    """Return the project as the local stack."""
    found = ManagementApi(own.origin, "local", own.context.management_token)
    monkeypatch.setattr(auth_config, "local_project", lambda: found)
    return own


@pytest.mark.parametrize(
    ("name", "value", "kept"),
    [
        ("jwt_exp", "60", 60),
        ("sessions_timebox", "24h", 86_400.0),
        ("mailer_autoconfirm", "false", False),
        ("password_required_characters", "123", "123"),
        ("rate_limit_email_sent", "null", None),
    ],
)
def test_a_setting_is_changed_and_shown(local: Project, name: str, value: str, kept: Any) -> None:
    assert read(name, value, command=config) == {name: kept}
    assert read(command=config)[name] == kept
    assert run(name, command=config).stdout.startswith(name)


def test_a_setting_that_does_not_fit_says_why(local: Project) -> None:
    assert "whole number" in run("jwt_exp", "soon", command=config, code=1).stderr
    assert "There is no setting jwt_expiry" in run("jwt_expiry", command=config, code=1).stderr
