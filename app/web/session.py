"""The identity of a closed view, and the check that its session has not been ended elsewhere."""

from __future__ import annotations

from app.service_errors import explained_as_user
from flask_signet.clients import user_client
from flask_signet.gatekeeper import Identity, SessionEnded, current_identity


def signed_in_identity() -> Identity:
    """Return the identity of a closed view, which the gatekeeper guarantees."""
    identity = current_identity()
    if identity is None:
        raise AssertionError("a closed view was reached without an identity")
    return identity


def require_live_session(identity: Identity) -> None:
    """Raise SessionEnded if the session is over; the gatekeeper then redirects to the login page.

    For reads that return no rows: policies show an ended session none, which looks like an empty table.
    """
    with explained_as_user():
        sessions = user_client(identity).rpc("list_my_sessions", get=True).execute().data
    if not sessions:
        raise SessionEnded("ended_elsewhere")
