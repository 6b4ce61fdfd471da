"""What is read from supabase/config.toml, and that the stack of such a project uses it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import httpx
import pytest

from signet_db.errors import Misconfigured
from signet_stack.auth_settings import NAMES
from signet_stack.handle import find_running
from signet_stack.project import Project
from signet_stack.supabase_config import _AUTH, SupabaseConfig, read_config

TEXT = """
project_id = "theirs"
[api]
schemas = ["public", "graphql_public"]
[db.seed]
enabled = true
sql_paths = ["./seeds/*.sql", "seed.sql", "./seed.sql"]
[auth]
site_url = "http://127.0.0.1:3000"
additional_redirect_urls = ["https://a.example/**", "https://b.example"]
jwt_expiry = 1800
enable_signup = false
minimum_password_length = 10
password_requirements = "lower_upper_letters_digits_symbols"
[auth.email]
enable_confirmations = true
double_confirm_changes = false
max_frequency = "1m30s"
otp_expiry = 900
[auth.email.smtp]
enabled = true
[auth.sessions]
timebox = "24h"
[auth.rate_limit]
token_refresh = "env(REFRESHES)"
email_sent = 2
[auth.external.github]
enabled = true
[auth.external.apple]
enabled = false
[auth.external.keycloak]
enabled = true
client_id = "signet"
secret = "env(KEYCLOAK)"
url = "https://id.example/realms/a"
[auth.mfa.phone]
enroll_enabled = true
[auth.mfa.totp]
enroll_enabled = true
verify_enabled = false
[auth.sms]
enable_signup = false
"""


@pytest.fixture
def write(tmp_path: Path) -> Path:
    folder = tmp_path / "supabase"
    (folder / "seeds").mkdir(parents=True)
    for name in ("seeds/b.sql", "seeds/a.sql", "seed.sql"):
        (folder / name).write_text("select 1;")
    (folder / "config.toml").write_text(TEXT)
    return folder / "config.toml"


def test_auth_settings_seeds_and_schemas_are_read(write: Path, tmp_path: Path) -> None:
    """An environment variable that is not set leaves its setting out."""
    found = read_config(tmp_path)
    assert found.auth["uri_allow_list"] == "https://a.example/**,https://b.example"
    assert found.auth | {"uri_allow_list": "", "password_required_characters": ""} == {
        "uri_allow_list": "",
        "jwt_exp": 1800,
        "disable_signup": True,
        "password_min_length": 10,
        "password_required_characters": "",
        "mailer_autoconfirm": False,
        "mailer_secure_email_change_enabled": False,
        "smtp_max_frequency": 90,
        "mailer_otp_exp": 900,
        "sessions_timebox": 86_400.0,
        "mfa_totp_enroll_enabled": True,
        "mfa_totp_verify_enabled": False,
        "external_keycloak_enabled": True,
        "external_keycloak_client_id": "signet",
        "external_keycloak_url": "https://id.example/realms/a",
    }
    assert len(found.auth["password_required_characters"].replace(r"\:", "").split(":")) == 4
    assert found.schemas == ("public", "graphql_public")
    assert found.seeds is not None
    assert [path.name for path in found.seeds] == ["a.sql", "b.sql", "seed.sql"]
    assert found.not_served == ("auth.external.github", "auth.mfa.phone")


def test_a_variable_of_the_environment_is_used(
    write: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REFRESHES", "17")
    write.write_text('[auth.rate_limit]\ntoken_refresh = "env(REFRESHES)"\n')
    assert read_config(tmp_path).auth == {"rate_limit_token_refresh": 17}
    write.write_text('[auth.sessions]\ntimebox = "env(REFRESHES)"\n')
    monkeypatch.setenv("REFRESHES", "17m")
    assert read_config(tmp_path).auth == {"sessions_timebox": 1020.0}
    monkeypatch.setenv("REFRESHES", "true")
    write.write_text('[auth]\nenable_signup = "env(REFRESHES)"\n')
    assert read_config(tmp_path).auth == {"disable_signup": False}


def test_without_the_file_nothing_changes(tmp_path: Path) -> None:
    assert read_config(tmp_path) == SupabaseConfig()


@pytest.mark.parametrize(
    "text",
    [
        "[auth",
        "auth = 3",
        "[auth]\njwt_expiry = 'soon'",
        "[auth]\npassword_requirements = 'strong'",
        "[auth.email]\nmax_frequency = 'often'",
        "[db.seed]\nsql_paths = 3",
    ],
)
def test_a_file_that_cannot_be_used_is_named(write: Path, tmp_path: Path, text: str) -> None:
    write.write_text(text)
    with pytest.raises(Misconfigured, match=r"config\.toml cannot be used"):
        read_config(tmp_path)


def test_every_setting_is_one_of_the_local_auth_service() -> None:
    assert {name for name, _ in _AUTH.values()} <= set(NAMES)


def test_seeds_of_the_configuration_are_those_of_a_supabase_folder(write: Path, tmp_path: Path) -> None:
    """A seed.sql of the project itself comes first, as its migrations do."""
    assert [path.name for path in Project.at(tmp_path).seeds] == ["a.sql", "b.sql", "seed.sql"]
    write.write_text("[db.seed]\nenabled = false\n")
    assert Project.at(tmp_path).seeds == ()
    write.write_text("")
    assert Project.at(tmp_path).seeds == (tmp_path / "supabase" / "seed.sql",)
    (tmp_path / "seed.sql").write_text("select 1;")
    write.write_text(TEXT)
    assert Project.at(tmp_path).seeds == (tmp_path / "seed.sql",)


def test_the_stack_of_a_supabase_project_uses_its_configuration(fast_folder: Path) -> None:
    """Settings of Auth, schemas of the data API, migrations and seeds, all from `supabase/`."""
    root = Path(tempfile.mkdtemp(dir=fast_folder))
    migrations = root / "supabase" / "migrations"
    migrations.mkdir(parents=True)
    (migrations / "1_one.sql").write_text(
        "begin; create schema api; create table api.one (a int);"
        " grant usage on schema api to anon; grant select on api.one to anon; commit;"
    )
    (migrations / "2_two.SQL").write_text("never run")
    (root / "supabase" / "config.toml").write_text(
        '[api]\nschemas = ["api"]\n[auth]\njwt_expiry = 1234\n[db.seed]\nsql_paths = ["*.sql"]\n'
        "[auth.external.github]\nenabled = true\n"
    )
    (root / "supabase" / "rows.sql").write_text("-- Seven\ninsert into api.one values (7);")

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "signet_stack", *arguments],
            cwd=root,
            env=os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])},
            capture_output=True,
            text=True,
        )

    started = run("start", "--detach", "--ephemeral", "--folder", str(root / "data"))
    try:
        assert started.returncode == 0, started.stderr
        assert "config     supabase/config.toml: jwt_exp, schemas" in started.stderr
        assert "2_two.SQL is never run" in started.stderr
        assert "enables what is not served here: auth.external.github" in started.stderr
        seeded = run("seed", "--folder", str(root / "data"), "--json")
        assert json.loads(seeded.stdout).get("notes") == ["Seven"], seeded.stdout
        assert "config " not in seeded.stderr
        stack = find_running(root / "data")
        assert stack is not None
        answer = httpx.get(f"{stack.api_url}/rest/v1/one", headers={"apikey": stack.publishable_key})
        assert (answer.status_code, answer.json()) == (200, [{"a": 7}])
    finally:
        assert run("stop", "--folder", str(root / "data")).returncode == 0
