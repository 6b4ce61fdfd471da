"""`flask doctor` and `flask auth limits`: findings, next steps, exit codes, and no secret in the output."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest
from flask import Flask
from itsdangerous import TimestampSigner

from flask_signet import Gatekeeper, cli
from flask_signet.cli import project_checks as checks
from flask_signet.cli.doctor import PROBLEMS, SALT
from flask_signet.cli.project_checks import Finding, Site
from flask_signet.testing.clients import User
from flask_signet.testing.plugin import AsUser
from signet_db.access import explain_access
from signet_db.errors import NotAllowed, NotFound
from signet_db.scratch import BLANK, create_database, drop_by_url
from signet_stack.api_clients import AUTH_SETTINGS, ManagementApi
from signet_stack.handle import LocalStack
from tests.conftest import ROOT

NOW = datetime(2026, 11, 28, 12, 0, tzinfo=UTC)
SITE = Site("https://x.supabase.co", "sb_publishable_k", "https://www.example.com", False, None, None, Path())
SETTINGS = {
    "external": {"email": True, "github": False},
    "disable_signup": False,
    "mailer_autoconfirm": False,
}


@pytest.fixture
def answers(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Return a function that sets what every request is answered with."""

    def set_answer(answer: httpx.Response | Exception) -> None:
        def get(url: str, **_options: Any) -> httpx.Response:
            if isinstance(answer, Exception):
                raise answer
            answer.request = httpx.Request("GET", url)
            return answer

        monkeypatch.setattr(httpx, "get", get)

    return set_answer


def told(findings: object) -> dict[str, Finding]:
    return {finding.name: finding for finding in findings}  # type: ignore[attr-defined]


def answer(status: int = 200, content: Any = SETTINGS, age: float = 0) -> httpx.Response:
    date = format_datetime(NOW - timedelta(seconds=age), usegmt=True)
    return httpx.Response(status, json=content, headers={"Date": date})


def test_a_project_that_answers_is_fine(answers: Callable[..., None]) -> None:
    answers(answer())
    found = told(checks.check_project(SITE, NOW))
    assert {finding.level for finding in found.values()} == {"ok"}
    assert found["sign-in"].message == "ways: email; sign-up open, confirmation by mail"


@pytest.mark.parametrize(
    ("given", "name", "message"),
    [
        (httpx.ConnectError("refused"), "project", "does not answer: refused"),
        (httpx.ReadTimeout(""), "project", "does not answer: ReadTimeout"),
        (httpx.Response(200, html="<h1>Log in</h1>"), "project", "status 200 and text/html, not as Auth"),
        (answer(500), "project", "status 500"),
        (answer(401), "key", "refuses the key"),
    ],
)
def test_a_project_that_does_not_answer_as_one_is_a_failure(
    answers: Callable[..., None], given: Any, name: str, message: str
) -> None:
    answers(given)
    finding = told(checks.check_project(SITE, NOW))[name]
    assert finding.level == "failure"
    assert message in finding.message
    assert finding.hint


def test_a_secret_key_is_a_failure_before_it_is_sent(answers: Callable[..., None]) -> None:
    answers(AssertionError("a request was sent"))
    found = told(checks.check_project(replace(SITE, publishable_key="sb_secret_x"), NOW))
    assert (found["key"].level, "sb_secret_x" in str(found)) == ("failure", False)


@pytest.mark.parametrize(("age", "level"), [(0, "ok"), (4, "ok"), (8, "warning"), (-60, "failure")])
def test_the_clock_is_compared(answers: Callable[..., None], age: float, level: str) -> None:
    answers(answer(age=age))
    assert told(checks.check_project(SITE, NOW))["clock"].level == level


def test_an_empty_key_set_is_the_legacy_secret(answers: Callable[..., None]) -> None:
    answers(answer(content={"keys": []}))
    finding = told(checks.check_keys(SITE, NOW))["key set"]
    assert finding.level == "warning"
    assert "flask keys create" in finding.hint


class Management(ManagementApi):
    """A management API with given answers."""

    def __init__(self, settings: dict[str, Any], keys: list[dict[str, Any]] | Exception = []) -> None:  # noqa: B006
        super().__init__("", "ref", "")
        object.__setattr__(self, "settings", settings)
        object.__setattr__(self, "keys", keys)

    def call(self, method: str, path: str, body: Any = None) -> dict[str, Any]:
        if path == AUTH_SETTINGS:
            return self.settings  # type: ignore[attr-defined, no-any-return]
        if isinstance(self.keys, Exception):  # type: ignore[attr-defined]
            raise self.keys  # type: ignore[attr-defined]
        return {"keys": self.keys}  # type: ignore[attr-defined]


def key(status: str, algorithm: str = "ES256") -> dict[str, Any]:
    return {
        "id": f"{status}-id",
        "status": status,
        "algorithm": algorithm,
        "updated_at": "2026-11-01T00:00:00Z",
    }


