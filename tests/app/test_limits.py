"""Rate limits of the app: by address, by account, by both; with a storage that fails they are open."""

from __future__ import annotations

import logging
from dataclasses import replace

import pytest
from flask import Flask
from limits.errors import StorageError
from limits.storage import MemoryStorage, storage_from_string

from app import create_app
from app.errors import TooManyAttempts
from app.settings import Settings, SettingsError
from app.web.limits import RateLimits, network_of
from signet_stack.handle import RunningStack
from tests.support.cast import PASSWORD
from tests.support.people import Person, new_email
from tests.support.site import SITE, settings_for
from tests.support.visitor import Visitor


@pytest.fixture
def limited(stack: RunningStack) -> Flask:
    return create_app(replace(settings_for(stack), ratelimit_storage_uri="memory://"))


def visitor_from(app: Flask, address: str) -> Visitor:
    client = app.test_client()
    client.environ_base["REMOTE_ADDR"] = address
    return Visitor(client, SITE)


def guess(visitor: Visitor, email: str, password: str = "a wrong guess") -> int:
    visitor.get("/login")
    return visitor.press("Log in", email=email, password=password).status


def test_a_stranger_is_slowed_and_the_owner_logs_in_elsewhere(limited: Flask, person: Person) -> None:
    stranger, owner = visitor_from(limited, "192.0.2.1"), visitor_from(limited, "192.0.2.2")
    assert [guess(stranger, person.email) for _ in range(7)] == [422] * 5 + [429] * 2
    page = stranger.page
    assert page is not None
    assert page.problems == ["Too many attempts."]
    seconds = int(page.response.headers["Retry-After"])
    assert 240 < seconds <= 300
    assert "Try again in 5 minutes." in page.main
    assert page.field("email")["value"] == person.email
    assert guess(owner, person.email, PASSWORD) == 200
    assert person.get("/profile").status == 200


def test_one_address_that_tries_many_accounts_is_slowed(limited: Flask) -> None:
    stranger = visitor_from(limited, "192.0.2.3")
    assert [guess(stranger, new_email()) for _ in range(22)] == [422] * 20 + [429] * 2


def test_an_unknown_account_meets_the_same_limit(limited: Flask) -> None:
    stranger, email = visitor_from(limited, "192.0.2.4"), new_email()
    assert [guess(stranger, email) for _ in range(6)] == [422] * 5 + [429]
    assert guess(stranger, f" {email.upper()} ") == 429


def test_mails_are_limited(limited: Flask, person: Person) -> None:
    visitor = visitor_from(limited, "192.0.2.5")
    statuses = []
    for _ in range(4):
        visitor.get("/auth/forgot")
        statuses.append(visitor.press("Send the mail", email=person.email).status)
    assert statuses == [200, 200, 200, 429]


def test_a_limit_by_account_counts_all_addresses() -> None:
    limits = RateLimits(MemoryStorage())
    for number in range(30):
        limits.spend("sign_in", f"192.0.2.{number}", "ada@example.com")
    with pytest.raises(TooManyAttempts) as refused:
        limits.spend("sign_in", "192.0.2.99", "ada@example.com")
    assert 0 < (refused.value.retry_after or 0) <= 900
    limits.spend("sign_in", "192.0.2.99", "bob@example.com")


def test_a_storage_that_fails_lets_pass_and_is_logged_once(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    storage = MemoryStorage()

    def fail(*_args: object, **_named: object) -> bool:
        raise StorageError(ConnectionError("down"))

    monkeypatch.setattr(storage, "acquire_entry", fail)
    limits = RateLimits(storage)
    with caplog.at_level(logging.ERROR, "app.web.limits"):
        for _ in range(100):
            limits.spend("sign_in", "192.0.2.1", "ada@example.com")
    assert len(caplog.records) == 1


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("", ""),
        ("unix:", "unix:"),
    ],
)
def test_an_ipv6_client_is_its_network(address: str, network: str) -> None:
    assert network_of(address) == network


def test_a_setting_that_names_no_storage_is_a_problem() -> None:
    environ = {
        "SUPABASE_URL": "http://127.0.0.1:1",
        "SUPABASE_PUBLISHABLE_KEY": "sb_publishable_x",
        "SECRET_KEY": "k" * 40,
    }
    assert Settings.from_env(environ).ratelimit_storage_uri == "memory://"
    assert storage_from_string("memory://").check()
    assert Settings.from_env({**environ, "RATELIMIT_STORAGE_URI": "off"}).ratelimit_storage_uri is None
    with pytest.raises(SettingsError, match="RATELIMIT_STORAGE_URI"):
        Settings.from_env({**environ, "RATELIMIT_STORAGE_URI": "nonsense://x"})
