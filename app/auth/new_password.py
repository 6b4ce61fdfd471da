"""Set a new password after a mailed link proved who is asking; closed to everybody else."""

from __future__ import annotations

from flask import redirect, url_for
from werkzeug import Response

from app.auth import accounts
from app.auth.blueprint import bp
from app.auth.forms import NewPasswordForm
from app.auth.waiting import forget_new_password, may_set_password
from app.errors import AppError
from app.web.csrf import form_checks_token
from app.web.forms import render_form
from app.web.messages import PASSWORD_SET, RESET_NEEDS_MAIL, say
from flask_signet.gatekeeper import current_identity


@bp.route("/auth/reset", methods=["GET", "POST"])
@form_checks_token
def new_password() -> Response:
    """Set a new password; a session that did not come from a mailed link is sent to ask for one."""
    identity = current_identity()
    if identity is None or not may_set_password(identity):
        say(RESET_NEEDS_MAIL)
        return redirect(url_for("auth.forgot"), 303)
    form = NewPasswordForm()
    if form.validate_on_submit():
        try:
            accounts.set_password(identity, form.text("password"))
        except AppError as error:
            form.refuse(error)
        else:
            forget_new_password()
            say(PASSWORD_SET)
            return redirect(url_for("pages.home"), 303)
    return render_form("auth/new_password.html", form, email=identity.email)
