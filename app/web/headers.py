"""Response headers: Content-Security-Policy, framing, caching and Referrer-Policy.

No inline script or style is allowed anywhere, so text that slips through unescaped still runs nothing.
Referrer-Policy is same-origin and not no-referrer: with the latter browsers send `Origin: null` with our own
forms, and the check in origin.py would refuse them.
"""

from __future__ import annotations

from functools import cache

from flask import Flask, Response, current_app, g, request

from app.web.assets import is_current_version

POLICY = (
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "font-src 'self'",
    "form-action 'self'",
    "base-uri 'none'",
    "object-src 'none'",
    "frame-ancestors 'none'",
)
FIXED = {
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=(), payment=(), usb=(), display-capture=(), "
    "publickey-credentials-get=(), browsing-topics=()",
}
HSTS = "max-age=63072000; includeSubDomains"
IMMUTABLE = "public, max-age=31536000, immutable"


def allow_remote_images() -> None:
    """Let the present page show pictures from any https address (docs/decisions/0030-avatars.md)."""
    g.remote_images = True


def content_security_policy(*, remote_images: bool, https: bool) -> str:
    """Return the Content-Security-Policy of one response."""
    pictures = "img-src 'self' https:" if remote_images else "img-src 'self'"
    upgrade = ("upgrade-insecure-requests",) if https else ()
    return "; ".join((*POLICY, pictures, *upgrade))


def register(app: Flask) -> None:
    """Put the headers on every response of an app, static files and errors included."""
    app.after_request(add_headers)


def add_headers(response: Response) -> Response:
    """Set the security and caching headers of one response."""
    settings = current_app.extensions.get("settings")
    https = settings is not None and settings.site_url.startswith("https:")
    response.headers.extend(_security_headers(remote_images=g.get("remote_images", False), https=https))
    if request.endpoint == "static":
        _cache_static_file(response)
    else:
        response.headers.setdefault("Cache-Control", "no-store")
        if response.headers.get("Vary") != "Cookie":  # as the gatekeeper leaves it; parsing costs more
            response.vary.add("Cookie")
    return response


@cache
def _security_headers(*, remote_images: bool, https: bool) -> tuple[tuple[str, str], ...]:
    """Return the headers that depend on nothing else, made once per process."""
    policy = content_security_policy(remote_images=remote_images, https=https)
    hsts = (("Strict-Transport-Security", HSTS),) if https else ()
    return (("Content-Security-Policy", policy), *FIXED.items(), *hsts)


def _cache_static_file(response: Response) -> None:
    """Let a file be kept for ever under the address that carries its digest, and be asked for otherwise."""
    name = (request.view_args or {}).get("filename", "")
    is_file = response.status_code in (200, 206, 304)
    if is_file and is_current_version(name, request.args.get("v", "")):
        response.headers["Cache-Control"] = IMMUTABLE
    elif not is_file:
        response.headers["Cache-Control"] = "no-store"
