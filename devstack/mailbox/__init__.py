"""The mailbox, mounted at /mailbox: the mails that the local Auth service has sent, as pages and as JSON.

Trust boundary: mails open accounts. Whoever reaches loopback may read them, as in any mail catcher; pages of
other origins may not: nothing here is shared with them, and the gateway refuses other host names.
"""

from __future__ import annotations

import uuid

from flask import Flask, Response, abort, jsonify, redirect, render_template, request, url_for
from werkzeug import Response as AnyResponse

from devstack.context import Context
from devstack.mailbox import mails

CONTENT_SECURITY_POLICY = (
    "default-src 'none'; style-src 'self'; frame-src 'self'; form-action 'self'; base-uri 'none'; "
    "frame-ancestors 'self'"
)
# The mail's own HTML: nothing runs, nothing loads, and it can be shown inside our page only.
MAIL_POLICY = "default-src 'none'; sandbox; frame-ancestors 'self'"


def create_mailbox(context: Context) -> Flask:
    """Build the mailbox for one stack."""
    app = Flask(__name__)
    pool = context.database.auth

    @app.get("/")
    def index() -> str:
        recipient = request.args.get("to", "").strip()
        return render_template(
            "mailbox/list.html",
            mails=mails.find(pool, recipient),
            recipient=recipient,
            now=context.clock(),
            is_elsewhere=context.smtp_url is not None,
        )

    @app.get("/<uuid:mail_id>")
    def show(mail_id: uuid.UUID) -> str:
        return render_template("mailbox/mail.html", mail=_one(mail_id), now=context.clock())

    @app.get("/<uuid:mail_id>/html")
    def show_html(mail_id: uuid.UUID) -> Response:
        response = Response(_one(mail_id).html, content_type="text/html; charset=utf-8")
        response.headers["Content-Security-Policy"] = MAIL_POLICY
        return response

    @app.post("/clear")
    def clear() -> AnyResponse:
        if not _is_from_here():
            abort(403)
        mails.clear(pool)
        return redirect(url_for("index"), 303)

    @app.get("/api/mails")
    def list_json() -> Response:
        found = mails.find(pool, request.args.get("to", ""), request.args.get("kind", ""))
        return jsonify(mails=[mail.as_json() for mail in found])

    @app.get("/api/mails/<uuid:mail_id>")
    def show_json(mail_id: uuid.UUID) -> Response:
        return jsonify(_one(mail_id).as_json())

    @app.delete("/api/mails")
    def clear_json() -> Response:
        if not _is_from_here():
            abort(403)
        mails.clear(pool)
        return Response(status=204)

    @app.errorhandler(404)
    def missing(_error: Exception) -> tuple[str, int]:
        return render_template("mailbox/missing.html"), 404

    @app.after_request
    def protect(response: Response) -> Response:
        response.headers.setdefault("Content-Security-Policy", CONTENT_SECURITY_POLICY)
        response.headers["X-Content-Type-Options"] = "nosniff"
        response.headers["Referrer-Policy"] = "no-referrer"
        response.headers["Cross-Origin-Resource-Policy"] = "same-origin"
        if request.endpoint != "static":
            response.headers["Cache-Control"] = "no-store"
        return response

    def _one(mail_id: uuid.UUID) -> mails.StoredMail:
        mail = mails.get(pool, mail_id)
        if mail is None:
            abort(404)
        return mail

    return app


def _is_from_here() -> bool:
    """Whether a request comes from one of our pages or from no page at all (Fetch Metadata, Origin)."""
    site, origin = request.headers.get("Sec-Fetch-Site"), request.headers.get("Origin")
    if site is not None:
        return site in ("same-origin", "none")
    # Our pages send no referrer, so their own forms may come with the origin "null".
    return origin in (None, request.host_url.rstrip("/"))
