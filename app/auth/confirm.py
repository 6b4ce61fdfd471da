"""The page behind the links in mails. Opening it uses nothing up: mail scanners open links too.

Only the button under it, a POST with a form token, redeems the link's token.
"""

from __future__ import annotations

from flask import make_response, redirect, render_template, request, url_for
from werkzeug import Response

from app.auth import accounts
from app.auth.blueprint import bp
from app.auth.entering import enter, requested_next
from app.auth.forms import ConfirmForm
from app.auth.mail_links import Trouble, read_link
from app.auth.waiting import allow_new_password
from app.errors import AppError
from app.web.csrf import form_checks_token
from app.web.forms import render_form
from app.web.messages import CONFIRMED, HALF_CONFIRMED, PROVED, say
from flask_signet.gatekeeper import SessionTokens, current_identity, public

# Links of these types lead to setting a password: it was forgotten, or there never was one.
SETS_PASSWORD = frozenset({"recovery", "invite"})


@bp.route("/auth/confirm", methods=["GET", "POST"])
@public
@form_checks_token
def confirm() -> Response:
    """Show what the link will do, and do it at the press of a button."""
    link = read_link(request.form if request.method == "POST" else request.args)
    if isinstance(link, str):
        return link_trouble(link)
    target = requested_next()
    form = ConfirmForm(token_hash=link.token_hash, type=link.kind)
    if form.validate_on_submit():
        try:
            return finish(accounts.redeem_link(link.token_hash, link.kind), link.kind, target)
        except AppError as error:
            if error.code == "otp_expired":
                return link_trouble("expired")
            form.refuse(error)
    return render_form("auth/confirm.html", form, link=link, target=target)


def finish(tokens: SessionTokens | None, kind: str, target: str) -> Response:
    """Begin the session that a redeemed link or code opened, and go where its mail leads."""
    if tokens is None:
        say(HALF_CONFIRMED)
        return redirect(url_for("pages.home"), 303)
    if kind not in SETS_PASSWORD:
        return enter(tokens, CONFIRMED, target)
    response = enter(tokens, PROVED, url_for("auth.new_password"))
    if identity := current_identity():
        allow_new_password(identity)
    return response


def link_trouble(trouble: Trouble) -> Response:
    """Say what is wrong with a link, and offer the next step."""
    return make_response(render_template("auth/link_trouble.html", trouble=trouble), 400)
