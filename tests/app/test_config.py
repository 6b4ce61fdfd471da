"""Settings: read, checked together, explained with the next step; secrets never repeated."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.settings import VARIABLES, LocalStack, Settings, SettingsError
from app.settings_reader import unknown_variables
from flask_signet.gatekeeper.jwks import PUBLIC_DEVELOPMENT_KID
from flask_signet.gatekeeper.settings import kind_of_api_key
from tests.support.token_mint import Mint, b64

ROOT = Path(__file__).parents[2]
SECRET = "0123456789abcdef0123456789abcdef"
HOSTED = {
    "SUPABASE_URL": "https://abcd.supabase.co",
    "SUPABASE_PUBLISHABLE_KEY": "sb_publishable_abcdefgh",
    "SECRET_KEY": SECRET,
    "SITE_URL": "https://www.example.com",
}
LOCAL = LocalStack(
    url="http://127.0.0.1:54321",
    publishable_key="sb_publishable_local",
    issuer="http://127.0.0.1:55555/auth/v1",
    database_url="postgresql://postgres:pw@127.0.0.1:54322/postgres",
    mailbox_url="http://127.0.0.1:54321/mailbox",
)
MINT = Mint()


def legacy_key(role: str) -> str:
    return f"{b64(b'{}')}.{b64(json.dumps({'role': role}).encode())}.{b64(b'signature')}"


def problems(environ: dict[str, str]) -> dict[str, str]:
    with pytest.raises(SettingsError) as error:
        Settings.from_env(environ)
    return {problem.variable: str(problem) for problem in error.value.problems}


def test_four_variables_point_the_app_at_a_hosted_project() -> None:
    settings = Settings.from_env(HOSTED)
    assert settings.supabase_url == "https://abcd.supabase.co"
    assert settings.issuer == "https://abcd.supabase.co/auth/v1"
    assert settings.database_url is None
    assert not settings.is_development


def test_the_local_stack_needs_no_variable_at_all() -> None:
    here = "http://127.0.0.1:8123"
    settings = Settings.from_env({}, local_stack=LOCAL, local_secret_key=SECRET, local_site_url=here)
    assert settings.supabase_url == LOCAL.url
    assert settings.issuer == LOCAL.issuer, "the issuer stays that of the first start"
    assert settings.site_url == here
    assert settings.database_url == LOCAL.database_url
    assert settings.is_development


def test_every_problem_is_reported_at_once() -> None:
    assert set(problems({})) == {"SUPABASE_URL", "SUPABASE_PUBLISHABLE_KEY", "SECRET_KEY", "SITE_URL"}


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("SUPABASE_URL", "http://abcd.supabase.co"),
        ("SUPABASE_URL", "abcd.supabase.co"),
        ("SUPABASE_URL", "https://abcd.supabase.co/rest/v1"),
        ("SUPABASE_URL", "https://user:pw@abcd.supabase.co"),
        ("SUPABASE_URL", "https://abcd.supabase.co?x=1"),
        ("SUPABASE_URL", "https://abcd.supabase.co:port"),
        ("SUPABASE_URL", "https://[::1"),
        ("SUPABASE_URL", "ftp://localhost"),
        ("SUPABASE_PUBLISHABLE_KEY", "sb_secret_abcdefgh"),
        ("SUPABASE_PUBLISHABLE_KEY", legacy_key("service_role")),
        ("SUPABASE_PUBLISHABLE_KEY", legacy_key("postgres")),
        ("SUPABASE_PUBLISHABLE_KEY", "abcdefgh"),
        ("SECRET_KEY", "dev"),
        ("SECRET_KEY", "x" * 31),
        ("SECRET_KEY", "\udcff" * 40),
        ("DATABASE_URL", "[::1"),
        ("SECRET_KEY", "super-secret-jwt-token-with-at-least-32-characters-long"),
        ("SECRET_KEY_FALLBACKS", f"{SECRET} short"),
        ("SITE_URL", "http://www.example.com"),
        ("SITE_URL", "www.example.com"),
        ("SITE_URL", "https://www.example.com/app"),
        ("DATABASE_URL", "mysql://localhost/db"),
        ("DATABASE_URL", "host=localhost"),
        ("TRUSTED_PROXIES", "-1"),
        ("TRUSTED_PROXIES", "many"),
        ("TRUSTED_PROXIES", "100"),
        ("SUPABASE_COOKIE_MODE", "open"),
        ("COOKIE_DOMAIN", "example.org"),
        ("COOKIE_DOMAIN", "com"),
        ("SUPABASE_JWKS", "{}"),
        ("SUPABASE_JWKS", '{"keys": []}'),
        ("SUPABASE_JWKS", json.dumps({"keys": [MINT.jwk("ES256", d="x")]})),
        ("SUPABASE_JWKS", json.dumps({"keys": [MINT.jwk("ES256", kid=PUBLIC_DEVELOPMENT_KID)]})),
        ("SUPABASE_JWKS_URL", "http://keys.example/jwks.json"),
        ("GATEKEEPER_AUTH_THREADS", "some"),
        ("REVOCATION_CHECK_SECONDS", "0"),
        ("REVOCATION_CHECK_SECONDS", "-5"),
        ("REVOCATION_CHECK_SECONDS", "soon"),
        ("REVOCATION_CHECK_SECONDS", "nan"),
        ("SUPABASE_SECRET_KEY", "sb_secret_abcdefghijklmnop"),
        ("SUPABASE_SECRET_KEYS", '{"default": "sb_secret_abcdefghijklmnop"}'),
        ("SUPABASE_SERVICE_ROLE_KEY", legacy_key("service_role")),
    ],
)
def test_a_wrong_value_is_named_with_what_would_be_right(variable: str, value: str) -> None:
    found = problems({**HOSTED, variable: value})
    assert set(found) == {variable}
    assert "expected:" in found[variable]
    assert "example:" in found[variable]


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("SUPABASE_URL", "http://127.0.0.1:54321"),
        ("SUPABASE_URL", "http://localhost:54321/"),
        ("SUPABASE_URL", "http://[::1]:54321"),
        ("SUPABASE_PUBLISHABLE_KEY", legacy_key("anon")),
        ("SECRET_KEY_FALLBACKS", f"{SECRET}1 {SECRET}2"),
        ("SITE_URL", "http://localhost:8000"),
        ("DATABASE_URL", "postgresql://postgres:pw@db.example.com/postgres"),
        ("TRUSTED_PROXIES", "2"),
        ("SUPABASE_COOKIE_MODE", "shared"),
        ("SUPABASE_JWKS", json.dumps(MINT.jwks)),
        ("REVOCATION_CHECK_SECONDS", "0.5"),
    ],
)
def test_a_right_value_is_taken(variable: str, value: str) -> None:
    Settings.from_env({**HOSTED, variable: value})


def test_no_secret_is_repeated_in_a_problem_or_in_the_settings() -> None:
    secret = "sb_secret_abcdefghijklmnopqrstuvwxyz"
    for variable in ("SUPABASE_PUBLISHABLE_KEY", "SUPABASE_SECRET_KEY", "SUPABASE_SECRET_KEYS"):
        assert secret not in problems({**HOSTED, variable: secret})[variable]
    text = repr(
        Settings.from_env({**HOSTED, "DATABASE_URL": "postgresql://postgres:hidden@db.example.com/x"})
    )
    assert SECRET not in text
    assert "hidden" not in text


def test_a_value_can_be_read_from_a_file(tmp_path: Path) -> None:
    path = tmp_path / "secret"
    path.write_text(f"{SECRET}\n")
    environ = {name: value for name, value in HOSTED.items() if name != "SECRET_KEY"}
    assert Settings.from_env({**environ, "SECRET_KEY_FILE": str(path)}).secret_key == SECRET


def test_a_file_that_cannot_be_read_is_a_problem(tmp_path: Path) -> None:
    environ = {name: value for name, value in HOSTED.items() if name != "SECRET_KEY"}
    assert "SECRET_KEY_FILE" in problems({**environ, "SECRET_KEY_FILE": str(tmp_path / "missing")})
    (tmp_path / "bytes").write_bytes(b"\xff\xfe")
    assert "SECRET_KEY_FILE" in problems({**environ, "SECRET_KEY_FILE": str(tmp_path / "bytes")})


def test_a_misspelt_variable_is_remarked_with_the_one_it_resembles() -> None:
    environ = {**HOSTED, "SUPABASE_PUBLISHABEL_KEY": "x", "SUPABASE_ZZZ": "x", "SUPABASE_URL_FILE": "x"}
    assert unknown_variables(environ, VARIABLES) == {
        "SUPABASE_PUBLISHABEL_KEY": "SUPABASE_PUBLISHABLE_KEY",
        "SUPABASE_ZZZ": None,
    }
    assert len(Settings.from_env(HOSTED).remarks(environ)) == 2


def test_a_web_process_that_sees_the_database_is_told_so() -> None:
    environ = {**HOSTED, "DATABASE_URL": "postgresql://postgres:pw@db.example.com/postgres"}
    assert any("DATABASE_URL" in remark for remark in Settings.from_env(environ).remarks(environ))
    assert Settings.from_env({}, local_stack=LOCAL, local_secret_key=SECRET).remarks({}) == []


@given(st.text())
def test_any_text_has_some_kind_of_key(text: str) -> None:
    assert kind_of_api_key(text) in {"publishable", "secret", "unknown"}


@given(st.dictionaries(st.sampled_from(sorted(VARIABLES)), st.text(st.characters(exclude_characters="\0"))))
def test_any_environment_gives_settings_or_problems(environ: dict[str, str]) -> None:
    try:
        Settings.from_env(environ)
    except SettingsError:
        return


def test_the_example_names_every_setting_and_no_other() -> None:
    lines = (ROOT / ".env.example").read_text().splitlines()
    named = [match[1] for line in lines if (match := re.match(r"#?([A-Z][A-Z_]+)=", line))]
    assert sorted(named) == sorted(VARIABLES)


def test_every_setting_of_the_example_has_a_line_of_help() -> None:
    lines = (ROOT / ".env.example").read_text().splitlines()
    for number, line in enumerate(lines):
        if re.match(r"#?[A-Z][A-Z_]+=", line):
            group = [above for above in lines[:number] if above.startswith("# ")]
            assert group, line
