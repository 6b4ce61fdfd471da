"""The one place where an error becomes an answer: a page for people, JSON for programs.

Needs neither database nor Auth. Shown: message, next step and a reference; the detail stays in the log.
"""

from __future__ import annotations

from flask import Response, jsonify, make_response, render_template, request
from flask.globals import request_ctx

from app.errors import AppError


def wants_json() -> bool:
    """Whether the client would rather have JSON than a page; browsers and bare clients get the page."""
    accept = request.accept_mimetypes
    return request.is_json or accept["application/json"] > accept["text/html"]


def error_response(error: AppError, reference: str) -> Response:
    """Return the answer for an error; ``reference`` finds it in the log."""
    if wants_json():
        response = jsonify(code=error.code, message=error.message, hint=error.hint, reference=reference)
    else:
        # Without an adapter the Host was refused, and no address of this site can be built.
        template = "pages/error.html" if request_ctx.url_adapter else "pages/bare.html"
        response = make_response(render_template(template, error=error, reference=reference))
    response.status_code = error.status
    if error.retry_after is not None:
        response.headers["Retry-After"] = str(error.retry_after)
    return response
