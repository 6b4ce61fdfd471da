"""`flask keys` and `flask local config` against a served project, by the way that hosted projects take."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import click
import pytest
from click.testing import CliRunner, Result

from flask_signet.cli.keys import keys
from flask_signet.keys import management_api
from signet_stack import config_command
from signet_stack.api_clients import ManagementApi
from signet_stack.auth_settings import HOSTED_LIKE
from signet_stack.config_command import config
from signet_stack.context import Context
from tests.signet_stack.auth.conftest import Project, TestClock, serve_project

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
    for told in (rotated.stderr, rotated.stdout):  # before it asks, and when it is done
        assert f"Revoking {first} is safe from" in told
    assert "Nobody has to sign in again." in rotated.stderr
    assert states(own) == ["previously_used", "in_use"]
    assert read("revoke", first, "--yes")["status"] == "revoked"
    assert [key["kid"] for key in read("jwks")["keys"]] == [second]
    assert read("restore", first)["status"] == "previously_used"
    run("revoke", first, "--yes")
    assert read("delete", first, "--yes")["id"] == first
    assert states(own) == ["in_use"]


def test_a_program_learns_when_the_former_key_can_go(own: Project) -> None:
    own.set(jwt_exp=600)
    former = own.context.signing_keys.in_use().kid
    read("create")
    before = datetime.now(UTC).replace(microsecond=0)
    rotated = read("rotate", "--yes")
    assert rotated["previous_key"] == former
    wait = datetime.fromisoformat(rotated["previous_key_revocable_from"]) - before
    assert timedelta(minutes=25) <= wait < timedelta(minutes=26)


MEANINGS = ("signs new tokens", "signs nothing yet", "refused and unpublished", "have run out")


def test_every_table_says_what_each_state_means(own: Project) -> None:
    kid = own.context.signing_keys.in_use().kid
    steps = [("list",), ("create",), ("rotate", "--yes"), ("revoke", kid, "--yes"), ("restore", kid)]
    for argv in [*steps, ("revoke", kid, "--yes"), ("delete", kid, "--yes")]:
        shown = run(*argv).stdout
        assert "Signing keys of the local stack" in shown
        assert [words for words in MEANINGS if words not in shown] == []


def test_a_key_is_found_by_the_beginning_of_its_id(own: Project) -> None:
    kid = own.context.signing_keys.in_use().kid
    read("create")
    read("rotate", "--yes")
    assert read("revoke", kid[:13], "--yes")["id"] == kid


@pytest.mark.parametrize(
    ("argv", "words", "step"),
    [
        (("rotate", "--yes"), "There is no standby key.", "flask keys create"),
        (("revoke", "nothing", "--yes"), "There is no signing key nothing", "flask keys list"),
        (("revoke", "", "--yes"), "There is no signing key", "flask keys list"),
        (("revoke", "KID", "--yes"), "is in use; another key must take its place", "flask keys create"),
        (("restore", "KID"), "Only a revoked key can be restored; KID is in_use", "flask keys list"),
        (("delete", "KID", "--yes"), "Only a revoked key can be deleted; KID is in_use", "flask keys list"),
    ],
)
def test_what_cannot_be_done_says_why_and_what_next(
    own: Project, argv: tuple[str, ...], words: str, step: str
) -> None:
    kid = own.context.signing_keys.in_use().kid
    named = [kid if part == "KID" else part for part in argv]
    told = run(*named, code=1).stderr
    assert words.replace("KID", kid) in told
    assert f"Next: {step}" in told
    error = json.loads(run(*named, "--json", code=1).stdout)["error"]
    assert (words.replace("KID", kid) in error["message"], error["hint"]) == (True, step)


def test_a_second_standby_key_is_refused_before_and_behind_the_api(own: Project) -> None:
    kid = read("create")["id"]
    assert f"{kid} is on standby already." in run("create", code=1).stderr
    refused = own.http.post(
        "/v1/projects/local/config/auth/signing-keys",
        json={"algorithm": "ES256"},
        headers={"Authorization": f"Bearer {own.context.management_token}"},
    )
    assert refused.status_code == 422


@pytest.mark.parametrize("command", ["rotate", "revoke", "delete"])
def test_without_a_terminal_yes_must_be_said(own: Project, command: str) -> None:
    former, kid = own.context.signing_keys.in_use().kid, read("create")["id"]
    if command != "rotate":
        read("rotate", "--yes")
    if command == "delete":
        read("revoke", former, "--yes")
    before = states(own)
    argv = (command,) if command == "rotate" else (command, former)
    assert "Next: Add --yes" in run(*argv, code=1).stderr
    assert states(own) == before
    assert kid in run("list").stdout


@pytest.mark.parametrize(("answer", "is_done"), [("y", True), ("n", False), ("", False)])
def test_on_a_terminal_it_asks(
    own: Project, monkeypatch: pytest.MonkeyPatch, answer: str, is_done: bool
) -> None:
    kid = read("create")["id"]
    monkeypatch.setattr("click.testing._NamedTextIOWrapper.isatty", lambda _stream: True, raising=False)
    result = CliRunner().invoke(keys, ["rotate"], input=f"{answer}\n")
    assert result.exit_code == (0 if is_done else 1)
    assert "This rotates the keys of the local stack. Go on? [y/N]" in result.stderr
    assert (own.context.signing_keys.get(kid).status == "in_use") is is_done


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
def local(project: Project, monkeypatch: pytest.MonkeyPatch) -> Project:
    """Return the project as the local stack."""
    found = ManagementApi(project.origin, "local", project.context.management_token)
    monkeypatch.setattr(config_command, "local_project", lambda _folder=None: found)
    return project


@pytest.mark.parametrize(
    ("name", "value", "kept", "shown"),
    [
        ("jwt_exp", "60", 60, "60"),
        ("sessions_timebox", "24h", 86_400.0, "86400"),
        ("sessions_timebox", "0.5", 0.5, "0.5"),
        ("mailer_autoconfirm", "false", False, "false"),
        ("password_required_characters", "123", "123", "123"),
        ("uri_allow_list", "", "", "(empty)"),
        ("rate_limit_email_sent", "null", None, "null"),
    ],
)
def test_a_setting_is_changed_and_shown(local: Project, name: str, value: str, kept: Any, shown: str) -> None:
    assert read(name, value, command=config) == {name: kept}
    assert read(command=config)[name] == kept
    assert run(name, command=config).stdout.split() == [name, shown]


@pytest.mark.parametrize(
    ("argv", "words", "step"),
    [
        (("jwt_exp", "soon"), "jwt_exp must be a whole number from 1 to 604800.", " jwt_exp"),
        (("jwt_exp", "-1"), "jwt_exp must be a whole number from 1 to 604800.", " jwt_exp"),
        (("jwt_exp", "NaN"), "jwt_exp must be a whole number from 1 to 604800.", " jwt_exp"),
        (
            ("sessions_timebox", "1e999"),
            'sessions_timebox must be seconds, or a duration such as "24h"',
            " s",
        ),
        (("sessions_timebox", "[" * 9000), "sessions_timebox must be seconds", " sessions_timebox"),
        (("mailer_autoconfirm", "maybe"), "mailer_autoconfirm must be true or false.", " mailer_autoconfirm"),
        (("jwt_expiry",), "There is no setting jwt_expiry.", " jwt_exp"),
        (("jwt_expiry", "60"), "There is no setting jwt_expiry.", " jwt_exp"),
        (("colour",), "There is no setting colour.", ""),
    ],
)
def test_a_setting_that_does_not_fit_says_why_and_what_next(
    local: Project, argv: tuple[str, ...], words: str, step: str
) -> None:
    told = run(*argv, command=config, code=1).stderr
    assert words in told
    assert f"Next: signet-stack config{step}" in told
    error = json.loads(run(*argv, "--json", command=config, code=1).stdout)["error"]
    assert words in error["message"]


def test_a_value_that_is_no_text_is_told(local: Project) -> None:
    assert "The value is not UTF-8." in run("uri_allow_list", "\udcff", command=config, code=1).stderr


def test_the_settings_of_a_new_hosted_project_are_set_at_once(local: Project) -> None:
    changed = read("--hosted-like", command=config)
    assert changed == HOSTED_LIKE
    assert changed["mail_links"] == "auth"
    assert {name: read(name, command=config)[name] for name in changed} == changed
    assert "takes no name" in run("--hosted-like", "jwt_exp", "60", command=config, code=1).stderr
