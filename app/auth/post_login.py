"""Post-login redirect: the safe target, starting the session, ending the former one."""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

from flask import current_app, redirect, request, url_for
from werkzeug import Response

from app.auth import auth_api
from app.errors import AppError, InputRejected, log_error
from app.web.drafts import pending_draft, set_author
from app.web.messages import ALREADY_LOGGED_IN, Message, flash_message
from flask_signet.gatekeeper import Identity, SessionTokens, current_identity, start_session
from flask_signet.redirects import HOME, safe_next


def requested_next() -> str:
    """Return the page to go to after logging in: `next` if it is safe, else the home page."""
    given = request.args.getlist("next") + request.form.getlist("next")
    if len(set(given)) > 1:
        raise InputRejected(
            "This address names two pages to go to.",
            code="doubled_parameter",
            hint="Open the log-in page again.",
        )
    site_url = current_app.extensions["settings"].site_url
    target = _without_confirm_page(given[0], site_url) if given else None
    return safe_next(target, current_app.url_map.bind(""), site_url)


def _without_confirm_page(target: str, site_url: str) -> str | None:
    """Return the `next` of a target that is the confirm page itself, else the target.

    Mail templates put the requested redirect target into `next`, and that is the confirm page.
    """
    try:
        parts = urlsplit(target.removeprefix(site_url))
    except ValueError:
        return None
    if parts.path != url_for("auth.confirm"):
        return target
    return parse_qs(parts.query).get("next", [None])[0]


def log_in(tokens: SessionTokens, message: Message, target: str) -> Response:
    """Start a session, end the one that this browser had before, and redirect."""
    former = current_identity()
    draft = pending_draft()
    identity = start_session(tokens)
    set_author(identity, draft)
    if former is not None and former.session_id != identity.session_id:
        _end_former(former)
    flash_message(message, email=identity.email)
    return redirect(target, 303)


def redirect_signed_in(identity: Identity) -> Response:
    """Redirect a signed-in browser that opens or submits a log-in form."""
    if request.method == "POST":
        flash_message(ALREADY_LOGGED_IN, email=identity.email)
    return redirect(requested_next(), 303)


def absolute_url(target: str) -> str:
    """Return the absolute URL of a page, for mails."""
    return str(current_app.extensions["settings"].site_url) + target


def page_after_sign_up(target: str) -> str:
    """Return the page for a new account: the requested one, else the profile."""
    return url_for("profiles.show") if target == HOME else target


def _end_former(former: Identity) -> None:
    """End a session whose cookie was replaced; if Auth is unreachable, its own limits end it."""
    try:
        auth_api.sign_out(former, "local")
    except AppError as error:
        log_error(error)
