"""What all ways in have in common: where to go afterwards, and how a session begins."""

from __future__ import annotations

from flask import current_app, redirect, request, url_for
from werkzeug import Response

from app.auth import accounts
from app.errors import AppError, InputRejected
from app.web.messages import ALREADY_LOGGED_IN, Message, say
from flask_signet.gatekeeper import Identity, SessionTokens, current_identity, start_session
from flask_signet.redirects import HOME, safe_next


def requested_next() -> str:
    """Return the page to go to after signing in; the home page unless a safe one was asked for."""
    given = request.args.getlist("next") + request.form.getlist("next")
    if len(set(given)) > 1:
        raise InputRejected(
            "This address names two pages to go to.",
            code="doubled_parameter",
            hint="Open the log-in page afresh.",
        )
    site_url = current_app.extensions["settings"].site_url
    return safe_next(given[0] if given else None, current_app.url_map.bind(""), site_url)


def enter(tokens: SessionTokens, message: Message, target: str) -> Response:
    """Begin a session and go on; a session that was open in this browser until now is ended."""
    former = current_identity()
    identity = start_session(tokens)
    if former is not None and former.session_id != identity.session_id:
        _end(former)
    say(message, email=identity.email)
    return redirect(target, 303)


def already_in(identity: Identity) -> Response:
    """Send somebody home who is signed in and asks for a way in."""
    if request.method == "POST":
        say(ALREADY_LOGGED_IN, email=identity.email)
    return redirect(url_for("pages.home"), 303)


def absolute(target: str) -> str:
    """Return the address of a page as it stands in mails."""
    return str(current_app.extensions["settings"].site_url) + target


def after_sign_up(target: str) -> str:
    """Return where a new account begins: the page that was asked for, else the profile."""
    return url_for("profiles.show") if target == HOME else target


def _end(former: Identity) -> None:
    """End a session that nobody can reach any more; if Auth does not answer, it ends by its own limits."""
    try:
        accounts.sign_out(former, "local")
    except AppError as error:
        current_app.logger.warning("former session left open: %s", error.detail)
