"""Log in, sign up, sign out. Log in and Sign up share one form; each button posts to its own address."""

from __future__ import annotations

from flask import redirect, url_for
from werkzeug import Response

from app.auth import accounts
from app.auth.blueprint import bp
from app.auth.entering import absolute, after_sign_up, already_in, enter, requested_next
from app.auth.forms import LogInForm, SignOutForm, SignUpForm
from app.auth.waiting import await_mail, remember_email, remembered_email
from app.errors import AppError
from app.web.csrf import form_checks_token
from app.web.forms import render_form
from app.web.messages import (
    ACCOUNT_MADE,
    LOGGED_IN,
    NOT_CONFIRMED,
    SIGN_OUT_NOT_TOLD,
    SIGNED_OUT_EVERYWHERE,
    say,
)
from flask_signet.gatekeeper import current_identity, end_session, public, session_in_doubt

# Not "cookies": that would reach other apps on sub-domains.
CLEAR_SITE_DATA = '"cache", "storage"'


@bp.route("/login", methods=["GET", "POST"])
@public
@form_checks_token
def login() -> Response:
    """Log in with e-mail and password."""
    if identity := current_identity():
        return already_in(identity)
    target = requested_next()
    form = LogInForm(email=remembered_email())
    if form.validate_on_submit():
        remember_email(form.text("email"))
        try:
            return enter(accounts.sign_in(form.text("email"), form.text("password")), LOGGED_IN, target)
        except AppError as error:
            if error.code == "email_not_confirmed":
                return _wait_for_mail(form.text("email"), target)
            form.refuse(error)
    return render_form("auth/credentials.html", form, target=target)


@bp.route("/signup", methods=["GET", "POST"])
@public
@form_checks_token
def signup() -> Response:
    """Make an account, and log in unless the address must be confirmed first."""
    if identity := current_identity():
        return already_in(identity)
    target = requested_next()
    form = SignUpForm(email=remembered_email())
    if form.validate_on_submit():
        remember_email(form.text("email"))
        start = after_sign_up(target)
        try:
            tokens = accounts.sign_up(form.text("email"), form.text("password"), absolute(start))
            if tokens is None:
                await_mail(form.text("email"), "signup", start)
                return redirect(url_for("auth.check_email"), 303)
            return enter(tokens, ACCOUNT_MADE, start)
        except AppError as error:
            form.refuse(error)
    return render_form("auth/credentials.html", form, target=target)


@bp.post("/logout")
@public
@form_checks_token
def logout() -> Response:
    """Sign out on this device, or everywhere."""
    form = SignOutForm()
    if not form.validate_on_submit():
        return render_form("auth/sign_out.html", form)
    everywhere = form.scope.data == "global"
    is_told = _tell_auth(everywhere)
    end_session()
    if everywhere:
        say(SIGNED_OUT_EVERYWHERE)
    elif not is_told:
        say(SIGN_OUT_NOT_TOLD)
    response = redirect(url_for("pages.home"), 303)
    response.headers["Clear-Site-Data"] = CLEAR_SITE_DATA
    return response


def _tell_auth(everywhere: bool) -> bool:
    """End the session at Auth; return whether it heard. If other devices depend on it, a failure shows."""
    identity = current_identity()
    if identity is None:
        return not session_in_doubt()
    try:
        accounts.sign_out(identity, "global" if everywhere else "local")
    except AppError:
        if everywhere:
            raise
        return False
    return True


def _wait_for_mail(email: str, target: str) -> Response:
    """Send somebody whose address is not confirmed to the page that sends the mail again."""
    await_mail(email, "signup", target)
    say(NOT_CONFIRMED)
    return redirect(url_for("auth.check_email"), 303)
