"""The mailbox, mounted at /mailbox: the mails that the local Auth service has sent, as pages and as JSON.

Trust boundary: mails open accounts. access.py decides who reads them; pages of other origins cannot, because
no answer is shared with them, and the gateway refuses other host names.
"""

from __future__ import annotations

from flask import Flask, Response, render_template, request

from signet_stack.context import Context
from signet_stack.mailbox import access
from signet_stack.mailbox.routes import EXTENSION, bp

CONTENT_SECURITY_POLICY = (
    "default-src 'none'; style-src 'self'; frame-src 'self'; form-action 'self'; base-uri 'none'; "
    "frame-ancestors 'self'"
)


def create_mailbox(context: Context) -> Flask:
    """Build the mailbox for one stack."""
    app = Flask(__name__)
    app.extensions[EXTENSION] = context
    access.protect(app, context)
    app.register_blueprint(bp)
    app.register_error_handler(404, _missing)
    app.after_request(_protect)
    return app


def _missing(_error: Exception) -> tuple[str, int]:
    return render_template("mailbox/missing.html"), 404


def _protect(response: Response) -> Response:
    response.headers.setdefault("Content-Security-Policy", CONTENT_SECURITY_POLICY)
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Referrer-Policy"] = "no-referrer"
    response.headers["Cross-Origin-Resource-Policy"] = "same-origin"
    if request.endpoint != "static":
        response.headers["Cache-Control"] = "no-store"
    return response
