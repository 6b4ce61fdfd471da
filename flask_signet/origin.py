"""Cross-site request check: Sec-Fetch-Site, else Origin, before the CSRF token is checked.

Trust boundary: browsers write Sec-Fetch-* and Origin, and no page can change them. A client that sends
neither is not a browser, so it adds no cookies by itself; the CSRF token is still required of it.
Source: Fetch Metadata (W3C), resource isolation policy.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

from flask import Flask, request
from werkzeug.datastructures import Headers

from .gatekeeper.refusals import Refused

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
SAME_SITE = frozenset({"same-origin", "none"})  # none: typed, bookmarked, reloaded


class CrossSiteRequest(Refused):
    """Raised for a request that another site started (403)."""

    code = 403
    error_code = "cross_site_request"
    description = "This request was started by another site, so nothing was done."
    hint = "Open the page here and try again."


def is_allowed(method: str, headers: Headers | Mapping[str, str], own_origins: Collection[str]) -> bool:
    """Return whether a request with these headers may be served.

    From another site only a top-level navigation with a safe method is allowed: a followed link.
    """
    site = headers.get("Sec-Fetch-Site")
    if site in SAME_SITE:
        return True
    if method in SAFE_METHODS:
        return site is None or _is_navigation(headers)
    if site is not None:
        return False
    origin = headers.get("Origin")
    return origin is None or origin in own_origins


def _is_navigation(headers: Headers | Mapping[str, str]) -> bool:
    return headers.get("Sec-Fetch-Mode") == "navigate" and headers.get("Sec-Fetch-Dest") == "document"


def register(app: Flask, site_url: str) -> None:
    """Check every request of an app; call this before other request hooks are registered.

    ``site_url`` is the app's own origin, as in SITE_URL. Refused requests raise CrossSiteRequest.
    """

    def refuse_cross_site_requests() -> None:
        # Only a request that changes something is compared with it: `host_url` is costly.
        is_safe = request.method in SAFE_METHODS
        own_origins = () if is_safe else (site_url, request.host_url.rstrip("/"))
        if not is_allowed(request.method, request.headers, own_origins):
            raise CrossSiteRequest(
                detail=f"{request.method} {request.path} site={request.headers.get('Sec-Fetch-Site')!r} "
                f"origin={request.headers.get('Origin')!r}"
            )

    app.before_request(refuse_cross_site_requests)
