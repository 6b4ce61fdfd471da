"""Pages that belong to nobody in particular: home, the probe; and what all pages share.

Both views are open: they must answer when nobody is signed in and when nothing behind this app answers.
"""

from __future__ import annotations

from urllib.parse import urlencode

from flask import Blueprint, redirect, render_template, request, url_for
from werkzeug import Response

from flask_signet.gatekeeper import public

bp = Blueprint("pages", __name__)

# What the mails of a hosted project's default templates bring back to the site's front door.
MAIL_LINK_PARAMETERS = ("code", "error", "error_code")


@bp.get("/")
@public
def home() -> str | Response:
    """Say what this is and the way in; to somebody signed in, say who they are."""
    found = {name: request.args[name] for name in MAIL_LINK_PARAMETERS if name in request.args}
    if found:
        return redirect(f"{url_for('auth.confirm')}?{urlencode(found)}", 303)
    return render_template("pages/home.html")


@bp.get("/healthz")
@public
def healthz() -> dict[str, str]:
    """Say that this process answers; nothing else is asked."""
    return {"status": "ok"}
