"""Views: log in, sign up, sign out, mailed links and codes, a new password by mail.

All are public except the new-password page. No view holds a token: Auth's answer goes straight to the
gatekeeper. Responses are the same whether an address has an account or not.
"""

from __future__ import annotations

from flask import Blueprint, make_response, redirect, render_template, request, url_for
from werkzeug import Response

from app.auth import auth_api
from app.auth.forms import (
    AgainForm,
    CodeForm,
    ConfirmForm,
    ForgotForm,
    LogInForm,
    NewPasswordForm,
    SignOutForm,
    SignUpForm,
)
from app.auth.mail_flows import finish_mail_flow, has_pending_flow, request_mail, request_sign_up
from app.auth.mail_links import CodeLink, Trouble, purpose_of, read_link
from app.auth.pending import (
    await_mail,
    forget_new_password,
    is_unused_permission,
    may_set_password,
    pending_mail,
    remember_email,
    remembered_email,
)
from app.auth.post_login import (
    log_in,
    page_after_sign_up,
    redirect_signed_in,
    requested_next,
)
from app.errors import AppError, log_error
from app.web.forms import form_checks_token, render_form
from app.web.limits import count_attempt
from app.web.messages import (
    ACCOUNT_MADE,
    LOGGED_IN,
    MAIL_SENT_AGAIN,
    NOT_CONFIRMED,
    PASSWORD_SET,
    RESET_NEEDS_MAIL,
    SIGN_OUT_UNCONFIRMED,
    SIGNED_OUT_EVERYWHERE,
    flash_message,
)
from flask_signet.gatekeeper import (
    FlowRefused,
    current_identity,
    end_session,
    finish_flow,
    public,
    session_in_doubt,
)
from flask_signet.redirects import HOME

bp = Blueprint("auth", __name__)

# Not "cookies": that would clear other apps' on sub-domains.
CLEAR_SITE_DATA = '"cache", "storage"'


@bp.route("/login", methods=["GET", "POST"])
@public
@form_checks_token
def login() -> Response:
    """Log in with e-mail and password."""
    if identity := current_identity():
        return redirect_signed_in(identity)
    target = requested_next()
    form = LogInForm(email=remembered_email())
    if form.validate_on_submit():
        remember_email(form.text("email"))
        try:
            count_attempt("sign_in", form.text("email"))
            return log_in(auth_api.sign_in(form.text("email"), form.text("password")), LOGGED_IN, target)
        except AppError as error:
            if error.code == "email_not_confirmed":
                return _redirect_to_pending_mail(form.text("email"), target)
            form.refuse(error)
    return render_form("auth/credentials.html", form, target=target)


@bp.route("/signup", methods=["GET", "POST"])
@public
@form_checks_token
def signup() -> Response:
    """Create an account; log in at once unless the address must be confirmed first."""
    if identity := current_identity():
        return redirect_signed_in(identity)
    target = requested_next()
    form = SignUpForm(email=remembered_email())
    if form.validate_on_submit():
        remember_email(form.text("email"))
        start = page_after_sign_up(target)
        try:
            count_attempt("sign_up", form.text("email"))
            tokens = request_sign_up(form.text("email"), form.text("password"), start)
            if tokens is None:
                return redirect(url_for("auth.check_email"), 303)
            return log_in(tokens, ACCOUNT_MADE, start)
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
    is_confirmed = _end_at_auth(everywhere)
    end_session()
    if everywhere:
        flash_message(SIGNED_OUT_EVERYWHERE)
    elif not is_confirmed:
        flash_message(SIGN_OUT_UNCONFIRMED)
    response = redirect(url_for("pages.home"), 303)
    response.headers["Clear-Site-Data"] = CLEAR_SITE_DATA
    return response


def _end_at_auth(everywhere: bool) -> bool:
    """End the session at Auth. Return False if Auth was unreachable; re-raise for scope=global."""
    identity = current_identity()
    if identity is None:
        return not session_in_doubt()
    try:
        auth_api.sign_out(identity, "global" if everywhere else "local")
    except AppError as error:
        if everywhere:
            raise
        log_error(error)
        return False
    return True


def _redirect_to_pending_mail(email: str, target: str) -> Response:
    """Redirect to the page that can send the confirmation mail again."""
    await_mail(email, "signup", target)
    flash_message(NOT_CONFIRMED)
    return redirect(url_for("auth.check_email"), 303)


