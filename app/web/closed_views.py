"""What closed views share: who asks, and the way out for somebody whose session was ended elsewhere."""

from __future__ import annotations

from flask import redirect, request, url_for
from werkzeug import Response

from flask_signet.gatekeeper import Identity, current_identity, end_session


def signed_in() -> Identity:
    """Return who asks; the gatekeeper lets nobody else reach a closed view."""
    identity = current_identity()
    if identity is None:
        raise AssertionError("a closed view was reached without an identity")
    return identity


def see_out() -> Response:
    """Sign somebody out whose session was ended elsewhere: its token opens no row any more."""
    end_session("ended_elsewhere")
    return redirect(url_for("auth.login", next=request.path), 303)
