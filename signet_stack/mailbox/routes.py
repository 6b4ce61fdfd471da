"""Pages and JSON API of the mailbox: list, show and delete mails."""

from __future__ import annotations

import uuid
from datetime import datetime

from flask import (
    Blueprint,
    Response,
    abort,
    current_app,
    jsonify,
    redirect,
    render_template,
    request,
    url_for,
)
from werkzeug import Response as AnyResponse

from signet_stack.context import Context
from signet_stack.mailbox import mails
from signet_stack.postgres.database import Pool

bp = Blueprint("mailbox", __name__)

EXTENSION = "mailbox"
# What a mail's own HTML may do in its frame: open its link in a window of its own, and nothing else.
SANDBOX = "allow-popups allow-popups-to-escape-sandbox"
# Nothing runs, nothing loads, and it can be shown inside our page only.
MAIL_POLICY = f"default-src 'none'; sandbox {SANDBOX}; frame-ancestors 'self'"


@bp.get("/")
def index() -> str:
    """List the newest mails, of one recipient if named."""
    recipient = request.args.get("to", "").strip()
    return render_template(
        "mailbox/list.html",
        mails=mails.find(_pool(), recipient),
        recipient=recipient,
        ago=_ago,
        is_elsewhere=_context().smtp_url is not None,
    )


@bp.get("/<uuid:mail_id>")
def show(mail_id: uuid.UUID) -> str:
    """Show one mail with its link and code."""
    return render_template("mailbox/mail.html", mail=_one(mail_id), ago=_ago, sandbox=SANDBOX)


@bp.get("/<uuid:mail_id>/html")
def show_html(mail_id: uuid.UUID) -> Response:
    """Show a mail's own HTML, for a frame."""
    response = Response(_one(mail_id).html, content_type="text/html; charset=utf-8")
    response.headers["Content-Security-Policy"] = MAIL_POLICY
    return response


@bp.post("/clear")
def clear() -> AnyResponse:
    """Delete all mails, from the page."""
    _refuse_other_pages()
    mails.clear(_pool())
    return redirect(url_for("mailbox.index"), 303)


@bp.get("/api/mails")
def list_json() -> Response:
    """List the newest mails for a program."""
    found = mails.find(_pool(), request.args.get("to", ""), request.args.get("kind", ""))
    return jsonify(mails=[mail.as_json() for mail in found])


@bp.get("/api/mails/<uuid:mail_id>")
def show_json(mail_id: uuid.UUID) -> Response:
    """Show one mail to a program."""
    return jsonify(_one(mail_id).as_json())


@bp.delete("/api/mails")
def clear_json() -> Response:
    """Delete all mails, from a program."""
    _refuse_other_pages()
    mails.clear(_pool())
    return Response(status=204)


def _ago(moment: datetime) -> str:
    """Return how long ago a moment was, in its largest unit."""
    seconds = int((_context().clock() - moment).total_seconds())
    for size, unit in ((86_400, "day"), (3600, "hour"), (60, "minute")):
        if seconds >= size:
            return f"{seconds // size} {unit}{'' if seconds < 2 * size else 's'} ago"
    return "just now"


def _context() -> Context:
    context = current_app.extensions[EXTENSION]
    assert isinstance(context, Context)  # noqa: S101 - set by create_mailbox
    return context


def _pool() -> Pool:
    return _context().database.auth


def _one(mail_id: uuid.UUID) -> mails.StoredMail:
    mail = mails.get(_pool(), mail_id)
    if mail is None:
        abort(404)
    return mail


def _refuse_other_pages() -> None:
    """Answer 403 unless a request comes from one of our pages or from no page (Fetch Metadata, Origin)."""
    site, origin = request.headers.get("Sec-Fetch-Site"), request.headers.get("Origin")
    if site is not None:
        is_ours = site in ("same-origin", "none")
    else:
        # Our pages send no referrer, so their own forms may come with the origin "null".
        is_ours = origin in (None, request.host_url.rstrip("/"))
    if not is_ours:
        abort(403)
