"""The identity of a closed view."""

from __future__ import annotations

from flask_signet.gatekeeper import Identity, current_identity


def signed_in_identity() -> Identity:
    """Return the identity of a closed view, which the gatekeeper guarantees."""
    identity = current_identity()
    if identity is None:
        raise AssertionError("a closed view was reached without an identity")
    return identity
