"""Views: the list of sessions, and signing out other devices."""

from __future__ import annotations

from uuid import UUID

from flask import Blueprint, current_app, redirect, url_for
from werkzeug import Response
from wtforms import HiddenField

from app.account import store
from app.errors import AppError, InputRejected
from app.web.forms import Form, form_checks_token, render_form
from app.web.messages import OTHERS_SIGNED_OUT, SESSION_ENDED, SESSION_WAS_GONE, flash_message
from app.web.session import signed_in_identity
from flask_signet.gatekeeper import Identity

bp = Blueprint("account", __name__)

OTHERS = "others"


class EndForm(Form):
    """No visible field; the value of the pressed button is the session to end."""

    session = HiddenField()


@bp.route("/account/sessions", methods=["GET", "POST"])
@form_checks_token
def sessions() -> Response:
    """List the user's sessions; end one of them or all others."""
    me = signed_in_identity()
    form = EndForm()
    if form.validate_on_submit():
        try:
            return _end(me, form.text("session"))
        except AppError as error:
            form.refuse(error)
    return render_form("account/sessions.html", form, sessions=store.list_sessions(me), **_bounds(me))


def _end(me: Identity, chosen: str) -> Response:
    """End the chosen session or all others, and redirect to the list."""
    if chosen == OTHERS:
        store.end_other_sessions(me)
        flash_message(OTHERS_SIGNED_OUT)
    elif (session_id := _session_id(chosen)) == me.session_id:
        return redirect(url_for("auth.logout"), 307)  # the same form, sent on to the ordinary sign-out
    else:
        flash_message(SESSION_ENDED if store.end_session(me, session_id) else SESSION_WAS_GONE)
    return redirect(url_for("account.sessions"), 303)


def _session_id(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise InputRejected(
            "This is not one of your sessions.",
            code="unknown_session",
            hint="Nothing was changed. Choose one from the list.",
        ) from None


def _bounds(me: Identity) -> dict[str, float | None]:
    """Return for how long (seconds) pages may open elsewhere: a token's life, or the check if shorter."""
    token_life = me.expires_at - me.issued_at
    check = current_app.extensions["settings"].revocation_check_seconds
    return {"token_life": token_life, "check": check if check is not None and check < token_life else None}
