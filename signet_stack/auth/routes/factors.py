"""/factors: second factors of the signed-in user."""

from __future__ import annotations

from flask import Blueprint, Response

from signet_stack.auth import mfa
from signet_stack.auth.bearer import claims_of
from signet_stack.auth.routes import http

bp = Blueprint("factors", __name__)

CODES = 75  # in five minutes: fifteen a minute


@bp.post("/factors")
def enroll() -> Response:
    """Enrol a factor."""
    op = http.operation()
    return http.answer(mfa.enroll(op, claims_of(op, http.credentials()), http.body()))


@bp.post("/factors/<factor_id>/challenge")
def challenge(factor_id: str) -> Response:
    """Make a challenge, which a code answers."""
    op = http.operation()
    http.check_limit("factor challenge", CODES)
    return http.answer(mfa.challenge(op, claims_of(op, http.credentials()), factor_id, http.client()))


@bp.post("/factors/<factor_id>/verify")
def verify(factor_id: str) -> Response:
    """Raise the session with a code."""
    op = http.operation()
    http.check_limit("factor verify", CODES)
    claims = claims_of(op, http.credentials())
    return http.grant_answer(mfa.verify(op, claims, factor_id, http.body(), http.client()))


@bp.delete("/factors/<factor_id>")
def unenroll(factor_id: str) -> Response:
    """Remove a factor."""
    op = http.operation()
    return http.answer(mfa.unenroll(op, claims_of(op, http.credentials()), factor_id))
