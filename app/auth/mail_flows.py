"""Mailed links and codes: request one with a PKCE challenge, then start the session that it opens.

The challenge costs a template with `token_hash` nothing. Links of hosted projects' default templates lead
through Auth and come back with `?code=…`, which works in the browser that asked.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, get_args
from uuid import uuid4

from flask import redirect, url_for
from werkzeug import Response

from app.auth import auth_api
from app.auth.auth_api import MailPurpose
from app.auth.pending import allow_new_password, await_mail
from app.auth.post_login import absolute_url, log_in
from app.web.messages import CONFIRMED, HALF_CONFIRMED, LOGGED_IN, PROVED, flash_message
from flask_signet.gatekeeper import SessionTokens, annotate_flow, begin_flow, current_identity, pending_flow
from flask_signet.gatekeeper.flows import FlowKind

# Links of these types lead to the new-password page.
SETS_PASSWORD = frozenset({"recovery", "invite"})
# Auth writes these two times of a new account, or of a first sign-in, in one request.
SAME_REQUEST = timedelta(seconds=2)


def request_sign_up(email: str, password: str, target: str) -> SessionTokens | None:
    """Create an account; None means that a mail was requested, whose link leads to ``target``."""
    result = auth_api.sign_up(email, password, _return_url("signup", target), begin_flow("signup"))
    if result.tokens is None:
        is_new = _is_same_request(result.user, "created_at", "confirmation_sent_at")
        # Always a note of one length: the size of the cookie must not tell which addresses are waiting.
        annotate_flow("signup", str(result.user["id"] if is_new else uuid4()))
        await_mail(email, "signup", target)
    return result.tokens


def request_mail(email: str, purpose: MailPurpose, target: str) -> None:
    """Request a mail and remember that it is pending."""
    former = pending_flow(purpose)
    challenge = begin_flow(purpose)
    if former is not None:
        annotate_flow(purpose, former.note)  # a mail that is sent again is still for the account made here
    auth_api.send_mail(email, purpose, _return_url(purpose, target), challenge)
    await_mail(email, purpose, target)


def finish_mail_flow(
    tokens: SessionTokens | None, kind: str, target: str, created_here: str = ""
) -> Response:
    """Start the session of a redeemed link or code, and redirect to the target of its mail.

    An address that was confirmed in a browser that did not create the account leads to a new password:
    another person may have created it, and know the first one. ``created_here`` is the id of the account that
    this browser created, if the redeemed flow says so.
    """
    if tokens is None:
        flash_message(HALF_CONFIRMED)
        return redirect(url_for("pages.home"), 303)
    if kind not in SETS_PASSWORD and not _may_be_created_by_another(tokens, kind, created_here):
        return log_in(tokens, LOGGED_IN if kind == "magiclink" else CONFIRMED, target)
    response = log_in(tokens, PROVED, url_for("auth.new_password"))
    if identity := current_identity():
        allow_new_password(identity, auth_api.account_version(identity))
    return response


def has_pending_flow() -> bool:
    """Whether this browser holds a verifier with which a code could be exchanged."""
    return any(pending_flow(kind) is not None for kind in get_args(FlowKind))


def _return_url(purpose: MailPurpose, target: str) -> str:
    return absolute_url(f"{url_for('auth.confirm', next=target)}&for={purpose}")


def _may_be_created_by_another(tokens: SessionTokens, kind: str, created_here: str) -> bool:
    user = tokens.user or {}
    if kind == "email_change" or not _is_same_request(user, "email_confirmed_at", "last_sign_in_at"):
        return False
    flow = pending_flow("signup")
    return user.get("id") not in (created_here, flow.note if flow else "")


def _is_same_request(user: dict[str, Any], first: str, second: str) -> bool:
    """Whether Auth wrote two times of a user in one request."""
    try:
        difference = datetime.fromisoformat(user[second]) - datetime.fromisoformat(user[first])
    except (KeyError, TypeError, ValueError):
        return False
    return abs(difference) <= SAME_REQUEST
