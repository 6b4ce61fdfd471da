"""The home page and the health probe: public, and independent of Auth and the data API."""

from __future__ import annotations

from urllib.parse import urlencode

from flask import Blueprint, redirect, render_template, request, url_for
from werkzeug import Response

from flask_signet.gatekeeper import public

bp = Blueprint("pages", __name__)

# Default mail templates of hosted projects redirect to SITE_URL with these parameters.
MAIL_LINK_PARAMETERS = ("code", "error", "error_code")


@bp.get("/")
@public
def home() -> str | Response:
    """Show the log-in links, or the session of the signed-in person."""
    found = {name: request.args[name] for name in MAIL_LINK_PARAMETERS if name in request.args}
    if found:
        return redirect(f"{url_for('auth.confirm')}?{urlencode(found)}", 303)
    return render_template("pages/home.html")


@bp.get("/healthz")
@public
def healthz() -> dict[str, str]:
    """Answer the health probe of a load balancer; checks this process only."""
    return {"status": "ok"}
