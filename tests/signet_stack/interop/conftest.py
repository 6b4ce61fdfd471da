"""Servers for other projects' test suites: the data API on a database of its own, open without a key."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

import psycopg

from signet_stack.gateway import Gateway
from signet_stack.postgres.cluster import SUPERUSER, Cluster
from signet_stack.rest import create_rest
from signet_stack.rest.settings import RestSettings
from tests.conftest import new_database, open_context
from tests.signet_stack.rest.conftest import served


class WithoutKey:
    """WSGI middleware that adds the publishable key to a request without one: these suites send none."""

    def __init__(self, application: WSGIApplication, key: str) -> None:
        self._application = application
        self._key = key

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request (PEP 3333)."""
        environ.setdefault("HTTP_APIKEY", self._key)
        return self._application(environ, start_response)


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
