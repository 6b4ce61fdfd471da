"""What somebody gets who is not signed in where one must be: a way in, or a plain 401."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from flask import flash, jsonify, redirect, request, url_for
from werkzeug import Response
from werkzeug.exceptions import ServiceUnavailable

from .errors import AuthUnavailable, GatekeeperError, TokenError

DEFAULT_RETRY_AFTER = 5  # seconds
NOTHING_SAVED = "You are not signed in, so nothing was saved. Log in and send it again."
SIGN_IN_FIRST = "Log in to see this page."
UNAUTHORIZED = "This is for people who are signed in."
UNAUTHORIZED_HINT = "Sign in, or send a valid access token as a bearer token."
UNAVAILABLE = "The sign-in service is not answering. You are still signed in; try again in a moment."
_RETURN_PATH = re.compile(r"/(?![/\\])[!-\[\]-~]{0,511}")


def sign_in_first(login_endpoint: str, *, has_said_why: bool) -> Response:
    """Send a browser to the login page, from where it comes back; give everything else a 401.

    ``has_said_why``: a message is already waiting that tells why the session ended.
    """
    if _wants_json() or request.method not in ("GET", "HEAD", "POST"):
        return unauthorized("Bearer", "not_signed_in")
    if request.endpoint == login_endpoint:
        raise RuntimeError(
            f"The login view {login_endpoint!r} is closed, so nobody can log in: mark it @public."
        )
    if request.method == "POST":
        flash(NOTHING_SAVED, "notice")
    elif not has_said_why:
        flash(SIGN_IN_FIRST, "notice")
    return redirect(url_for(login_endpoint, next=return_path()), 303)


def bearer_refused(error: TokenError) -> Response:
    """Tell an API client that its token is not good, and by which check (RFC 6750 section 3)."""
    challenge = f'Bearer error="invalid_token", error_description="{error.code}"'
    return unauthorized(challenge, error.code)


def unauthorized(challenge: str, code: str) -> Response:
    """Return a 401 with its challenge (RFC 9110 section 15.5.2)."""
    response = jsonify(code=code, message=UNAUTHORIZED, hint=UNAUTHORIZED_HINT)
    response.status_code = 401
    response.headers["WWW-Authenticate"] = challenge
    return response


def unavailable(failure: GatekeeperError) -> ServiceUnavailable:
    """Return the 503 for a session that cannot be looked at now; its cookies are kept."""
    told = failure.retry_after if isinstance(failure, AuthUnavailable) else None
    return ServiceUnavailable(UNAVAILABLE, retry_after=told or DEFAULT_RETRY_AFTER)


def return_path() -> str | None:
    """Return where to come back to after signing in: a plain path of this site, or None."""
    path = _referring_path() if request.method == "POST" else _requested_path()
    return path if _RETURN_PATH.fullmatch(path) else None


def _requested_path() -> str:
    # Any byte can stand in a query; one that is no ASCII becomes a character that no return path has.
    query = request.query_string.decode("ascii", "replace")
    return request.root_path + request.path + (f"?{query}" if query else "")


def _referring_path() -> str:
    try:
        referrer = urlsplit(request.referrer or "")
    except ValueError:
        return ""
    if referrer.netloc != request.host:
        return ""
    return f"{referrer.path}?{referrer.query}" if referrer.query else referrer.path


def _wants_json() -> bool:
    accept = request.accept_mimetypes
    return request.is_json or accept["application/json"] > accept["text/html"]
