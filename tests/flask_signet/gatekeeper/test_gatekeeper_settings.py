"""Settings of the gatekeeper in an app of its own: from text as well, and never weaker than they look."""

from __future__ import annotations

import json
from typing import Any

import pytest

from flask_signet.gatekeeper import GatekeeperSettings
from flask_signet.gatekeeper.private_cookies import CookieCipher
from tests.support.token_mint import b64

OLD_KEY = "an-old-secret-key-of-more-than-32-bytes"
GOOD: dict[str, Any] = {
    "SUPABASE_URL": "https://abcd.supabase.co/",
    "SUPABASE_PUBLISHABLE_KEY": "sb_publishable_test",
    "SITE_URL": "https://www.example.com",
    "SECRET_KEY": "a-secret-key-of-more-than-32-bytes-for-tests",
}


def legacy_key(role: str) -> str:
    """Return an API key of the old kind, a JWT with a role."""
    return f"{b64(b'{}')}.{b64(json.dumps({'role': role}).encode())}.signature"


def read(**changes: Any) -> GatekeeperSettings:
    return GatekeeperSettings.from_config({**GOOD, **changes})


def test_four_values_are_enough() -> None:
    assert read() == GatekeeperSettings(
        supabase_url="https://abcd.supabase.co",
        publishable_key="sb_publishable_test",
        site_url="https://www.example.com",
        secret_keys=(GOOD["SECRET_KEY"],),
        issuer="https://abcd.supabase.co/auth/v1",
    )


