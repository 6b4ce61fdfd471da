"""Responses to requests without a session where one is required: login redirect, 401, 503."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from flask import flash, jsonify, redirect, request, url_for
from werkzeug import Response
from werkzeug.exceptions import HTTPException, ServiceUnavailable

from .errors import AuthUnavailable, GatekeeperError, TokenError

DEFAULT_RETRY_AFTER = 5  # seconds
NOTHING_SAVED = "You are not signed in, so nothing was saved. Log in and send it again."
SIGN_IN_FIRST = "Log in to see this page."
UNAUTHORIZED = "This is for people who are signed in."
UNAUTHORIZED_HINT = "Sign in, or send a valid access token as a bearer token."
UNAVAILABLE = "The sign-in service is not answering. You are still signed in; try again in a moment."
_RETURN_PATH = re.compile(r"/(?![/\\])[!-\[\]-~]{0,511}")


class Refused(HTTPException):
    """Base of refusals that carry a code and the next step; ``detail`` is for the log only.

    Werkzeug answers them as an HTML page; an app's own error pages can use ``error_code`` and ``hint``.
    """

    error_code = "refused"
    hint = ""

    def __init__(self, description: str | None = None, *, detail: str = "") -> None:
        super().__init__(description)
        self.detail = detail


def login_redirect_or_401(login_endpoint: str, *, has_message: bool) -> Response:
    """Return a redirect to the login page for a browser's page or form, else a 401.

    ``has_message``: a message that says why the session ended is already flashed.
    """
    if _wants_json() or request.method not in ("GET", "HEAD", "POST"):
        return unauthorized("Bearer", "not_signed_in")
    if request.endpoint == login_endpoint:
        raise RuntimeError(
            f"The login view {login_endpoint!r} is closed, so nobody can log in: mark it @public."
        )
    if request.method == "POST":
        flash(NOTHING_SAVED, "notice")
    elif not has_message:
        flash(SIGN_IN_FIRST, "notice")
    return redirect(url_for(login_endpoint, next=return_path()), 303)


def bearer_refused(error: TokenError) -> Response:
    """Return the 401 for a refused token, with the code of the failed check (RFC 6750 section 3)."""
    challenge = f'Bearer error="invalid_token", error_description="{error.code}"'
    return unauthorized(challenge, error.code)


def unauthorized(challenge: str, code: str) -> Response:
    """Return a 401 with its challenge (RFC 9110 section 15.5.2)."""
    response = jsonify(code=code, message=UNAUTHORIZED, hint=UNAUTHORIZED_HINT)
    response.status_code = 401
    response.headers["WWW-Authenticate"] = challenge
    return response


def unavailable(failure: GatekeeperError) -> ServiceUnavailable:
    """Return the 503 for a session that cannot be checked now; its cookies are kept."""
    seconds = failure.retry_after if isinstance(failure, AuthUnavailable) else None
    return ServiceUnavailable(UNAVAILABLE, retry_after=seconds or DEFAULT_RETRY_AFTER)


def return_path() -> str | None:
    """Return the path to return to after login, or None if it is not a plain path of this site."""
    path = (_referring_path() or _form_path()) if request.method == "POST" else _requested_path()
    return path if _RETURN_PATH.fullmatch(path) else None


def _requested_path() -> str:
    # A query can hold any byte; non-ASCII becomes a character that _RETURN_PATH refuses.
    query = request.query_string.decode("ascii", "replace")
    return request.root_path + request.path + (f"?{query}" if query else "")


def _form_path() -> str:
    """Return the path of a form that posts to its own page; without a Referer it is the best guess."""
    rule = request.url_rule
    return request.root_path + request.path if rule is not None and "GET" in (rule.methods or ()) else ""


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
