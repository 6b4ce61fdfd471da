"""View decorators: which views are open, which need a session, which take a bearer token."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, ParamSpec, TypeVar

from flask import current_app
from flask.typing import ResponseReturnValue

from .hooks import BEARER_ONLY, PUBLIC, current_gatekeeper, current_identity

P = ParamSpec("P")
View = TypeVar("View", bound=Callable[..., Any])


def public(view: View) -> View:
    """Open a view to requests without a session. Place it below the route decorator."""
    setattr(view, PUBLIC, True)
    return view


def bearer_only(view: View) -> View:
    """Mark a view for API clients: ``Authorization: Bearer`` counts, cookies do not.

    A cross-site form cannot send that header, so the view may be exempt from CSRF checks.
    """
    setattr(view, BEARER_ONLY, True)
    return view


def login_required(view: Callable[P, ResponseReturnValue]) -> Callable[P, ResponseReturnValue]:
    """Close one view, in an app that is open by default (GATEKEEPER_CLOSED=False)."""

    @wraps(view)
    def closed(*args: P.args, **kwargs: P.kwargs) -> Any:
        if current_identity() is None:
            return current_gatekeeper().refuse()
        return current_app.ensure_sync(view)(*args, **kwargs)

    return closed
