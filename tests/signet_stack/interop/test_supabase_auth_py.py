"""supabase-auth-py's own tests against the local Auth service. On demand: pytest -m interop. Needs git.

They talk to four servers of one database with settings of their own, and administer with tokens that a shared
secret signed; those become the secret key here, because the local stack signs with key pairs only.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

import jwt
import psycopg
import pytest

from signet_stack.auth import create_auth
from signet_stack.auth_settings import AuthSettings
from signet_stack.context import ApiKeys, Context
from signet_stack.gateway import Gateway
from signet_stack.postgres.cluster import SUPERUSER, Cluster
from signet_stack.signing_keys import imported_private_jwk, public_jwk
from tests.conftest import new_database, open_context
from tests.signet_stack.interop.upstream import SUPABASE_PY, install_python, replace_in, run_pytest
from tests.signet_stack.rest.conftest import served

pytestmark = pytest.mark.interop

PLACE = "src/auth"
TOOLS = (
    *("pytest>=8.4.1,<9", "pytest-asyncio>=1.0.0", "pytest-depends>=1.0.1", "pytest-mock>=3.14"),
    *("Faker>=37.4", "respx>=0.20.2,<0.23", "pyotp>=2.9", "pytest-cov>=6.2"),
)
COMMON = AuthSettings(
    password_min_length=6,
    smtp_max_frequency=0,
    external_google_enabled=True,
    external_google_client_id="x",
    external_google_secret="x",
    security_manual_linking_enabled=True,
)
SERVERS = {
    "SIGNUP_ENABLED_AUTO_CONFIRM_OFF_PORT": replace(COMMON, mailer_autoconfirm=False),
    "SIGNUP_ENABLED_AUTO_CONFIRM_ON_PORT": COMMON,
    "SIGNUP_DISABLED_AUTO_CONFIRM_OFF_PORT": replace(COMMON, mailer_autoconfirm=False, disable_signup=True),
    "SIGNUP_ENABLED_ASYMMETRIC_AUTO_CONFIRM_ON_PORT": COMMON,
}
REASONS = {
    "test_gotrue: test_get_claims_calls_get_user_if_symmetric_jwt": "tokens of a shared secret",
    "test_gotrue_admin_api: test_sign_in_anonymously": "anonymous sign-in",
    "test_gotrue_admin_api: test_resend": "telephone numbers",
    **{
        f"test_gotrue_admin_api: test_{name}": "the OAuth server"
        for name in (
            *("create_oauth_client", "delete_oauth_client", "get_oauth_client", "list_oauth_clients"),
            *("regenerate_oauth_client_secret", "update_oauth_client"),
        )
    },
}
OUT_OF_SCOPE = {f"{kind}.{name}": why for name, why in REASONS.items() for kind in ("_async", "_sync")}


class Fixed:
    """A settings store that never changes."""

    def __init__(self, settings: AuthSettings) -> None:
        self._settings = settings

    def current(self) -> AuthSettings:
        return self._settings


class Keyed:
    """WSGI middleware that adds an API key: the secret one for an administrator's token."""

    def __init__(self, application: WSGIApplication, keys: ApiKeys) -> None:
        self._application = application
        self._keys = keys

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request (PEP 3333)."""
        key, token = self._keys.publishable, environ.get("HTTP_AUTHORIZATION", "").partition(" ")[2]
        if _is_administrator(token):
            key = self._keys.secret
            del environ["HTTP_AUTHORIZATION"]
        environ["HTTP_APIKEY"] = key
        return self._application(environ, start_response)


def _is_administrator(token: str) -> bool:
    """Whether a token comes from the suite's shared secret and names an administrator's role."""
    try:
        algorithm = jwt.get_unverified_header(token)["alg"]
        role = jwt.decode(token, options={"verify_signature": False}).get("role")
    except jwt.PyJWTError:
        return False
    return algorithm == "HS256" and role in ("service_role", "supabase_admin")


@contextmanager
def auth_servers(cluster: Cluster, signing_key: dict[str, Any]) -> Iterator[dict[str, str]]:
    """Serve Auth with each of the settings on one fresh database; yield the addresses."""
    with new_database(cluster) as name, ExitStack() as stack:
        _use_key(cluster, name, signing_key)
        context = open_context(cluster, name)
        stack.callback(context.database.close)
        yield {port: stack.enter_context(_served(context, settings)) for port, settings in SERVERS.items()}


@contextmanager
def _served(context: Context, settings: AuthSettings) -> Iterator[str]:
    own = replace(context, auth_settings=Fixed(settings))  # type: ignore[arg-type]
    gateway = Gateway(own, {"/auth/v1": create_auth(own)})
    with served(Keyed(gateway, own.api_keys)) as origin:
        yield f"{origin}/auth/v1"


def _use_key(cluster: Cluster, name: str, given: dict[str, Any]) -> None:
    """Put the key that the tests expect in use."""
    private = imported_private_jwk("RS256", given["kid"], given)
    with psycopg.connect(cluster.dsn(SUPERUSER, name)) as connection:
        connection.execute(
            "insert into signet_stack.signing_keys values (%s, 'RS256', 'in_use', %s, %s, now(), now())",
            (given["kid"], json.dumps(private), json.dumps(public_jwk(private))),
        )


def test_the_suite_passes(cluster: Cluster, tmp_path: Path) -> None:
    SUPABASE_PY.unpack(tmp_path, PLACE)
    folder = tmp_path / PLACE
    python = install_python(tmp_path, str(folder), *TOOLS)
    compose = (folder / "infra/docker-compose.yml").read_text()
    keys = json.loads(re.findall(r"GOTRUE_JWT_KEYS: '(.*)'", compose)[0])
    with auth_servers(cluster, next(key for key in keys if key["kty"] == "RSA")) as addresses:
        for port, address in addresses.items():
            replace_in(folder.glob("tests/_*/clients.py"), f'f"http://localhost:{{{port}}}"', f'"{address}"')
        results = run_pytest(python, folder)
    assert len(results.passed) > 140
    results.assert_only(OUT_OF_SCOPE)
