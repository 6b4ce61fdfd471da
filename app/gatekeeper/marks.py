"""Marks on view functions: which are open to everybody in an app that is closed by default."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

View = TypeVar("View", bound=Callable[..., Any])

_PUBLIC = "_gatekeeper_public"


def public(view: View) -> View:
    """Mark a view as open to people who are not signed in."""
    setattr(view, _PUBLIC, True)
    return view


def is_public(view: Callable[..., Any] | None) -> bool:
    """Return whether a view was marked as public."""
    return bool(getattr(view, _PUBLIC, False))
