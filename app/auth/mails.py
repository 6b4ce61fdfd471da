"""Waiting for a mail: the page after sign-up or a forgotten password, its code field, and sending again.

Every answer is the same whether the address has an account or not.
"""

from __future__ import annotations

from flask import redirect, url_for
from werkzeug import Response

from app.auth import accounts
from app.auth.blueprint import bp
from app.auth.confirm import finish
from app.auth.entering import absolute
from app.auth.forms import AgainForm, CodeForm, ForgotForm
from app.auth.waiting import await_mail, awaited_mail, remembered_email
from app.errors import AppError
from app.web.csrf import form_checks_token
from app.web.forms import render_form
from app.web.messages import MAIL_SENT_AGAIN, say
from flask_signet.gatekeeper import current_identity, public
from flask_signet.redirects import HOME


@bp.route("/auth/check-email", methods=["GET", "POST"])
@public
@form_checks_token
def check_email() -> Response:
    """Say which mail to look for; the code in it can be entered here."""
    mail = awaited_mail()
    if mail is None:
        return redirect(url_for("auth.login"), 303)
    form = CodeForm()
    if form.validate_on_submit():
        try:
            tokens = accounts.redeem_code(mail.email, form.text("code"), mail.purpose)
            return finish(tokens, mail.purpose, mail.target)
        except AppError as error:
            form.refuse(error)
    return render_form("auth/check_email.html", form, mail=mail)


@bp.post("/auth/resend")
@public
@form_checks_token
def resend() -> Response:
    """Send the awaited mail again."""
    mail = awaited_mail()
    if mail is None:
        return redirect(url_for("auth.login"), 303)
    form = AgainForm()
    if form.validate_on_submit():
        try:
            accounts.send_mail(mail.email, mail.purpose, absolute(mail.target))
            say(MAIL_SENT_AGAIN)
            return redirect(url_for("auth.check_email"), 303)
        except AppError as error:
            form.refuse(error)
    return render_form("auth/resend.html", form, mail=mail)


@bp.route("/auth/forgot", methods=["GET", "POST"])
@public
@form_checks_token
def forgot() -> Response:
    """Ask for a mail with which a new password can be set."""
    identity = current_identity()
    form = ForgotForm(email=identity.email if identity else remembered_email())
    if form.validate_on_submit():
        try:
            accounts.send_mail(form.text("email"), "recovery", absolute(HOME))
            await_mail(form.text("email"), "recovery")
            return redirect(url_for("auth.check_email"), 303)
        except AppError as error:
            form.refuse(error)
    return render_form("auth/forgot.html", form)