@pytest.mark.parametrize(
    ("name", "value", "field", "read_as"),
    [
        ("GATEKEEPER_CLOSED", "False", "is_closed", False),
        ("GATEKEEPER_CLOSED", False, "is_closed", False),
        ("GATEKEEPER_CLOSED", "1", "is_closed", True),
        ("GATEKEEPER_CLOSED", "", "is_closed", True),
        ("GATEKEEPER_SHOW_TIMING", "0", "show_timing", False),
        ("REVOCATION_CHECK_SECONDS", "60", "revocation_check_seconds", 60.0),
        ("REVOCATION_CHECK_SECONDS", "", "revocation_check_seconds", None),
        ("SUPABASE_JWKS", "", "jwks", None),
        ("SUPABASE_COOKIE_MODE", "", "cookie_mode", "private"),
        ("SECRET_KEY_FALLBACKS", [OLD_KEY], "secret_keys", (GOOD["SECRET_KEY"], OLD_KEY)),
        ("COOKIE_DOMAIN", ".Example.com", "cookie_domain", "example.com"),
        ("COOKIE_DOMAIN", "", "cookie_domain", None),
        ("GATEKEEPER_AUTH_THREADS", "4", "max_waiting_threads", 4),
        ("SUPABASE_JWT_ISSUER", "https://a.example/auth/v1", "issuer", "https://a.example/auth/v1"),
        (
            "SUPABASE_JWT_ISSUER",
            "https://a.example https://b.example",
            "other_issuers",
            ("https://b.example",),
        ),
        ("SUPABASE_JWT_ISSUER", "", "other_issuers", ()),
        ("SUPABASE_JWKS_URL", "https://keys.example/jwks.json", "jwks_url", "https://keys.example/jwks.json"),
        ("SUPABASE_JWKS_URL", "", "jwks_url", None),
        ("GATEKEEPER_STEP_UP_ENDPOINT", "account.confirm", "step_up_endpoint", "account.confirm"),
    ],
    ids=repr,
)
def test_text_of_the_environment_means_what_it_says(name: str, value: Any, field: str, read_as: Any) -> None:
    assert getattr(read(**{name: value}), field) == read_as


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"SITE_URL": None, "SECRET_KEY": ""}, "SITE_URL, SECRET_KEY"),
        ({"SECRET_KEY_FALLBACKS": "old-key"}, "must be a list"),
        ({"SITE_URL": "www.example.com"}, "SITE_URL is"),
        ({"SITE_URL": "http://www.example.com"}, "SITE_URL is"),
        ({"SUPABASE_URL": "abcd.supabase.co"}, "SUPABASE_URL is"),
        ({"SITE_URL": "https://www.example.com/app"}, "SITE_URL is"),
        ({"SITE_URL": "https://[::1"}, "SITE_URL is"),
        ({"SITE_URL": "https://www.example.com:port"}, "SITE_URL is"),
        ({"SUPABASE_URL": "http://abcd.supabase.co"}, "SUPABASE_URL is"),
        ({"SUPABASE_URL": "https://abcd.supabase.co/auth/v1"}, "SUPABASE_URL is"),
        ({"SUPABASE_URL": "https://user:password@abcd.supabase.co"}, "SUPABASE_URL is"),
        ({"SUPABASE_PUBLISHABLE_KEY": "sb_secret_abc"}, "is a secret key"),
        ({"SUPABASE_PUBLISHABLE_KEY": legacy_key("service_role")}, "is a secret key"),
        ({"SECRET_KEY": "abc"}, "SECRET_KEY is shorter than 32 bytes"),
        ({"SECRET_KEY": b"abc"}, "SECRET_KEY is shorter than 32 bytes"),
        ({"SECRET_KEY": "super-secret-jwt-token-with-at-least-32-characters-long"}, "publicly known"),
        ({"SECRET_KEY_FALLBACKS": [OLD_KEY, "abc"]}, r"SECRET_KEY_FALLBACKS\[1\] is shorter"),
        ({"COOKIE_DOMAIN": "example.org"}, "COOKIE_DOMAIN is"),
        ({"COOKIE_DOMAIN": "com"}, "COOKIE_DOMAIN is"),
        ({"COOKIE_DOMAIN": "ample.com"}, "COOKIE_DOMAIN is"),
        ({"COOKIE_DOMAIN": "127.0.0.1", "SITE_URL": "http://127.0.0.1:8000"}, "COOKIE_DOMAIN is"),
        ({"SUPABASE_JWKS_URL": "http://keys.example/jwks.json"}, "SUPABASE_JWKS_URL is"),
        ({"SUPABASE_JWKS_URL": "https://user:pw@keys.example/jwks.json"}, "SUPABASE_JWKS_URL is"),
        ({"SUPABASE_JWKS_URL": "https://keys.example", "SUPABASE_JWKS": "{}"}, "both set"),
        ({"GATEKEEPER_AUTH_THREADS": "0"}, "GATEKEEPER_AUTH_THREADS is"),
        ({"GATEKEEPER_AUTH_THREADS": "a few"}, "GATEKEEPER_AUTH_THREADS is"),
        ({"SUPABASE_COOKIE_MODE": "open"}, "not private or shared"),
        ({"GATEKEEPER_CLOSED": "maybe"}, "GATEKEEPER_CLOSED is 'maybe'"),
        ({"REVOCATION_CHECK_SECONDS": "a minute"}, "REVOCATION_CHECK_SECONDS is 'a minute'"),
        ({"REVOCATION_CHECK_SECONDS": "0"}, "not above 0"),
        ({"REVOCATION_CHECK_SECONDS": "nan"}, "not above 0"),
    ],
    ids=str,
)
def test_what_would_weaken_sessions_is_refused_by_name(changes: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        read(**changes)


def test_all_problems_are_reported_at_once_and_no_secret_is_shown() -> None:
    with pytest.raises(ValueError, match="SITE_URL") as refused:
        read(
            SECRET_KEY="hunter2",
            SUPABASE_PUBLISHABLE_KEY="sb_secret_abc",
            SUPABASE_URL="http://user:password@abcd.supabase.co",
            SITE_URL="ftp://x",
        )
    words = str(refused.value)
    for name in ("SECRET_KEY", "SUPABASE_PUBLISHABLE_KEY", "SUPABASE_URL", "SITE_URL"):
        assert name in words
    assert not any(secret in words for secret in ("hunter2", "sb_secret_abc", "password@"))


@pytest.mark.parametrize("key", ["sb_publishable_abc", legacy_key("anon"), "a-key-of-some-gateway"])
def test_publishable_keys_of_every_kind_are_accepted(key: str) -> None:
    assert read(SUPABASE_PUBLISHABLE_KEY=key).publishable_key == key


@pytest.mark.parametrize("site", ["http://localhost:5000", "http://127.0.0.1:8000", "http://[::1]:8000"])
def test_this_machine_needs_no_https(site: str) -> None:
    assert read(SITE_URL=site).site_url == site


def test_flasks_secret_key_may_be_bytes() -> None:
    sealed = CookieCipher((b"x" * 32,)).encrypt(b"value", "name")
    assert CookieCipher(("x" * 32,)).decrypt(sealed, "name") == (b"value", True)
