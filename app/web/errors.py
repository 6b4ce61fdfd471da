"""Every way a request can fail, turned into the same page or the same JSON.

AppError is ours and carries its words. Werkzeug's HTTP errors get words by status, the gatekeeper's errors by
type, and anything else is a 500 whose words say nothing. Each is logged once, with the reference shown.
"""

from __future__ import annotations

import logging
import secrets

from flask import Flask, Response, current_app
from flask_wtf.csrf import CSRFError
from werkzeug.exceptions import HTTPException, MethodNotAllowed, SecurityError, ServiceUnavailable

from app.errors import AppError, InputRejected, Misconfigured, NotAllowed
from app.errors import ServiceUnavailable as TryLater
from app.web.forms import STALE_FORM
from app.web.responses import error_response
from flask_signet.gatekeeper.errors import AuthMisconfigured, GatekeeperError, SessionTooLarge, TokenError

logger = logging.getLogger(__name__)

# status: (code, message, next step). A status that is not here reads like 400 or 500.
HTTP_WORDS = {
    400: ("bad_request", "This request could not be understood.", "Go back and try again."),
    401: ("not_signed_in", "You are not logged in.", "Log in and try again."),
    403: ("not_allowed", "You are not allowed to do this.", "Start again from the home page."),
    404: ("not_found", "There is no page at this address.", "Check the address, or go to the home page."),
    405: ("method_not_allowed", "This address cannot be used like that.", "Start again from the home page."),
    409: ("conflict", "This was changed in the meantime.", "Reload the page and try again."),
    413: ("too_large", "What you sent is too large.", "Send at most 64 KiB at once."),
    415: ("wrong_type", "This site does not understand what you sent.", "Use the form on the page."),
    422: ("unprocessable", "Something in this request is not right.", "Go back, check it and try again."),
    429: ("too_many_requests", "Too many requests.", "Wait a moment, then try again."),
    500: ("internal_error", "Something went wrong here.", "Try again; if it stays, tell whoever runs it."),
    503: ("service_unavailable", "This site cannot answer at the moment.", "Try again in a moment."),
}  # fmt: skip


class _HttpError(AppError):
    """A Werkzeug error with words of ours."""

    def __init__(self, status: int, detail: str, message: str | None = None) -> None:
        known = HTTP_WORDS.get(status) or HTTP_WORDS[400 if status < 500 else 500]
        super().__init__(message or known[1], code=known[0], hint=known[2], detail=detail)
        self.status = status


def register(app: Flask) -> None:
    """Answer every failed request of an app in words."""
    app.register_error_handler(AppError, answer)
    app.register_error_handler(GatekeeperError, answer_gatekeeper_error)
    app.register_error_handler(HTTPException, answer_http_error)


def answer(error: AppError) -> Response:
    """Log an error and answer it."""
    reference = secrets.token_hex(4)
    level = logging.ERROR if error.status >= 500 else logging.INFO
    logger.log(level, "%s %s reference=%s detail=%r", error.status, error.code, reference, error.detail)
    return error_response(error, reference)


def answer_http_error(error: HTTPException) -> Response:
    """Answer an error of Werkzeug or Flask; redirects, which are some too, never come here."""
    response = answer(_from_http(error))
    if isinstance(error, MethodNotAllowed) and error.valid_methods:
        response.headers["Allow"] = ", ".join(error.valid_methods)
    return response


def answer_gatekeeper_error(error: GatekeeperError) -> Response:
    """Answer an error of the gatekeeper that a view met when it started a session."""
    detail = f"{error.code}: {error}"
    if isinstance(error, TokenError | AuthMisconfigured | SessionTooLarge):
        return answer(Misconfigured(code=error.code, detail=detail))
    hint = "Try again in a moment."
    return answer(TryLater(code=error.code, hint=hint, detail=detail, retry_after=5))


def _from_http(error: HTTPException) -> AppError:
    status = error.code or 500
    detail = f"{type(error).__name__}: {error.description}"
    if isinstance(error, CSRFError):
        return NotAllowed(STALE_FORM, code="form_token", hint="Go back, reload the page.", detail=detail)
    if isinstance(error, SecurityError):
        return _unknown_host(detail)
    if not isinstance(error, ServiceUnavailable):
        return _HttpError(status, detail)
    # The gatekeeper says more about it than the status does.
    own_words = error.description if error.description != ServiceUnavailable.description else None
    found = _HttpError(status, detail, own_words)
    found.retry_after = error.retry_after if isinstance(error.retry_after, int) else None
    return found


def _unknown_host(detail: str) -> AppError:
    """Return what somebody reads who comes by another name; only in development is the right one told."""
    settings = current_app.extensions["settings"]
    here = f"Open {settings.site_url}, or set SITE_URL to the address that you use."
    return InputRejected(
        "This site does not answer under this name.",
        code="unknown_host",
        hint=here if settings.is_development else "Use the site's own address.",
        detail=detail,
    )
