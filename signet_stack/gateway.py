"""API gateway: checks Host and API key, maps the key to a role, dispatches to the services.

What the hosted gateway does in front of Auth and the data API. A service learns who calls from
``current_caller()``: the role that the API key stands for, and the bearer token when there is one.
An API key is never a bearer token: `Authorization: Bearer sb_...` counts as no bearer.
Trust boundary: a page from anywhere can make a browser call loopback under a name of its own (DNS
rebinding), so only loopback's own names are answered.
"""

from __future__ import annotations

import hmac
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from urllib.parse import parse_qs
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from flask import request
from werkzeug.middleware.dispatcher import DispatcherMiddleware

from signet_stack.context import ApiKeys, Context

_ENVIRON_KEY = "signet_stack.caller"
# Each stands for itself and for everything below it.
OPEN_PATHS = (
    "/auth/v1/verify",
    "/auth/v1/callback",
    "/auth/v1/authorize",
    "/auth/v1/example",
    "/auth/v1/.well-known/jwks.json",
    "/auth/v1/.well-known/oauth-authorization-server",
    "/auth/v1/sso/saml",
    "/mailbox",
    "/v1",
)
# Other services of a hosted project, which clients may call.
ABSENT = {
    "storage": "Storage",
    "realtime": "Realtime",
    "functions": "Edge Functions",
    "graphql": "GraphQL",
}
_OPEN = re.compile(rf"(?:{'|'.join(map(re.escape, OPEN_PATHS))})(?:/.*)?", re.DOTALL)
_LOOPBACK_HOST = re.compile(r"(?:localhost|127\.0\.0\.1|\[::1\])(?::[0-9]{1,5})?", re.IGNORECASE)
NO_KEY = {
    "message": "No API key found in request",
    "hint": "No `apikey` request header or url param was found.",
}
WRONG_KEY = {
    "message": "Invalid API key",
    "hint": "Double check your Supabase `anon` or `service_role` API key.",
}
SECRET_IN_BROWSER = {
    "message": "A secret API key was sent by a browser",
    "hint": "Use the publishable key there, and replace this secret key if others can see it.",
}
WRONG_HOST = {
    "message": "The local stack answers under loopback names only",
    "hint": "Use http://127.0.0.1 or http://localhost with its port.",
}


@dataclass(frozen=True, slots=True)
class Caller:
    """Who calls: the API key's role (anon, service_role; None on open paths), and the user's JWT if sent."""

    role: str | None
    bearer: str | None = field(repr=False)


def current_caller() -> Caller:
    """Return the caller of the present request."""
    return caller_of(request.environ)


def caller_of(environ: WSGIEnvironment) -> Caller:
    """Return the caller of the request that a WSGI environment describes."""
    caller = environ[_ENVIRON_KEY]
    assert isinstance(caller, Caller)  # noqa: S101 - set by the gateway on every request
    return caller


class Gateway:
    """A WSGI application that stands in front of the services."""

    def __init__(self, context: Context, services: Mapping[str, WSGIApplication]) -> None:
        self._keys = context.api_keys
        self._services = DispatcherMiddleware(_not_found, dict(services))

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request (PEP 3333)."""
        # Browsers always name a host; HTTP/1.0 programs need not.
        if not _LOOPBACK_HOST.fullmatch(environ.get("HTTP_HOST", "localhost")):
            return _refuse("403 Forbidden", WRONG_HOST, start_response)
        key = _api_key(environ)
        role = role_of_key(key, self._keys)
        is_open = _OPEN.fullmatch(environ["PATH_INFO"]) or environ["REQUEST_METHOD"] == "OPTIONS"
        if role is None and not is_open:
            return _refuse("401 Unauthorized", NO_KEY if key is None else WRONG_KEY, start_response)
        if role == "service_role" and environ.get("HTTP_USER_AGENT", "").startswith("Mozilla/"):
            return _refuse("401 Unauthorized", SECRET_IN_BROWSER, start_response)
        environ[_ENVIRON_KEY] = Caller(role, _bearer(environ))
        return self._services(environ, start_response)


def role_of_key(key: str | None, keys: ApiKeys) -> str | None:
    """Return the role that an API key stands for, or None; compares in constant time."""
    if key is None:
        return None
    if hmac.compare_digest(key.encode(), keys.secret.encode()):
        return "service_role"
    if hmac.compare_digest(key.encode(), keys.publishable.encode()):
        return "anon"
    return None


def _api_key(environ: WSGIEnvironment) -> str | None:
    if key := environ.get("HTTP_APIKEY"):
        return str(key)
    values = parse_qs(environ.get("QUERY_STRING", "")).get("apikey")
    return values[0] if values else None


def _bearer(environ: WSGIEnvironment) -> str | None:
    scheme, _, token = environ.get("HTTP_AUTHORIZATION", "").partition(" ")
    if scheme.lower() != "bearer" or token.startswith("sb_"):
        return None
    return str(token.strip())


def _refuse(status: str, body: dict[str, str], start_response: StartResponse) -> list[bytes]:
    # CORS for every origin, so that a browser's console can show the refusal; it reveals nothing.
    headers = [("Content-Type", "application/json"), ("Access-Control-Allow-Origin", "*")]
    start_response(status, headers)
    return [json.dumps(body).encode()]


def _not_found(environ: WSGIEnvironment, start_response: StartResponse) -> list[bytes]:
    path = environ["PATH_INFO"]
    if absent := ABSENT.get(path.removeprefix("/").partition("/")[0]):
        words = {"message": f"The local stack has no {absent}", "hint": "Use a hosted project for it."}
        return _refuse("501 Not Implemented", words, start_response)
    return _refuse("404 Not Found", {"message": f"The local stack serves nothing at {path}"}, start_response)
