"""The Host header: the site's own in any case, the health probe under any, a phone in development."""

from __future__ import annotations

from dataclasses import replace

import pytest
from flask import Flask

from app import create_app
from app.settings import Settings
from signet_stack.handle import RunningStack
from tests.support.people import sign_up
from tests.support.site import settings_for

LAN = "http://192.168.1.5:8000"


@pytest.mark.parametrize("host", ["10.0.3.7:8000", "EVIL.example", "a b", "", "[::1]:80", "x" * 5000])
def test_the_health_probe_is_answered_under_any_host(app: Flask, host: str) -> None:
    response = app.test_client().get("/healthz", headers={"Host": host})
    assert (response.status_code, response.get_json()) == (200, {"status": "ok"})


def test_other_paths_are_not_answered_under_a_foreign_host(app: Flask) -> None:
    for path in ("/", "/healthz/", "/profile"):
        assert app.test_client().get(path, headers={"Host": "evil.example"}).status_code == 400


def test_a_host_name_is_compared_without_case(stack: RunningStack) -> None:
    app = create_app(settings_for(stack, "https://www.example.com"))
    assert app.test_client().get("/", headers={"Host": "WWW.Example.COM"}).status_code == 200


def test_a_phone_gets_the_command_that_serves_it(app: Flask) -> None:
    page = app.test_client().get("/", headers={"Host": "192.168.1.5:8000"})
    assert page.status_code == 400
    assert f"SITE_URL={LAN} flask run --host 0.0.0.0 --port 8000" in page.text


@pytest.mark.parametrize("host", ["8.8.8.8:8000", "192.168.1.5:8000/<b>", "evil.example", "192.168.1.5:x"])
def test_a_host_outside_of_the_network_gets_no_command(app: Flask, host: str) -> None:
    page = app.test_client().get("/", headers={"Host": host})
    assert page.status_code == 400
    assert "flask run --host" not in page.text


def test_a_site_on_the_local_network_works_from_another_device(stack: RunningStack) -> None:
    app = create_app(settings_for(stack, LAN))
    person = sign_up(app)
    assert person.create_profile("Ada").status == 200
    assert app.test_client().get("/", headers={"Host": "127.0.0.1:8000"}).status_code == 200


@pytest.mark.parametrize(
    "site", [LAN, "http://10.1.2.3:8000", "http://my-mac.local:8000", "http://[fd00::1]:80"]
)
def test_a_private_address_is_a_site_url_while_the_project_is_on_this_machine(site: str) -> None:
    environ = {
        "SUPABASE_URL": "http://127.0.0.1:54321",
        "SUPABASE_PUBLISHABLE_KEY": "sb_publishable_x",
        "SECRET_KEY": "k" * 40,
        "SITE_URL": site,
    }
    settings = Settings.from_env(environ)
    assert settings.site_url == site
    assert settings.is_development
    with pytest.raises(Exception, match="SITE_URL"):
        Settings.from_env({**environ, "SUPABASE_URL": "https://abcd.supabase.co"})


def test_a_form_that_was_opened_before_a_new_secret_key_is_accepted(stack: RunningStack) -> None:
    before = settings_for(stack)
    after = replace(before, secret_key="another-" * 8, secret_key_fallbacks=(before.secret_key,))
    person = sign_up(create_app(before))
    person.get("/profile")
    person.visitor.client.application = create_app(after)
    assert person.press("Create profile", display_name="Ada").messages == ["Done: Your profile is created."]
