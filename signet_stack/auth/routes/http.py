"""Request parsing and responses that all routes share."""

from __future__ import annotations

import json
import logging
import re
import uuid
from collections.abc import Mapping
from ipaddress import ip_address
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from flask import Response, current_app, g, redirect, request
from werkzeug import Response as AnyResponse

from signet_stack.auth.bearer import Credentials
from signet_stack.auth.body import Body
from signet_stack.auth.errors import AuthError
from signet_stack.auth.grants import Grant
from signet_stack.auth.rate_limits import FIVE_MINUTES, Rate
from signet_stack.auth.redirects import choose_target
from signet_stack.auth.service import Auth, Operation
from signet_stack.auth.sessions import Client
from signet_stack.gateway import current_caller

EXTENSION = "auth"
MAX_USER_AGENT = 500
logger = logging.getLogger(__name__)
_BEARER = re.compile(r"bearer\s+(\S+)", re.IGNORECASE)


def operation() -> Operation:
    """Return this request's operation: one snapshot of settings and time."""
    if "operation" not in g:
        service = current_app.extensions[EXTENSION]
        assert isinstance(service, Auth)  # noqa: S101 - set by create_auth
        g.operation = service.operation()
    found: Operation = g.operation
    return found


def body() -> Body:
    """Return the request's JSON object; raise AuthError."""
    return Body(request.get_data())


def optional_body() -> Body:
    """Return the request's JSON object; an empty one when there is no body."""
    return Body(request.get_data() or b"{}")


def client() -> Client:
    """Return the user agent, and the first address that X-Forwarded-For names, else the peer's."""
    forwarded = request.headers.get("X-Forwarded-For", "").split(",")
    ips = (_ip(text.strip()) for text in (*forwarded, request.remote_addr or ""))
    ip = next((found for found in ips if found), None)
    return Client(request.headers.get("User-Agent", "")[:MAX_USER_AGENT], ip)


def _ip(text: str) -> str | None:
    try:
        return str(ip_address(text))
    except ValueError:
        return None


def credentials() -> Credentials:
    """Return the credentials of the request; an API key is no bearer token."""
    header = request.headers.get("Authorization", "").strip()
    if not header or header.lower().startswith("bearer sb_"):
        return Credentials(None, current_caller().role)
    found = _BEARER.fullmatch(header)
    return Credentials(found[1] if found else None, None)


def target() -> str:
    """Return where a link or a redirect of this request leads: never to a place that is not allowed."""
    wishes = (request.args.get("redirect_to", ""), request.headers.get("Referer", ""))
    return choose_target(wishes, operation().site_url, operation().settings.uri_allow_list)


def check_limit(scope: str, count: int) -> None:
    """Raise AuthError when a caller asks too often; only where a header names the caller."""
    name = operation().settings.rate_limit_header
    caller = request.headers.get(name, "").partition(",")[0].strip() if name else ""
    if caller and not operation().limits.take(scope, caller, Rate(count, FIVE_MINUTES)):
        raise AuthError(429, "over_request_rate_limit", "Request rate limit reached")


def log_failure(error: AuthError) -> str:
    """Log an error of ours and return the id that its answer carries."""
    return log(f"{error.code} {error.message} {error.detail}".rstrip())


def log(text: str) -> str:
    """Log a failed request and return the id of the line."""
    error_id = uuid.uuid4().hex
    logger.error("error %s: %s %s: %s", error_id, request.method, request.path, text)
    return error_id


def answer(content: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """Return JSON, compact and without a newline at the end."""
    text = json.dumps(content, ensure_ascii=False, separators=(",", ":"))
    response = Response(text, status, content_type="application/json")
    response.headers.update(headers or {})
    return response


def grant_answer(grant: Grant) -> Response:
    """Return a session, marked as not to be cached."""
    return answer(grant.body, headers={**grant.headers, "Cache-Control": "no-store"})


def redirect_to(
    target: str, *, query: Mapping[str, str] | None = None, fragment: str = "", status: int = 303
) -> AnyResponse:
    """Redirect to the target with more parameters; what its own query carries stays. Names are sorted."""
    parts = urlsplit(target)
    merged = {**dict(parse_qsl(parts.query, keep_blank_values=True)), **(query or {})}
    address = urlunsplit(parts._replace(query=urlencode(sorted(merged.items())), fragment=fragment))
    response = redirect(address, status)
    response.headers["Cache-Control"] = "no-store"
    return response


def encoded_twice(parameters: Mapping[str, str]) -> str:
    """Return a fragment with its percent signs encoded again, as the hosted service's errors have it."""
    return urlencode({**parameters, "sb": ""}).replace("%", "%25")
