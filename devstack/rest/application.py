"""The data API as a WSGI application (PEP 3333): what arrives is read here, within limits, and nowhere else.

Not a Flask app: which paths exist is up to the database, so there are no routes, and a request context would
cost as much as everything else that happens to a request before PostgreSQL sees it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from wsgiref.types import StartResponse, WSGIEnvironment

from devstack.context import Context
from devstack.gateway import caller_of
from devstack.rest import cors
from devstack.rest.errors import RestError
from devstack.rest.prelude import ApiRequest
from devstack.rest.response import Reply, error_reply
from devstack.rest.service import DataApi
from devstack.rest.settings import RestSettings


class RestApplication:
    """Serves one stack's data API behind the gateway."""

    def __init__(self, context: Context, settings: RestSettings) -> None:
        self._settings = settings
        self._api = DataApi(context, settings)

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request."""
        method, headers = environ["REQUEST_METHOD"], _headers(environ)
        reply = cors.preflight(method, headers)
        if reply is None:
            reply = self._answer(environ, headers)
            reply = replace(reply, headers=(*reply.headers, *cors.sharing_headers(method, headers)))
        sent = list(reply.headers)
        if reply.status != 204 and method != "HEAD":
            sent.append(("Content-Length", str(len(reply.body))))
        start_response(reply.status_line, sent)
        return [] if method == "HEAD" else [reply.body]

    def _answer(self, environ: WSGIEnvironment, headers: dict[str, str]) -> Reply:
        try:
            request = self._read(environ, headers)
        except RestError as error:
            return error_reply(error)
        caller = caller_of(environ)
        return self._api.answer(request, caller.role, caller.bearer)

    def _read(self, environ: WSGIEnvironment, headers: dict[str, str]) -> ApiRequest:
        path, query = _raw_path(environ), _query(environ)
        length = int(environ.get("CONTENT_LENGTH") or 0)
        if len(path) + len(query) > (limit := self._settings.max_query_bytes):
            hint = "Send long lists in the body of a function call"
            raise RestError("PGRST100", f"The address is longer than {limit} bytes", status=414, hint=hint)
        if length > (limit := self._settings.max_body_bytes):
            hint = "Send the rows in several requests"
            raise RestError("PGRST102", f"The body is longer than {limit} bytes", status=413, hint=hint)
        body = bytes(environ["wsgi.input"].read(length)) if length else b""
        return ApiRequest(
            environ["REQUEST_METHOD"], environ.get("SCRIPT_NAME", ""), path, query, headers, body
        )


def _headers(environ: WSGIEnvironment) -> dict[str, str]:
    headers = {
        name[5:].replace("_", "-").lower(): value
        for name, value in environ.items()
        if name.startswith("HTTP_")
    }
    if content_type := environ.get("CONTENT_TYPE"):
        headers["content-type"] = content_type
    return headers


def _query(environ: WSGIEnvironment) -> str:
    """Return the query string without the API key, which may be sent there instead of in a header."""
    query = _as_utf8(environ.get("QUERY_STRING", ""))
    if "apikey=" not in query or environ.get("HTTP_APIKEY"):
        return query
    return "&".join(pair for pair in query.split("&") if not pair.startswith("apikey="))


def _as_utf8(text: str) -> str:
    """Read bytes that WSGI hands over as latin-1 as what they are."""
    return text.encode("latin-1").decode(errors="replace")


def _raw_path(environ: WSGIEnvironment) -> str:
    """Return the path as it was sent, without the prefix under which the data API is mounted."""
    raw = str(environ.get("REQUEST_URI", "")).partition("?")[0]
    prefix = str(environ.get("SCRIPT_NAME", ""))
    if raw.startswith(prefix + "/"):
        return raw[len(prefix) :]
    return str(environ.get("PATH_INFO", "")) or "/"
