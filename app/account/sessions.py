"""The sessions page: where one is signed in, and signing out from afar."""

from __future__ import annotations

from uuid import UUID

from flask import current_app, redirect, url_for
from werkzeug import Response
from wtforms import HiddenField

from app.account import store
from app.account.blueprint import bp
from app.errors import AppError, InputRejected
from app.web.closed_views import see_out, signed_in
from app.web.csrf import form_checks_token
from app.web.forms import Form, render_form
from app.web.messages import OTHERS_SIGNED_OUT, SESSION_ENDED, SESSION_WAS_GONE, say
from flask_signet.gatekeeper import Identity

OTHERS = "others"


class EndForm(Form):
    """Nothing to fill in: the value of the button that was pressed says which session to end."""

    session = HiddenField()


@bp.route("/account/sessions", methods=["GET", "POST"])
@form_checks_token
def sessions() -> Response:
    """List the sessions of whoever is signed in, and end one of them or all others."""
    me = signed_in()
    form = EndForm()
    if form.validate_on_submit():
        try:
            return _end(me, form.text("session"))
        except AppError as error:
            form.refuse(error)
    found = store.list_sessions(me)
    if not found:
        return see_out()
    return render_form("account/sessions.html", form, sessions=found, **_bounds(me))


def _end(me: Identity, chosen: str) -> Response:
    """End what the button stands for, and show what is left."""
    if chosen == OTHERS:
        store.end_other_sessions(me)
        say(OTHERS_SIGNED_OUT)
    elif (session_id := _session_id(chosen)) == me.session_id:
        return redirect(url_for("auth.logout"), 307)  # the same form, sent on to the ordinary sign-out
    else:
        say(SESSION_ENDED if store.end_session(me, session_id) else SESSION_WAS_GONE)
    return redirect(url_for("account.sessions"), 303)


def _session_id(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise InputRejected(
            "This is none of your sessions.",
            code="unknown_session",
            hint="Nothing was changed. Choose one from the list.",
        ) from None


def _bounds(me: Identity) -> dict[str, float | None]:
    """Return how many seconds pages may go on elsewhere: a token's life, and the check's if shorter."""
    token_life = me.expires_at - me.issued_at
    check = current_app.extensions["settings"].revocation_check_seconds
    return {"token_life": token_life, "check": check if check is not None and check < token_life else None}
