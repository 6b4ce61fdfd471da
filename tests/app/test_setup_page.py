"""An app without complete settings explains itself on every page, and to programs as JSON."""

from __future__ import annotations

import pytest
from flask import Flask

from app.settings import Settings, SettingsError
from app.web import assets, bp, filters, headers
from app.web.error_pages import explain_everywhere
from tests.support.markup import parse

SECRET = "sb_secret_do-not-show-me-0123456789"


@pytest.fixture
def incomplete() -> Flask:
    """Return the app as the `flask` command builds it when settings are missing."""
    with pytest.raises(SettingsError) as caught:
        Settings.from_env({"SUPABASE_URL": "http://example.com", "SUPABASE_SERVICE_ROLE_KEY": SECRET})
    app = Flask("app")
    assets.register(app)
    headers.register(app)
    filters.register(app)
    explain_everywhere(app, caught.value.problems)
    app.register_blueprint(bp)
    return app


@pytest.mark.parametrize("path", ["/", "/profile", "/nothing", "/healthz"])
def test_every_page_lists_what_is_missing(incomplete: Flask, path: str) -> None:
    response = incomplete.test_client().get(path)
    assert response.status_code == 503
    tree = parse(response.text)
    assert tree.find("h1").text == "This app is not set up yet"
    names = [heading.text for heading in tree.find_all("h2")]
    assert names == [
        "SUPABASE_URL",
        "SUPABASE_PUBLISHABLE_KEY",
        "SITE_URL",
        "SECRET_KEY",
        "SUPABASE_SERVICE_ROLE_KEY",
    ]
    assert "http://example.com" in tree.text
    assert "5 settings are missing or wrong." in tree.text
    commands = [code.text for code in tree.find_all("code")]
    assert "python3 -c 'import secrets; print(secrets.token_hex(32))'" in commands
    assert {"flask run", "unset SUPABASE_SERVICE_ROLE_KEY"} <= set(commands)
    assert "this machine" in tree.text


def test_a_secret_is_not_shown(incomplete: Flask) -> None:
    for accept in ("text/html", "application/json"):
        text = incomplete.test_client().get("/", headers={"Accept": accept}).text
        assert SECRET not in text
        assert "SUPABASE_SERVICE_ROLE_KEY" in text


def test_a_program_gets_the_same_as_json(incomplete: Flask) -> None:
    response = incomplete.test_client().get("/", headers={"Accept": "application/json"})
    assert response.status_code == 503
    assert response.json is not None
    assert response.json["code"] == "incomplete_settings"
    assert {"variable", "value", "expected", "example", "next_step"} == response.json["problems"][0].keys()


def test_the_page_is_styled(incomplete: Flask) -> None:
    client = incomplete.test_client()
    sheet = parse(client.get("/").text).find("link", rel="stylesheet")["href"]
    response = client.get(sheet, buffered=True)
    assert (response.status_code, response.mimetype) == (200, "text/css")
    assert "Content-Security-Policy" in response.headers
