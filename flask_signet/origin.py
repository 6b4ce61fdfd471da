"""Refuse requests that another site started, before any form token is looked at.

Trust boundary: Sec-Fetch-* and Origin are written by the browser, and no page can change them. A client that
sends neither is no browser, carries nobody's cookies by itself, and still meets the form token.
Source: Fetch Metadata (W3C), resource isolation policy.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

from flask import Flask, current_app, request
from werkzeug.datastructures import Headers

from app.errors import NotAllowed

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
OURS = frozenset({"same-origin", "none"})  # none: typed, bookmarked, reloaded


def is_welcome(method: str, headers: Headers | Mapping[str, str], own_origins: Collection[str]) -> bool:
    """Whether a request may come from where its headers say.

    From another site only a top-level navigation by a safe method is welcome: a link that a person follows.
    """
    site = headers.get("Sec-Fetch-Site")
    if site in OURS:
        return True
    if method in SAFE_METHODS:
        return site is None or _is_navigation(headers)
    if site is not None:
        return False
    origin = headers.get("Origin")
    return origin is None or origin in own_origins


def _is_navigation(headers: Headers | Mapping[str, str]) -> bool:
    return headers.get("Sec-Fetch-Mode") == "navigate" and headers.get("Sec-Fetch-Dest") == "document"


def register(app: Flask) -> None:
    """Check every request of an app; to be called before any other hook of a request is registered."""
    app.before_request(refuse_foreign_requests)


def refuse_foreign_requests() -> None:
    """Raise NotAllowed for a request that another site started."""
    own_origins = (current_app.extensions["settings"].site_url, request.host_url.rstrip("/"))
    if is_welcome(request.method, request.headers, own_origins):
        return
    raise NotAllowed(
        "This request was started by another site, so nothing was done.",
        code="cross_site_request",
        hint="Open the page here and try again.",
        detail=f"{request.method} {request.path} site={request.headers.get('Sec-Fetch-Site')!r} "
        f"origin={request.headers.get('Origin')!r}",
    )
