"""Servers for other projects' test suites, each on a database of its own."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from typing import Any
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

import jwt
import psycopg

from signet_stack.auth import create_auth
from signet_stack.auth_settings import AuthSettings, AuthSettingsStore
from signet_stack.context import ApiKeys, system_clock
from signet_stack.gateway import Gateway
from signet_stack.mailbox import create_mailbox
from signet_stack.postgres.cluster import SUPERUSER, Cluster
from signet_stack.postgres.database import Database
from signet_stack.rest import create_rest
from signet_stack.rest.settings import RestSettings
from tests.conftest import new_database, open_context
from tests.signet_stack.rest.conftest import served

# What the suites expect of a project: shorter passwords, links to Auth, and no limit that a test run meets.
EXPECTED = {
    "password_min_length": 6,
    "mail_links": "auth",
    "smtp_max_frequency": 0,
    "rate_limit_otp": 100_000,
    "rate_limit_token_refresh": 100_000,
    "rate_limit_verify": 100_000,
}


class WithoutKey:
    """WSGI middleware that adds the publishable key to a request without one: these suites send none."""

    def __init__(self, application: WSGIApplication, key: str) -> None:
        self._application = application
        self._key = key

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request (PEP 3333)."""
        environ.setdefault("HTTP_APIKEY", self._key)
        return self._application(environ, start_response)


class RoleTokens:
    """WSGI middleware that takes JWTs of roles as API keys, as the older keys of projects were.

    These suites sign tokens for anon, service_role and supabase_admin with secrets of their own. Without a
    session, such a token is the API key of its role; a user's own token passes.
    """

    def __init__(self, application: WSGIApplication, keys: ApiKeys, prefix: str) -> None:
        self._application = application
        self._keys = keys
        self._prefix = prefix

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request (PEP 3333)."""
        bearer = environ.get("HTTP_AUTHORIZATION", "").removeprefix("Bearer ")
        roles = {_role(bearer), _role(environ.get("HTTP_APIKEY", ""))}
        is_admin = bool(roles & {"service_role", "supabase_admin"})
        environ["HTTP_APIKEY"] = self._keys.secret if is_admin else self._keys.publishable
        if _role(bearer):
            del environ["HTTP_AUTHORIZATION"]
        if not environ["PATH_INFO"].startswith(self._prefix):
            environ["PATH_INFO"] = self._prefix + environ["PATH_INFO"]
        return self._application(environ, start_response)


def _role(token: str) -> str | None:
    """Return the role of a token that has no session, else None."""
    try:
        claims = jwt.decode(token, options={"verify_signature": False})
    except jwt.InvalidTokenError:
        return None
    return None if "session_id" in claims else claims.get("role")


class OwnSettings(AuthSettingsStore):
    """Settings of one server: the servers of a suite share a database, where settings are kept otherwise."""

    def __init__(self, database: Database, settings: Mapping[str, Any]) -> None:
        super().__init__(database.auth, system_clock)
        self._settings = replace(AuthSettings(), **settings)

    def current(self) -> AuthSettings:
        """Return the settings of this server."""
        return self._settings


@contextmanager
def auth_services(cluster: Cluster, prefix: str, *variants: Mapping[str, Any]) -> Iterator[list[str]]:
    """Serve Auth on one database once for each variant of the settings; yield their origins.

    ``prefix`` is put in front of a path without it.
    """
    with new_database(cluster) as name, ExitStack() as opened:
        context = open_context(cluster, name)
        opened.callback(context.database.close)
        origins = []
        for settings in variants:
            own = replace(context, auth_settings=OwnSettings(context.database, {**EXPECTED, **settings}))
            gateway = Gateway(own, {"/auth/v1": create_auth(own), "/mailbox": create_mailbox(own)})
            origins.append(opened.enter_context(served(RoleTokens(gateway, own.api_keys, prefix))))
        yield origins


@contextmanager
def data_api(cluster: Cluster, prefix: str, settings: RestSettings, *scripts: str) -> Iterator[str]:
    """Serve a data API below ``prefix`` on a fresh database with SQL scripts applied; yield its origin."""
    with new_database(cluster) as name:
        with psycopg.connect(cluster.dsn(SUPERUSER, name), autocommit=True) as connection:
            for script in scripts:
                connection.execute(script.replace("DATABASE_NAME", name).encode())
        context = open_context(cluster, name)
        application = Gateway(context, {prefix: create_rest(context, settings)})
        try:
            with served(WithoutKey(application, context.api_keys.publishable)) as origin:
                yield origin
        finally:
            context.database.close()
