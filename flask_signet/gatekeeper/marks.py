"""Marks on view functions: which are open to everybody, which are for API clients with a bearer token."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

View = TypeVar("View", bound=Callable[..., Any])

_PUBLIC = "_gatekeeper_public"
_BEARER = "_gatekeeper_bearer_only"


def public(view: View) -> View:
    """Mark a view as open to people who are not signed in."""
    setattr(view, _PUBLIC, True)
    return view


def bearer_only(view: View) -> View:
    """Mark a view as one for API clients: ``Authorization: Bearer`` counts, cookies do not.

    Since no cookie signs anybody in there, no form token is needed either: exempt it from CSRF checks.
    """
    setattr(view, _BEARER, True)
    return view


def is_bearer_only(view: Callable[..., Any] | None) -> bool:
    """Return whether a view was marked for API clients."""
    return bool(getattr(view, _BEARER, False))


def is_public(view: Callable[..., Any] | None) -> bool:
    """Return whether a view was marked as public."""
    return bool(getattr(view, _PUBLIC, False))
