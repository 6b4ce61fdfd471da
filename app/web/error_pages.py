"""Error handlers: every failed request becomes one page or one JSON object, and one line in the log.

AppError carries its own message. Werkzeug's HTTP errors get one by status, the gatekeeper's errors by type,
and any other exception is a 500 without details. The page shows message, next step and a reference that finds
the log line. Error pages need neither database nor Auth.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from urllib.parse import urlsplit

from flask import Flask, Response, current_app, jsonify, make_response, render_template, request
from flask.globals import request_ctx
from flask_wtf.csrf import CSRFError
from werkzeug.exceptions import HTTPException, MethodNotAllowed, SecurityError, ServiceUnavailable

from app.errors import AppError, InputRejected, Misconfigured, NotAllowed, log_error
from app.errors import ServiceUnavailable as TryLater
from app.settings_reader import Problem
from app.web.forms import STALE_FORM
from flask_signet.gatekeeper.errors import AuthMisconfigured, GatekeeperError, SessionTooLarge, TokenError
from flask_signet.gatekeeper.refusals import Refused, StepUpRequired
from flask_signet.gatekeeper.settings import is_http_origin, is_private_host

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
    500: ("internal_error", "Something went wrong here.", "Try again, or report it to the site's owner."),
    503: ("service_unavailable", "This site cannot answer at the moment.", "Try again in a moment."),
}  # fmt: skip


class _HttpError(AppError):
    """A Werkzeug error with the message and next step of its status."""

    def __init__(self, status: int, detail: str, message: str | None = None) -> None:
        known = HTTP_WORDS.get(status) or HTTP_WORDS[400 if status < 500 else 500]
        super().__init__(message or known[1], code=known[0], hint=known[2], detail=detail)
        self.status = status


def register(app: Flask) -> None:
    """Handle every exception of an app's requests."""
    app.register_error_handler(AppError, answer)
    app.register_error_handler(GatekeeperError, answer_gatekeeper_error)
    app.register_error_handler(HTTPException, answer_http_error)


def answer(error: AppError) -> Response:
    """Log an error once, under a new reference, and return its response."""
    return error_response(error, log_error(error))


def answer_http_error(error: HTTPException) -> Response:
    """Return the response for an HTTP error of Werkzeug or Flask."""
    response = answer(_from_http(error))
    if isinstance(error, MethodNotAllowed) and error.valid_methods:
        response.headers["Allow"] = ", ".join(error.valid_methods)
    if isinstance(error, StepUpRequired):
        response.headers["WWW-Authenticate"] = error.challenge
    return response


def answer_gatekeeper_error(error: GatekeeperError) -> Response:
    """Return the response for a gatekeeper error raised by `start_session` in a view."""
    detail = f"{error.code}: {error}"
    if isinstance(error, TokenError | AuthMisconfigured | SessionTooLarge):
        return answer(Misconfigured(code=error.code, detail=detail))
    hint = "Try again in a moment."
    return answer(TryLater(code=error.code, hint=hint, detail=detail, retry_after=5))


def _from_http(error: HTTPException) -> AppError:
    status = error.code or 500
    detail = f"{type(error).__name__}: {error.description}"
    if isinstance(error, Refused):
        return _from_refusal(error, status)
    if isinstance(error, CSRFError):
        return NotAllowed(STALE_FORM, code="form_token", hint="Go back, reload the page.", detail=detail)
    if isinstance(error, SecurityError):
        return _unknown_host(detail)
    own_words = None
    if isinstance(error, ServiceUnavailable) and error.description != ServiceUnavailable.description:
        own_words = error.description
    found = _HttpError(status, detail, own_words)
    found.retry_after = _retry_after(error)
    return found


def _from_refusal(error: Refused, status: int) -> AppError:
    """Return the error for a refusal of the gatekeeper, which has its own code and next step."""
    found = _HttpError(status, error.detail, error.description)
    found.code, found.hint, found.retry_after = error.error_code, error.hint, _retry_after(error)
    return found


def _retry_after(error: HTTPException) -> int | None:
    """Return the seconds that a 503 asks to wait; other errors do not come back by waiting."""
    seconds = error.retry_after if isinstance(error, ServiceUnavailable) else None
    return seconds if isinstance(seconds, int) else None


def _unknown_host(detail: str) -> AppError:
    """Return the error for an untrusted Host; only in development does it name the right one."""
    settings = current_app.extensions["settings"]
    hint = "Use the site's own address."
    if settings.is_development:
        hint = f"Open {settings.site_url}, or set SITE_URL to the address that you use."
        address = f"http://{request.environ.get('HTTP_HOST', '')}"
        if is_http_origin(address) and is_private_host(address):
            port = urlsplit(address).port or 80
            hint = (
                "To open the site from other devices of this network, start it with: "
                f"SITE_URL={address} flask run --host 0.0.0.0 --port {port}"
            )
    return InputRejected(
        "This site does not answer under this name.", code="unknown_host", hint=hint, detail=detail
    )


def wants_json() -> bool:
    """Whether the client prefers JSON; browsers and clients without an Accept header get the page."""
    accept = request.accept_mimetypes
    return request.is_json or accept["application/json"] > accept["text/html"]


def error_response(error: AppError, reference: str) -> Response:
    """Return the page or JSON for an error; ``reference`` finds it in the log."""
    if wants_json():
        response = jsonify(code=error.code, message=error.message, hint=error.hint, reference=reference)
    else:
        # Without a URL adapter the Host was refused, and `url_for` fails.
        template = "pages/error.html" if request_ctx.url_adapter else "pages/bare.html"
        response = make_response(render_template(template, error=error, reference=reference))
    response.status_code = error.status
    if error.retry_after is not None:
        response.headers["Retry-After"] = str(error.retry_after)
    return response


def explain_everywhere(app: Flask, problems: Sequence[Problem]) -> None:
    """Answer every request of an app, static files excepted, with the set-up page.

    Trust boundary: served by the `flask` command only; secret values were masked when the problems were made.
    """

    @app.before_request
    def explain() -> Response | None:
        return None if request.endpoint == "static" else setup_response(problems)


def setup_response(problems: Sequence[Problem]) -> Response:
    """Return the set-up page, or its content as JSON."""
    if wants_json():
        found = [dataclasses.asdict(problem) for problem in problems]
        response = jsonify(code="incomplete_settings", message="This app is not set up yet.", problems=found)
    else:
        response = make_response(render_template("pages/setup.html", problems=problems))
    response.status_code = 503
    return response
