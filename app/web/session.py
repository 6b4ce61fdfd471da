"""The session of the present request: its identity, and the redirect when it was ended elsewhere."""

from __future__ import annotations

from flask import redirect, request, url_for
from werkzeug import Response

from flask_signet.gatekeeper import Identity, current_identity, end_session


def signed_in_identity() -> Identity:
    """Return the identity of a closed view, which the gatekeeper guarantees."""
    identity = current_identity()
    if identity is None:
        raise AssertionError("a closed view was reached without an identity")
    return identity


def redirect_ended_session() -> Response:
    """Clear the session and redirect to the login page, which leads back to the present page."""
    end_session("ended_elsewhere")
    return redirect(url_for("auth.login", next=request.path), 303)