@bp.route("/auth/check-email", methods=["GET", "POST"])
@public
@form_checks_token
def check_email() -> Response:
    """Show which mail to look for, with a field for its code."""
    mail = pending_mail()
    if mail is None:
        return redirect(url_for("auth.login"), 303)
    form = CodeForm()
    if form.validate_on_submit():
        try:
            count_attempt("code", mail.email)
            tokens = auth_api.redeem_code(mail.email, form.text("code"), mail.purpose)
            return finish_mail_flow(tokens, mail.purpose, mail.target)
        except AppError as error:
            form.refuse(error)
    return render_form("auth/check_email.html", form, mail=mail)


@bp.post("/auth/resend")
@public
@form_checks_token
def resend() -> Response:
    """Send the pending mail again."""
    mail = pending_mail()
    if mail is None:
        return redirect(url_for("auth.login"), 303)
    form = AgainForm()
    if form.validate_on_submit():
        try:
            count_attempt("mail", mail.email)
            request_mail(mail.email, mail.purpose, mail.target)
            flash_message(MAIL_SENT_AGAIN)
            return redirect(url_for("auth.check_email"), 303)
        except AppError as error:
            form.refuse(error)
    return render_form("auth/resend.html", form, mail=mail)


@bp.route("/auth/forgot", methods=["GET", "POST"])
@public
@form_checks_token
def forgot() -> Response:
    """Request a mail whose link allows to set a new password."""
    identity = current_identity()
    form = ForgotForm(email=identity.email if identity else remembered_email())
    if form.validate_on_submit():
        try:
            count_attempt("mail", form.text("email"))
            request_mail(form.text("email"), "recovery", HOME)
            return redirect(url_for("auth.check_email"), 303)
        except AppError as error:
            form.refuse(error)
    return render_form("auth/forgot.html", form)


@bp.route("/auth/confirm", methods=["GET", "POST"])
@public
@form_checks_token
def confirm() -> Response:
    """Show what a mailed link does; only the POST of its button redeems it, because scanners open links."""
    form = ConfirmForm()
    parameters = request.form if request.method == "POST" else request.args
    link, purpose = read_link(parameters), purpose_of(parameters)
    if isinstance(link, str):
        return _link_trouble_page(link, purpose)
    if isinstance(link, CodeLink) and not has_pending_flow():
        return _link_trouble_page("other_browser", purpose)
    target = requested_next()
    if form.validate_on_submit():
        try:
            if isinstance(link, CodeLink):
                tokens = finish_flow(link.code)
                return finish_mail_flow(tokens, tokens.flow.kind, target, tokens.flow.note)
            return finish_mail_flow(auth_api.redeem_link(link.token_hash, link.kind), link.kind, target)
        except FlowRefused as error:
            is_foreign = error.code == "bad_code_verifier"
            return _link_trouble_page("other_browser" if is_foreign else "late", purpose)
        except AppError as error:
            if error.code == "otp_expired":
                return _link_trouble_page("expired", purpose)
            form.refuse(error)
    return render_form("auth/confirm.html", form, link=link, target=target)


def _link_trouble_page(trouble: Trouble, purpose: str) -> Response:
    """Return the page for a link that cannot be redeemed here, with the form of the next step."""
    form = ForgotForm(formdata=None, email=remembered_email())
    page = render_template("auth/link_trouble.html", trouble=trouble, purpose=purpose, form=form)
    return make_response(page, 400)


@bp.route("/auth/link", methods=["GET", "POST"])
@public
@form_checks_token
def magic_link() -> Response:
    """Request a mail with a link and a code to log in without a password."""
    if identity := current_identity():
        return redirect_signed_in(identity)
    target = requested_next()
    form = ForgotForm(email=remembered_email())
    if form.validate_on_submit():
        try:
            count_attempt("mail", form.text("email"))
            request_mail(form.text("email"), "magiclink", target)
            return redirect(url_for("auth.check_email"), 303)
        except AppError as error:
            form.refuse(error)
    return render_form("auth/magic_link.html", form, target=target)


@bp.route("/auth/reset", methods=["GET", "POST"])
@form_checks_token
def new_password() -> Response:
    """Set a new password; sessions that did not come from a mailed link are redirected to request one."""
    identity = current_identity()
    if identity is None or not may_set_password(identity):
        flash_message(RESET_NEEDS_MAIL)
        return redirect(url_for("auth.forgot"), 303)
    form = NewPasswordForm()
    if form.validate_on_submit():
        try:
            if not is_unused_permission(auth_api.account_version(identity)):
                forget_new_password()
                flash_message(RESET_NEEDS_MAIL)
                return redirect(url_for("auth.forgot"), 303)
            auth_api.set_password(identity, form.text("password"))
        except AppError as error:
            form.refuse(error)
        else:
            forget_new_password()
            flash_message(PASSWORD_SET)
            return redirect(url_for("pages.home"), 303)
    return render_form("auth/new_password.html", form, email=identity.email)
