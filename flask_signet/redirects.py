"""Open-redirect check for `next` targets.

Trust boundary: the text comes from a URL, a mail or a form, so an attacker may have written it. It is
followed only if no browser and no proxy can parse it as another site, and if it is a page of this app. The
attacks are listed in tests/flask_signet/test_redirects.py.
"""

from __future__ import annotations

from urllib.parse import unquote, urlsplit

from werkzeug.exceptions import HTTPException
from werkzeug.routing import MapAdapter, RequestRedirect

MAX_LENGTH = 2048
DECODINGS = 2  # a front proxy and the server behind it may each decode once
HOME = "/"
# A sign-in page leads in a circle; static files and probes are not pages.
NOT_TARGETS = frozenset({"auth", "static", "pages.healthz"})


def is_local_path(text: str) -> bool:
    """Return whether the text is a path on the same site for every parser, also if decoded up to twice."""
    if not text.isascii() or " " in text or len(text) > MAX_LENGTH:
        return False
    for _ in range(DECODINGS + 1):
        if not _is_plain_path(text):
            return False
        text = unquote(text)
    return True


def safe_next(text: str | None, urls: MapAdapter, site_url: str = "") -> str:
    """Return the target if it is one of this app's pages, else the home page.

    An absolute URL below ``site_url`` is accepted, because links in mails are absolute.
    """
    target = text or HOME
    if site_url and target.startswith(f"{site_url}/"):
        target = target.removeprefix(site_url)
    return target if is_local_path(target) and _is_page(target, urls) else HOME


def _is_plain_path(text: str) -> bool:
    if any(ord(character) < 32 or ord(character) == 127 for character in text):
        return False
    path, _, rest = text.partition("?")
    fragment = rest.partition("#")[2]
    # A query may hold a URL or a backslash: no parser looks for a host in it.
    if not path.startswith("/") or "//" in path + fragment or "\\" in path + fragment:
        return False
    return not any(segment in (".", "..") for segment in path.split("/"))


def _is_page(target: str, urls: MapAdapter) -> bool:
    try:
        endpoint, _ = urls.match(unquote(urlsplit(target).path), method="GET")
    except (HTTPException, RequestRedirect):
        return False
    return endpoint not in NOT_TARGETS and endpoint.partition(".")[0] not in NOT_TARGETS
