"""The data API, mounted at /rest/v1: tables and functions over HTTP, in PostgREST's protocol.

A request passes grammar (text to trees), plan (names looked up, rules decided), SQL (one statement),
transaction (role and claims) and response. Trust boundary: everything of a request is untrusted; names reach
SQL only quoted, values only as bound parameters; what a caller may do is decided by PostgreSQL alone.
"""

from __future__ import annotations

from typing import Any

from flask import Flask, Request, Response, request

from devstack.context import Context
from devstack.gateway import current_caller
from devstack.rest.plan.request import ApiRequest
from devstack.rest.service import DataApi
from devstack.rest.settings import RestSettings


class RestResponse(Response):
    """A response that has exactly the headers that the data API decided on."""

    default_mimetype = None
    automatically_set_content_length = False


def create_rest(context: Context, settings: RestSettings | None = None) -> Flask:
    """Build the data API for one stack."""
    app = Flask(__name__, static_folder=None)
    api = DataApi(context, settings or RestSettings())

    @app.before_request
    def answer() -> Response:
        """Answer here: what exists is up to the catalog, not to URL rules."""
        caller = current_caller()
        reply = api.answer(_read(request), caller.role, caller.bearer)
        headers = list(reply.headers)
        if reply.status != 204 and request.method != "HEAD":
            headers.append(("Content-Length", str(len(reply.body))))
        body = b"" if request.method == "HEAD" else reply.body
        return RestResponse(body, status=reply.status_line, headers=headers)

    return app


def _read(incoming: Request) -> ApiRequest:
    environ = incoming.environ
    return ApiRequest(
        incoming.method,
        _raw_path(environ),
        environ.get("QUERY_STRING", ""),
        {name.lower(): value for name, value in incoming.headers.items()},
        incoming.get_data(cache=False),
    )


def _raw_path(environ: dict[str, Any]) -> str:
    """Return the path as it was sent, without the prefix under which the data API is mounted."""
    raw = str(environ.get("REQUEST_URI", "")).partition("?")[0]
    prefix = str(environ.get("SCRIPT_NAME", ""))
    if raw.startswith(prefix + "/"):
        return raw[len(prefix) :]
    return str(environ.get("PATH_INFO", ""))