@pytest.mark.parametrize(
    ("keys", "level", "message"),
    [
        ([key("in_use"), key("standby")], "ok", "in use for 27 days, standby-"),
        ([key("in_use")], "warning", "none on standby"),
        ([key("in_use", "HS256")], "warning", "legacy shared secret"),
        (NotAllowed("No.", hint="Use another token."), "warning", "No."),
    ],
)
def test_the_states_of_the_keys_are_judged(
    answers: Callable[..., None], keys: Any, level: str, message: str
) -> None:
    answers(answer(content={"keys": [{"kid": "in_use-id", "alg": "ES256"}]}))
    finding = told(checks.check_keys(replace(SITE, management=Management({}, keys)), NOW))["signing keys"]
    assert finding.level == level
    assert message in finding.message


@pytest.mark.parametrize(
    ("settings", "level"),
    [
        ({"site_url": "https://www.example.com"}, "ok"),
        ({"site_url": "https://other.example", "uri_allow_list": "https://*.example.com/**"}, "ok"),
        ({"site_url": "http://localhost:3000", "uri_allow_list": "https://www.example.com/*"}, "failure"),
        ({"site_url": None, "uri_allow_list": None}, "failure"),
    ],
)
def test_the_links_of_mails_must_be_allowed(settings: dict[str, Any], level: str) -> None:
    found = told(checks.check_auth_settings(replace(SITE, management=Management(settings))))
    assert found["redirects"].level == level


@pytest.mark.parametrize(
    ("limit", "level"), [(150, "warning"), (1800, "ok"), (None, "ok")], ids=["low", "raised", "unknown"]
)
def test_limits_that_stop_a_whole_site_are_named(limit: int | None, level: str) -> None:
    settings = {"rate_limit_token_refresh": limit}
    found = told(checks.check_auth_settings(replace(SITE, management=Management(settings))))
    assert found["rate limits"].level == level
    assert ("flask auth limits --raise" in found["rate limits"].hint) is (level == "warning")


def test_own_and_default_mail_templates_are_told_apart() -> None:
    own = {f"mailer_templates_{name}_content": "{{ .TokenHash }}" for name in checks.TEMPLATES}
    settings = {**own, "mailer_templates_invite_content": "{{ .ConfirmationURL }}"}
    found = told(checks.check_auth_settings(replace(SITE, management=Management(settings))))
    assert "Auth first (invite)" in found["mails"].message


@pytest.mark.parametrize(
    ("site_url", "level"),
    [("https://www.example.com", "ok"), ("http://127.0.0.1:8000", "ok"), ("http://10.0.0.1:8000", "warning")],
)
def test_cookies_follow_from_the_address(site_url: str, level: str) -> None:
    assert told(checks.check_cookies(replace(SITE, site_url=site_url)))["cookies"].level == level


@pytest.mark.parametrize(
    ("seen", "level", "message"),
    [
        ("203.0.113.7 https://www.example.com", "ok", "from 203.0.113.7"),
        ("10.0.0.2 http://www.example.com", "failure", "arrives as http://www.example.com"),
        (None, "warning", "does not know this SECRET_KEY"),
    ],
)
def test_a_request_through_the_proxies_shows_how_it_arrives(
    answers: Callable[..., None], seen: str | None, level: str, message: str
) -> None:
    answers(httpx.Response(200, headers={checks.SEEN: seen} if seen else {}))
    finding = told(checks.check_proxies(SITE, "probe"))["proxies"]
    assert finding.level == level
    assert message in finding.message


def test_only_a_signed_probe_is_answered(app: Flask) -> None:
    client = app.test_client()
    signer = TimestampSigner(app.secret_key or "", salt=SALT)
    seen = client.get("/login", headers={checks.PROBE: signer.sign(SALT).decode()}).headers[checks.SEEN]
    assert seen == "127.0.0.1 http://localhost"
    for probe in ("", "forged", TimestampSigner("another", salt=SALT).sign(SALT).decode()):
        assert checks.SEEN not in client.get("/login", headers={checks.PROBE: probe}).headers


@pytest.fixture
def app(supabase_stack: LocalStack, monkeypatch: pytest.MonkeyPatch) -> Flask:
    for name in ("SUPABASE_LOCAL", "SUPABASE_ACCESS_TOKEN", "SUPABASE_PROJECT_REF", "DATABASE_URL"):
        monkeypatch.delenv(name, raising=False)
    app = Flask("app_under_doctor")
    app.config.update(
        SUPABASE_URL=supabase_stack.url,
        SUPABASE_PUBLISHABLE_KEY=supabase_stack.publishable_key,
        SITE_URL="http://127.0.0.1:8000",
        SECRET_KEY="a-secret-key-of-more-than-32-bytes-for-tests",
        GATEKEEPER_LOGIN_ENDPOINT="login",
    )
    Gatekeeper(app)
    app.add_url_rule("/login", "login", lambda: "")
    cli.register(app, migrations=ROOT / "migrations")
    return app


