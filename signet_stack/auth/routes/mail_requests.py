"""POST /recover, /resend, /otp, /magiclink, GET /reauthenticate: ask for a mail."""

from __future__ import annotations

from collections.abc import Callable

from flask import Blueprint, Response, request

from signet_stack.auth import mail_requests
from signet_stack.auth.bearer import claims_of
from signet_stack.auth.body import Body
from signet_stack.auth.routes import http
from signet_stack.auth.service import Operation

bp = Blueprint("mail_requests", __name__)


@bp.post("/recover")
def recover() -> Response:
    """Mail a link to set a new password."""
    return _ask(mail_requests.recover)


@bp.post("/resend")
def resend() -> Response:
    """Mail a confirmation again."""
    return _ask(mail_requests.resend)


@bp.post("/otp")
@bp.post("/magiclink")
def otp() -> Response:
    """Mail a link and a code to sign in."""
    return _ask(mail_requests.send_link)


@bp.get("/reauthenticate")
def reauthenticate() -> Response:
    """Mail a code to the signed-in user."""
    mail_requests.reauthenticate(http.operation(), claims_of(http.operation(), http.credentials()))
    return http.answer({})


def _ask(operation: Callable[[Operation, Body, str], None]) -> Response:
    http.check_limit(request.path, http.operation().settings.rate_limit_otp)
    operation(http.operation(), http.body(), http.target())
    return http.answer({})
