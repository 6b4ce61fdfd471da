"""Responses of the gatekeeper: login redirect, 401, 403, 503; JSON with code and hint for API clients."""

from __future__ import annotations

import json
import re
from typing import Any
from urllib.parse import urlsplit

from flask import flash, g, has_request_context, jsonify, redirect, request, url_for
from werkzeug import Response
from werkzeug.exceptions import Forbidden, HTTPException, ServiceUnavailable

from .errors import (
    AuthUnavailable,
    GatekeeperError,
    IssuerDiffers,
    KeyUnknown,
    SessionOver,
    TokenError,
    TokenExpired,
    TokenNotYetValid,
)

DEFAULT_RETRY_AFTER = 5  # seconds
NOTHING_SAVED = "You are not signed in, so nothing was saved. Log in and send it again."
SIGN_IN_FIRST = "Log in to see this page."
UNAUTHORIZED = "This is for people who are signed in."
UNAUTHORIZED_HINT = "Sign in, or send a valid access token as a bearer token."
UNAVAILABLE = "The sign-in service is not answering. You are still signed in; try again in a moment."
NOT_VALID = "The access token is not valid."
DEFAULT_HINT = "Send the unchanged access token of a signed-in person of this project."
HINTS: dict[type[TokenError], str] = {
    TokenExpired: "Refresh the session and send the new access token.",
    TokenNotYetValid: "Check the clocks: the token is from the future.",
    KeyUnknown: "Refresh the session: the token's signing key is not among the project's published keys.",
    IssuerDiffers: "Send a token of the project that this API belongs to.",
    SessionOver: "Sign in again: the session was ended.",
}
_RETURN_PATH = re.compile(r"(?=.{1,2048}\Z)/(?![/\\])[!->@-\[\]-~]*(?:\?[!-~]*)?")


class Refused(HTTPException):
    """Base of refusals that carry a code and the next step; ``detail`` is for the log only.

    Without a handler of the app, API clients get JSON and browsers Werkzeug's page. An app's own error pages
    can use ``error_code`` and ``hint``.
    """

    error_code = "refused"
    hint = ""

    def __init__(self, description: str | None = None, *, detail: str = "") -> None:
        super().__init__(description)
        self.detail = detail

    def get_body(self, environ: Any = None, scope: Any = None) -> str:
        """Return the JSON or HTML body."""
        if not _answers_json():
            return super().get_body(environ, scope)
        return json.dumps({"code": self.error_code, "message": self.description, "hint": self.hint})

    def get_headers(self, environ: Any = None, scope: Any = None) -> list[tuple[str, str]]:
        """Return the headers with the content type of the body."""
        headers = super().get_headers(environ, scope)
        if not _answers_json():
            return headers
        others = [(name, value) for name, value in headers if name != "Content-Type"]
        return [("Content-Type", "application/json"), *others]


class RoleRequired(Refused, Forbidden):
    """Raised for a person without the role that a view requires (403)."""

    error_code = "role_required"
    description = "Your account is not allowed to do this."
    hint = "Ask an administrator for access; it takes effect with the next token."

    def __init__(self, role: str) -> None:
        self.role = role
        super().__init__(detail=f"role {role}")


class StepUpRequired(Refused, Forbidden):
    """Raised when the session lacks a second factor or a recent proof (403, RFC 9470).

    ``aal`` or ``fresh`` (seconds) is what the view requires, the other one is None.
    """

    def __init__(self, *, aal: str | None = None, fresh: float | None = None) -> None:
        self.aal = aal
        self.fresh = fresh
        if aal is not None:
            self.error_code = f"{aal}_required"
            super().__init__("This needs the second step of your login.")
            self.hint = "Enter the code of your authenticator app, then try again."
        else:
            self.error_code = "fresh_login_required"
            super().__init__("This needs a recent login.")
            self.hint = "Enter your password again, then try again."
        self.detail = self.error_code

    @property
    def challenge(self) -> str:
        """The value of WWW-Authenticate (RFC 9470 section 3)."""
        need = f'acr_values="{self.aal}"' if self.aal is not None else f"max_age={self.fresh:.0f}"
        return f'Bearer error="insufficient_user_authentication", {need}'

    def get_headers(self, environ: Any = None, scope: Any = None) -> list[tuple[str, str]]:
        """Return the headers with the challenge."""
        return [*super().get_headers(environ, scope), ("WWW-Authenticate", self.challenge)]


class SessionUnavailable(Refused, ServiceUnavailable):
    """Raised for a session or token that cannot be checked now (503); cookies are kept."""

    error_code = "auth_unavailable"
    description = UNAVAILABLE
    hint = "Try again after the seconds of Retry-After."

    def __init__(self, failure: GatekeeperError) -> None:
        super().__init__(detail=f"{failure.code}: {failure}")
        self.error_code = failure.code
        seconds = failure.retry_after if isinstance(failure, AuthUnavailable) else None
        self.retry_after = seconds or DEFAULT_RETRY_AFTER


class CrossSiteCookie(Refused, Forbidden):
    """Raised when a cookie arrives at a ``bearer_or_cookie`` view from another site (403)."""

    error_code = "cross_site_request"
    description = "This request was not sent by a page of this site."
    hint = "Send an access token as a bearer token instead of the cookie."


def login_redirect_or_401(login_endpoint: str, *, has_message: bool) -> Response:
    """Return a redirect to the login page for a browser's page or form, else a 401.

    ``has_message``: a message that says why the session ended is already flashed.
    """
    if _answers_json() or request.method not in ("GET", "HEAD", "POST"):
        return unauthorized("Bearer", "not_signed_in")
    if request.endpoint == login_endpoint:
        raise RuntimeError(
            f"The login view {login_endpoint!r} is closed, so logging in is impossible: mark it @public."
        )
    if request.method == "POST":
        flash(NOTHING_SAVED, "notice")
    elif not has_message:
        flash(SIGN_IN_FIRST, "notice")
    return redirect(url_for(login_endpoint, next=return_path()), 303)


def step_up_redirect(endpoint: str, error: StepUpRequired) -> Response | StepUpRequired:
    """Return a redirect of browsers to the page that asks for the missing proof, else the 403 itself.

    The page gets the path to return to as ``next``, and the missing proof as ``need``.
    """
    if _answers_json() or request.method not in ("GET", "HEAD", "POST"):
        return error
    if request.method == "POST":
        flash(f"{error.description} Nothing was saved yet.", "notice")
    return redirect(url_for(endpoint, next=return_path(), need=error.error_code), 303)


def bearer_refused(error: TokenError) -> Response:
    """Return the 401 for a refused token, with the code of the failed check (RFC 6750 section 3)."""
    challenge = f'Bearer error="invalid_token", error_description="{error.code}"'
    return unauthorized(challenge, error.code, NOT_VALID, HINTS.get(type(error), DEFAULT_HINT))


def unauthorized(
    challenge: str, code: str, message: str = UNAUTHORIZED, hint: str = UNAUTHORIZED_HINT
) -> Response:
    """Return a 401 with its challenge (RFC 9110 section 15.5.2)."""
    response = jsonify(code=code, message=message, hint=hint)
    response.status_code = 401
    response.headers["WWW-Authenticate"] = challenge
    return response


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


def _answers_json() -> bool:
    """Return whether the client wants JSON: a bearer view, a JSON body, or its Accept header."""
    if not has_request_context():
        return False
    accept = request.accept_mimetypes
    prefers_json = accept["application/json"] > accept["text/html"]
    return "gatekeeper_bearer" in g or request.is_json or prefers_json
