"""Auth settings over the management API, and what is disabled or absent."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path
from typing import Any

import httpx
import pytest

from signet_stack.auth_settings import NAMES, AuthSettings
from tests.signet_stack.auth.conftest import Project, claims_of, error, new_email

PATH = "/v1/projects/local/config/auth"
DOCS = Path(__file__).resolve().parents[3] / "docs" / "local-stack.md"


def change(project: Project, body: Any) -> httpx.Response:
    headers = {"Authorization": f"Bearer {project.context.management_token}"}
    return project.http.patch(PATH, json=body, headers=headers)


def test_a_change_is_kept_and_in_force_at_once(project: Project) -> None:
    assert change(project, {"jwt_exp": 60, "sessions_timebox": "24h"}).json()["sessions_timebox"] == 86_400
    claims = claims_of(project.sign_up()["access_token"])
    assert claims["exp"] - claims["iat"] == 60
    project.context.auth_settings.reload()
    headers = {"Authorization": f"Bearer {project.context.management_token}"}
    assert project.http.get(PATH, headers=headers).json()["jwt_exp"] == 60


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({"jwt_expp": 1}, "jwt_expp is not a setting"),
        ({"jwt_exp": 0}, "jwt_exp must be a whole number from 1 to 604800"),
        ({"jwt_exp": True}, "jwt_exp must be"),
        ({"jwt_exp": "3600"}, "jwt_exp must be"),
        ({"mailer_autoconfirm": "yes"}, "mailer_autoconfirm must be true or false"),
        ({"sessions_timebox": "1 day"}, "sessions_timebox must be seconds"),
        ({"sessions_timebox": -1}, "sessions_timebox must be seconds"),
        ({"site_url": "javascript:alert(1)"}, "site_url must be a URL"),
        ({"site_url": "http://["}, "site_url must be a URL"),
        ({"rate_limit_header": "bad header"}, "rate_limit_header must be"),
        ({"hook_custom_access_token_uri": "https://x.y"}, "pg-functions"),
        ({"uri_allow_list": "a\nb"}, "uri_allow_list must be one line"),
        ({"security_refresh_token_algorithm_version": 3}, "must be 1 or 2"),
        ({"password_min_length": 5}, "from 6 to 72"),
        ([], "must be a JSON object"),
    ],
)
def test_a_change_that_does_not_fit_changes_nothing(project: Project, body: Any, words: str) -> None:
    together = {"jwt_exp": 61, **body} if isinstance(body, dict) else body
    answer = change(project, together)
    assert answer.status_code == 400
    assert words in answer.json()["message"]
    assert project.context.auth_settings.current() == AuthSettings()


def test_every_problem_is_named(project: Project) -> None:
    message = change(project, {"jwt_exp": 0, "nonsense": 1}).json()["message"]
    assert "jwt_exp" in message
    assert "nonsense" in message


def test_null_switches_a_limit_off(project: Project) -> None:
    change(project, {"sessions_timebox": 60})
    assert change(project, {"sessions_timebox": None}).json()["sessions_timebox"] == 0


def test_the_site_url_that_is_not_set_reads_as_the_stacks(project: Project) -> None:
    assert change(project, {}).json()["site_url"] == project.context.site_url
    change(project, {"site_url": "http://localhost:9000/"})
    email = new_email()
    project.sign_up(email)
    project.post("/recover", {"email": email})
    assert project.mails(email)[0]["link"].startswith("http://localhost:9000/auth/confirm?")


@pytest.mark.parametrize("name", NAMES)
def test_every_setting_is_documented_with_its_default(name: str) -> None:
    default = next(item.default for item in fields(AuthSettings) if item.name == name)
    line = next(line for line in DOCS.read_text().splitlines() if line.startswith(f"| `{name}` |"))
    words = {"True": "true", "False": "false", "None": "null", "": "empty", "0.0": "0"}
    shown = words.get(str(default), str(default))
    assert line.split("|")[2].strip() == shown


@pytest.mark.parametrize(
    ("method", "path", "expected"),
    [
        ("GET", "/authorize?provider=github", (400, "validation_failed")),
        ("POST", "/sso", (404, "saml_provider_disabled")),
        ("GET", "/oauth/authorize", (404, "feature_disabled")),
        ("GET", "/.well-known/oauth-authorization-server", (404, "feature_disabled")),
        ("GET", "/passkeys", (404, "passkey_disabled")),
        ("POST", "/passkeys/authentication/options", (404, "passkey_disabled")),
        ("GET", "/admin/sso/providers", (501, "not_implemented")),
    ],
)
def test_what_is_not_offered_says_so(
    project: Project, method: str, path: str, expected: tuple[int, str]
) -> None:
    assert error(project.call(method, path)) == expected


def test_an_unknown_path_is_named_and_an_unknown_method_refused(project: Project) -> None:
    missing = project.get("/nowhere")
    assert (missing.status_code, "/nowhere" in missing.json()["message"]) == (404, True)
    wrong = project.get("/token")
    assert (wrong.status_code, wrong.content) == (405, b"")
