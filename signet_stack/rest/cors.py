"""CORS: every origin is allowed, because a request carries its own token and cookies do not authenticate."""

from __future__ import annotations

from collections.abc import Mapping

from signet_stack.rest.errors import Headers
from signet_stack.rest.response import Reply

METHODS = "GET, POST, PATCH, PUT, DELETE, OPTIONS, HEAD"
EXPOSED = (
    "Content-Encoding, Content-Location, Content-Range, Content-Type, Date, Location, Server,"
    " Transfer-Encoding, Range-Unit"
)
MAX_AGE_SECONDS = 86400
_ANY_ORIGIN = ("Access-Control-Allow-Origin", "*")


def preflight(method: str, headers: Mapping[str, str]) -> Reply | None:
    """Return the reply to a CORS preflight, or None for any other request."""
    if method != "OPTIONS" or not {"origin", "access-control-request-method"} <= headers.keys():
        return None
    asked = [name.strip() for name in headers.get("access-control-request-headers", "").split(",")]
    names = ["Authorization", *filter(None, asked), "Accept", "Accept-Language", "Content-Language"]
    allowed = (
        ("Access-Control-Allow-Methods", METHODS),
        ("Access-Control-Allow-Headers", ", ".join(names)),
        ("Access-Control-Max-Age", str(MAX_AGE_SECONDS)),
    )
    return Reply(200, allowed)


def response_headers(method: str, headers: Mapping[str, str]) -> Headers:
    """Return the CORS headers of a reply."""
    if method == "OPTIONS":
        return (_ANY_ORIGIN,)
    return (_ANY_ORIGIN, ("Access-Control-Expose-Headers", EXPOSED)) if "origin" in headers else ()