def test_a_project_without_faults_exits_with_0(
    app: Flask, supabase_stack: LocalStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", supabase_stack.database_url)
    result = app.test_cli_runner().invoke(args=["doctor", "--json"])
    levels = {one["name"]: one["level"] for one in json.loads(result.stdout)["checks"]}
    assert levels["migrations"] == levels["policies"] == levels["key set"] == levels["clock"] == "ok"
    assert levels["Auth settings"] == levels["proxies"] == "skipped"
    assert result.exit_code == 0, result.stdout
    for secret in (supabase_stack.publishable_key, supabase_stack.database_url, supabase_stack.secret_key):
        assert secret not in result.output


def test_settings_that_are_missing_are_the_only_finding(app: Flask) -> None:
    app.extensions[PROBLEMS] = ["SUPABASE_URL is not set\n    expected: a URL\n    next: copy it"]
    result = app.test_cli_runner().invoke(args=["doctor"])
    assert result.exit_code == 2
    lines = result.stdout.splitlines()
    assert [line.split() for line in lines] == [
        ["✗", "settings", "SUPABASE_URL", "is", "not", "set"],
        ["→", "copy", "it"],
    ]


def test_pending_migrations_are_a_warning(
    app: Flask, supabase_stack: LocalStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    blank = create_database(supabase_stack.database_url, BLANK)
    monkeypatch.setenv("DATABASE_URL", blank)
    result = app.test_cli_runner().invoke(args=["doctor", "--json"])
    (finding,) = (one for one in json.loads(result.stdout)["checks"] if one["name"] == "migrations")
    assert (finding["level"], finding["hint"]) == ("warning", "flask db upgrade")
    assert result.exit_code == 1
    drop_by_url(supabase_stack.database_url, blank)


def test_the_rights_of_one_user_are_explained(supabase_database: str, as_user: AsUser) -> None:
    with as_user("alice") as alice:
        alice.execute("insert into public.profiles (display_name) values ('Alice')")
    with as_user("bob"):
        pass
    ours = {one.operation: one for one in explain_access(supabase_database, "Alice@example.com", "profiles")}
    assert {one.level for one in ours.values()} == {"ok"}
    assert ours["update"].message.startswith("1 of 1 rows, by “Only while the session lives”")
    theirs = explain_access(supabase_database, "bob@example.com", "public.profiles")
    assert [(one.operation, one.level) for one in theirs] == [
        ("select", "warning"),
        ("insert", "ok"),
        ("update", "warning"),
        ("delete", "warning"),
    ]
    assert theirs[0].message.startswith("0 of 1 rows")


@pytest.mark.parametrize(
    ("statement", "operation", "level", "message"),
    [
        ("revoke select on profiles from authenticated", "select", "failure", "no such grant"),
        ("alter table profiles disable row level security", "delete", "warning", "security is off"),
        (
            'drop policy "People update their own profile" on profiles',
            "update",
            "warning",
            "no policy applies",
        ),
        (
            "revoke usage on schema public from authenticated, public",
            "schema",
            "failure",
            "may not use the schema",
        ),
    ],
)
def test_what_refuses_is_named_with_the_statement_that_changes_it(
    supabase_database: str,
    as_user: AsUser,
    statement: str,
    operation: str,
    level: str,
    message: str,
) -> None:
    with as_user("alice"):
        pass
    with psycopg.connect(supabase_database) as connection:
        connection.execute(statement.encode())
    found = {one.operation: one for one in explain_access(supabase_database, "alice@example.com", "profiles")}
    assert (found[operation].level, message in found[operation].message) == (level, True)
    assert found[operation].hint


def test_an_unknown_user_or_table_is_an_error(supabase_database: str, as_user: AsUser) -> None:
    with pytest.raises(NotFound, match="no user"):
        explain_access(supabase_database, "nobody@example.com", "profiles")
    with as_user("alice"):
        pass
    with pytest.raises(NotFound, match=r"no table public\.missing"):
        explain_access(supabase_database, "alice@example.com", "missing")


def test_as_and_table_belong_together(app: Flask) -> None:
    assert app.test_cli_runner().invoke(args=["doctor", "--as", "a@example.com"]).exit_code == 2


def test_a_403_is_explained_by_the_command(
    app: Flask,
    supabase_stack: LocalStack,
    new_user: Callable[..., User],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("DATABASE_URL", supabase_stack.database_url)
    user = new_user()
    result = app.test_cli_runner().invoke(args=["doctor", "--as", user.email, "--table", "profiles"])
    assert "✓ insert" in result.stdout


def test_the_limits_are_raised_over_the_management_api(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    with LocalStack() as stack:
        monkeypatch.setattr("flask_signet.keys.management_api.PLATFORM", stack.url)
        monkeypatch.setenv("SUPABASE_ACCESS_TOKEN", stack.running.management_token)
        monkeypatch.setenv("SUPABASE_PROJECT_REF", "local")
        runner = app.test_cli_runner()
        assert "Next: flask auth limits --raise" in runner.invoke(args=["auth", "limits"]).stdout
        refused = runner.invoke(args=["auth", "limits", "--raise"])
        assert (refused.exit_code, "--yes" in refused.stderr) == (1, True)
        raised = json.loads(runner.invoke(args=["auth", "limits", "--raise", "--yes", "--json"]).stdout)
        assert raised["limits"] == {name: wanted for name, (wanted, _) in checks.LIMITS.items()}
        assert "Next:" not in runner.invoke(args=["auth", "limits"]).stdout
