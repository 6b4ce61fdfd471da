"""WSGI middleware for the Host header: compared in lower case, and ignored for the health probe.

Host names are case-insensitive (RFC 9110 section 4.2.3), but TRUSTED_HOSTS is not. Load balancers send the
address of the process as Host, so the probe gets the site's own before Flask checks it.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from flask import Flask

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

PROBE_PATH = "/healthz"


class HostHeader:
    """Wraps a WSGI app; ``own_host`` is host and port of the site."""

    def __init__(self, wsgi_app: WSGIApplication, own_host: str) -> None:
        self._wsgi_app = wsgi_app
        self._own_host = own_host

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Serve one request."""
        is_probe = environ.get("PATH_INFO") == PROBE_PATH
        environ["HTTP_HOST"] = self._own_host if is_probe else environ.get("HTTP_HOST", "").lower()
        return self._wsgi_app(environ, start_response)


def register(app: Flask, site_url: str) -> None:
    """Wrap the WSGI app; proxy headers must be applied outside of this."""
    app.wsgi_app = HostHeader(app.wsgi_app, urlsplit(site_url).netloc.lower())  # type: ignore[method-assign]
